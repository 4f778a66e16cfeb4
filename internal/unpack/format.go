package unpack

import (
	"bytes"
	"context"
	"io"
	"strings"
)

// contents is what an archive of some format holds. Extraction, expansion and
// verification know no more of formats. To add one takes a file with a type
// that has this method, and a row of nested if ExpandTars is to find it.
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
	// copy writes all of it to w and holds it against what the archive declares.
	// Errors of w are returned as they are.
	copy(ctx context.Context, w io.Writer) error
}

// text returns a short content.
func text(ctx context.Context, c content) (string, error) {
	var b bytes.Buffer
	err := c.copy(ctx, &b)
	return b.String(), err
}

// nested are the formats of the files that ExpandTars expands, by the ends of
// their names.
var nested = []struct {
	suffix string
	open   func(r io.Reader) contents
}{
	{".tar", func(r io.Reader) contents { return &tarStream{r, stored} }},
	{".tar.gz", func(r io.Reader) contents { return &tarStream{r, gunzip} }},
	{".tgz", func(r io.Reader) contents { return &tarStream{r, gunzip} }},
	{".tar.zst", func(r io.Reader) contents { return &tarStream{r, unzstd} }},
}

// nestedFormat returns what opens a file of a name, or nil if ExpandTars leaves
// such files alone.
func nestedFormat(name string) func(r io.Reader) contents {
	for _, f := range nested {
		if len(name) > len(f.suffix) && strings.HasSuffix(name, f.suffix) {
			return f.open
		}
	}
	return nil
}
