package workspace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// watch returns a file that reads what happens in a directory: see inotify(7). The caller
// closes it, which ends a read that waits.
func watch(t *testing.T, dir string, events uint32) *os.File {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, events); err != nil {
		t.Fatal(errors.Join(err, f.Close()))
	}
	return f
}

// watched waits for events, and returns the names that they are about, in order.
func watched(f *os.File) (names []string, err error) {
	buf := make([]byte, 64<<10)
	n, err := f.Read(buf)
	for b := buf[:max(n, 0)]; len(b) > 0; {
		size := binary.NativeEndian.Uint32(b[12:])
		name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:][:size], []byte{0})
		names = append(names, string(name))
		b = b[unix.SizeofInotifyEvent+size:]
	}
	return names, err
}

// If another process takes a stage for dead while it is made, NewStage makes another one.
// The other process looks for dead stages whenever a stage was made or removed.
func TestStageIsTakenWhileItIsMade(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	d, err := Layout{Workspace: ws}.Resolve(".")
	if err != nil {
		t.Fatal(err)
	}
	events := watch(t, ws, unix.IN_CREATE|unix.IN_DELETE)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := watched(events); err != nil {
				if !errors.Is(err, os.ErrClosed) {
					t.Error(err)
				}
				return
			}
			if _, err := Recover(t.Context(), d); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 100 {
		s, err := NewStage(d, StageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Mkdir("x")
		if err := errors.Join(err, r.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := events.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if got := snapshot(t, ws); len(got) > 0 {
		t.Errorf("left: %q", got)
	}
}

// The lock shows that a stage is in use until the stage is removed.
func TestLockGoesLast(t *testing.T) {
	t.Parallel()
	s, trees, err := stage(t, t.TempDir(), ".", StageOptions{}, staged{"", []string{"a=x", "b/c=x"}}, staged{"n", nil})
	if err != nil {
		t.Fatal(err)
	}
	events := watch(t, s.path(), unix.IN_DELETE|unix.IN_MOVED_FROM)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	gone, err := watched(events)
	if err := errors.Join(err, events.Close()); err != nil {
		t.Fatal(err)
	}
	if gone = slices.DeleteFunc(gone, func(name string) bool { return name == "" }); len(gone) == 0 || gone[len(gone)-1] != lockName {
		t.Errorf("went in this order: %q", gone)
	}
	slices.Sort(gone)
	want := []string{lockName, joinedDir, replacedDir}
	for _, tree := range trees {
		want = append(want, tree.Dir)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Error(diff)
	}
}
