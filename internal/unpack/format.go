package unpack

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"
)

// Format is an archive format that artifacts arrive in. A new one takes a file with a
// value of this type, and a row of Formats.
type Format struct {
	// Ext is how the names of files of this format end, in lower case, with the dot.
	Ext string
	// MediaTypes say, in lower case and without parameters, that a file has this format,
	// whatever it begins with.
	MediaTypes []string
	// Is reports whether a file that begins like head has this format.
	Is func(head []byte) bool
	// open reads and checks the list of entries, and takes each from o.Budget. It sets
	// Size, Replaced, index and entries. The errors of in are *ReadError.
	open func(in input, size int64, o Options) (*Archive, error)
}

// Names reports whether the name of a file says that it has this format.
func (f *Format) Names(file string) bool { return strings.EqualFold(path.Ext(file), f.Ext) }

// FormatList is a list of formats, of which the first that fits counts.
type FormatList []*Format

// Formats are the formats of artifacts.
var Formats = FormatList{Zip}

// ByMediaType returns the format that a media type says, or nil.
func (l FormatList) ByMediaType(mediaType string) *Format {
	return l.first(func(f *Format) bool { return slices.Contains(f.MediaTypes, mediaType) })
}

// ByHead returns the format of a file that begins like head, or nil.
func (l FormatList) ByHead(head []byte) *Format {
	return l.first(func(f *Format) bool { return f.Is(head) })
}

func (l FormatList) first(fits func(*Format) bool) *Format {
	if i := slices.IndexFunc(l, fits); i >= 0 {
		return l[i]
	}
	return nil
}

// index lists the entries of an open archive, whose format it knows.
type index interface {
	// all calls do for every entry that can be extracted, in the order in which they lie
	// in the archive, and returns its first error. An entry is valid until do returns, and
	// all keeps none of them: an archive may have millions.
	all(do func(e *Entry, chosen bool) error) error
	// contents returns the contents of the entries chosen, which tell front how far they
	// have been read.
	contents(front *frontier) contents
}

// contents is what an archive of some format holds. Extraction, expansion and
// verification know no more of formats.
type contents interface {
	// eachContent calls do for every entry while the archive arrives, roughly from
	// its front to its back. A format may call do for several entries at a time,
	// each with a decoder of pool, and does not keep entries or their names after
	// do has returned. The first failure ends it: that of do, a *RefusedError, or
	// a *ReadError.
	eachContent(ctx context.Context, pool *Pool, do func(ctx context.Context, e *Entry, c content) error) error
}

// content is the content of an entry, for a symlink its target. It can be read
// once.
type content interface {
	// copy writes all of it to w and compares it with what the archive declares.
	// Errors of w are returned as they are.
	copy(ctx context.Context, w io.Writer) error
}

// text returns a short content.
func text(ctx context.Context, c content) (string, error) {
	var b bytes.Buffer
	err := c.copy(ctx, &b)
	return b.String(), err
}

// namedTar reports whether a file is named as a tar: by its ending, in any case. The name
// does not tell the compression.
func namedTar(name string) bool {
	name = strings.ToLower(name)
	for _, suffix := range []string{".tar", ".tgz", ".tbz", ".tbz2", ".tb2", ".txz", ".tzst"} {
		if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return true
		}
	}
	stem, kind, ok := strings.Cut(name, ".tar.")
	return ok && stem != "" && kind != ""
}
