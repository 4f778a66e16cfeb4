package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

// chunks is a reader that gives a few bytes at a time.
type chunks struct {
	r io.Reader
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	c.n = c.n*5%997 + 1
	return c.r.Read(p[:min(len(p), c.n)])
}

// FuzzDecode compares every input with the standard library.
func FuzzDecode(f *testing.F) {
	for _, level := range []int{0, 1, 6, 9, flate.HuffmanOnly} {
		for _, data := range [][]byte{nil, text(20), text(3000), noise(300), make([]byte, 5000)} {
			f.Add(deflate(f, level, data), int16(0))
		}
	}
	f.Add([]byte{3, 0}, int16(1))
	f.Add([]byte("\x05\xc0\x81\x00\x00\x00\x00\x00\x90\xff\x6b\x04"), int16(0))
	f.Fuzz(func(t *testing.T, src []byte, off int16) {
		const limit = 1 << 22
		want, consumed, wantErr := standard(src, limit)
		if len(want) == limit {
			return
		}
		size := max(len(want)+int(off), 0)
		var d Decoder
		var b bytes.Buffer
		res, err := d.Copy(&b, bytes.NewReader(src), int64(size))
		switch {
		case wantErr != nil && err == nil:
			t.Fatalf("no error, and the standard library has %v", wantErr)
		case wantErr == nil && size == len(want) && (err != nil || !bytes.Equal(b.Bytes(), want) || res.Consumed != consumed):
			t.Fatalf("%v, %+v; want %d bytes of %d", err, res, len(want), consumed)
		case wantErr == nil && size != len(want) && !errors.Is(err, ErrSize):
			t.Fatalf("%v for %d bytes instead of %d", err, size, len(want))
		}
		var pieces bytes.Buffer
		again, err2 := d.Copy(&pieces, &chunks{r: bytes.NewReader(src), n: len(src)}, int64(size))
		if (err == nil) != (err2 == nil) || err == nil && (again != res || !bytes.Equal(pieces.Bytes(), want)) {
			t.Fatalf("in pieces: %+v, %v; whole: %+v, %v", again, err2, res, err)
		}
		for _, got := range [][]byte{b.Bytes(), pieces.Bytes()} {
			if len(got) > size || !bytes.HasPrefix(want, got) {
				t.Fatal("it wrote something else")
			}
		}
	})
}

// FuzzWays compares the ways to decode any input, in pieces, with that without assembly.
func FuzzWays(f *testing.F) {
	for _, level := range []int{1, 6, flate.HuffmanOnly} {
		for _, data := range [][]byte{text(20), text(3000), noise(300), corpus(20_000, 1), make([]byte, 5000)} {
			f.Add(deflate(f, level, data), uint32(len(data)), 0)
			f.Add(deflate(f, level, data), uint32(len(data)), len(data)*4)
		}
	}
	for seed := range uint64(4) {
		f.Add(deflate(f, 6, corpus(270_000, seed)), uint32(1000), 0)
	}
	f.Fuzz(func(t *testing.T, src []byte, size uint32, flip int) {
		const limit = 1 << 22
		if flip > 0 && flip/8 < len(src) {
			src = bytes.Clone(src)
			src[flip/8] ^= 1 << (flip % 8)
		}
		d := Decoder{way: portable}
		var want bytes.Buffer
		res, err := d.Copy(&want, bytes.NewReader(src), int64(size%limit))
		for _, d.way = range []way{best, packed} {
			poison(&d, len(d.out))
			var got bytes.Buffer
			again, err2 := d.Copy(&got, &chunks{r: bytes.NewReader(src), n: len(src)}, int64(size%limit))
			// That there is too much output is noticed when a buffer is full, which is a few bytes
			// earlier in one way than in another; in between there may be another error.
			tooMuch := err != nil && err2 != nil && (errors.Is(err, ErrSize) || errors.Is(err2, ErrSize))
			if fmt.Sprint(err2) != fmt.Sprint(err) && !tooMuch || err == nil && again != res {
				t.Fatalf("way %d: %+v, %v; without assembly: %+v, %v", d.way, again, err2, res, err)
			}
			// How much is written before an error is noticed may differ.
			n := min(got.Len(), want.Len())
			if !bytes.Equal(got.Bytes()[:n], want.Bytes()[:n]) || err == nil && got.Len() != want.Len() {
				t.Fatalf("way %d: it wrote something else", d.way)
			}
		}
	})
}

// FuzzRoundTrip decompresses what the standard library compressed.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a"), 300, 6)
	f.Add(text(100), 3000, 9)
	f.Add(noise(50), 20000, 1)
	f.Fuzz(func(t *testing.T, seed []byte, times, level int) {
		if len(seed) == 0 {
			seed = []byte{0}
		}
		// Repetitions with a change now and then, of a bounded size.
		var data []byte
		for i := 0; i < times%5000 && len(data) < 1<<20; i++ {
			data = append(data, seed...)
			data = append(data, seed[i%len(seed):]...)
			data = append(data, byte(i*i>>3))
		}
		level = min(max(level%12, -2), 9)
		src := deflate(t, level, data)
		var d Decoder
		agree(t, &d, src, data)
		var b bytes.Buffer
		if _, err := d.Copy(&b, iotest.HalfReader(bytes.NewReader(src)), int64(len(data))); err != nil || !bytes.Equal(b.Bytes(), data) {
			t.Fatal(err)
		}
	})
}

// FuzzAhead compares what Decoders and Scouts make of a stream, sound or not, with what a
// Decoder alone makes of it.
func FuzzAhead(f *testing.F) {
	f.Add([]byte("a"), uint16(300), int8(6), uint16(500), uint32(0), uint16(700), uint8(1), uint64(1<<64-1), int8(0))
	f.Add(text(100), uint16(3000), int8(9), uint16(0), uint32(7000), uint16(3000), uint8(4), uint64(1<<64-1), int8(0))
	f.Add(noise(50), uint16(2000), int8(1), uint16(100), uint32(0), uint16(2000), uint8(2), uint64(0x5555), int8(1))
	f.Add(text(1000), uint16(900), int8(-2), uint16(9), uint32(90000), uint16(9000), uint8(3), uint64(1<<63), int8(-1))
	f.Fuzz(func(t *testing.T, seed []byte, times uint16, level int8, flush uint16, flip uint32, stride uint16, scouts uint8, has uint64, off int8) {
		data, src := blocks(t, seed, int(times), int(level), int(flush))
		if at := int(flip / 8); flip > 0 && at < len(src) {
			src[at] ^= 1 << (flip % 8)
		}
		size := int64(max(len(data)+int(off), 0))
		var d Decoder
		var want, got bytes.Buffer
		res, err := d.Copy(&want, bytes.NewReader(src), size)
		c := crew{scouts: int(scouts%6) + 1, stride: int64(stride) + 16, has: func(off, _ int64) bool { return has>>(off/1000%64)&1 != 0 }}
		again, _, err2 := c.copyAhead(t, &got, src, size)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, and without Scouts %v", err2, err)
		}
		if err == nil && (again != res || !bytes.Equal(got.Bytes(), want.Bytes())) {
			t.Fatalf("%+v, and without Scouts %+v", again, res)
		}
		// How much is written before an error is noticed may differ.
		n := min(got.Len(), want.Len())
		if !bytes.Equal(got.Bytes()[:n], want.Bytes()[:n]) || int64(got.Len()) > size {
			t.Fatal("it wrote something else")
		}
		scoutWays(t, src)
	})
}

// blocks returns data made of a seed, and a stream of it that has a new block after every so
// many repetitions.
func blocks(t testing.TB, seed []byte, times, level, flush int) (data, src []byte) {
	t.Helper()
	if len(seed) == 0 {
		seed = []byte{0}
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, min(max(level%12, -2), 9))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < times && len(data) < 256<<10; i++ {
		piece := append(append([]byte{byte(i * i >> 3)}, seed[i%len(seed):]...), seed[:(i*7)%len(seed)]...)
		data = append(data, piece...)
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
		if flush > 0 && i%flush == flush-1 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return data, b.Bytes()
}
