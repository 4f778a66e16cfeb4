package app

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// What a dry run that lists files keeps in memory does not grow with the number
// of artifacts, nor with the length of names that can be compressed.
// Not parallel: what others allocate would count.
func TestDryRunMemory(t *testing.T) {
	const artifacts, entries = 6, 30_000
	blob := &watched{Blob: longNames(entries)}
	var list []githubsim.Artifact
	for i := range artifacts {
		list = append(list, githubsim.Artifact{Name: fmt.Sprintf("a%d", i), Blob: blob})
	}
	w := runWorld(t, list...)
	blob.watch()
	got := w.step(t.Context(), t, in("run-id", "1", "files", "**/*7.txt", "dry-run", "true"))
	if got.code != 0 || got.outputs["file-count"] != fmt.Sprint(artifacts*entries/10) {
		t.Fatalf("code %d\n%.2000s", got.code, got.log)
	}
	t.Logf("%d bytes at most", blob.most)
	if blob.most > 24<<20 {
		t.Errorf("%d artifacts whose directories have %d entries take %d bytes of memory", artifacts, entries, blob.most)
	}
}

// longNames returns a zip of empty files with long names.
func longNames(n int) githubsim.Blob {
	long := strings.Repeat("generated/", 15)
	return githubsim.NamedBigZip(n, 0, 0, func(i int) string { return fmt.Sprintf("%s%06d.txt", long, i) })
}

// watched looks at how much memory is in use while it is read, now and then.
type watched struct {
	githubsim.Blob

	mu         sync.Mutex
	base, most int64 // bytes
	reads      int
}

// watch begins to watch.
func (w *watched) watch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.base, w.most = inUse(), 0
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	if w.reads++; w.base > 0 && w.reads%16 == 0 {
		w.most = max(w.most, inUse()-w.base)
	}
	w.mu.Unlock()
	return w.Blob.ReadAt(p, off)
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
