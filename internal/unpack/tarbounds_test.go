package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// rawTar is a header of a type, that declares a size, and what follows it.
func rawTar(t testing.TB, typeflag byte, size int64, body []byte) []byte {
	t.Helper()
	h := make([]byte, 512)
	copy(h, "x")
	copy(h[100:], "0000644\x00")
	if size < 1<<33 {
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
	} else {
		h[124] = 0x80
		for i := range 8 {
			h[135-i] = byte(size >> (8 * i))
		}
	}
	h[156] = typeflag
	copy(h[257:], "ustar\x0000")
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	h = append(h, body...)
	return append(h, make([]byte, (512-len(h)%512)%512)...)
}

// pax is a header of extended records.
func pax(t testing.TB, records string) []byte {
	t.Helper()
	return rawTar(t, tar.TypeXHeader, int64(len(records)), []byte(records))
}

func record(key, value string) string {
	n := len(key) + len(value) + 3
	for len(fmt.Sprint(n))+len(key)+len(value)+3 != n {
		n = len(fmt.Sprint(n)) + len(key) + len(value) + 3
	}
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

// Whatever sizes a tar declares, it is refused, and memory is not taken for it.
// Not parallel: what others allocate would count.
func TestTarSizesAreBounded(t *testing.T) {
	x := rawTar(t, tar.TypeReg, 1, []byte("x"))
	tests := map[string][]byte{
		"a GNU name of 2 MiB":        rawTar(t, 'L', 2<<20, bytes.Repeat([]byte("n"), 2<<20)),
		"a GNU name that is missing": rawTar(t, 'L', 1<<32, nil),
		"a GNU name of 2^62 bytes":   rawTar(t, 'L', 1<<62, nil),
		"a GNU name too long":        append(rawTar(t, 'L', 5000, bytes.Repeat([]byte("n"), 5000)), x...),
		"a GNU target too long":      append(rawTar(t, 'K', 5000, bytes.Repeat([]byte("n"), 5000)), rawTar(t, tar.TypeSymlink, 0, nil)...),
		"extended headers of 2^62":   rawTar(t, tar.TypeXHeader, 1<<62, nil),
		"extended headers of 2 MiB":  pax(t, record("comment", strings.Repeat("c", 2<<20))),
		"an extended name too long":  append(pax(t, record("path", strings.Repeat("n/", 3000))), x...),
		"an extended size":           append(pax(t, record("size", "9223372036854775807")), x...),
		"an extended size below 0":   append(pax(t, record("size", "-1")), x...),
		"an extended size too large": append(pax(t, record("size", "9223372036854775808")), x...),
		"a size of 2^62":             rawTar(t, tar.TypeReg, 1<<62, nil),
		"a negative size":            rawTar(t, tar.TypeReg, -1<<62, nil),
		"sparse, of 2^62":            append(pax(t, record("GNU.sparse.major", "1")+record("GNU.sparse.minor", "0")+record("GNU.sparse.realsize", fmt.Sprint(int64(1)<<62))), rawTar(t, tar.TypeReg, 512, []byte("0\n"))...),
		"sparse, a map too long":     append(pax(t, record("GNU.sparse.major", "1")+record("GNU.sparse.minor", "0")+record("GNU.sparse.realsize", "9")), rawTar(t, tar.TypeReg, 512, []byte("999999999\n"))...),
		"sparse, an old map":         append(pax(t, record("GNU.sparse.numblocks", "999999999")+record("GNU.sparse.map", "0,1")+record("GNU.sparse.size", "9")), x...),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			pool := NewPool(1)
			dir := testdir.InMemory(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := inRoot(t, dir, func(root *os.Root) error {
				if err := root.WriteFile("x.tar", data, 0o600); err != nil {
					return err
				}
				_, err := ExpandTars(t.Context(), root, TarOptions{Pool: pool})
				return err
			})
			runtime.ReadMemStats(&after)
			if _, refused := errors.AsType[*RefusedError](err); !refused {
				t.Errorf("got %v", err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 12<<20 {
				t.Errorf("it took %d bytes", took)
			}
		})
	}
}

// endless is a tar of many empty files with long names.
type endless struct {
	left int
	buf  bytes.Buffer
	w    *tar.Writer
}

func (e *endless) Read(p []byte) (int, error) {
	for e.buf.Len() < len(p) && e.left > 0 {
		e.left--
		h := tar.Header{Typeflag: tar.TypeReg, Mode: 0o600, Name: fmt.Sprintf("%s%07d", strings.Repeat(strings.Repeat("long", 50)+"/", 5), e.left)}
		if err := e.w.WriteHeader(&h); err != nil {
			return 0, err
		}
		if e.left == 0 {
			if err := e.w.Close(); err != nil {
				return 0, err
			}
		}
	}
	if e.buf.Len() == 0 {
		return 0, io.EOF
	}
	return e.buf.Read(p)
}

// What a tar keeps in memory is a few bytes an entry, however long its names are.
// Not parallel: what others allocate would count.
func TestTarMemory(t *testing.T) {
	const entries = 5_000 // their names have 5 MB
	root, err := os.OpenRoot(testdir.InMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	pool := NewPool(1)
	x := newExpander(root, TarOptions{Budget: NewBudget(0, 0), Room: func(int64) error { return nil }, Pool: pool})
	before := heap()
	e := &endless{left: entries}
	e.w = tar.NewWriter(&e.buf)
	if err := x.add(t.Context(), "x.tar", &tarStream{e}); err != nil {
		t.Fatal(err)
	}
	took := heap() - before
	if took > entries*24+1<<20 {
		t.Errorf("%d bytes for %d entries", took, entries)
	}
	if x.files != entries {
		t.Errorf("%d files", x.files)
	}
	if err := x.dirs.close(); err != nil {
		t.Error(err)
	}
	runtime.KeepAlive(x)
}

// Directories that are entries do not count as directories that only names ask for.
func TestTarDirectoriesAreBounded(t *testing.T) {
	t.Parallel()
	const most = 3
	for name, tt := range map[string]struct {
		entries []string
		refused bool
	}{
		"entries":            {[]string{"a/", "b/", "c/", "d/", "e/", "e/f"}, false},
		"as many as may be":  {[]string{"a/b/c/f", "a/b/c/g"}, false},
		"more than may be":   {[]string{"a/b/c/d/e/f"}, true},
		"more, side by side": {[]string{"a/b/c/f", "d/e/f/f", "g/h/i/f"}, true},
	} {
		root, err := os.OpenRoot(testdir.InMemory(t))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		x := newExpander(root, TarOptions{Budget: NewBudget(0, 0), Room: func(int64) error { return nil }, Pool: NewPool(1)})
		x.dirs.most = most
		err = errors.Join(x.add(t.Context(), "x.tar", &tarStream{bytes.NewReader(tarOf(t, tt.entries...))}), x.dirs.close())
		refused, ok := errors.AsType[*RefusedError](err)
		if ok != tt.refused || !ok && err != nil || ok && !strings.Contains(refused.Reason, "directories that are no entries") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMakers(t *testing.T) {
	t.Parallel()
	m := newMakers()
	for i := range 5000 {
		if m.of(fmt.Sprint(i)) != 0 {
			t.Fatalf("%d is there already", i)
		}
		m.set(fmt.Sprint(i), i+1)
		m.set(fmt.Sprint(i/2), i+1)
	}
	for i := range 5000 {
		want := i + 1
		if i < 2500 {
			want = 2*i + 2
		}
		if m.of(fmt.Sprint(i)) != want || m.of(fmt.Sprint(-1-i)) != 0 {
			t.Fatal(i)
		}
	}
	if m.n != 5000 {
		t.Errorf("%d names", m.n)
	}
}

// No hard link leads to a file that gave way to another one.
func TestTarLinksToWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]string{
		"a directory":      {"d/", "h => d"},
		"a file of a name": {"a", "h => a/b"},
	} {
		_, _, err := expand(t, map[string][]byte{"x.tar": tarOf(t, entries...)}, nil, NewBudget(0, 0))
		if _, refused := errors.AsType[*RefusedError](err); !refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir, _, err := expand(t, map[string][]byte{"x.tar": tarOf(t, "a", "h => a", "a", "i => a")}, nil, NewBudget(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := os.Stat(filepath.Join(dir, "a"))
	two, err2 := os.Stat(filepath.Join(dir, "i"))
	if err1 != nil || err2 != nil || !os.SameFile(one, two) {
		t.Errorf("the link leads elsewhere: %v, %v", err1, err2)
	}
}

func TestTarNamesAreBounded(t *testing.T) {
	t.Parallel()
	dir := testdir.InMemory(t)
	for _, name := range []string{"b.tar", "a.tar", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const two = 2 * (len("a.tar") + tarNameEach)
	if names, err := findTars(root, two); err != nil || !slices.Equal(names, []string{"a.tar", "b.tar"}) {
		t.Errorf("got %q, %v", names, err)
	}
	_, err = findTars(root, two-1)
	checkRefused(t, err, "the names of its tars take more than 32 MiB of memory")
}
