package githubsim

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"time"
)

// Blob is the content of an artifact. It may be read concurrently.
type Blob interface {
	io.ReaderAt
	Size() int64
}

// Bytes returns a blob in memory.
func Bytes(b []byte) Blob { return bytes.NewReader(b) }

// File is a file of a zip made by Zip.
type File struct {
	Name, Body string
	Mode       fs.FileMode // 0 means 0644
	Stored     bool
}

// Zip returns a zip archive of these files, like one of upload-artifact.
func Zip(files ...File) Blob {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		if f.Stored {
			h.Method = zip.Store
		}
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		h.SetMode(mode)
		fw, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(fw, f.Body)
		}
		if err != nil {
			panic(err) // a bytes.Buffer does not fail; a bad name is a bug of the test
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return Bytes(buf.Bytes())
}

// BigZip returns a zip of count files of size bytes each, deflated as upload-artifact
// does. It holds only the directory and the first files in memory, at most maxBodies:
// the others repeat their content, which is text-like and made from seed. File i is
// named d<i%100>/f<i>.bin.
func BigZip(count int, size int, seed uint64) Blob {
	return NamedBigZip(count, size, seed, func(i int) string { return fmt.Sprintf("d%d/f%d.bin", i%100, i) })
}

// NamedBigZip is BigZip with other names.
func NamedBigZip(count int, size int, seed uint64, nameOf func(i int) string) Blob {
	different := make([]body, min(count, max(1, min(maxBodies, maxBodyBytes/max(size, 1)))))
	for i := range different {
		different[i] = bodyOf(size, seed+uint64(i))
	}
	z := &bigZip{}
	z.digest = sync.OnceValue(func() string { return digestOf(z) })
	var dir bytes.Buffer
	for i := range count {
		b := different[i%len(different)]
		local, central := zipHeaders(nameOf(i), b.sum, len(b.packed), size, z.size)
		z.add(local)
		z.add(b.packed)
		dir.Write(central)
	}
	start := z.size
	z.add(append(dir.Bytes(), zipEnd(count, dir.Len(), start)...))
	return z
}

// How many files of a BigZip differ, and how many bytes they have together. Small
// files that repeat too soon would be fast because of the processor's caches and branch
// prediction.
const (
	maxBodies    = 100
	maxBodyBytes = 8 << 20
)

// body is the content of a file of a BigZip.
type body struct {
	packed []byte
	sum    uint32
}

// bodyOf returns the content of a file. Archives of files of one size whose seeds are near
// each other share most of them, so each is made once.
func bodyOf(size int, seed uint64) body {
	type key struct {
		size int
		seed uint64
	}
	made, _ := bodies.LoadOrStore(key{size, seed}, sync.OnceValue(func() body {
		content := text(size, seed)
		var packed bytes.Buffer
		fw := deflaters.Get().(*flate.Writer)
		fw.Reset(&packed)
		_, _ = fw.Write(content)
		_ = fw.Close()
		deflaters.Put(fw)
		return body{packed.Bytes(), crc32.ChecksumIEEE(content)}
	}))
	return made.(func() body)()
}

var bodies sync.Map // of size and seed to the function that returns the body

// deflaters are writers of the level that upload-artifact has. A new one clears 800 kB.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, 6) // the level is valid
	return w
}}

// text returns size bytes, alternating between words and base64. They deflate to 54 % in
// large files and to 67 % in files of 10 KiB.
func text(size int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	const letters = "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucccmmmwwwfffggyyppbbvkjxqz"
	words := make([][]byte, 3000)
	for i := range words {
		words[i] = make([]byte, 2+r.IntN(9))
		for j := range words[i] {
			words[i][j] = letters[r.IntN(len(letters))]
		}
	}
	raw := make([]byte, 96)
	b := make([]byte, 0, size+512)
	for len(b) < size {
		if r.IntN(4) == 0 {
			for i := range raw {
				raw[i] = byte(r.IntN(256))
			}
			b = base64.StdEncoding.AppendEncode(b, raw)
			continue
		}
		for range 30 {
			b = append(b, words[min(r.IntN(len(words)), r.IntN(len(words)))]...)
			b = append(b, " .,:\n"[min(r.IntN(5), r.IntN(5))])
		}
	}
	return b[:size]
}

// bigZip is a blob of pieces that follow each other. Pieces may share memory.
type bigZip struct {
	pieces [][]byte
	starts []int64
	size   int64
	digest func() string // of all of it, which takes its time once
}

func (z *bigZip) add(p []byte) {
	z.pieces = append(z.pieces, p)
	z.starts = append(z.starts, z.size)
	z.size += int64(len(p))
}

func (z *bigZip) Size() int64 { return z.size }

func (z *bigZip) ReadAt(p []byte, off int64) (int, error) {
	i := sort.Search(len(z.starts), func(i int) bool { return z.starts[i] > off }) - 1
	n := 0
	for ; n < len(p) && i < len(z.pieces); i++ {
		piece := z.pieces[i]
		if skip := off + int64(n) - z.starts[i]; skip < int64(len(piece)) {
			n += copy(p[n:], piece[skip:])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// zipHeaders returns a file's local and central header, with a zip64 offset if it
// needs one.
func zipHeaders(name string, sum uint32, packed, size int, offset int64) (local, central []byte) {
	le := binary.LittleEndian
	common := make([]byte, 26) // from "version needed" on
	le.PutUint16(common, 45)
	le.PutUint16(common[4:], zip.Deflate)
	le.PutUint32(common[10:], sum)
	le.PutUint32(common[14:], uint32(packed))
	le.PutUint32(common[18:], uint32(size))
	le.PutUint16(common[22:], uint16(len(name)))
	local = append([]byte("PK\x03\x04"), common...)
	local = append(local, name...)
	var extra []byte
	if offset >= math.MaxUint32 {
		extra = le.AppendUint64([]byte{1, 0, 8, 0}, uint64(offset))
	}
	le.PutUint16(common[24:], uint16(len(extra)))
	central = append([]byte("PK\x01\x02\x2d\x03"), common...)
	rest := make([]byte, 14)
	le.PutUint32(rest[6:], 0o100644<<16)
	le.PutUint32(rest[10:], uint32(min(offset, math.MaxUint32)))
	central = append(append(central, rest...), name...)
	return local, append(central, extra...)
}

func zipEnd(count, size int, start int64) []byte {
	le := binary.LittleEndian
	if count < math.MaxUint16 && start+int64(size) < math.MaxUint32 {
		e := []byte("PK\x05\x06\x00\x00\x00\x00")
		e = le.AppendUint16(e, uint16(count))
		e = le.AppendUint16(e, uint16(count))
		e = le.AppendUint32(e, uint32(size))
		e = le.AppendUint32(e, uint32(start))
		return append(e, 0, 0)
	}
	e := []byte("PK\x06\x06")
	e = le.AppendUint64(e, 44)
	e = append(e, 45, 3, 45, 0)
	e = append(e, make([]byte, 8)...)
	e = le.AppendUint64(e, uint64(count))
	e = le.AppendUint64(e, uint64(count))
	e = le.AppendUint64(e, uint64(size))
	e = le.AppendUint64(e, uint64(start))
	e = append(e, "PK\x06\x07\x00\x00\x00\x00"...)
	e = le.AppendUint64(e, uint64(start+int64(size)))
	e = append(e, 1, 0, 0, 0)
	e = append(e, "PK\x05\x06\x00\x00\x00\x00"...)
	e = append(e, bytes.Repeat([]byte{0xff}, 12)...)
	return append(e, 0, 0)
}
