package workspace

import (
	"fmt"
	"os"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// However many directories get files, publishing keeps as many open as docs/security.md
// says: those of the changes, and those of the batch that is being prepared.
// Not parallel: what others have open would count.
func TestPublishKeepsFewOpen(t *testing.T) {
	const most = 150
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	ws := testdir.InMemory(t)
	var before, after []string
	for i := range defaultBatch + 2*maxHandles {
		before = append(before, fmt.Sprintf("%d/old=", i))
		after = append(after, fmt.Sprintf("%d/new=", i))
	}
	write(t, ws, before...)
	at, peak, changes := open(), 0, 0
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", after})
	if err != nil {
		t.Fatal(err)
	}
	s.before = func() error {
		if changes++; changes%16 == 0 {
			peak = max(peak, open())
		}
		return nil
	}
	if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
		t.Fatal(err)
	}
	if n := peak - at; n <= maxHandles || n >= most {
		t.Errorf("%d descriptors are open besides others, want more than %d and fewer than %d", n, maxHandles, most)
	}
}
