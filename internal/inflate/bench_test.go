package inflate

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"

	kflate "github.com/klauspost/compress/flate"
)

// corpus is text, tables and base64 by turns, which deflates to about 54 % in
// large pieces and to about 66 % in pieces of 10 KiB.
func corpus(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	letters := []byte("eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucccmmmwwwfffggyypppbbvvkjxqz")
	words := make([][]byte, 3000)
	for i := range words {
		words[i] = make([]byte, 2+r.IntN(9))
		for j := range words[i] {
			words[i][j] = letters[r.IntN(len(letters))]
		}
	}
	b := make([]byte, 0, n+400)
	raw := make([]byte, 96)
	for len(b) < n {
		switch r.IntN(4) {
		case 0:
			for i := range raw {
				raw[i] = byte(r.Uint32())
			}
			b = base64.StdEncoding.AppendEncode(b, raw)
			b = append(b, '\n')
		default:
			for range 30 {
				b = append(b, words[min(r.IntN(3000), r.IntN(3000))]...)
				b = append(b, " .,:\n"[min(r.IntN(5), r.IntN(5))])
			}
		}
	}
	return b[:n]
}

// A is one large file, B many of 10 KiB.
func corpora(t testing.TB) map[string][][2][]byte {
	t.Helper()
	large := corpus(8<<20, 1)
	small := make([][2][]byte, 200)
	for i := range small {
		data := corpus(10<<10, uint64(i+10))
		small[i] = [2][]byte{data, deflate(t, 6, data)}
	}
	return map[string][][2][]byte{"A": {{large, deflate(t, 6, large)}}, "B": small}
}

// BenchmarkInflate compares, with CRC-32, on one core.
func BenchmarkInflate(b *testing.B) {
	for _, name := range []string{"A", "B"} {
		entries := corpora(b)[name]
		var size, packed int64
		for _, e := range entries {
			size += int64(len(e[0]))
			packed += int64(len(e[1]))
		}
		dst := make([]byte, len(entries[0][0]))
		run := func(how string, decode func(dst, src []byte) error) {
			b.Run(name+"/"+how, func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					for _, e := range entries {
						if err := decode(dst[:len(e[0])], e[1]); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(packed)/float64(size), "packed/byte")
			})
		}
		std, klauspost := flate.NewReader(nil), kflate.NewReader(nil)
		in := bytes.NewReader(nil)
		reader := func(r io.Reader) func(dst, src []byte) error {
			return func(dst, src []byte) error {
				in.Reset(src)
				if err := r.(flate.Resetter).Reset(in, nil); err != nil {
					return err
				}
				_, err := io.ReadFull(r, dst)
				crc32.ChecksumIEEE(dst)
				return err
			}
		}
		run("std", reader(std))
		run("klauspost", reader(klauspost))
		var d Decoder
		run("inflate", func(dst, src []byte) error {
			in.Reset(src)
			_, err := d.Copy(io.Discard, in, int64(len(dst)))
			return err
		})
	}
}
