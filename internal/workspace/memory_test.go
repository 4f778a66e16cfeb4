//go:build unix

package workspace

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// A plan keeps nothing in memory for a directory that exists, however long its path is, even
// if the trees have symlinks, or the destination.
// Not parallel: what others allocate would count.
func TestPlanMemory(t *testing.T) {
	const dirs = 5_000
	long := strings.Repeat("x", 240)
	lines := []string{"l -> d"}
	for i := range dirs {
		lines = append(lines, fmt.Sprintf("d/%s/%s-%d/", long, long, i))
	}
	ws := testdir.InMemory(t)
	write(t, ws, lines[1:]...)
	write(t, ws, "elsewhere/", "s -> elsewhere")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", append(lines, "s/f=1")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	p := s.planner(t.Context(), Overwrite)
	defer p.steps.close()
	before := heap()
	if err := p.check(trees); err != nil {
		t.Fatal(err)
	}
	if took := heap() - before; took > dirs*100 { // their paths have 500 bytes
		t.Errorf("%d bytes for %d directories", took, dirs)
	}
	if p.steps.count != 2 {
		t.Errorf("%d steps", p.steps.count)
	}
	runtime.KeepAlive(p)
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
