package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/artifetch/artifetch/internal/inflate"
)

const (
	// wholeEntry is up to what size, packed and unpacked, an entry is
	// decompressed in one piece.
	wholeEntry = unitBytes
	// maxZstdWindow is what zstd entries may need of memory; 8 MiB are what
	// RFC 8878, section 3.1.1.1.2 recommends to support.
	maxZstdWindow = 8 << 20
)

// Pool bounds how many entries are decompressed at a time, and with them the
// memory: about 1 MiB each. It is safe for concurrent use.
type Pool struct {
	free chan *decoder
}

// NewPool makes a pool for n entries.
func NewPool(n int) *Pool {
	p := &Pool{free: make(chan *decoder, n)}
	for range n {
		p.free <- &decoder{}
	}
	return p
}

func (p *Pool) get(ctx context.Context) (*decoder, error) {
	select {
	case d := <-p.free:
		if d.packed == nil {
			d.packed, d.buf = make([]byte, unitBytes), make([]byte, wholeEntry+inflate.Margin)
		}
		return d, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *Pool) put(d *decoder) { p.free <- d }

// source is where an entry's data is: in memory, or in the archive.
type source struct {
	r      io.ReaderAt
	packed []byte // from the local header on, and once it was found the data
	off    int64  // of the data in r
}

// find checks the local header and finds the data behind it.
func (s *source) find(e *Entry) error {
	head := s.packed
	if head == nil {
		head = make([]byte, localSize+len(e.raw))
		if err := readFull(s.r, head, e.start); err != nil {
			return err
		}
	}
	n, err := e.checkLocal(head)
	if err != nil {
		return err
	}
	if err := e.checkLocalName(head[localSize : localSize+len(e.raw)]); err != nil {
		return err
	}
	s.off = e.start + n
	if s.packed != nil {
		s.packed = s.packed[n : n+e.CompressedSize]
	}
	return nil
}

// open reads the data.
func (s *source) open(e *Entry) io.Reader {
	if s.packed != nil {
		return bytes.NewReader(s.packed)
	}
	return io.NewSectionReader(s.r, s.off, e.CompressedSize)
}

// decoder holds what one worker uses again and again.
type decoder struct {
	inflate inflate.Decoder
	zstd    *zstd.Decoder // made when it is first needed
	packed  []byte        // neighbours as they lie in the archive
	buf     []byte        // the content of an entry, or a piece of it
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

// copy decompresses an entry into w and holds it against its size and
// CRC-32.
func (d *decoder) copy(w io.Writer, e *Entry, s *source) error {
	var sum uint32
	var err error
	switch {
	case e.Method == methodStored:
		sum, err = d.pump(w, s.open(e), e)
	case e.Method == methodZstd:
		sum, err = d.unzstd(w, e, s)
	case s.packed != nil && e.Size <= wholeEntry:
		sum, err = d.small(w, e, s.packed)
	default:
		out := &entryWriter{w: w}
		var res inflate.Result
		if res, err = d.inflate.Copy(out, s.open(e), e.Size); err != nil {
			err = e.damaged(err, out.err)
		}
		sum = res.CRC
	}
	if err != nil {
		return err
	}
	if sum != e.CRC32 {
		return e.refuse("its CRC-32 is %08x, and %08x was declared", sum, e.CRC32)
	}
	return nil
}

// text is the content of a small entry.
func (d *decoder) text(e *Entry, s *source) (string, error) {
	var b bytes.Buffer
	err := d.copy(&b, e, s)
	return b.String(), err
}

// small decompresses an entry as a whole, and writes it in one piece.
func (d *decoder) small(w io.Writer, e *Entry, packed []byte) (uint32, error) {
	res, err := d.inflate.Decode(d.buf, int(e.Size), packed)
	if err != nil {
		return 0, e.damaged(err, nil)
	}
	if _, err := w.Write(d.buf[:e.Size]); err != nil {
		return 0, e.writing(err)
	}
	return res.CRC, nil
}

// unzstd decompresses an entry of method 93.
func (d *decoder) unzstd(w io.Writer, e *Entry, s *source) (uint32, error) {
	if d.zstd == nil {
		var err error
		if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true)); err != nil {
			return 0, err
		}
	}
	if err := d.zstd.Reset(s.open(e)); err != nil {
		return 0, e.damaged(err, nil)
	}
	return d.pump(w, d.zstd, e)
}

// pump copies the content of an entry, and computes its CRC-32.
func (d *decoder) pump(w io.Writer, r io.Reader, e *Entry) (uint32, error) {
	var size int64
	var sum uint32
	for {
		n, err := r.Read(d.buf)
		if size += int64(n); size > e.Size {
			return 0, e.refuse("it holds more than the %d bytes it declares", e.Size)
		}
		sum = crc32.Update(sum, crc32.IEEETable, d.buf[:n])
		if n > 0 {
			if _, err := w.Write(d.buf[:n]); err != nil {
				return 0, e.writing(err)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, e.damaged(err, nil)
		}
	}
	if size != e.Size {
		return 0, e.refuse("it holds %d bytes and declares %d", size, e.Size)
	}
	return sum, nil
}

// entryWriter remembers its own error, to tell it from those of the data.
type entryWriter struct {
	w   io.Writer
	err error
}

func (w *entryWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

func (e *Entry) writing(err error) error { return fmt.Errorf("write %q: %w", e.Name, err) }

// damaged tells bad data from a reader that fails, and from a writer that
// did.
func (e *Entry) damaged(err, writing error) error {
	var corrupt *inflate.Error
	switch {
	case writing != nil:
		return e.writing(writing)
	case errors.As(err, &corrupt) && errors.Is(err, inflate.ErrSize):
		return e.refuse("it holds %s and declares %d", corrupt.Detail, e.Size)
	case corrupt != nil, errors.Is(err, io.ErrUnexpectedEOF), isZstdError(err):
		return e.refuse("its compressed data is damaged: %v", err)
	}
	return fmt.Errorf("read entry %q: %w", e.raw, err)
}

// isZstdError tells zstd's own errors, all of which are about the data.
func isZstdError(err error) bool {
	return slices.ContainsFunc(zstdErrors, func(z error) bool { return errors.Is(err, z) })
}

var zstdErrors = []error{
	zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize, zstd.ErrMagicMismatch,
	zstd.ErrWindowSizeExceeded, zstd.ErrWindowSizeTooSmall, zstd.ErrDecoderSizeExceeded, zstd.ErrUnknownDictionary,
	zstd.ErrFrameSizeExceeded, zstd.ErrFrameSizeMismatch, zstd.ErrCRCMismatch,
}
