//go:build linux || darwin

package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
	"github.com/artifetch/artifetch/internal/testdir"
)

// A process that finds a stage between its making and its locking takes it for one of a
// killed process, and removes it. The maker, which takes the lock as soon as it can, must
// then see that the stage is lost: a stage that it holds stays.
func TestMakerHoldsOrLosesItsStage(t *testing.T) {
	t.Parallel()
	for range 100 {
		ws := testdir.InMemory(t)
		maker, _, err := stage(t, ws, ".", StageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := maker.release(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(maker.dir, lockName)
		lock, err := os.OpenFile(filepath.Join(ws, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		finder := newStage(maker.dest, maker.root)
		finder.at, finder.base, finder.dir = maker.at, maker.base, maker.dir
		if claimed, err := finder.claim(); err != nil || !claimed {
			t.Fatal(claimed, err)
		}
		held := make(chan bool)
		go func() {
			if err := eintr.Retry(func() error { return unix.Flock(int(lock.Fd()), unix.LOCK_EX) }); err != nil { // held by the finder
				t.Error(err)
			}
			held <- sameFile(maker.root, name, lock)
		}()
		if r, err := finder.recover(t.Context(), false); err != nil || r.Err != nil {
			t.Fatal(r, err)
		}
		if err := finder.release(); err != nil {
			t.Error(err)
		}
		if <-held {
			t.Fatal("the maker holds a stage that was removed")
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
		if err := maker.Close(); err != nil {
			t.Error(err)
		}
	}
}
