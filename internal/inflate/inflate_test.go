package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// writers has, by level, compressors that deflate has used: a new one takes 1 MB.
var writers [flate.BestCompression - flate.HuffmanOnly + 1]sync.Pool

// deflate compresses with the standard library.
func deflate(t testing.TB, level int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	pool := &writers[level-flate.HuffmanOnly]
	w, ok := pool.Get().(*flate.Writer)
	if ok {
		w.Reset(&b)
	} else {
		var err error
		if w, err = flate.NewWriter(&b, level); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	pool.Put(w)
	return b.Bytes()
}

// standard decompresses with the standard library, and returns how much it consumed.
func standard(src []byte, limit int64) (out []byte, consumed int64, err error) {
	r := bytes.NewReader(src)
	out, err = io.ReadAll(io.LimitReader(flate.NewReader(r), limit))
	return out, int64(len(src) - r.Len()), err
}

// ways are all of them.
var ways = []way{best, portable, packed}

// exactly decompresses in one way, and compares with the wanted result.
func exactly(t *testing.T, d *Decoder, r io.Reader, src, want []byte) {
	t.Helper()
	var b bytes.Buffer
	res, err := d.Copy(&b, r, int64(len(want)))
	if err != nil || !bytes.Equal(b.Bytes(), want) || res.CRC != crc32.ChecksumIEEE(want) || res.Consumed != int64(len(src)) {
		t.Fatalf("way %d: %v, %+v of %d and %d bytes", d.way, err, res, len(src), len(want))
	}
}

// agree decompresses in all ways, and from readers of several kinds.
func agree(t *testing.T, d *Decoder, src, want []byte) {
	t.Helper()
	for _, d.way = range ways {
		exactly(t, d, bytes.NewReader(src), src, want)
	}
	d.way = best
	exactly(t, d, iotest.DataErrReader(bytes.NewReader(src)), src, want)
	if len(src) < 100_000 { // more takes long
		exactly(t, d, iotest.OneByteReader(bytes.NewReader(src)), src, want)
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
	outputSize - outMargin - 1, outputSize - outMargin, outputSize - outMargin + 1, outputSize, outputSize + 1, 2*outputSize + 1,
}

func TestSizes(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, largest)
	same := func(n int) []byte { return zeros[:n:n] }
	threes := func(n int) []byte { return bytes.Repeat([]byte("abc"), n/3) }
	for _, tt := range []struct {
		level int
		most  int
		kinds []func(n int) []byte // besides text, up to 128 KiB
	}{
		{flate.NoCompression, largest, nil},
		{flate.BestSpeed, largest, []func(int) []byte{noise, same, threes}},
		{6, largest, []func(int) []byte{noise, same, threes}},
		{flate.BestCompression, 1 << 16, nil},
		{flate.HuffmanOnly, largest, []func(int) []byte{noise}},
	} {
		t.Run(fmt.Sprint("level ", tt.level), func(t *testing.T) {
			t.Parallel()
			var d Decoder
			for _, n := range sizes {
				if n > tt.most {
					break
				}
				agree(t, &d, deflate(t, tt.level, text(n)), text(n))
				if n > 1<<17 {
					continue
				}
				for _, kind := range tt.kinds {
					agree(t, &d, deflate(t, tt.level, kind(n)), kind(n))
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
			poison(&d, 2*len(data))
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
	data, src := large()
	size := int64(len(data))
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(broken)), size); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	lost := fmt.Errorf("connection lost: %w", io.EOF)
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src[:1000]), iotest.ErrReader(lost)), size); !errors.Is(err, lost) {
		t.Errorf("reader, with an end that is none: %v", err)
	}
	if _, err := d.Copy(io.Discard, io.MultiReader(bytes.NewReader(src), iotest.ErrReader(broken)), size); err != nil {
		t.Errorf("reader, after the end: %v", err)
	}
	if _, err := d.Copy(failing{broken}, bytes.NewReader(src), size); !errors.Is(err, broken) {
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
