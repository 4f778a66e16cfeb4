//go:build unix

package workspace

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Everything that the stage creates, the stage itself included, belongs to the owner of the
// directory that was named; what was there keeps its owner. As root the owners are real.
// Any other user can name only itself as the owner. In both cases the calls are recorded.
func TestOwner(t *testing.T) {
	t.Parallel()
	ws, other := t.TempDir(), t.TempDir()
	write(t, ws, "old/file=0", "old/replaced=0")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1001, 1002
		// The destination's root is of a third owner.
		if err := errors.Join(os.Chown(other, uid, gid), os.Chown(ws, 1003, 1003)); err != nil {
			t.Fatal(err)
		}
	}
	s, trees, err := stage(t, ws, "old/new/x", StageOptions{Chown: true, OwnerOf: other}, staged{"m/n", nil}, staged{"o", nil})
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Create("spool")
	if err := errors.Join(err, f.Close(), s.Move("spool", "art0/file"), s.ChownErr()); err != nil {
		t.Fatal(err)
	}
	u, g, ok := s.Owner()
	if u != uid || g != gid || !ok {
		t.Errorf("the owner is %d:%d, %v", u, g, ok)
	}
	inStage := 0
	s.before = func() error { // a process that is killed now leaves this
		return s.walk(s.dir, func(p string, _ fs.DirEntry) error {
			if filepath.Base(p) == journalName {
				return nil
			}
			inStage++
			if u, g := ids(t, filepath.Join(ws, p)); u != uid || g != gid {
				t.Errorf("in the stage, %q belongs to %d:%d", p, u, g)
			}
			return nil
		})
	}
	if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
		t.Fatal(err)
	}
	const least = 8 // the stage, lock, joined, replaced, art0, art0/file, art1, joined/1
	if inStage < least {
		t.Errorf("%d things were in the stage", inStage)
	}
	for _, p := range []string{"old/new", "old/new/x", "old/new/x/m", "old/new/x/m/n", "old/new/x/m/n/file", "old/new/x/o"} {
		if u, g := ids(t, filepath.Join(ws, p)); u != uid || g != gid {
			t.Errorf("%s belongs to %d:%d", p, u, g)
		}
	}
	for _, p := range []string{"old", "old/file", "old/replaced"} {
		if u, _ := ids(t, filepath.Join(ws, p)); u != os.Getuid() {
			t.Errorf("%s was given to %d", p, u)
		}
	}
}

// No owner is changed unless Chown is set.
func TestOwnerKept(t *testing.T) {
	t.Parallel()
	s, _, err := stage(t, t.TempDir(), ".", StageOptions{}, staged{"n", nil})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Owner(); ok || s.ChownErr() != nil {
		t.Errorf("there is an owner, or %v", s.ChownErr())
	}
}

// An owner that cannot be given is no reason to go without the files; a disk
// that fails is.
func TestOwnerCannotBeGiven(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err   error
		fatal bool
	}{
		{syscall.EPERM, false},
		{syscall.EINVAL, false},
		{syscall.ENOTSUP, false},
		{syscall.EIO, true},
	} {
		ws := t.TempDir()
		s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"n", []string{"f=1"}})
		if err != nil {
			t.Fatal(err)
		}
		s.lchown = func(string, int, int) error { return tt.err }
		err = s.adopt(ws)
		if got := errors.Is(err, tt.err); got != tt.fatal {
			t.Errorf("%v: got %v", tt.err, err)
		}
		if tt.fatal {
			continue
		}
		if !errors.Is(s.ChownErr(), tt.err) {
			t.Errorf("%v: not told, but %v", tt.err, s.ChownErr())
		}
		if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
			t.Error(err)
		}
	}
}

// If owners can be changed at first and no longer later, everything is undone.
func TestOwnerFails(t *testing.T) {
	t.Parallel()
	for fail := 0; ; fail++ {
		ws := t.TempDir()
		write(t, ws, "a=0")
		before := exact(t, ws)
		s, trees, err := stage(t, ws, "x/y", StageOptions{Chown: true}, staged{"new/n", nil}, staged{"new/m", nil})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		s.lchown = func(string, int, int) error {
			if n++; n > fail {
				return syscall.EIO
			}
			return nil
		}
		_, createErr := s.Create("spool")
		_, err = s.Publish(t.Context(), trees, Overwrite)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if (createErr == nil) != (fail > 0) {
			t.Errorf("after %d things: %v", fail, createErr)
		}
		if err == nil {
			const things = 4 // the spool, x, y, new
			if fail != things {
				t.Errorf("%d things were given", fail)
			}
			return
		}
		if diff := gocmp.Diff(before, exact(t, ws)); !errors.Is(err, syscall.EIO) || diff != "" {
			t.Errorf("%v: %s", err, cmp.Or(diff, "as before"))
		}
	}
}

func ids(t *testing.T, p string) (uid, gid int) {
	t.Helper()
	info, err := os.Lstat(p)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner")
	}
	return int(st.Uid), int(st.Gid)
}
