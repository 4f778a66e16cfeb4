package inflate

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// errReference is why simple64 does not decode a stream.
var errReference = errors.New("not Deflate64")

// simple64 decodes Deflate64 bit by bit, without tables: slow, and short enough to be
// compared with the description.
type simple64 struct {
	src []byte
	bit int
	out []byte
}

func (s *simple64) bits(n int) (v int, err error) {
	for i := range n {
		if s.bit/8 >= len(s.src) {
			return 0, errReference
		}
		v |= int(s.src[s.bit/8]>>(s.bit%8)&1) << i
		s.bit++
	}
	return v, nil
}

// code is a canonical Huffman code: how many symbols have each length, and the
// symbols in order.
type code struct {
	count   [maxBits + 1]int
	symbols []int
}

func codeOf(lengths []int) (c code, ok bool) {
	for n := 1; n <= maxBits; n++ {
		for sym, l := range lengths {
			if l == n {
				c.count[n]++
				c.symbols = append(c.symbols, sym)
			}
		}
	}
	left := 1
	for n := 1; n <= maxBits; n++ {
		if left = left*2 - c.count[n]; left < 0 {
			return c, false
		}
	}
	return c, left == 0 || len(c.symbols) == 0 || len(c.symbols) == 1 && c.count[1] == 1
}

func (s *simple64) symbol(c code) (int, error) {
	value, first, index := 0, 0, 0
	for n := 1; n <= maxBits; n++ {
		b, err := s.bits(1)
		if err != nil {
			return 0, err
		}
		value |= b
		if value-first < c.count[n] {
			return c.symbols[index+value-first], nil
		}
		index += c.count[n]
		first = (first + c.count[n]) * 2
		value *= 2
	}
	return 0, errReference
}

// lengthsOf reads the lengths of a dynamic block's codes.
func (s *simple64) lengthsOf() (lit, dist []int, err error) {
	var n [3]int
	for i, bits := range []int{5, 5, 4} {
		if n[i], err = s.bits(bits); err != nil {
			return nil, nil, err
		}
	}
	nLit, nDist, nPre := n[0]+257, n[1]+1, n[2]+4
	pre := make([]int, 19)
	for _, sym := range codeOrder[:nPre] {
		if pre[sym], err = s.bits(3); err != nil {
			return nil, nil, err
		}
	}
	c, ok := codeOf(pre)
	if !ok || nLit > maxLit {
		return nil, nil, errReference
	}
	var all []int
	for len(all) < nLit+nDist {
		sym, err := s.symbol(c)
		if err != nil {
			return nil, nil, err
		}
		value, times := sym, 1
		if sym >= 16 {
			extra := []int{2, 3, 7}[sym-16]
			if times, err = s.bits(extra); err != nil {
				return nil, nil, err
			}
			times += []int{3, 3, 11}[sym-16]
			value = 0
			if sym == 16 {
				if len(all) == 0 {
					return nil, nil, errReference
				}
				value = all[len(all)-1]
			}
		}
		for range times {
			all = append(all, value)
		}
	}
	if len(all) > nLit+nDist {
		return nil, nil, errReference
	}
	return all[:nLit], all[nLit:], nil
}

func (s *simple64) block(lit, dist code) error {
	for {
		sym, err := s.symbol(lit)
		switch {
		case err != nil:
			return err
		case sym < 256:
			s.out = append(s.out, byte(sym))
			continue
		case sym == 256:
			return nil
		case sym > 285:
			return errReference
		}
		// Lengths of 3 to 257 as in DEFLATE; the last symbol has 16 extra bits.
		length, extra := 3, 16
		if sym < 285 {
			extra = max(sym-261, 0) / 4
			for i := 257; i < sym; i++ {
				length += 1 << (max(i-261, 0) / 4)
			}
		}
		more, err := s.bits(extra)
		if err != nil {
			return err
		}
		length += more
		if sym, err = s.symbol(dist); err != nil {
			return err
		}
		distance := 1
		for i := range sym {
			distance += 1 << (max(i-2, 0) / 2)
		}
		if more, err = s.bits(max(sym-2, 0) / 2); err != nil {
			return err
		}
		if distance += more; distance > len(s.out) {
			return errReference
		}
		if len(s.out) > 1<<20 {
			return errReference
		}
		for range length {
			s.out = append(s.out, s.out[len(s.out)-distance])
		}
	}
}

func (s *simple64) stored() error {
	s.bit = (s.bit + 7) / 8 * 8
	n, err := s.bits(16)
	if err != nil {
		return err
	}
	check, err := s.bits(16)
	if err != nil || n^check != 0xffff || s.bit/8+n > len(s.src) {
		return errReference
	}
	s.out = append(s.out, s.src[s.bit/8:s.bit/8+n]...)
	s.bit += n * 8
	return nil
}

func (s *simple64) decode() error {
	for {
		last, err := s.bits(1)
		if err != nil {
			return err
		}
		kind, err := s.bits(2)
		if err != nil {
			return err
		}
		lit, dist := make([]int, 288), make([]int, 32)
		switch kind {
		case 0:
			err = s.stored()
		case 1:
			for i := range lit {
				lit[i] = fixedLength(i)
			}
			for i := range dist {
				dist[i] = 5
			}
		case 2:
			lit, dist, err = s.lengthsOf()
		default:
			err = errReference
		}
		if err != nil {
			return err
		}
		if kind != 0 {
			l, ok1 := codeOf(lit)
			d, ok2 := codeOf(dist)
			if !ok1 || !ok2 {
				return errReference
			}
			if err := s.block(l, d); err != nil {
				return err
			}
		}
		if last == 1 {
			return nil
		}
	}
}

// fixedLength is the length of a symbol's code in RFC 1951, section 3.2.6.
func fixedLength(sym int) int {
	switch {
	case sym < 144, sym >= 280:
		return 8
	case sym < 256:
		return 9
	}
	return 7
}

// stream64 is a stream of literals and matches at random, of all lengths and
// distances.
func stream64(seed uint64, size int) (src, want []byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &bitWriter{}
	w.bits(1|1<<1, 3)
	for len(want) < size {
		c := byte(r.Uint32())
		w.literal(c)
		want = append(want, c)
		if r.IntN(4) > 0 {
			continue
		}
		length := []int{3 + r.IntN(10), 3 + r.IntN(300), 257, 258, 259, maxMatch64}[r.IntN(6)]
		distance := []int{1 + r.IntN(len(want)), 1 + r.IntN(20), 49153, 1 << 16}[r.IntN(4)]
		distance = min(distance, len(want), 1<<16)
		w.matchOf(&deflate64Format, length, distance)
		want = repeat(want, length, distance)
	}
	w.code(0, 7)
	return w.done(), want
}

func TestDeflate64(t *testing.T) {
	t.Parallel()
	var d Decoder
	for seed := range uint64(20) {
		src, want := stream64(seed, 1+int(seed)*50_000)
		simple := simple64{src: src}
		if err := simple.decode(); err != nil || !bytes.Equal(simple.out, want) {
			t.Fatalf("stream %d: the simple decoder has %d of %d bytes, and %v", seed, len(simple.out), len(want), err)
		}
		for _, r := range []io.Reader{bytes.NewReader(src), iotest.OneByteReader(bytes.NewReader(src)), iotest.DataErrReader(bytes.NewReader(src))} {
			var b bytes.Buffer
			res, err := d.Copy64(&b, r, int64(len(want)))
			if err != nil || !bytes.Equal(b.Bytes(), want) || res.CRC != crc32.ChecksumIEEE(want) || res.Consumed != int64(len(src)) {
				t.Fatalf("stream %d: %v, %+v of %d and %d bytes", seed, err, res, len(src), len(want))
			}
		}
		if _, err := d.Copy64(io.Discard, bytes.NewReader(src), int64(len(want))-1); !errors.Is(err, ErrSize) {
			t.Errorf("one byte less announced: %v", err)
		}
		if _, err := d.Copy64(io.Discard, bytes.NewReader(src[:len(src)-1]), int64(len(want))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut: %v", err)
		}
		agree(t, &d, deflate(t, 6, text(5000)), text(5000)) // the same Decoder, in between
	}
}

// FuzzDecode64 compares every input with the simple decoder.
func FuzzDecode64(f *testing.F) {
	for seed := range uint64(4) {
		src, _ := stream64(seed, 300)
		f.Add(src)
	}
	f.Add(deflate(f, 9, text(3000)))
	f.Add([]byte("\x05\xc0\x81\x00\x00\x00\x00\x00\x90\xff\x6b\x04"))
	f.Fuzz(func(t *testing.T, src []byte) {
		simple := simple64{src: src}
		wantErr := simple.decode()
		if len(simple.out) > 1<<20 {
			return
		}
		var d Decoder
		var b bytes.Buffer
		res, err := d.Copy64(&b, &chunks{r: bytes.NewReader(src), n: len(src)}, int64(len(simple.out)))
		switch {
		case (err == nil) != (wantErr == nil):
			t.Fatalf("%v, and the simple decoder has %v", err, wantErr)
		case err == nil && (!bytes.Equal(b.Bytes(), simple.out) || res.Consumed != int64(simple.bit+7)/8):
			t.Fatalf("%d bytes of %d, want %d of %d", b.Len(), res.Consumed, len(simple.out), (simple.bit+7)/8)
		case !bytes.HasPrefix(simple.out, b.Bytes()):
			t.Fatal("it wrote something else")
		}
	})
}

func BenchmarkInflate64(b *testing.B) {
	large := corpus(8<<20, 1)
	src := deflate(b, 6, large) // a stream without matches of 258 bytes is one of both formats
	var d Decoder
	in := bytes.NewReader(nil)
	b.SetBytes(int64(len(large)))
	for b.Loop() {
		in.Reset(src)
		if _, err := d.Copy64(io.Discard, in, int64(len(large))); err != nil {
			b.Fatal(err)
		}
	}
}
