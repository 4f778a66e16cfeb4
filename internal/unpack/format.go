package unpack

import (
	"bytes"
	"context"
	"io"
	"strings"
)

// contents is what an archive of some format holds. Extraction, expansion and
// verification know no more of formats. To add one takes a file with a type
// that has this method.
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
