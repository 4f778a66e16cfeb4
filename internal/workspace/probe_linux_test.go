package workspace

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// setAttribute sets an attribute of chattr(1) for the time of a test.
func setAttribute(t *testing.T, dir string, flag int) {
	t.Helper()
	set := func(flag int) error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
		if err == nil {
			err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags&^(unix.STATX_ATTR_APPEND|unix.STATX_ATTR_IMMUTABLE)|flag)
		}
		return errors.Join(err, f.Close())
	}
	if err := set(flag); err != nil {
		t.Skipf("attributes cannot be set here: %v", err)
	}
	t.Cleanup(func() {
		if err := set(0); err != nil {
			t.Error(err)
		}
	})
}

// Nothing is begun where files can be made but not moved or removed.
func TestStageWhereNothingCanBeMoved(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		dest string
		flag int
		err  string
	}{
		"append-only":       {"out", unix.STATX_ATTR_APPEND, `path "out" leads into a directory that is append-only`},
		"append-only, new":  {"out/new", unix.STATX_ATTR_APPEND, `path "out/new" leads into a directory that is append-only`},
		"append-only, link": {"l", unix.STATX_ATTR_APPEND, `is append-only`},
		"immutable":         {"out", unix.STATX_ATTR_IMMUTABLE, `is immutable`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, "out/a=0", "l -> out")
			setAttribute(t, ws+"/out", tt.flag)
			before := snapshot(t, ws)
			_, _, err := stage(t, ws, tt.dest, StageOptions{})
			if _, ok := errors.AsType[*PathError](err); !ok || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The same holds for a directory below, once a file is to be put there.
func TestPublishWhereNothingCanBeMoved(t *testing.T) {
	t.Parallel()
	attribute := func(flag int) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { t.Helper(); setAttribute(t, dir, flag) }
	}
	tests := map[string]struct {
		make func(t *testing.T, dir string) // of out/cache
		tree []string
		err  string
	}{
		"append-only":         {attribute(unix.STATX_ATTR_APPEND), []string{"a=1", "cache/x=1"}, `"cache" is append-only`},
		"append-only, unused": {attribute(unix.STATX_ATTR_APPEND), []string{"a=1", "cache/"}, ""},
		"append-only, below":  {attribute(unix.STATX_ATTR_APPEND), []string{"a=1", "cache/sub/x=1"}, ""},
		"immutable":           {attribute(unix.STATX_ATTR_IMMUTABLE), []string{"a=1", "cache/x=1"}, `"cache" is immutable`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, "out/cache/sub/")
			tt.make(t, ws+"/out/cache")
			before := snapshot(t, ws)
			s, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", tt.tree})
			if err != nil {
				t.Fatal(err)
			}
			foreseen := s.Foresee(t.Context(), []Tree{{To: "cache", Label: "art0"}})
			if _, ok := errors.AsType[*PlaceError](foreseen); !ok || tt.err != "" && !strings.Contains(foreseen.Error(), tt.err) {
				t.Errorf("foreseen: %v", foreseen)
			}
			changes := 0
			s.before = func() error { changes++; return nil }
			_, err = s.Publish(t.Context(), trees, Overwrite)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if tt.err == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if _, ok := errors.AsType[*PlaceError](err); !ok || !strings.Contains(err.Error(), tt.err) || changes > 0 {
				t.Errorf("%d changes, got %v", changes, err)
			}
			if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
