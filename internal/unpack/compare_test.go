package unpack

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/artifetch/artifetch/internal/testdir"
)

// goZip writes an archive with archive/zip, for comparison.
func goZip(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, body := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: uint16(len(body)%2) * 8})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Archives that archive/zip writes are extracted, to the same bytes.
func TestAgainstArchiveZip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		files := map[string][]byte{}
		for range r.IntN(40) {
			body := bytes.Repeat([]byte{byte(r.Uint32()), byte(r.Uint32())}, r.IntN(100_000))
			files[fmt.Sprintf("d%d/f%d", r.IntN(5), r.IntN(100))] = body[:r.IntN(len(body)+1)]
		}
		dest := filepath.Join(testdir.InMemory(t), "dest")
		if err := extract(t, goZip(t, files), dest, NewBudget(0, 0)); err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(dest, name))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s differs: %v", name, err)
			}
		}
		if err := os.RemoveAll(dest); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, tt := range join(refusals, oddRefusals) {
		if data := tt.zip.bytes(); len(data) < 1<<16 {
			f.Add(data)
		}
	}
	for _, tt := range join(extractions, oddities) {
		if data := tt.zip.bytes(); len(data) < 1<<16 {
			f.Add(data)
		}
	}
	f.Add(goZip(f, map[string][]byte{"a": []byte("x"), "b/c": []byte("yy")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		outside := testdir.InMemory(t)
		err := extract(t, data, filepath.Join(outside, "dest"), NewBudget(100, 1<<20))
		entries, readErr := os.ReadDir(outside)
		if readErr != nil || len(entries) > 1 {
			t.Fatalf("%v: something was written outside: %v", readErr, entries)
		}
		if err != nil {
			return
		}
		checkInside(t, filepath.Join(outside, "dest"))
		compareWithArchiveZip(t, data, filepath.Join(outside, "dest"))
	})
}

// compareWithArchiveZip compares the files of an archive that was extracted with what
// archive/zip reads of them, if it reads them at all: it knows fewer methods, and refuses
// other archives.
func compareWithArchiveZip(t *testing.T, data []byte, dest string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return
	}
	z.RegisterDecompressor(methodZstd, zstd.ZipDecompressor())
	last := map[string]*zip.File{} // by the names that count here
	for _, zf := range z.File {
		var e Entry
		unicode, err := e.extra(zf.Extra)
		if err != nil {
			continue // its values do not matter
		}
		last[path.Clean(decodeName(zf.Name, unicode, zf.Flags, byte(zf.CreatorVersion>>8)))] = zf
	}
	for name, zf := range last {
		if info, err := os.Lstat(filepath.Join(dest, name)); err != nil || !info.Mode().IsRegular() {
			continue
		}
		r, err := zf.Open()
		if err != nil {
			continue
		}
		want, err := io.ReadAll(r)
		if err != nil {
			continue
		}
		got, err := os.ReadFile(filepath.Join(dest, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q differs: %v", name, err)
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	for _, bm := range []struct {
		name        string
		files, size int
	}{{"64 x 1 MiB", 64, 1 << 20}, {"5000 x 10 KiB", 5000, 10 << 10}} {
		b.Run(bm.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			files := map[string][]byte{}
			for i := range bm.files {
				body := make([]byte, bm.size|1)
				for j := range body {
					body[j] = "abcdefgh01234567 \n"[min(r.IntN(18), r.IntN(18))]
				}
				files[fmt.Sprintf("d%d/f%d", i%50, i)] = body
			}
			data := goZip(b, files)
			tmp := b.TempDir()
			b.SetBytes(int64(bm.files * bm.size))
			i := 0
			for b.Loop() {
				i++
				if err := extract(b, data, filepath.Join(tmp, fmt.Sprint(i)), NewBudget(0, 0)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	var z liar
	for i := range 60_000 {
		z.entries = append(z.entries, lie{name: fmt.Sprintf("node_modules/package%d/lib/file%d.js", i/50, i), extra: field(0x5455, "\x03\x00\x00\x00\x00")})
	}
	data := z.bytes()
	for b.Loop() {
		if _, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(z.entries)), "ns/entry")
}
