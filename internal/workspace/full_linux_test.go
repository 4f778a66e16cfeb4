package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Undoing works on a full disk.
func TestPublishUndoesOnFullDisk(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	mount(t, "tmpfs", ws, "tmpfs", 0, "size=1m,nr_inodes=64")
	write(t, ws, "a=0")
	before := snapshot(t, ws)
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a=1", "new/f=1", "new/g/h=1", "0555 new/r/", "z=1"}})
	if err != nil {
		t.Fatal(err)
	}
	var fill []string
	s.before = func() error {
		if _, err := os.Lstat(ws + "/z"); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for { // inodes are what tmpfs runs out of first
			name := filepath.Join(ws, fmt.Sprint("fill", len(fill)))
			if err := os.Symlink("x", name); err != nil {
				break
			}
			fill = append(fill, name)
		}
		return errFault
	}
	if _, err = s.Publish(t.Context(), trees, Overwrite); !errors.Is(err, errFault) || strings.Contains(err.Error(), "undo") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range fill {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" || len(fill) == 0 {
		t.Error(diff)
	}
}
