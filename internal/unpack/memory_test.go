package unpack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// onDisk writes an archive of many entries with long names, and opens it.
func onDisk(t *testing.T, entries int, backwards bool, name func(i int) string) (*os.File, int64) {
	t.Helper()
	z := liar{zip64: true, backwards: backwards}
	for i := range entries {
		z.entries = append(z.entries, lie{name: name(i)})
	}
	path := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(path, z.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

// What an archive of many entries keeps in memory, and what reading it takes at
// most, does not depend on how long their names are.
// Not parallel: what others allocate would count.
func TestDirectoryMemory(t *testing.T) {
	const entries = 20_000
	long := strings.Repeat("long/", 20) + strings.Repeat("x", 90)
	longest := strings.Repeat("y", maxComponent-7)
	deep := strings.Repeat(strings.Repeat("z", 248)+"/", 3)
	twoDirs := func(i int) string { return fmt.Sprintf("%s/%d/%d/%06d", long[:150], i, i, i) }
	tests := map[string]struct {
		backwards  bool
		name       func(i int) string
		held, most int64 // bytes an entry
	}{
		"long names":              {false, func(i int) string { return fmt.Sprintf("%s-%06d", long, i) }, 1, 20},
		"long names, other order": {true, func(i int) string { return fmt.Sprintf("%s-%06d", long, i) }, 9, 28},
		"longest names":           {false, func(i int) string { return fmt.Sprintf("%s-%06d", longest, i) }, 1, 20},
		"paths of 1,000 bytes":    {false, func(i int) string { return fmt.Sprintf("%s%s-%06d", deep, longest[:246], i) }, 1, 20},
		"each in two directories": {false, twoDirs, 1, 44},
		"collisions":              {false, func(i int) string { return fmt.Sprintf("%s-%c-%06d", long, "aA"[i%2], i/2) }, 1, 36},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, size := onDisk(t, entries, tt.backwards, tt.name)
			held := heap()
			f2 := &peak{f: f, base: held}
			a, err := Zip.Open(f2, size, Options{})
			if err != nil {
				t.Fatal(err)
			}
			open := f2.most
			_, _ = a.CaseCollisions(10)
			if err := a.Verify(t.Context(), ExtractOptions{Pool: NewPool(1)}); err != nil {
				t.Fatal(err)
			}
			held = heap() - held
			t.Logf("%d entries hold %d bytes; to open them took %d, and %d to check them", entries, held, open, f2.most)
			if fixed := int64(1 << 20); held > entries*tt.held+fixed || f2.most > entries*tt.most+fixed {
				t.Errorf("more than %d bytes an entry, or %d at most", tt.held, tt.most)
			}
			runtime.KeepAlive(a)
		})
	}
}

// peak is a reader that looks at how much memory is in use, now and then.
type peak struct {
	f    *os.File
	base int64

	mu   sync.Mutex
	most int64
	n    int
}

func (p *peak) ReadAt(b []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; len(b) == maxWindow && p.n%8 == 0 || p.n%4096 == 0 {
		p.most = max(p.most, heap()-p.base)
	}
	return p.f.ReadAt(b, off)
}
