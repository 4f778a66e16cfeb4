package inflate

import (
	"bytes"
	"testing"
)

// repeat appends length bytes, each of which is that at the distance before it.
func repeat(b []byte, length, distance int) []byte {
	from, end := len(b)-distance, len(b)+length
	for len(b) < end {
		b = append(b, b[from:min(len(b), from+end-len(b))]...)
	}
	return b
}

// poison overwrites the first n bytes that earlier streams left in each of a Decoder's
// buffers, so that they are not taken for what should have been written.
func poison(d *Decoder, n int) {
	for _, b := range [][]byte{d.in[:min(n, len(d.in))], d.out[:min(n, len(d.out))]} {
		b[0] = 0xa5
		for n := 1; n < len(b); n *= 2 {
			copy(b[n:], b[:n])
		}
	}
}

// Every distance up to 40 with every length, far from the end of the input, and at it.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	var d Decoder
	for distance := 1; distance <= 40; distance++ {
		first := &bitWriter{}
		first.bits(1|1<<1, 3)
		var before []byte
		for i := range distance {
			first.literal(byte(i * 7))
			before = append(before, byte(i*7))
		}
		far, wantFar := first.clone(), bytes.Clone(before)
		for length := 3; length <= 258; length++ {
			w := first.clone()
			w.match(length, distance)
			w.code(0, 7)
			src, want := w.done(), repeat(bytes.Clone(before), length, distance)
			poison(&d, 1<<10)
			exactly(t, &d, bytes.NewReader(src), src, want)

			far.match(length, distance)
			far.literal(byte(length)) // so that the next match copies something else
			wantFar = append(repeat(wantFar, length, distance), byte(length))
		}
		for range inMargin {
			far.literal('x')
			wantFar = append(wantFar, 'x')
		}
		far.code(0, 7)
		src := far.done()
		for _, d.way = range ways {
			poison(&d, len(d.out))
			exactly(t, &d, bytes.NewReader(src), src, wantFar)
		}
	}
}

func TestFarMatches(t *testing.T) {
	t.Parallel()
	var d Decoder
	for _, tt := range []struct {
		distance int
		lengths  []int
	}{
		{100, []int{3, 258}},
		{256, []int{258}},
		{257, []int{3, 258}},
		{4097, []int{258}},
		{24577, []int{257}},
		{32767, []int{3, 258}},
		{32768, []int{3, 64, 65, 257, 258}},
	} {
		for _, length := range tt.lengths {
			first := noise(tt.distance)
			w := &bitWriter{}
			w.bits(0|1<<1, 3)
			for _, c := range first {
				w.literal(c)
			}
			w.code(0, 7)
			w.bits(1|1<<1, 3)
			want := first
			for len(want) < 2*outputSize {
				w.match(length, tt.distance)
				want = repeat(want, length, tt.distance)
			}
			w.code(0, 7)
			src := w.done()
			for _, d.way = range ways {
				exactly(t, &d, bytes.NewReader(src), src, want)
			}
		}
	}
}

// The most that is written at once, literals and the longest match, ends at and before every
// byte that is close to the end of the buffer: there is the same every outMargin bytes.
func TestEndOfBuffer(t *testing.T) {
	t.Parallel()
	// A block has codes for a, b, the length 3, the end, the length 258 (in this order), and
	// for the distances 1, 16, and 24,577 and more.
	var lit [286]uint8
	lit['a'], lit['b'], lit[257], lit[256], lit[285] = 2, 2, 2, 3, 3
	var dist [30]uint8
	dist[0], dist[7], dist[29] = 1, 2, 2
	var d Decoder
	for first := range outMargin {
		w := &bitWriter{}
		w.header(1, lit[:], dist[:])
		want := []byte("a")
		w.code(0, 2)
		for len(want) < outputSize+20_000 { // so that the input ends later
			literals := outMargin - 258
			if len(want) == 1 {
				literals = first
			}
			for i := range literals {
				w.code(uint(i%2), 2)
				want = append(want, "ab"[i%2])
			}
			w.code(7, 3)
			switch most := len(want); {
			case most >= 24577+first && first%3 == 0:
				w.code(3, 2)
				w.bits(uint64(first), 13)
				want = repeat(want, 258, 24577+first)
			case most >= 16 && first%3 == 1:
				w.code(2, 2)
				w.bits(16-13, 2)
				want = repeat(want, 258, 16)
			default:
				w.code(0, 1)
				want = repeat(want, 258, 1)
			}
		}
		w.code(6, 3)
		src := w.done()
		for _, d.way = range ways {
			poison(&d, len(d.out))
			exactly(t, &d, bytes.NewReader(src), src, want)
		}
	}
}
