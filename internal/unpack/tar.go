package unpack

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
)

// maxTrailer is what may follow a tar's end, decompressed: padding.
const maxTrailer = 1 << 20

// tarStream is a tar that is read from front to back.
type tarStream struct {
	r          io.Reader
	decompress decompressor
}

// decompressor returns what a compressed stream holds. Memory for it is d's, and
// of d's pool.
type decompressor func(ctx context.Context, d *decoder, compressed *bufio.Reader) (io.ReadCloser, error)

func stored(_ context.Context, _ *decoder, r *bufio.Reader) (io.ReadCloser, error) {
	return io.NopCloser(r), nil
}

func gunzip(_ context.Context, _ *decoder, r *bufio.Reader) (io.ReadCloser, error) {
	return gzip.NewReader(r)
}

func unzstd(ctx context.Context, d *decoder, r *bufio.Reader) (io.ReadCloser, error) {
	return d.pool.zstd(ctx, r, maxTarWindow)
}

func (s *tarStream) eachContent(ctx context.Context, pool *Pool, do func(context.Context, *Entry, content) error) error {
	d, err := pool.get(ctx)
	if err != nil {
		return err
	}
	defer pool.put(d)
	in := &sourceReader{ctx: ctx, r: s.r}
	r, err := s.decompress(ctx, d, bufio.NewReaderSize(in, 128<<10))
	if err != nil {
		return damagedTar(err, in)
	}
	defer func() { _ = r.Close() }() // it says again what reading said
	for t := tar.NewReader(r); ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := t.Next()
		if in.err == nil && errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damagedTar(err, in)
		}
		if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeDir && isRoot(h.Name) {
			continue
		}
		e, err := tarEntry(h)
		if err != nil {
			return err
		}
		if err := do(ctx, &e, &tarContent{t, h, d.buf, in}); err != nil {
			return err
		}
	}
	// Only the end holds the checksum of what was compressed.
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxTrailer+1))
	switch {
	case err != nil || in.err != nil:
		return damagedTar(err, in)
	case n > maxTrailer:
		return &RefusedError{Reason: "there is more data after the end of the tar"}
	}
	return nil
}

// tarEntry applies the rules for a single entry.
func tarEntry(h *tar.Header) (Entry, error) {
	e := Entry{stored: h.Name, Size: h.Size, Mode: fs.FileMode(h.Mode) & fs.ModePerm} //nolint:gosec // the nine bits of it
	if h.Size > maxSize {
		return e, e.refuse("it declares %d bytes, which no disk holds", h.Size)
	}
	var err error
	if e.Name, err = cleanName(h.Name); err != nil {
		return e, e.refuse("its name %v", err)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
	case tar.TypeDir:
		e.Mode |= fs.ModeDir
	case tar.TypeSymlink:
		e.Mode |= fs.ModeSymlink
		if len(h.Linkname) > maxTarget || !relativeTarget(h.Linkname) {
			return e, e.refuse("its target %q is not a relative path", h.Linkname)
		}
	case tar.TypeLink:
		if e.hardLink, err = cleanName(h.Linkname); err != nil {
			return e, e.refuse("the name it links to %v", err)
		}
	default:
		return e, e.refuse("it is a device or another special file")
	}
	return e, nil
}

// tarContent is the content of the entry that a tar was read up to.
type tarContent struct {
	tar    *tar.Reader
	header *tar.Header
	buf    []byte
	in     *sourceReader // of the tar
}

func (c *tarContent) copy(_ context.Context, w io.Writer) error {
	if c.header.Typeflag == tar.TypeSymlink {
		_, err := io.WriteString(w, c.header.Linkname)
		return err
	}
	out := &entryWriter{w: w}
	_, err := io.CopyBuffer(out, onlyReader{c.tar}, c.buf)
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return damagedTar(err, c.in)
	}
	return nil
}

// onlyReader has no method that would make a copy take another buffer.
type onlyReader struct{ io.Reader }

// damagedTar returns the error for a tar that could not be read: that of its
// reader if it failed, else a refusal.
func damagedTar(err error, in *sourceReader) error {
	if in.err != nil {
		return in.err
	}
	if in.ctx.Err() != nil { // while it waited for memory
		return context.Cause(in.ctx)
	}
	if tooLarge, ok := errors.AsType[*windowError](err); ok {
		return &RefusedError{Reason: tooLarge.Error()}
	}
	return &RefusedError{Reason: fmt.Sprintf("not a sound tar archive: %v", err)}
}
