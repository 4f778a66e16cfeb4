package unpack

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// expandFiles writes files into an empty directory and expands the tars among them.
func expandFiles(t testing.TB, files map[string][]byte, o TarOptions) (dir string, res Expansion, err error) {
	t.Helper()
	dir = testdir.InMemory(t)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	res, err = ExpandTars(t.Context(), root, o)
	return dir, res, err
}

// recording returns a file of testdata/tars.
func recording(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "tars", name+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recorded is the tree in the recordings.
var recorded = []string{"a = one", "d/", "d/link -> ../a", "d/run* = #!/bin/sh\n", "hard = one"}

// Tars and compressed data of real programs come out as they went in.
func TestRecordedTars(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob(filepath.Join("testdata", "tars", "*.tar"))
	if err != nil || len(all) < 20 {
		t.Fatalf("%d recordings, %v", len(all), err)
	}
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".tar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, res, err := expandFiles(t, map[string][]byte{"x.tar": recording(t, name)}, TarOptions{})
			if err != nil || res.Kept != nil {
				t.Fatal(res, err)
			}
			if strings.HasPrefix(name, "sparse-") {
				got, err := os.ReadFile(filepath.Join(dir, "hole"))
				if err != nil || !bytes.Equal(got, append(make([]byte, 2<<20), 'x')) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				return
			}
			if diff := cmp.Diff(recorded, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The name tells that a file is a tar, the bytes how it is compressed.
func TestTarsByBytes(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, "a")
	lz4 := []byte("\x04\x22\x4d\x18 and so on")
	for name, tt := range map[string]struct {
		file string
		data []byte
		what string // of a file that is kept; else it is expanded
	}{
		"gzip called tar":           {"x.tar", gz(plain), ""},
		"a plain one called tar.gz": {"x.tar.gz", plain, ""},
		"zstd called tgz":           {"x.tgz", zst(plain), ""},
		"gzip called tar.xz":        {"x.tar.xz", gz(plain), ""},
		"upper case":                {"X.TAR.GZ", gz(plain), ""},
		"tbz2":                      {"x.tbz2", plain, ""},
		"tbz":                       {"x.Tbz", plain, ""},
		"tb2":                       {"x.tb2", plain, ""},
		"txz":                       {"x.txz", plain, ""},
		"tzst":                      {"x.tzst", plain, ""},
		"any other tar.*":           {"x.tar.2024-01", plain, ""},
		"several":                   {"x.tar.gz.1", gz(plain), ""},
		"zeros behind gzip":         {"x.tar.gz", append(gz(plain), make([]byte, 512)...), ""},
		"zeros behind the tar":      {"x.tar", append(plain, make([]byte, 10<<10)...), ""},
		"zeros, but not a block":    {"x.tar", append(plain, 0), ""},
		"other data behind the tar": {"x.tar", append(plain, "garbage"...), ""},
		"no end":                    {"x.tar", plain[:1024], ""},
		"one block of end":          {"x.tar", plain[:1536], ""},

		"text":                {"x.tar.sha256", []byte("0123  x.tar\n"), "text"},
		"a signature":         {"x.tar.gz.asc", []byte("-----BEGIN PGP SIGNATURE-----\n"), "PGP data"},
		"binary":              {"x.tar.sig", []byte("\x88\x00\x01"), "data of an unknown format"},
		"empty":               {"x.tar", nil, "an empty file"},
		"too short":           {"x.tar", make([]byte, 511), "data of an unknown format"},
		"a block of zeros":    {"x.tar", make([]byte, 512), ""},
		"zeros, then data":    {"x.tar.img", append(make([]byte, 4096), "data"...), "data of an unknown format"},
		"LZ4":                 {"x.tar.lz4", lz4, "LZ4 data, which cannot be decompressed here"},
		"zip":                 {"x.tar.zip", of(file("a")).bytes(), "a zip archive"},
		"gzip of text":        {"x.tar.gz", gz([]byte(strings.Repeat("text", 500))), "gzip data without a tar in it"},
		"gzip of gzip":        {"x.tar.gz", gz(gz(plain)), "gzip data without a tar in it"},
		"gzip of little":      {"x.tar.gz", gz(nil), "gzip data without a tar in it"},
		"zstd of text":        {"x.tar", zst([]byte("text")), "zstd data without a tar in it"},
		"cut within its name": {"x.tar", gz(plain)[:2], "data of an unknown format"},
		"cut within a header": {"x.tar", plain[:300], "data of an unknown format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, res, err := expandFiles(t, map[string][]byte{tt.file: tt.data}, TarOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var want Expansion
			if tt.what != "" {
				want.Kept = []KeptFile{{tt.file, tt.what}}
				got, err := os.ReadFile(filepath.Join(dir, tt.file))
				if err != nil || !bytes.Equal(got, tt.data) {
					t.Errorf("it changed: %v", err)
				}
			} else {
				want.Bytes = 1 - int64(len(tt.data))
				if tree(t, dir) == nil { // an empty tar
					want.Result = Result{-1, -int64(len(tt.data))}
				} else if diff := cmp.Diff([]string{"a = a"}, tree(t, dir)); diff != "" {
					t.Error(diff)
				}
			}
			if diff := cmp.Diff(want, res); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A file that is not named as a tar stays, whatever it holds, and is not reported.
func TestNoTarByName(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for _, name := range []string{"x.crate", "x.gem", "data.json.gz", "x.gz", ".tar", ".tgz", ".tar.gz", "tar", "x.tar.", "xtar.gz", "x.target", "x.tgz.sig"} {
		files[name] = gz(tarOf(t, "a"))
	}
	dir, res, err := expandFiles(t, files, TarOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Expansion{}, res); diff != "" {
		t.Error(diff)
	}
	if got := len(tree(t, dir)); got != len(files) {
		t.Errorf("%d files of %d are left", got, len(files))
	}
}

// Many files that are named as tars and hold none do not make a long list.
func TestKeptFilesAreBounded(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"y.tar": tarOf(t, "a")}
	for i := range maxListed + 3 {
		files[strings.Repeat("x", i+1)+".tar.sig"] = []byte("no tar")
	}
	_, res, err := expandFiles(t, files, TarOptions{})
	if err != nil || len(res.Kept) != maxListed || res.KeptMore != 3 {
		t.Errorf("%d files and %d more, %v", len(res.Kept), res.KeptMore, err)
	}
}

// Damaged data is never expanded as if it were whole: a file that was cut is refused, and
// so is a file with a wrong bit, unless the bit does not count.
func TestDamagedTars(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gzip", "bzip2", "xz", "xz-blocks", "zstd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, pool := recording(t, name), NewPool(1)
			if name == "bzip2" {
				data[len("BZh")] = '1' // blocks of up to 100 kB, not 900: the decoder clears less memory
			}
			expand := func(data []byte) (list []string, res Expansion, err error) {
				dir, res, err := expandFiles(t, map[string][]byte{"x.tar": data}, TarOptions{Pool: pool})
				if _, refused := errors.AsType[*RefusedError](err); err != nil && !refused {
					t.Errorf("it is no refusal: %v", err)
				}
				return tree(t, dir), res, err
			}
			if list, _, err := expand(data); err != nil || !slices.Equal(list, recorded) {
				t.Fatalf("undamaged: %q, %v", list, err)
			}
			for n := range data {
				if _, res, err := expand(data[:n]); err == nil && (res.Kept == nil || n > len("\xfd7zXZ")) {
					t.Errorf("it passed with %d of %d bytes", n, len(data))
				}
			}
			for i := range data {
				flipped := bytes.Clone(data)
				flipped[i] ^= 1 << (i % 8)
				list, res, err := expand(flipped)
				if err == nil && res.Kept == nil && !slices.Equal(list, recorded) {
					t.Errorf("with byte %d changed: %q", i, list)
				}
			}
		})
	}
}

// Data after the end is ignored where the format's own program ignores it.
func TestAfterCompressedTars(t *testing.T) {
	t.Parallel()
	zeros, garbage := string(make([]byte, 512)), "garbage"
	for name, want := range map[string]map[string]string{
		"gzip":  {zeros: "", garbage: "data that is no gzip follows its end", zeros + garbage: "data that is no gzip follows its end", "\x1f\x8b\x08garbage": "unexpected EOF"},
		"bzip2": {zeros: "", garbage: ""},
		"xz":    {zeros: "", zeros + "\x00": "xz: data is corrupt", garbage: "xz: data is truncated or corrupt"},
		"zstd":  {garbage: "magic number mismatch"},
	} {
		for _, after := range slices.Sorted(maps.Keys(want)) {
			dir, _, err := expandFiles(t, map[string][]byte{"x.tar": append(recording(t, name), after...)}, TarOptions{})
			switch reason := want[after]; {
			case reason == "" && err != nil, reason != "" && (err == nil || !strings.Contains(err.Error(), reason)):
				t.Errorf("%s, then %.10q: %v", name, after, err)
			case reason == "" && !slices.Equal(tree(t, dir), recorded):
				t.Errorf("%s, then %.10q: %q", name, after, tree(t, dir))
			}
		}
	}
	one, other := tarOf(t, "a"), tarOf(t, "b")
	for _, data := range [][]byte{append(one, other...), gz(append(one, other...)), append(gz(one), gz(other)...)} {
		if _, _, err := expandFiles(t, map[string][]byte{"x.tar": data}, TarOptions{}); err == nil || !strings.Contains(err.Error(), "another tar follows the end") {
			t.Errorf("two tars: %v", err)
		}
	}
}
