package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
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
