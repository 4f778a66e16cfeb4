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
	// Codes are split until there are enough.
	tree, codes := []uint8{1, 1}, 2+r.IntN(symbols-1)
	for len(tree) < codes {
		if i := r.IntN(len(tree)); tree[i] < maxBits {
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

// Blocks whose codes no compressor would choose, of random data: each code is as frequent as
// its length says. Most streams end within the second block, so all that is in the Decoder's
// buffer counts as output.
func TestRandomCodes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var d Decoder
	for i := range 200 {
		// What is stored lets all distances lead to somewhere, or only short ones.
		stored := []int{40_000, 300}[i%2]
		w := bitWriter{b: append([]byte{0, byte(stored), byte(stored >> 8), ^byte(stored), ^byte(stored >> 8)}, text(stored)...)}
		w.header(1, randomCode(r, maxLit), randomCode(r, deflateFormat.maxDist))
		for range 6 << 10 {
			w.bits(uint64(r.Uint32N(256)), 8)
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
