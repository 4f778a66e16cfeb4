package inflate

import "math/bits"

// packs has a table in which decode looks up packBits bits at once. An entry is a pack: up to
// three literals, or a length with its extra bits and up to one literal before it. Most
// branches that a processor cannot foretell are between literals and lengths, and packs have
// fewer of them. The table takes about as long to build as 3 KiB take to decode, so there is
// one in large blocks only. An entry holds:
//
//	bits 0-5    how many bits to consume
//	bits 6-7    how many literals there are, if there is no length, or 0
//	bits 8-31   these literals
//
// and if bits 6-7 are 0:
//
//	bits 8-15   the literal before the length
//	bits 16-23  the length, less 3
//	bit 24      whether there is that literal
//	bit 25      isNoPack: the code is not in this table
type packs struct {
	table   [1 << packBits]uint32
	state   packState
	at      int64 // from which byte of the output on there is to be a table
	start   int64 // where in the output the block begins
	symbols int   // how many code lengths for literals and lengths the block has
}

const (
	packBits = 12
	isNoPack = 1 << 25

	// packAfter is after how many bytes of output a block counts as large, if as many are
	// missing. A block after a large one counts as such at once.
	packAfter = 12 << 10
	// packShare is how many of 1024 lookups must find more than one code: fewer in machine
	// code, which packs make slower, and more in text, which they make faster.
	packShare = 120
)

type packState int

const (
	packsNone packState = iota
	packsLater
	packsBuilt
)

// none begins a stream, or a block of the fixed codes.
func (s *packs) none() { s.state, s.at, s.start = packsNone, 0, 0 }

// begin begins a block that has codes of its own, at a byte of the output.
func (s *packs) begin(at int64, symbols int) {
	s.at = at
	if at-s.start < packAfter {
		s.at += packAfter
	}
	s.state, s.start, s.symbols = packsLater, at, symbols
}

// pack builds the table if it is of use to the block.
func (d *Decoder) pack() {
	s := &d.packs
	lengths := d.lengths[:s.symbols]
	s.state = packsNone
	if d.way == packed || d.size-d.written() >= packAfter && share(lengths) >= packShare {
		s.state = packsBuilt
		s.build(lengths)
	}
}

// share returns how many of 1024 lookups find more than one code, if each code is as frequent
// as its length says.
func share(lengths []uint8) uint {
	var literals, all [packBits + 1]uint // of 1<<packBits, by bits
	for sym, n := range lengths {
		if n == 0 || n > packBits || sym == 256 {
			continue
		}
		part := uint(1) << (packBits - n)
		if sym < 256 {
			literals[n] += part
		}
		if whole := uint(n) + extraBits(sym); whole <= packBits {
			all[whole] += part
		}
	}
	both, second := uint(0), uint(0)
	for n := range all {
		second += all[n]
		both += literals[packBits-n] * second
	}
	return both >> (2*packBits - 10)
}

// extraBits is how many bits follow the code of a literal or length.
func extraBits(sym int) uint { return uint(deflateFormat.lit[sym] & 63) }

// packPart is what a code, with its extra bits, adds to a pack's entry as the only code, or
// as the second or third one.
type packPart struct{ code, only, second, third uint32 }

// packParts are sorted by their number of bits. Of those with n bits, from start[n] on,
// literals come first.
type packParts struct {
	list     [256 + 257]packPart // 284 has a length of 258, too
	start    [packBits + 2]uint
	literals [packBits + 1]uint // how many there are
}

// of returns the parts that have n bits.
func (p *packParts) of(n uint) []packPart { return p.list[p.start[n]:p.start[n+1]] }

// literalsOf returns the literals that have n bits.
func (p *packParts) literalsOf(n uint) []packPart { return p.list[p.start[n]:][:p.literals[n]] }

// fill makes the parts of all codes that have packBits bits or fewer.
func (p *packParts) fill(lengths []uint8) {
	var count [maxBits + 1]uint16
	for sym, n := range lengths {
		count[n&maxBits]++
		if n == 0 || n > packBits || sym == 256 {
			continue
		}
		if sym < 256 {
			p.literals[n]++
		}
		if extra := extraBits(sym); uint(n)+extra <= packBits {
			p.start[uint(n)+extra+1] += 1 << extra
		}
	}
	for n := range packBits + 1 {
		p.start[n+1] += p.start[n]
	}
	var next [packBits + 1]uint16 // codes: RFC 1951, section 3.2.2
	for n := 2; n <= packBits; n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	end := p.start
	for sym, n := range lengths {
		if n == 0 || n > packBits {
			continue
		}
		code := uint32(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		whole := uint(n) + extraBits(sym)
		switch {
		case sym == 256 || whole > packBits:
		case sym < 256:
			v, literal := uint32(1<<6)|uint32(n), uint32(sym)
			p.list[end[n]] = packPart{code, v | literal<<8, v | literal<<16, v | literal<<24}
			end[n]++
		default:
			only := (deflateFormat.lit[sym]>>16-3)<<16 | uint32(whole)
			for extra := range uint32(1) << extraBits(sym) {
				v := only + extra<<16
				// A literal before it is not counted in bits 6-7, but in bit 24.
				p.list[end[whole]] = packPart{code: code | extra<<n, only: v, second: v + 1<<24 - 1<<6}
				end[whole]++
			}
		}
	}
}

// build fills the table for codes of these lengths. As in Decoder.build, the table of packs of
// fewer bits is doubled for those of one bit more, which overwrite some.
func (s *packs) build(lengths []uint8) {
	var parts packParts
	parts.fill(lengths)
	least := uint(1)
	for least < packBits && parts.literals[least] == 0 {
		least++
	}
	const mask = 1<<packBits - 1
	t := &s.table
	t[0] = isNoPack
	for n := uint(1); n <= packBits; n++ {
		copy(t[1<<(n-1):1<<n], t[:1<<(n-1)])
		for _, a := range parts.of(n) {
			t[a.code&mask] = a.only
		}
		for n1 := least; n1 < n; n1++ {
			seconds := parts.of(n - n1)
			for _, a := range parts.literalsOf(n1) {
				for i := range seconds {
					b := &seconds[i]
					t[(a.code|b.code<<n1)&mask] = a.only + b.second
				}
			}
			for n2 := least; n1+n2+least <= n; n2++ {
				thirds := parts.literalsOf(n - n1 - n2)
				for _, a := range parts.literalsOf(n1) {
					for _, b := range parts.literalsOf(n2) {
						code, entry := a.code|b.code<<n1, a.only+b.second
						for i := range thirds {
							c := &thirds[i]
							t[(code|c.code<<(n1+n2))&mask] = entry + c.third
						}
					}
				}
			}
		}
	}
}
