package inflate

import (
	"bytes"
	"math/bits"
)

// bitWriter writes streams by hand.
type bitWriter struct {
	b   []byte
	acc uint64
	n   uint
}

// bits writes the low n bits of v, the lowest first.
func (w *bitWriter) bits(v uint64, n uint) {
	w.acc |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.acc))
		w.acc >>= 8
	}
}

// code writes a Huffman code, its highest bit first.
func (w *bitWriter) code(v, n uint) {
	w.bits(bits.Reverse64(uint64(v))>>(64-n), n)
}

// header writes the header of a dynamic block whose codes have these lengths.
func (w *bitWriter) header(last uint64, lit, dist []uint8) {
	w.bits(last|2<<1, 3)
	w.bits(uint64(len(lit)-257)|uint64(len(dist)-1)<<5|15<<10, 14)
	for _, sym := range codeOrder {
		w.bits(map[bool]uint64{true: 4}[sym < 16], 3)
	}
	for _, n := range append(bytes.Clone(lit), dist...) {
		w.code(uint(n), 4)
	}
}

func (w *bitWriter) clone() *bitWriter {
	c := *w
	c.b = bytes.Clone(w.b)
	return &c
}

func (w *bitWriter) done() []byte {
	if w.n > 0 {
		w.bits(0, 8-w.n)
	}
	return w.b
}

// Fixed codes: RFC 1951, section 3.2.6.
func (w *bitWriter) literal(c byte) {
	if c < 144 {
		w.code(0x30+uint(c), 8)
	} else {
		w.code(0x190+uint(c)-144, 9)
	}
}

func (w *bitWriter) match(length, distance int) { w.matchOf(&deflateFormat, length, distance) }

func (w *bitWriter) matchOf(f *format, length, distance int) {
	last := 286
	if f == &deflate64Format && length < 258 {
		last--
	}
	sym, extra := find(f.lit[257:last], length)
	if sym += 257; sym < 280 {
		w.code(uint(sym-256), 7)
	} else {
		w.code(0xc0+uint(sym-280), 8)
	}
	w.bits(uint64(length-int(f.lit[sym]>>16)), extra)
	sym, extra = find(f.dist[:f.maxDist], distance)
	w.code(uint(sym), 5)
	w.bits(uint64(distance-int(f.dist[sym]>>16)), extra)
}

func find(entries []uint32, v int) (int, uint) {
	best := 0
	for i, e := range entries {
		if int(e>>16) <= v {
			best = i
		}
	}
	return best, uint(entries[best] & 31)
}
