package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
)

const (
	tarBlock = 512 // bytes
	// maxTrailer is what may follow a tar's end, decompressed, in bytes: padding.
	maxTrailer = 1 << 20
)

// tarStream is a tar, perhaps a compressed one, that is read from front to back.
type tarStream struct{ r io.Reader }

// noTarError says that a file is no tar, compressed or not. Its text is a noun phrase for
// what the file is.
type noTarError struct{ what string }

func (e *noTarError) Error() string { return e.what }

// eachContent returns a *noTarError, before it calls do, if there is no tar.
func (s *tarStream) eachContent(ctx context.Context, pool *Pool, do func(context.Context, *Entry, content) error) error {
	d, err := pool.get(ctx)
	if err != nil {
		return err
	}
	defer pool.put(d)
	in := &sourceReader{ctx: ctx, r: s.r}
	r, done, err := openTar(ctx, pool, bufio.NewReaderSize(in, 128<<10))
	if err != nil {
		return damagedTar(err, in)
	}
	defer done()
	counted := &countingReader{r: r}
	t, entries := tar.NewReader(counted), false
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := t.Next()
		if in.err == nil && errors.Is(err, io.EOF) {
			if counted.n%tarBlock != 0 { // archive/tar takes it for the end
				return damagedTar(io.ErrUnexpectedEOF, in)
			}
			break
		}
		if err != nil {
			return damagedTar(err, in)
		}
		entries = true
		if isNoMember(h) {
			continue
		}
		e, err := tarEntry(h)
		if err != nil {
			return err
		}
		if err := do(ctx, &e, &tarContent{t, h, piece(&d.buf, max(h.Size, 1)), in}); err != nil {
			return err
		}
	}
	padded, err := readTrailer(r)
	switch {
	case err != nil || in.err != nil:
		return damagedTar(err, in)
	case !padded && !entries:
		return &noTarError{"data of an unknown format"}
	}
	return nil
}

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// openTar looks for a tar in a file, by its bytes alone. The caller calls done when it has
// read the tar. A file that holds none gives a *noTarError.
func openTar(ctx context.Context, pool *Pool, file *bufio.Reader) (t *bufio.Reader, done func(), err error) {
	head, err := peek(file, tarBlock)
	if err != nil {
		return nil, nil, err
	}
	if isTar(head) {
		return file, func() {}, nil
	}
	c := compressionOf(head)
	if c == nil {
		return nil, nil, &noTarError{describe(head)}
	}
	r, err := c.open(ctx, pool, file)
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = r.Close() } // it says again what reading said
	t = bufio.NewReader(r)
	if head, err = peek(t, tarBlock); err == nil && !isTar(head) {
		err = &noTarError{c.name + " data without a tar in it"}
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return t, done, nil
}

// isTar reports whether a block is a header by its checksum, or zeros, as at the end of a
// tar.
func isTar(block []byte) bool {
	if len(block) < tarBlock {
		return false
	}
	if len(bytes.Trim(block, "\x00")) == 0 {
		return true
	}
	const at, size = 148, 8 // of the checksum, which counts as blanks
	declared, err := strconv.ParseInt(string(bytes.Trim(block[at:at+size], " \x00")), 8, 64)
	unsigned, signed := int64(size*' '), int64(size*' ') // some old programs added up signed bytes
	for i, b := range block {
		if i < at || i >= at+size {
			unsigned += int64(b)
			signed += int64(int8(b)) //nolint:gosec // on purpose
		}
	}
	return err == nil && (declared == unsigned || declared == signed)
}

// readTrailer reads what follows the end of a tar, since only the end of what is compressed
// has its checksum. It reports whether that is nothing but zeros. As tar does, it ignores
// anything else, unless that is another tar, which would be lost.
func readTrailer(r *bufio.Reader) (zeros bool, err error) {
	zeros = true
	for n := 0; ; n += tarBlock {
		block, err := peek(r, tarBlock)
		if err != nil || len(block) == 0 {
			return zeros, err
		}
		if n+len(block) > maxTrailer {
			return false, &RefusedError{Reason: "there is more data after the end of the tar"}
		}
		if len(bytes.Trim(block, "\x00")) > 0 {
			if isTar(block) {
				return false, &RefusedError{Reason: "another tar follows the end of the tar"}
			}
			zeros = false
		}
		if _, err := r.Discard(len(block)); err != nil {
			return false, err
		}
	}
}

// Types of GNU tar that archive/tar does not name.
const (
	typeDumpdir = 'D' // a directory in an incremental backup; its data lists its contents
	typeVolume  = 'V' // the label of the tar
)

// isNoMember reports whether nothing is made for a header.
func isNoMember(h *tar.Header) bool {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader, typeVolume:
		return true
	case tar.TypeDir, typeDumpdir:
		return isRoot(h.Name)
	}
	return false
}

// tarEntry applies the rules for a single entry.
func tarEntry(h *tar.Header) (Entry, error) {
	e := Entry{stored: h.Name, Size: h.Size, Mode: fs.FileMode(h.Mode) & fs.ModePerm} //nolint:gosec // the nine bits of it
	if h.Size > maxSize {
		return e, e.refuse("it declares %d bytes, which no disk holds", h.Size)
	}
	e.mtime = new(sinceEpoch(h.ModTime))
	var err error
	if e.Name, err = cleanName(h.Name); err != nil {
		return e, e.refuse("its name %v", err)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
	case tar.TypeDir, typeDumpdir:
		e.Mode |= fs.ModeDir
		e.Size = 0
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

// tarContent is the content of the entry whose header was read last.
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

// damagedTar returns the error for a tar that could not be read: that of its reader if it
// failed, else a refusal, or that the file is no tar.
func damagedTar(err error, in *sourceReader) error {
	if in.err != nil {
		return in.err
	}
	if in.ctx.Err() != nil { // while it waited for memory
		return context.Cause(in.ctx)
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused
	}
	if none, ok := errors.AsType[*noTarError](err); ok {
		return none
	}
	return &RefusedError{Reason: fmt.Sprintf("not a sound tar archive: %v", err)}
}
