//go:build unix

package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// If another process changes the destination between plan and move, Publish plans anew, by
// the rules for existing files. The other process acts before a change of the first plan,
// as often as the row says.
func TestPublishPlansAgain(t *testing.T) {
	t.Parallel()
	file := func(name string) func(string) error {
		return func(ws string) error {
			return errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(ws, name)), 0o755), writeLater(ws+"/theirs", "theirs"), os.Rename(ws+"/theirs", filepath.Join(ws, name)))
		}
	}
	tests := map[string]struct {
		before []string
		tree   []string
		others func(ws string) error
		change int // before which the others act
		ie     IfExists
		want   []string
		err    string
	}{
		"a new file, overwrite": {nil, []string{"a=1", "b=1"}, file("b"), 1, Overwrite, []string{"a=1", "b=1"}, ""},
		"a new file, later":     {nil, []string{"a=1", "b=1"}, file("b"), 2, Overwrite, []string{"a=1", "b=1"}, ""},
		"a new file, skip":      {nil, []string{"a=1", "b=1"}, file("b"), 2, Skip, []string{"a=1", "b=theirs"}, ""},
		"a new file, fail":      {nil, []string{"a=1", "b=1"}, file("b"), 2, Fail, []string{"b=theirs"}, `"b" is already there`},
		"another file":          {[]string{"b=0"}, []string{"a=1", "b=1"}, file("b"), 2, Overwrite, []string{"a=1", "b=1"}, ""},
		"ours replaced by theirs": {[]string{"b=0"}, []string{"a=1", "b=1"}, func(ws string) error {
			return errors.Join(file("a")(ws), file("b")(ws))
		}, 2, Overwrite, []string{"a=theirs", "b=theirs"}, `"a" was changed by another process`},
		"an empty directory":   {nil, []string{"a=1", "b=1"}, func(ws string) error { return os.Mkdir(ws+"/b", 0o700) }, 2, Overwrite, []string{"b/"}, `"b" is a directory already`},
		"a lost directory":     {nil, []string{"a=1", "d/e/f=1"}, file("d/e/g"), 2, Overwrite, []string{"a=1", "d/e/f=1", "d/e/g=theirs"}, ""},
		"a directory is gone":  {[]string{"d/x=0"}, []string{"a=1", "d/e/f=1"}, func(ws string) error { return os.RemoveAll(ws + "/d") }, 2, Overwrite, []string{"a=1", "d/e/f=1"}, ""},
		"a replaced directory": {[]string{"d/x=0", "e/"}, []string{"a=1", "d/x=1", "d/y=1"}, func(ws string) error { return errors.Join(os.RemoveAll(ws+"/d"), os.Symlink("e", ws+"/d")) }, 2, Overwrite, []string{"a=1", "d -> e", "e/x=1", "e/y=1"}, ""},
		"modes":                {nil, []string{"a=1", "0555 d/e/", "d/f=1", "0555 d/", "z=1"}, file("z"), 3, Overwrite, []string{"a=1", "d/e/", "d/f=1", "z=1"}, ""},
		"a new one of ours holds a stage": {nil, []string{"d/f=1", "z=1"}, func(ws string) error {
			return errors.Join(os.Mkdir(ws+"/d/.artifetch-THEIRSXXXXXXXXXXXXXXXXXXXX", 0o700), file("d/.artifetch-THEIRSXXXXXXXXXXXXXXXXXXXX/x")(ws), file("z")(ws))
		}, 2, Overwrite, []string{"d/.artifetch-THEIRSXXXXXXXXXXXXXXXXXXXX/x=theirs", "d/f=1", "z=1"}, ""},
		"a new one of ours used": {nil, []string{"d/f=1", "z=1"}, func(ws string) error {
			return errors.Join(os.WriteFile(ws+"/d/theirs", []byte("0"), 0o600), file("z")(ws))
		}, 2, Overwrite, []string{"d/theirs=0", "z=theirs"}, `"d/theirs" was changed by another process`},
	}
	for name, tt := range tests {
		for way, w := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				ws := testdir.InMemory(t)
				makeRemovable(t, ws)
				write(t, ws, tt.before...)
				s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", tt.tree})
				if err != nil {
					t.Fatal(err)
				}
				s.noSwap, s.noLinks = w.noSwap, w.noLinks
				n := 0
				s.before = func() error {
					if n++; n == tt.change {
						return tt.others(ws)
					}
					return nil
				}
				_, err = s.Publish(t.Context(), trees, tt.ie)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				if diff := cmp.Diff(tt.want, snapshot(t, ws)); diff != "" {
					t.Error(diff)
				}
				if name == "modes" && (mode(t, ws+"/d") != 0o555 || mode(t, ws+"/d/e") != 0o555) {
					t.Errorf("modes are %v and %v", mode(t, ws+"/d"), mode(t, ws+"/d/e"))
				}
			})
		}
	}
}

// Files that were replaced and put back can be published again, unless a copy replaced the
// new file.
func TestPublishAgainAfterReplacing(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, "02640 a=0", "b=0", "l -> 0")
			s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a=1", "l -> 1", "z=1"}})
			if err != nil {
				t.Fatal(err)
			}
			s.noSwap, s.noLinks = way.noSwap, way.noLinks
			n := 0
			s.before = func() error {
				if n++; n == 3 {
					return os.WriteFile(ws+"/z", []byte("theirs"), 0o600)
				}
				return nil
			}
			_, err = s.Publish(t.Context(), trees, Overwrite)
			want := []string{"a=1", "b=0", "l -> 1", "z=1"}
			if way.noLinks {
				want = []string{"a=0", "b=0", "l -> 0", "z=theirs"}
				if _, busy := errors.AsType[*busyError](err); busy {
					err = nil
				}
				if info, err := os.Lstat(ws + "/a"); err != nil || info.Mode() != 0o640|fs.ModeSetgid {
					t.Errorf("the copy is %v, %v", info, err)
				}
			}
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A directory that was opened up for one plan, and moves as a whole in the next, keeps the
// mode from before.
func TestPublishPlansAgainWithModes(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	makeRemovable(t, ws)
	write(t, ws, "d/e/x=0")
	n := 0
	_, err := publish(t.Context(), t, ws, ".", []staged{{"", []string{"a=1", "d/e/f=1", "0555 d/e/", "0555 d/"}}}, Overwrite, func() error {
		if n++; n == 2 {
			return os.RemoveAll(ws + "/d")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"d", "d/e"} {
		if got := mode(t, filepath.Join(ws, dir)); got != 0o555 {
			t.Errorf("%s is %v", dir, got)
		}
	}
}

// writeLater writes a file whose time is later than that of all files so far. The clock of
// a file system moves in steps, and a file written within one step looks unchanged.
func writeLater(name, body string) error {
	later := time.Now().Add(time.Second)
	return errors.Join(os.WriteFile(name, []byte(body), 0o600), os.Chtimes(name, later, later))
}

// Publish gives up on a process that keeps getting in the way, with all undone.
func TestPublishGivesUp(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "z=0")
	n := 0
	_, err := publish(t.Context(), t, ws, ".", []staged{{"", []string{"a=1", "z=1"}}}, Overwrite, func() error {
		n++
		return errors.Join(os.WriteFile(ws+"/new", fmt.Append(nil, n), 0o600), os.Rename(ws+"/new", ws+"/z"))
	})
	if _, busy := errors.AsType[*busyError](err); !busy || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{fmt.Sprint("z=", n)}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}
