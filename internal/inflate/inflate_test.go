package inflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"testing"
	"testing/iotest"
)

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
