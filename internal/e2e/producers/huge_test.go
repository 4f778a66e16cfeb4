//go:build producers

package producers

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// hugeSize does not fit into 32 bits.
const hugeSize = 5 << 30

// TestHuge makes zips of a file of 5 GiB, nearly all of it a hole. It takes minutes and
// 5 GiB of disk.
func TestHuge(t *testing.T) {
	if !*heavy {
		t.Skip("without -heavy")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "tree", "huge")
	if err := os.Mkdir(filepath.Dir(source), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 1 << 31, 1 << 32, hugeSize - 5} {
		if _, err := f.WriteAt([]byte("bytes"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s := shell{t, t.Context()}
	for name, pack := range map[string]func(s shell, dir, out string){
		"zip":              zipBy("-qr1"),
		"zip, to a pipe":   func(s shell, dir, out string) { s.pipe(dir, "", out, "zip", "-qr1", "-", ".") },
		"7-Zip":            sevenZipBy("-mx=1"),
		"7-Zip, Deflate64": sevenZipBy("-mx=1", "-mm=Deflate64"),
		"bsdtar, to a pipe": func(s shell, dir, out string) {
			s.pipe(dir, "", out, "bsdtar", "-c", "--format", "zip", "-f", "-", ".")
		},
		"jar":                   jarBy("cf"),
		"npm archiver":          nodeBy("archiver"),
		"npm @actions/artifact": nodeBy("artifact"),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			out, dest := filepath.Join(dir, "made.zip"), filepath.Join(dir, "dest")
			defer func() { _ = os.RemoveAll(dest) }()
			pack(s, filepath.Dir(source), out)
			if err := extract(t.Context(), out, dest); err != nil {
				t.Fatal(err)
			}
			same(t, source, filepath.Join(dest, "huge"))
			s.run(dir, "unzip", "-tqq", out)
		})
		_ = os.Remove(filepath.Join(dir, "made.zip"))
	}
}

// same compares two files.
func same(t *testing.T, want, got string) {
	t.Helper()
	var files [2]*os.File
	for i, name := range []string{want, got} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		files[i] = f
	}
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(files[0], x)
		m, err2 := io.ReadFull(files[1], y)
		if !bytes.Equal(x[:n], y[:m]) {
			t.Fatalf("%s differs", got)
		}
		if err != nil && err2 != nil {
			return
		}
	}
}
