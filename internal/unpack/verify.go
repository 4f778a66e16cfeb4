package unpack

import (
	"context"
	"io"
)

// Verify compares every entry chosen with its local header, its size and its
// CRC-32, and writes nothing: it is for an archive that is kept as it is. Its
// errors are those of Extract. It reads the archive from front to back, as many
// entries at a time as o.Pool allows, and releases nothing of it.
func (a *Archive) Verify(ctx context.Context, o ExtractOptions) error {
	return a.Copy(ctx, io.Discard, o)
}

// Copy does what Verify does, and writes the contents of the entries chosen to w. If there
// are several, w is used concurrently. If Copy fails, the bytes written must not be used.
// Errors of w are returned as they are.
func (a *Archive) Copy(ctx context.Context, w io.Writer, o ExtractOptions) error {
	if o.Pool == nil {
		o.Pool = defaultPool()
	}
	return a.index.contents(&frontier{}).eachContent(ctx, o.Pool, func(ctx context.Context, e *Entry, c content) error {
		if e.Mode.IsDir() {
			return nil
		}
		return c.copy(ctx, &contextWriter{ctx, w})
	})
}
