package inflate

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Each entry of a table of packs is what lookups of one code after the other find in its bits.
func TestPacks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		lengths := randomCode(r, maxLit)
		var d Decoder
		if !build(d.lit[:], litBits, lengths, deflateFormat.lit[:]) {
			t.Fatal(lengths)
		}
		d.packs.build(lengths)
		for i, e := range d.packs.table {
			used, literals, length := unpacked(&d.lit, uint(i))
			if e&(3<<6|isNoPack) == isNoPack {
				if used != 0 {
					t.Fatalf("%012b is in no pack, and has %q and length %d in %d bits", i, literals, length, used)
				}
				continue
			}
			n, gotLength := e>>6&3, 0
			if n == 0 {
				n, gotLength = e>>24&1, int(e>>16&255)+3
			}
			got := []byte{byte(e >> 8), byte(e >> 16), byte(e >> 24)}[:n]
			if uint(e&63) != used || !bytes.Equal(got, literals) || gotLength != length {
				t.Fatalf("%012b: %q and length %d in %d bits, want %q and %d in %d", i, got, gotLength, e&63, literals, length, used)
			}
		}
	}
}

// unpacked decodes packBits bits, as far as one pack may go.
func unpacked(table *litTable, acc uint) (used uint, literals []byte, length int) {
	for {
		e := table[acc%(1<<litBits)]
		code := uint(e >> 8 & 15)
		if e&isSpecial != 0 && e&isSubtable != 0 {
			e = table[uint(e>>16)+acc>>litBits&(1<<code-1)]
			code = litBits + uint(e>>8&15)
		}
		whole := code + uint(e&63) - uint(e>>8&15)
		if e&isSpecial != 0 || used+whole > packBits {
			return used, literals, 0
		}
		if e&isLiteral == 0 {
			if len(literals) > 1 {
				return used, literals, 0
			}
			return used + whole, literals, int(e>>16) + int(acc>>code&(1<<(whole-code)-1))
		}
		used += whole
		literals = append(literals, byte(e>>16))
		if acc >>= whole; len(literals) == 3 {
			return used, literals, 0
		}
	}
}
