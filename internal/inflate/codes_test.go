package inflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomCode returns the lengths of a complete code for some of so many symbols, each of 15
// bits or fewer.
func randomCode(r *rand.Rand, symbols int) []uint8 {
	// Codes are split until there are enough: any one, or one of the latest, which makes long
	// codes.
	tree, codes, latest := []uint8{1, 1}, 2+r.IntN(symbols-1), 1+r.IntN(1+r.IntN(symbols))
	for len(tree) < codes {
		i := len(tree) - 1 - r.IntN(min(len(tree), latest))
		if tree[i] == maxBits {
			i = r.IntN(len(tree))
		}
		if tree[i] < maxBits {
			tree[i]++
			tree = append(tree, tree[i])
		}
	}
	lengths := make([]uint8, symbols)
	for i, sym := range r.Perm(symbols)[:codes] {
		lengths[sym] = tree[i]
	}
	return lengths
}

// symbols writes random symbols of the codes that have these lengths, and no end of the
// block. How long a code is makes no difference; those with many extra bits are frequent.
func (w *bitWriter) symbols(r *rand.Rand, lit, dist []uint8, times int) {
	of := func(lengths []uint8) (list []int) {
		for sym, n := range lengths {
			if n > 0 && sym != 256 {
				list = append(list, sym)
			}
		}
		return list
	}
	lits, dists := of(lit), of(dist)
	one := func(list []int, lengths []uint8, entries []uint32) int {
		sym := list[max(r.IntN(len(list)), r.IntN(len(list)), r.IntN(len(list)))]
		w.symbol(lengths, sym)
		extra := uint(entries[sym] & 63)
		w.bits(r.Uint64()&(1<<extra-1), extra)
		return sym
	}
	for range times {
		if one(lits, lit, deflateFormat.lit[:]) > 256 {
			one(dists, dist, deflateFormat.dist[:])
		}
	}
}

// symbol writes a symbol of the code that has these lengths, without extra bits.
func (w *bitWriter) symbol(lengths []uint8, sym int) {
	code := uint(0) // RFC 1951, section 3.2.2
	for other, n := range lengths {
		if n > 0 && (n < lengths[sym] || n == lengths[sym] && other < sym) {
			code += 1 << (maxBits - n)
		}
	}
	w.code(code>>(maxBits-lengths[sym]), uint(lengths[sym]))
}

// stored writes a stored block of text. It begins with a whole byte.
func (w *bitWriter) stored(n int) {
	w.bits(uint64(n)<<8|uint64(^uint16(n))<<24, 40)
	w.b = append(w.b, text(n)...)
}

// Blocks whose codes no compressor would choose, of random data, in which each code is as
// frequent as its length says, or of random symbols, of which many have long codes. The
// streams end early, so all that is in the Decoder's buffer counts as output.
func TestRandomCodes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var d Decoder
	for i := range 400 {
		// What is stored lets all distances lead to somewhere, or only short ones.
		stored := []int{40_000, 300}[i%4/3]
		var w bitWriter
		w.stored(stored)
		lit, dist := randomCode(r, maxLit), randomCode(r, deflateFormat.maxDist)
		w.header(1, lit, dist)
		if i%2 == 0 {
			w.symbols(r, lit, dist, 1500)
		} else {
			for range 6 << 10 {
				w.bits(uint64(r.Uint32N(256)), 8)
			}
		}
		want, _, wantErr := standard(w.done(), 1<<22)
		var first, firstErr string
		for _, d.way = range []way{portable, best, packed} {
			poison(&d, len(d.out))
			var got bytes.Buffer
			_, err := d.Copy(&got, bytes.NewReader(w.b), int64(len(want)))
			got.Write(d.out[d.done:d.o])
			// Before its last bits the standard library looks for the end of the block.
			if (err == nil) != (wantErr == nil) || !bytes.HasPrefix(got.Bytes(), want) || err == nil && got.Len() != len(want) {
				t.Fatalf("stream %d, way %d: %v and %d bytes, want %v and %d", i, d.way, err, got.Len(), wantErr, len(want))
			}
			if d.way == portable {
				first, firstErr = got.String(), fmt.Sprint(err)
			} else if got.String() != first || fmt.Sprint(err) != firstErr {
				t.Fatalf("stream %d, way %d: %v and %d bytes, without assembly %s and %d", i, d.way, err, got.Len(), firstErr, len(first))
			}
		}
	}
}
