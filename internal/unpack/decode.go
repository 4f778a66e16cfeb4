package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/artifetch/artifetch/internal/inflate"
)

// source is where an entry's data is: in packed, or else in the archive.
type source struct {
	r      *unitReader
	packed []byte // from the local header on; after find, the data
	off    int64  // of the data in r
}

// find checks the local header, and finds the data behind it.
func (s *source) find(e *Entry) error {
	head, fixed := s.packed, localSize+len(e.stored)
	if head == nil {
		head = make([]byte, fixed)
		if err := readFull(s.r, head, e.start); err != nil {
			return err
		}
	}
	n, err := e.checkLocal(head)
	if err != nil {
		return err
	}
	if err := e.checkLocalName(head[localSize:fixed]); err != nil {
		return err
	}
	s.off = e.start + n
	if s.packed != nil {
		s.packed = s.packed[n : n+e.compressed]
	}
	return nil
}

// open reads the data.
func (s *source) open(e *Entry) io.Reader {
	if s.packed != nil {
		return bytes.NewReader(s.packed)
	}
	return io.NewSectionReader(s.r, s.off, e.compressed)
}

// ahead returns what the decoder needs to work with scouts. It reads the data through in,
// which moves the frontier, and for scouts, ahead of that, from the archive itself.
func (s *source) ahead(e *Entry, in *sourceReader, scouts *inflate.Scouts) inflate.Ahead {
	return inflate.Ahead{
		Scouts: scouts,
		Size:   e.compressed,
		Open: func(off int64) io.Reader {
			in.r = io.NewSectionReader(s.r, s.off+off, e.compressed-off)
			return in
		},
		Has:  func(off, n int64) bool { return s.r.in.has(s.off+off, n) },
		Data: io.NewSectionReader(s.r.in, s.off, e.compressed),
	}
}

// contextWriter ends a long copy with its context.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *contextWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.w.Write(p)
}

// zipContent is the content of an entry of a zip.
type zipContent struct {
	decoder *decoder
	entry   *Entry
	source  source
}

func (c *zipContent) copy(ctx context.Context, w io.Writer) error {
	return c.decoder.copy(ctx, w, c.entry, &c.source)
}

// copy decompresses an entry into w and compares it with its declared size and CRC-32.
func (d *decoder) copy(ctx context.Context, w io.Writer, e *Entry, s *source) error {
	var sum uint32
	var err error
	switch {
	case e.compressed == 0 && e.Size == 0: // some writers leave out even the empty stream
	case e.method == methodStored:
		in := &sourceReader{r: s.open(e)}
		sum, err = d.pump(w, in, in, e)
	case e.method == methodDeflated || e.method == methodDeflate64:
		sum, err = d.expand(w, e, s)
	default:
		sum, err = d.unpack(ctx, w, e, s)
	}
	if err != nil {
		return err
	}
	if sum != e.CRC32 {
		return e.refuse("its CRC-32 is %08x, and %08x was declared", sum, e.CRC32)
	}
	return nil
}

// expand decompresses an entry that is deflated.
func (d *decoder) expand(w io.Writer, e *Entry, s *source) (uint32, error) {
	if d.inflate == nil {
		d.inflate = new(inflate.Decoder)
	}
	in, out := &sourceReader{r: s.open(e)}, &entryWriter{w: w}
	var res inflate.Result
	var err error
	switch {
	case e.method == methodDeflate64:
		res, err = d.inflate.Copy64(out, in, e.Size)
	case s.packed == nil && e.compressed >= worthScouts:
		res, err = d.inflate.CopyAhead(out, e.Size, s.ahead(e, in, d.pool.scouts))
	default:
		res, err = d.inflate.Copy(out, in, e.Size)
	}
	switch {
	case out.err != nil:
		return 0, out.err
	case err != nil:
		return 0, e.damaged(err, in)
	}
	return res.CRC, nil
}

// unpack decompresses an entry by a method that neither stores nor deflates.
func (d *decoder) unpack(ctx context.Context, w io.Writer, e *Entry, s *source) (uint32, error) {
	in := &sourceReader{r: s.open(e)}
	r, err := openers[e.method](ctx, d.pool, in, e)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	return d.pump(w, r, in, e)
}

// pump copies the content of an entry from r to w, and returns its CRC-32. r reads the
// entry's data from in.
func (d *decoder) pump(w io.Writer, r io.Reader, in *sourceReader, e *Entry) (uint32, error) {
	var size int64
	var sum uint32
	buf := piece(&d.buf, min(e.Size, unitBytes)+1) // one more than there should be
	for {
		n, err := r.Read(buf)
		if size += int64(n); size > e.Size {
			return 0, e.refuse("it holds more than the %d bytes it declares", e.Size)
		}
		sum = crc32.Update(sum, crc32.IEEETable, buf[:n])
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return 0, err
			}
		}
		if in.err == nil && errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, e.damaged(err, in)
		}
	}
	if size != e.Size {
		return 0, e.refuse("it holds %d bytes and declares %d", size, e.Size)
	}
	return sum, nil
}

// entryWriter remembers the error of w, to tell it from those of the data.
type entryWriter struct {
	w   io.Writer
	err error
}

func (w *entryWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

// sourceReader remembers the error of r, to tell it from those of the data, and
// fails when its context ends.
type sourceReader struct {
	ctx context.Context // nil: none
	r   io.Reader
	err error
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if r.ctx != nil && r.ctx.Err() != nil {
		r.err = context.Cause(r.ctx)
		return 0, r.err
	}
	n, err := r.r.Read(p)
	// A *ReadError may wrap an io.EOF, which is not the end of the data.
	if _, failed := errors.AsType[*ReadError](err); failed || err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// damaged returns the error for data that could not be decompressed: that of the
// reader if it failed, else a refusal.
func (e *Entry) damaged(err error, in *sourceReader) error {
	var corrupt *inflate.Error
	var refused *RefusedError
	switch {
	case in.err != nil:
		return fmt.Errorf("entry %q: %w", e.stored, in.err)
	case errors.As(err, &refused):
		return e.refuse("%s", refused.Reason)
	case errors.As(err, &corrupt) && errors.Is(err, inflate.ErrSize):
		return e.refuse("it holds %s and declares %d", corrupt.Detail, e.Size)
	}
	return e.refuse("its compressed data is damaged: %v", err)
}
