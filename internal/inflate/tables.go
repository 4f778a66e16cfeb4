package inflate

import (
	"math/bits"
	"sync"
)

// A code is decoded by looking up its first bits, litBits or distBits of
// them, in a table. For longer codes the entry points to a subtable, in the
// same array, which the remaining bits index. An entry holds:
//
//	bits 0-7    how many bits to consume: the code's and the extra ones
//	bits 8-11   how many bits the code itself has; isSubtable: how many bits
//	            index the subtable
//	bits 16-31  the literal; the base of the length or distance (RFC 1951,
//	            section 3.2.5); isSubtable: where the subtable begins
//
// and these flags:
const (
	isLiteral  = 1 << 15
	isSpecial  = 1 << 14 // none of literal, length or distance
	isSubtable = 1 << 13 // with isSpecial
	isEnd      = 1 << 12 // with isSpecial: the end of the block
)

// An invalid entry is special and has no other flag.
const invalid = isSpecial

const (
	litBits  = 11
	distBits = 9

	// Sizes are powers of two, so that a masked index is in bounds. With at most 288 codes
	// of up to 15 bits the first table takes 2,342 entries at most, with 32 codes the
	// second takes 594 (zlib, examples/enough.c).
	litSize  = 4096
	distSize = 1024

	maxBits   = 15 // of a code
	maxLit    = 286
	fixedLit  = 288
	fixedDist = 32
)

type (
	litTable  [litSize]uint32
	distTable [distSize]uint32
)

// format is what DEFLATE and Deflate64 do not share.
type format struct {
	window  int // bytes
	margin  int // how much space for output slow needs
	maxDist int // symbols for distances
	// lit and dist are the entries by symbol, without the number of bits of the code.
	// Symbols without a meaning are invalid.
	lit  [fixedLit]uint32
	dist [fixedDist]uint32
	// fixed returns the tables of the fixed codes. It makes them on its first call, because
	// few streams have such codes.
	fixed func() *fixedTables
}

// fixedTables are the tables of the codes of RFC 1951, section 3.2.6.
type fixedTables struct {
	lit  [1 << litBits]uint32
	dist [1 << distBits]uint32
}

var (
	deflateFormat   = format{window: 32 << 10, margin: outMargin, maxDist: 30}
	deflate64Format = format{window: 64 << 10, margin: maxMatch64, maxDist: 32}
)

// maxMatch64 is the longest match of Deflate64: 3 and what 16 bits hold.
const maxMatch64 = 3 + 1<<16 - 1

func init() {
	for _, f := range []*format{&deflateFormat, &deflate64Format} {
		f.init()
	}
}

func (f *format) init() {
	for sym := range 256 {
		f.lit[sym] = isLiteral | uint32(sym)<<16
	}
	f.lit[256] = isSpecial | isEnd
	length := uint32(3)
	for sym := 257; sym < 285; sym++ {
		extra := uint32(max(sym-261, 0) / 4)
		f.lit[sym] = length<<16 | extra
		length += 1 << extra
	}
	f.lit[285] = 258 << 16
	if f.margin == maxMatch64 {
		f.lit[285] = 3<<16 | 16
	}
	f.lit[286], f.lit[287] = invalid, invalid
	dist := uint32(1)
	for sym := range f.dist {
		extra := uint32(max(sym-2, 0) / 2)
		f.dist[sym] = dist<<16 | extra
		dist += 1 << extra
		if sym >= f.maxDist {
			f.dist[sym] = invalid
		}
	}
	f.fixed = sync.OnceValue(f.makeFixed)
}

func (f *format) makeFixed() *fixedTables {
	t := new(fixedTables)
	var lengths [fixedLit]uint8
	for sym := range lengths {
		switch {
		case sym < 144:
			lengths[sym] = 8
		case sym < 256:
			lengths[sym] = 9
		case sym < 280:
			lengths[sym] = 7
		default:
			lengths[sym] = 8
		}
	}
	build(t.lit[:], litBits, lengths[:], f.lit[:])
	for sym := range fixedDist {
		lengths[sym] = 5
	}
	build(t.dist[:], distBits, lengths[:fixedDist], f.dist[:])
	return t
}

// build fills a table for codes of these lengths. It returns false if the set of codes is
// over-subscribed or incomplete. As in compress/flate, a single code of one bit is
// complete, and so is no code at all: then bits that are no code are invalid when they are
// decoded.
func build(table []uint32, tableBits uint, lengths []uint8, entries []uint32) bool {
	var count, offset [maxBits + 1]uint16
	for _, n := range lengths {
		count[n&maxBits]++
	}
	used, codes := 0, uint16(0)
	longest := uint(0)
	count[0] = 0
	for n := uint(1); n <= maxBits; n++ {
		offset[n] = codes
		codes += count[n]
		used = used<<1 + int(count[n])
		if count[n] != 0 {
			longest = n
		}
		if used > 1<<n {
			return false
		}
	}
	if used != 1<<maxBits {
		return buildIncomplete(table[:1<<tableBits], lengths, entries, int(codes), count[1] == 1)
	}
	// In the order of the codes (RFC 1951, section 3.2.2).
	var sorted [fixedLit]uint16
	for sym, n := range lengths {
		if n != 0 {
			sorted[offset[n&maxBits]%fixedLit] = uint16(sym)
			offset[n&maxBits]++
		}
	}
	// Input has a code's lowest bit first, so table indices hold codes reversed. Short
	// codes fill a small table, which is doubled for the next length.
	next := sorted[:codes]
	code := uint(0)
	for n := uint(1); n <= min(tableBits, longest); n++ {
		size := uint(1) << n
		if n > 1 {
			copy(table[size/2:size], table[:size/2])
		}
		for range count[n] {
			table[code] = entries[next[0]] + uint32(n)*0x101
			next = next[1:]
			code = increment(code, n)
		}
	}
	for n := min(tableBits, longest); n < tableBits; n++ {
		copy(table[1<<n:2<<n], table[:1<<n])
	}
	if longest > tableBits {
		buildSubtables(table, tableBits, longest, &count, next, code, entries)
	}
	return true
}

// buildSubtables continues with codes that are longer than the table's index.
func buildSubtables(table []uint32, tableBits, longest uint, count *[maxBits + 1]uint16, next []uint16, code uint, entries []uint32) {
	mask := uint(1)<<tableBits - 1
	prefix, start, end := ^uint(0), uint(0), uint(1)<<tableBits
	subBits := uint(0)
	for n := tableBits + 1; n <= longest; n++ {
		left := uint(count[n])
		for ; left > 0; left-- {
			if code&mask != prefix {
				prefix, start = code&mask, end
				subBits = n - tableBits
				// The subtable is large enough for all longer codes with this prefix.
				for used := left; used < 1<<subBits && tableBits+subBits < longest; {
					subBits++
					used = used<<1 + uint(count[tableBits+subBits])
				}
				end = start + 1<<subBits
				table[prefix] = uint32(start<<16|subBits<<8|tableBits) | isSpecial | isSubtable
			}
			entry := entries[next[0]] + uint32(n-tableBits)*0x101
			next = next[1:]
			for i := code >> tableBits; i < 1<<subBits; i += 1 << (n - tableBits) {
				table[start+i] = entry
			}
			code = increment(code, n)
		}
	}
}

// increment adds one to a code of n bits that is held reversed.
func increment(code, n uint) uint {
	all := uint(1)<<n - 1
	if code == all {
		return code
	}
	bit := uint(1) << (bits.Len(code^all) - 1)
	return code&(bit-1) | bit
}

// buildIncomplete is build for the sets of codes that may be incomplete.
func buildIncomplete(table []uint32, lengths []uint8, entries []uint32, codes int, oneBit bool) bool {
	if codes > 1 || codes == 1 && !oneBit {
		return false
	}
	for i := range table {
		table[i] = invalid
	}
	for sym, n := range lengths {
		if n == 0 {
			continue
		}
		for i := 0; i < len(table); i += 2 {
			table[i] = entries[sym] + 0x101
		}
	}
	return true
}
