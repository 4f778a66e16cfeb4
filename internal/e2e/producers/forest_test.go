//go:build producers

package producers

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// words are components of names, in several scripts.
var words = []string{
	"a", "README", "Makefile", ".hidden", "with space", "x=1&y=2", "it's", "-dash", "naïve", "Ελληνικά", "Москва", "עברית", "العربية",
	"日本語", "한국어", "हिन्दी", "e\u0301 decomposed", "🧪", "50%", "#1", "[brackets]", "{braces}", "tilde~", "trailing.", "...", strings.Repeat("long", 50),
}

// grow makes a tree at random below dir: files of several sizes, some empty and some
// executable, empty directories, deep paths and, if wanted, symlinks.
func grow(t *testing.T, dir string, seed uint64, links bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	dirs := []string{dir}
	for i := range 8 {
		d := filepath.Join(dirs[r.IntN(len(dirs))], fmt.Sprint(words[r.IntN(len(words))], i))
		must(os.Mkdir(d, 0o755))
		dirs = append(dirs, d)
	}
	deep := filepath.Join(dir, strings.Repeat("deep/", 40), "er")
	must(os.MkdirAll(deep, 0o755))
	var files []string
	for i := range 24 {
		name := filepath.Join(append(dirs[1:], deep)[r.IntN(len(dirs))], fmt.Sprint(words[r.IntN(len(words))], i, ".txt"))
		mode := os.FileMode(0o644)
		if r.IntN(4) == 0 {
			mode = 0o755
		}
		must(os.WriteFile(name, content(r), mode))
		must(os.Chmod(name, mode))
		files = append(files, name)
	}
	must(os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	if !links {
		return
	}
	for i := range 4 {
		at := dirs[1+r.IntN(len(dirs)-1)]
		target, err := filepath.Rel(at, append(files, dirs[1], filepath.Join(at, "missing"))[r.IntN(len(files)+2)])
		must(err)
		must(os.Symlink(target, filepath.Join(at, fmt.Sprint("link", i))))
	}
}

// plant makes a small tree of all kinds.
func plant(t *testing.T, dir string, links bool) {
	t.Helper()
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "dir", "sub dir"), 0o755),
		os.Mkdir(filepath.Join(dir, "empty"), 0o755),
		os.WriteFile(filepath.Join(dir, "empty.txt"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, "dir", "café.txt"), []byte("a name beyond ASCII\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "dir", "sub dir", "日本語.txt"), bytes.Repeat([]byte("worth compressing "), 100), 0o644),
		os.WriteFile(filepath.Join(dir, "program.sh"), []byte("#!/bin/sh\n"), 0o755),
	)
	if err == nil && links {
		err = errors.Join(os.Symlink("../empty.txt", filepath.Join(dir, "dir", "link")), os.Symlink("dir/sub dir", filepath.Join(dir, "link")))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func content(r *rand.Rand) []byte {
	size := []int{0, 1, r.IntN(100), r.IntN(5000), 1<<16 + r.IntN(3) - 1, 300_000}[r.IntN(6)]
	b := make([]byte, size)
	kind := r.IntN(3)
	for i := range b {
		switch kind {
		case 0:
			b[i] = byte(r.Uint32())
		case 1:
			b[i] = "the zip reader\n"[min(r.IntN(15), r.IntN(15))]
		}
	}
	return b
}
