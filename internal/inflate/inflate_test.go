package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// deflate compresses with the standard library.
func deflate(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// standard decompresses with the standard library, and returns how much it consumed.
func standard(src []byte, limit int64) (out []byte, consumed int64, err error) {
	r := bytes.NewReader(src)
	out, err = io.ReadAll(io.LimitReader(flate.NewReader(r), limit))
	return out, int64(len(src) - r.Len()), err
}

// agree decompresses from readers of several kinds, and compares with the wanted result.
func agree(t *testing.T, d *Decoder, src, want []byte) {
	t.Helper()
	for _, r := range []io.Reader{bytes.NewReader(src), iotest.OneByteReader(bytes.NewReader(src)), iotest.DataErrReader(bytes.NewReader(src))} {
		var b bytes.Buffer
		res, err := d.Copy(&b, r, int64(len(want)))
		if err != nil || !bytes.Equal(b.Bytes(), want) || res.CRC != crc32.ChecksumIEEE(want) || res.Consumed != int64(len(src)) {
			t.Fatalf("stream: %v, %+v of %d and %d bytes", err, res, len(src), len(want))
		}
	}
}

// largest is the most bytes that text and noise return.
const largest = 1 << 20

// text returns compressible bytes, the same each time. No test changes them.
func text(n int) []byte { return allText()[:n:n] }

var allText = sync.OnceValue(func() []byte {
	words := strings.Fields("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do")
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < largest {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n,."[r.IntN(4)])
		if r.IntN(20) == 0 {
			fmt.Fprint(&b, r.Uint32())
		}
	}
	return b.Bytes()
})

// noise returns bytes that cannot be compressed, the same each time. No test changes them.
func noise(n int) []byte { return allNoise()[:n:n] }

var allNoise = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, largest)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
})

var sizes = []int{
	0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 255, 256, 257, 258, 259, 290, 293, 294, 1000, 32767, 32768, 32769, 65534, 65535, 65536, 65537,
	outputSize - outMargin - 1, outputSize - outMargin, outputSize - outMargin + 1, outputSize, outputSize + 1, 1 << 20,
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, level := range []int{flate.NoCompression, flate.BestSpeed, 6, flate.BestCompression, flate.HuffmanOnly} {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			t.Parallel()
			var d Decoder
			for _, n := range sizes {
				for _, data := range [][]byte{text(n), noise(n), make([]byte, n), bytes.Repeat([]byte("abc"), n/3)} {
					agree(t, &d, deflate(t, level, data), data)
				}
			}
		})
	}
}

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
	for i := n; i > 0; i-- {
		w.bits(uint64(v>>(i-1)&1), 1)
	}
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

// poison overwrites what earlier streams left in a Decoder's buffers, so that it is not
// taken for what should have been written.
func poison(d *Decoder) {
	for _, b := range [][]byte{d.in[:], d.out[:]} {
		b[0] = 0xa5
		for n := 1; n < len(b); n *= 2 {
			copy(b[n:], b[:n])
		}
	}
}

// Every distance up to 40 with every length, far from the ends and close.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	var d Decoder
	for distance := 1; distance <= 40; distance++ {
		for length := 3; length <= 258; length++ {
			for _, after := range []int{0, 400} {
				w := &bitWriter{}
				w.bits(1|1<<1, 3)
				var want []byte
				for i := range distance {
					w.literal(byte(i * 7))
					want = append(want, byte(i*7))
				}
				w.match(length, distance)
				for range length {
					want = append(want, want[len(want)-distance])
				}
				for range after {
					w.literal('x')
					want = append(want, 'x')
				}
				w.code(0, 7)
				src := w.done()
				var b bytes.Buffer
				poison(&d)
				if _, err := d.Copy(&b, bytes.NewReader(src), int64(len(want))); err != nil || !bytes.Equal(b.Bytes(), want) {
					t.Fatalf("distance %d, length %d, after %d: %v", distance, length, after, err)
				}
			}
		}
	}
}

func TestFarMatches(t *testing.T) {
	t.Parallel()
	var d Decoder
	for _, distance := range []int{100, 256, 257, 4097, 24577, 32767, 32768} {
		for _, length := range []int{3, 64, 65, 257, 258} {
			first := noise(distance)
			w := &bitWriter{}
			w.bits(0|1<<1, 3)
			for _, c := range first {
				w.literal(c)
			}
			w.code(0, 7)
			w.bits(1|1<<1, 3)
			want := first
			for range 3 * outputSize / length {
				w.match(length, distance)
				for range length {
					want = append(want, want[len(want)-distance])
				}
			}
			w.code(0, 7)
			agree(t, &d, w.done(), want)
		}
	}
}

// The longest matches end at and before every byte that is close to the end of the buffer.
func TestEndOfBuffer(t *testing.T) {
	t.Parallel()
	var d Decoder
	for first := 1; first <= 258+outMargin; first++ {
		w := &bitWriter{}
		w.bits(1|1<<1, 3)
		var want []byte
		for i := range first {
			w.literal(byte(i * 7))
			want = append(want, byte(i*7))
		}
		distance := min(first, []int{1, 2, 7, 8, 15, 16, 255}[first%7])
		for len(want) < outputSize+20_000 { // so that the input ends later
			w.literal('x')
			w.match(258, distance)
			want = append(want, 'x')
			for range 258 {
				want = append(want, want[len(want)-distance])
			}
		}
		w.code(0, 7)
		var b bytes.Buffer
		poison(&d)
		if _, err := d.Copy(&b, bytes.NewReader(w.done()), int64(len(want))); err != nil || !bytes.Equal(b.Bytes(), want) {
			t.Fatalf("after %d bytes, distance %d: %v", first, distance, err)
		}
	}
}

// A stream that is cut anywhere is an error, always io.ErrUnexpectedEOF, whatever an earlier
// stream left in the buffers.
func TestTruncated(t *testing.T) {
	t.Parallel()
	data := text(3000)
	fixed := &bitWriter{}
	fixed.bits(1|1<<1, 3)
	for range len(data) / 5 {
		fixed.literal('x')
		fixed.match(4, 1)
	}
	fixed.code(0, 7) // which zeros, as in a new buffer, would be as well
	streams := [][]byte{fixed.done()}
	for _, level := range []int{0, 1, 9, flate.HuffmanOnly} {
		streams = append(streams, deflate(t, level, data))
	}
	for i, src := range streams {
		var d Decoder
		for n := range len(src) {
			if _, err := d.Copy(io.Discard, bytes.NewReader(src[:n]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("stream %d, %d of %d bytes: %v", i, n, len(src), err)
			}
		}
		for n := range len(src) {
			poison(&d)
			if _, err := d.Copy(io.Discard, bytes.NewReader(src[:n]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("stream %d, %d of %d bytes, after others: %v", i, n, len(src), err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	hand := func(f func(*bitWriter)) []byte {
		w := &bitWriter{}
		f(w)
		return w.done()
	}
	data := text(100000)
	good := deflate(t, 6, data)
	tests := map[string]struct {
		src  []byte
		size int
		want error
	}{
		"nothing":          {nil, 0, io.ErrUnexpectedEOF},
		"block type 3":     {[]byte{7}, 0, ErrCorrupt},
		"too much":         {good, len(data) - 1, ErrSize},
		"much too much":    {good, 10, ErrSize},
		"too little":       {good, len(data) + 1, ErrSize},
		"stored, bad size": {[]byte{1, 5, 0, 0, 0}, 5, ErrCorrupt},
		"stored, cut":      {[]byte{1, 5, 0, 0xfa, 0xff, 1}, 5, io.ErrUnexpectedEOF},
		"stored, too much": {[]byte{1, 2, 0, 0xfd, 0xff, 1, 2}, 1, ErrSize},
		"distance too far": {hand(func(w *bitWriter) { w.bits(3, 3); w.literal('a'); w.match(3, 2); w.code(0, 7) }), 4, ErrCorrupt},
		"distance too far, in the middle": {hand(func(w *bitWriter) {
			w.bits(3, 3)
			w.literal('a')
			w.match(3, 2) // where the fast loop is, and one byte too far
			for range 2 * outMargin {
				w.literal('b')
			}
			w.code(0, 7)
		}), 4 + 2*outMargin, ErrCorrupt},
		"length 286":      {hand(func(w *bitWriter) { w.bits(3, 3); w.code(0xc6, 8); w.bits(0, 32); w.bits(0, 32) }), 4, ErrCorrupt},
		"distance 30":     {hand(func(w *bitWriter) { w.bits(3, 3); w.literal('a'); w.code(1, 7); w.code(30, 5); w.bits(0, 32) }), 4, ErrCorrupt},
		"31 distances":    {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 5); w.bits(30, 5); w.bits(0, 4) }), 0, ErrCorrupt},
		"287 literals":    {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(30, 5); w.bits(0, 5); w.bits(0, 4) }), 0, ErrCorrupt},
		"over-subscribed": {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 14); w.bits(0o1111, 12) }), 0, ErrCorrupt},
		"repeats nothing": {hand(func(w *bitWriter) { w.bits(5, 3); w.bits(0, 14); w.bits(0o0011, 12); w.bits(0, 20) }), 0, ErrCorrupt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d Decoder
			for range 2 { // a Decoder is good for more after an error
				var e *Error
				var b bytes.Buffer
				_, err := d.Copy(&b, bytes.NewReader(tt.src), int64(tt.size))
				if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Detail == "" {
					t.Error(err)
				}
				if b.Len() > tt.size {
					t.Errorf("%d bytes were written, of %d", b.Len(), tt.size)
				}
			}
			agree(t, &d, good, data)
		})
	}
}

func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	var d Decoder
	broken := errors.New("broken")
	src := deflate(t, 6, text(1<<20))
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(broken)), 1<<20); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	lost := fmt.Errorf("connection lost: %w", io.EOF)
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(lost)), 1<<20); !errors.Is(err, lost) {
		t.Errorf("reader, with an end that is none: %v", err)
	}
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src), iotest.ErrReader(broken)), 1<<20); err != nil {
		t.Errorf("reader, after the end: %v", err)
	}
	if _, err := d.Copy(failing{broken}, bytes.NewReader(src), 1<<20); !errors.Is(err, broken) {
		t.Errorf("writer: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Bytes after the stream are left alone.
func TestTrailingData(t *testing.T) {
	t.Parallel()
	var d Decoder
	data := text(5000)
	src := deflate(t, 6, data)
	n := int64(len(src))
	for _, extra := range []int{1, 8, 23, 24, 25, 1000} {
		long := append(bytes.Clone(src), noise(extra)...)
		res, err := d.Copy(io.Discard, bytes.NewReader(long), int64(len(data)))
		if err != nil || res.Consumed != n {
			t.Errorf("%d more: %+v, %v; want %d consumed", extra, res, err, n)
		}
	}
}

func TestAllocations(t *testing.T) {
	data := text(100000)
	src := deflate(t, 6, data)
	var d Decoder
	r := bytes.NewReader(nil)
	if n := testing.AllocsPerRun(10, func() {
		r.Reset(src)
		if _, err := d.Copy(io.Discard, r, int64(len(data))); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
