package inflate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// maxSteps and maxLiterals bound what a Scout keeps. Data that needs more in a stride
	// is so compressible that a Decoder alone is as fast as memory.
	maxSteps    = 192 << 10
	maxLiterals = 512 << 10
	// searched is how many bytes a Scout looks through for the beginning of a block. Most
	// compressors begin one after 10 to 50 KiB.
	searched = 128 << 10
	// mostGuesses is how many headers a Scout reads in vain, each of which takes up to 10 µs. In
	// as many bytes of noise as are searched there are 700 that it reads, in text 1,100. In
	// stored data that repeats a few bytes, each repetition may look like a header.
	mostGuesses = 2048
	// beyond is how many bytes a Scout reads behind its part, to reach the end of a block.
	beyond = 64 << 10
	// largeBlock is how many bytes a block has that counts as large.
	largeBlock = 4 << 10
)

// Scout decodes the codes of blocks in the middle of a stream, and keeps literals and matches
// as steps. A Decoder that comes to the first of these blocks carries out the steps, which
// takes it a sixth to half of the time that decoding takes. A Scout takes 2.9 MiB.
//
// A Scout guesses where a block begins. A wrong guess does no harm: a Decoder uses the steps
// only if it comes to a block that begins at the very bit where the Scout began. From there
// on the codes mean the same to both.
type Scout struct {
	d        Decoder // out has the literals that are not in literals yet
	steps    [maxSteps]step
	literals [maxLiterals + slack]byte
	n        int  // of steps
	kept     int  // of literals
	mark     int  // how many of all literals are in steps
	large    bool // the block before was large, or there was none
	guesses  int  // how many headers were read in search of a block

	input [defaultStride + beyond]byte
	data  []byte        // what input has of the stream
	from  int64         // where in the stream data begins, in bytes
	until int64         // no block is decoded that begins here or further on
	done  chan struct{} // closed when search has returned
	ended atomic.Bool   // set when its result is no longer needed

	// The blocks decoded begin and end at these bits of the stream. start is -1 if there
	// are none.
	start, end int64
	last       bool // the stream ends at end
}

// errScout is the error of a Scout's Decoder at the end of the input or of the memory.
var errScout = errors.New("inflate: a scout has come to its end")

// search looks for a block in data, and decodes it and those that follow it.
func (s *Scout) search() {
	d := &s.d
	d.begin(io.Discard, bytes.NewReader(s.data), math.MaxInt64, &deflateFormat)
	d.base, d.scout = s.from, s
	s.n, s.kept, s.mark, s.guesses, s.start, s.last = 0, 0, 0, 0, -1, false
	if s.find() {
		s.decode()
	}
}

// decode decodes blocks until one fails, or begins behind the part. It keeps no step of a block
// that fails.
func (s *Scout) decode() {
	d := &s.d
	start := d.bit()
	s.large = true
	for at := start; at < s.until*8 && !s.last && !s.ended.Load(); at = d.bit() {
		n := s.n
		last, err := d.block()
		if err != nil || s.n == maxSteps || !s.keep() { // fast leaves room for the last step, stored does not
			s.n = n
			break
		}
		s.steps[s.n] = step{literals: uint32(s.kept - s.mark)}
		s.n++
		s.mark = s.kept
		s.start, s.end, s.last = start, d.bit(), last
		s.large = s.end-at >= largeBlock*8
	}
}

// keep moves literals from out to literals. It reports whether there was room for them.
func (s *Scout) keep() bool {
	fresh := s.d.out[:s.d.o]
	if len(fresh) > maxLiterals-s.kept {
		return false
	}
	s.kept += copy(s.literals[s.kept:], fresh)
	s.d.o = 0
	return true
}

// find moves to what looks like the header of a dynamic block that is not the last one
// (RFC 1951, section 3.2.7): not one position in millions does by chance.
func (s *Scout) find() bool {
	d, sums := &s.d, shares()
	for limit := s.from + searched; ; {
		d.acc, d.n = 0, 0
		d.fill(headerMargin)
		if d.end-d.p < headerMargin || d.base+int64(d.p) > limit || s.ended.Load() {
			return false
		}
		for end := d.end - headerMargin/2; d.p < end; d.p += candidateBits / 8 {
			if s.guesses > mostGuesses {
				return false
			}
			for set := candidates(binary.LittleEndian.Uint64(d.in[d.p:])); set != 0; set &= set - 1 {
				if s.isHeader(sums, uint(bits.TrailingZeros64(set))) {
					return true
				}
			}
		}
	}
}

// candidateBits is how many bits of a word candidates answers for. Behind the last of them, the
// word has the 13 bits that candidates looks at.
const candidateBits = 48

// candidates returns at which bits of v the first 13 bits of a header may begin: 0, then 01
// from its highest bit on, then two numbers of 5 bits that are less than 30.
func candidates(v uint64) uint64 {
	fours := v & (v >> 1) & (v >> 2) & (v >> 3) // all of four bits are set
	return ^v & ^(v >> 1) & (v >> 2) &^ (fours >> 4) &^ (fours >> 9) & (1<<candidateBits - 1)
}

// shares returns a table with an entry for each four lengths of codes, of 3 bits each: how many of
// the 128 values of 7 bits begin with one of the four codes. A code of length 0 does not exist.
var shares = sync.OnceValue(func() *[1 << 12]uint16 {
	sums := new([1 << 12]uint16)
	for i := range sums {
		for rest := i; rest > 0; rest >>= 3 {
			if n := rest & 7; n > 0 {
				sums[i] += 1 << preBits >> n
			}
		}
	}
	return sums
})

// isHeader reports whether a sound header begins skip bits after the input's position. If so, it
// moves the position there. It looks at the code of code lengths first, which is cheapest. sums
// are those of shares.
func (s *Scout) isHeader(sums *[1 << 12]uint16, skip uint) bool {
	d := &s.d
	at, shift := d.p+int(skip+13)/8, (skip+13)%8
	v := binary.LittleEndian.Uint64(d.in[at:])>>shift | uint64(d.in[at+8])<<(63-shift)<<1
	v = v >> 4 & (1<<(3*(v&15+4)) - 1)
	if sums[v%4096]+sums[v>>12%4096]+sums[v>>24%4096]+sums[v>>36%4096]+sums[v>>48] != 1<<preBits {
		return false
	}
	s.guesses++
	p := d.p
	d.p += int(skip / 8)
	d.take(skip%8 + 3)
	is := d.readCodes() == nil && d.lengths[256] != 0 && d.lit[0] != invalid
	d.p, d.acc, d.n = p, 0, 0
	if is {
		d.p += int(skip / 8)
		d.take(skip % 8)
	}
	return is
}
