// Package inflate decompresses raw DEFLATE and Deflate64 streams (RFC 1951) of a known
// size, such as those in zip files.
//
// Contract:
//
//   - The result is that of compress/flate for every input: the same bytes, or
//     an *Error where compress/flate fails. Fuzz tests compare the two, decode with fast,
//     and Deflate64 with a simple decoder.
//   - The output must have exactly the size that was announced.
//   - Nothing outside of the buffers is read or written, whatever the input: every index
//     of the fast loop is masked to what its array has. That in assembly says why it needs
//     no masks.
//   - CRC-32 (IEEE, as in zip) is computed over the output while it is in the
//     processor's cache.
//
// How it is fast: bits come from a 64-bit accumulator that is refilled by a load of
// 8 bytes; codes are looked up by 11 or 9 bits at once, with their extra bits and base
// value in the entry, and the next one before the last one's match is copied; up to three
// literals are decoded without a refill; matches are copied by 16 or 8 bytes. All that is in
// fast, which needs some input and space for output ahead. slow decodes the last bytes,
// symbol by symbol. Tables are built in the order of codes, by doubling. On amd64, decode does
// in assembly what fast does in Go. For large blocks it has one more table, whose entries
// are packs: up to three literals, or a literal and a length.
//
// CopyAhead decompresses one large stream on several cores. Scouts look for blocks further
// on in the stream, and decode their codes. What these stand for depends on the output before
// them, so they keep literals and matches as a list of steps. The Decoder decodes block
// after block, and where it comes to one that a Scout has decoded, it carries out the steps.
// On amd64, decode makes the steps, and carry carries them out.
//
// Deflate64 (method 9 of zip, "enhanced deflating") has no public description but
// that of PKWARE's APPNOTE.TXT, section 4.4.5, and the programs that read it. It is
// DEFLATE with a window of 64 KiB, two more symbols for distances, and matches of up
// to 65,538 bytes: see format. It is rare, and slow decodes all of it.
package inflate

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Reasons why a stream cannot be decompressed, wrapped in an *Error.
var (
	ErrCorrupt = errors.New("corrupt DEFLATE data")
	// ErrSize means that the output does not have the announced size.
	ErrSize = errors.New("not of the announced size")
	// A stream that ends early is io.ErrUnexpectedEOF.
)

// Error says why, and where, a stream cannot be decompressed.
type Error struct {
	Offset int64 // of the compressed data, in bytes; about
	Detail string
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v: %s, near byte %d of the compressed data", e.Err, e.Detail, e.Offset)
}

// Unwrap gives ErrCorrupt, ErrSize or io.ErrUnexpectedEOF.
func (e *Error) Unwrap() error { return e.Err }

// Result is what is known of a decompressed stream.
type Result struct {
	Consumed int64  // bytes of compressed data
	CRC      uint32 // CRC-32 (IEEE) of the output
}

const (
	// inputSize and outputSize are powers of two, so that a masked index is in bounds.
	inputSize  = 64 << 10
	outputSize = 256 << 10 // with the window
	// slack is how much is written at once, at most, beyond the end of a match.
	slack = 32

	// headerMargin is more than the header of a block takes: at most 14 bits, 19 times 3,
	// and 316 times 14.
	headerMargin = 1 << 10
)

// input and output have room for what is read or written at once at their last byte.
type (
	input  [inputSize + 8]byte
	output [outputSize + slack]byte
)

// Decoder decompresses one stream after another. It takes 360 KiB, for its tables and
// buffers. It is not safe for concurrent use. The zero Decoder is ready.
type Decoder struct {
	lit  litTable
	dist distTable
	in   input
	out  output // begins with the window

	p, end int    // in[p:end] was not read yet
	o      int    // where in out the next byte goes
	acc    uint64 // bits not consumed yet, the next one lowest
	n      uint   // how many of acc count

	format *format
	fixed  bool // lit and dist are the tables of the fixed codes

	base   int64 // consumed before in[0]
	source io.Reader
	srcErr error // the error that source ended with
	sink   io.Writer
	done   int   // how much of out is in the CRC, and written
	total  int64 // of the output, before out[done]
	size   int64 // announced
	crc    uint32

	lengths [fixedLit + fixedDist]uint8

	packs packs
	way   way

	ahead *ahead // of a CopyAhead, else nil
	scout *Scout // the Scout that this Decoder belongs to, or nil
}

// way is one of the ways to decode, which have the same result. Only tests choose one.
type way int

const (
	best     way = iota // what is fastest on this processor
	portable            // fast
	packed              // decode, if this processor can, with packs in every block
)

// Copy decompresses size bytes from r to w. It writes blocks of up to 256 KiB. It may read
// more of r than belongs to the stream. It returns errors of r and w unchanged.
func (d *Decoder) Copy(w io.Writer, r io.Reader, size int64) (Result, error) {
	return d.copy(w, r, size, &deflateFormat)
}

// Copy64 is Copy for a Deflate64 stream.
func (d *Decoder) Copy64(w io.Writer, r io.Reader, size int64) (Result, error) {
	return d.copy(w, r, size, &deflate64Format)
}

func (d *Decoder) copy(w io.Writer, r io.Reader, size int64, f *format) (Result, error) {
	d.begin(w, r, size, f)
	err := d.stream()
	res := Result{Consumed: d.consumed(), CRC: d.crc}
	d.source, d.sink = nil, nil
	return res, err
}

func (d *Decoder) begin(w io.Writer, r io.Reader, size int64, f *format) {
	d.format, d.fixed = f, false
	d.p, d.end, d.acc, d.n, d.o, d.done = 0, 0, 0, 0, 0, 0
	d.base, d.srcErr, d.total, d.crc = 0, nil, 0, 0
	d.size = size
	d.packs.none()
	d.source, d.sink = r, w
}

// written is how much output there is.
func (d *Decoder) written() int64 { return d.total + int64(d.o-d.done) }

// bit returns at which bit of the compressed data d is.
func (d *Decoder) bit() int64 { return (d.base+int64(d.p))*8 - int64(d.n) }

// consumed counts whole bytes of input, without those that are still in acc.
func (d *Decoder) consumed() int64 { return d.base + int64(d.p) - int64(d.n/8) }

// fail returns an error at the current position.
func (d *Decoder) fail(err error, detail string) error {
	return &Error{Offset: d.consumed(), Detail: detail, Err: err}
}

// truncated returns the error for input that ended: that of r, if it had one.
func (d *Decoder) truncated() error {
	if d.srcErr != nil && d.srcErr != io.EOF { //nolint:errorlint // an error that wraps io.EOF is a failure of r
		return d.srcErr
	}
	return d.fail(io.ErrUnexpectedEOF, "the data ends within the stream")
}

// stream decompresses all blocks.
func (d *Decoder) stream() error {
	for last := false; !last; {
		var err error
		if d.ahead != nil {
			last, err = d.ahead.advance(d)
		}
		if !last && err == nil {
			last, err = d.block()
		}
		if err != nil {
			return err
		}
	}
	if err := d.flush(); err != nil {
		return err
	}
	if d.total != d.size {
		return d.fail(ErrSize, fmt.Sprintf("%d bytes", d.total))
	}
	return nil
}

// block decompresses one block, and reports whether it is the last.
func (d *Decoder) block() (bool, error) {
	d.fill(headerMargin)
	header, ok := d.take(3)
	if !ok {
		return false, d.truncated()
	}
	last := header&1 != 0
	switch header >> 1 {
	case 0:
		return last, d.stored()
	case 1:
		d.useFixedCodes()
	case 2:
		if err := d.readCodes(); err != nil {
			return false, err
		}
	default:
		return false, d.fail(ErrCorrupt, "a block of a type that does not exist")
	}
	return last, d.codes()
}

// codes decompresses the compressed data of a block.
func (d *Decoder) codes() error {
	for {
		if err := d.room(); err != nil {
			return err
		}
		d.fill(headerMargin)
		why := stopMargin
		switch {
		case d.scout != nil:
			why = d.scout.quick()
		case d.format == &deflateFormat:
			why = d.quick()
		}
		switch why {
		case stopEnd:
			return nil
		case stopDistance:
			return d.fail(ErrCorrupt, "a distance that leads to before the beginning")
		case stopInvalid:
			return d.fail(ErrCorrupt, "a code that does not exist")
		case stopMargin:
		}
		if d.moreRoom() || d.moreInput() {
			continue
		}
		if d.scout != nil {
			return errScout
		}
		end, err := d.slow()
		if end || err != nil {
			return err
		}
	}
}

// moreRoom reports whether so little space for output is left that room has to make more.
func (d *Decoder) moreRoom() bool { return outputSize-d.o < d.format.margin }

// moreInput reports whether little input is left, and fill can get more.
func (d *Decoder) moreInput() bool { return d.srcErr == nil && d.end-d.p < inMargin }

// room makes space for output, by writing the buffer's content.
func (d *Decoder) room() error {
	if !d.moreRoom() {
		return nil
	}
	if d.scout != nil {
		if !d.scout.keep() {
			return errScout
		}
		return nil
	}
	return d.slide()
}

// slide writes the buffer's content, and keeps the window.
func (d *Decoder) slide() error {
	if err := d.flush(); err != nil {
		return err
	}
	window := d.format.window
	copy(d.out[:window], d.out[d.o-window:d.o])
	d.o, d.done = window, window
	return nil
}

// flush adds new output to the CRC and writes it.
func (d *Decoder) flush() error {
	if d.done == d.o {
		return nil
	}
	fresh := d.out[d.done:d.o]
	if int64(len(fresh)) > d.size-d.total {
		return d.full()
	}
	d.crc = crc32.Update(d.crc, crc32.IEEETable, fresh)
	d.total += int64(len(fresh))
	d.done = d.o
	_, err := d.sink.Write(fresh)
	return err
}

// fill makes sure that n bytes of input are ahead, unless the input ends before. An error
// of the source counts once its data is used up.
func (d *Decoder) fill(n int) {
	if d.srcErr != nil || d.end-d.p >= n {
		return
	}
	keep := min(d.p, 8) // acc may have some of them, which stored gives back
	d.end = copy(d.in[:], d.in[d.p-keep:d.end])
	d.base += int64(d.p - keep)
	d.p = keep
	for empty := 0; d.end-keep < n && d.srcErr == nil; {
		got, err := d.source.Read(d.in[d.end:inputSize])
		d.end += got
		d.srcErr = err
		if got == 0 && err == nil {
			if empty++; empty == 100 {
				d.srcErr = io.ErrNoProgress
			}
		}
	}
}

// refill adds whole bytes to acc as long as they fit.
func (d *Decoder) refill() {
	if d.p+8 <= d.end {
		d.p, d.acc, d.n = d.in.refill(d.p, d.acc, d.n)
		return
	}
	for d.n <= 56 && d.p < d.end {
		d.acc |= uint64(d.in[d.p]) << d.n
		d.p++
		d.n += 8
	}
}

// take consumes n bits, at most 16.
func (d *Decoder) take(n uint) (uint, bool) {
	if d.n < n {
		d.refill()
		if d.n < n {
			return 0, false
		}
	}
	v := uint(d.acc) & (1<<n - 1)
	d.acc >>= n
	d.n -= n
	return v, true
}
