package unpack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What 200,000 entries with ordinary names take while they are extracted.
// Not parallel: what others allocate would count.
func TestDirectoryMemory(t *testing.T) {
	const entries = 200_000
	z := liar{zip64: true}
	for i := range entries {
		z.entries = append(z.entries, lie{name: fmt.Sprintf("packages/module-%03d/src/component-%02d/file-%06d.js", i/1000, i/100%10, i)})
	}
	name := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(name, z.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	z.entries = nil
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	held := heap()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a, err := Open(f, info.Size(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	held = heap() - held
	allocated, mallocs := after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	t.Logf("%d entries hold %d bytes each, %d in all; to read them took %d bytes in %d pieces", entries, held/entries, held, allocated, mallocs)
	if held > entries*120 {
		t.Errorf("they hold %d bytes", held)
	}
	if mallocs > entries/100 {
		t.Errorf("%d allocations", mallocs)
	}
	runtime.KeepAlive(a)
}
