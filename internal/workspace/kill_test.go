//go:build unix

package workspace

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// publishUntil publishes, and ends before the n-th change as if the process had
// been killed there. It reports whether there were n changes.
func publishUntil(ctx context.Context, t testing.TB, s *Stage, trees []Tree, ie IfExists, n int) (died bool, err error) {
	t.Helper()
	died = true
	s.at.before = func() {
		if n--; n == 0 {
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err = s.Publish(ctx, trees, ie)
		died = false
	}()
	<-done
	return died, errors.Join(err, kill(s))
}

// kill gives up what the system takes back when a process ends: locks and descriptors.
func kill(s *Stage) error {
	s.at.before = func() {}
	err := errors.Join(s.release(), s.at.close(), s.root.Close())
	for _, a := range s.annexes {
		err = errors.Join(err, a.release())
	}
	s.root = nil // Close does nothing
	return err
}

// paths are the files and symlinks of a snapshot, without those of stages.
func paths(lines []string) map[string]string {
	all := map[string]string{}
	for _, l := range lines {
		if strings.Contains(l, stagePrefix) || strings.HasSuffix(l, "/") {
			continue
		}
		name, _, _ := strings.Cut(l, " -> ")
		name, _, _ = strings.Cut(name, "=")
		all[name] = l
	}
	return all
}

// oldOrNew checks that each path has its old or its new file.
func oldOrNew(t *testing.T, before, now, after []string) {
	t.Helper()
	was, is, will := paths(before), paths(now), paths(after)
	for name, l := range was {
		if is[name] != l && (is[name] != will[name] || is[name] == "") {
			t.Errorf("%s had %q, was to have %q and has %q", name, l, will[name], is[name])
		}
	}
	for name, l := range is {
		if l != was[name] && l != will[name] {
			t.Errorf("%s has %q, which is neither old nor new", name, l)
		}
	}
}

// recoverIn recovers the stages in a workspace, for a destination.
func recoverIn(t testing.TB, ws, dest string) []Recovery {
	t.Helper()
	d, err := Layout{Workspace: ws}.Resolve(dest)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Recover(t.Context(), d)
	if err != nil {
		t.Error(err)
	}
	return all
}

// ways in which a file system lets a file be replaced.
var ways = map[string]struct{ noSwap, noLinks bool }{
	"exchanging": {}, "linking": {true, false}, "copying": {true, true},
}

// Whatever exists, whatever is published, and before whichever change the process is
// killed: each path has its old or its new file, and the next run undoes everything, down
// to the inodes, and leaves no stage.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killed := 0
			for seed := uint64(0); killed < share(100); seed++ {
				w := newKillWorld(t, seed)
				w.noSwap, w.noLinks = way.noSwap, way.noLinks
				var at killPlace
				for n := 1; w.after != nil; n++ {
					if at.ws == "" || w.noLinks { // copies are not the same files
						at = w.make(t)
					}
					if died, _ := killOnce(t, w, at, n); !died {
						break
					}
					killed++
				}
				if t.Failed() {
					t.Fatalf("seed %d: %+v", seed, w)
				}
			}
		})
	}
}

// killWorld is what a process publishes that is killed, and where.
type killWorld struct {
	seed            uint64
	before          []string
	trees           []staged
	dest            string
	ie              IfExists
	fault           int      // a change that fails, so that undoing is killed, too
	after           []string // nil where nothing can be published
	noSwap, noLinks bool
}

func newKillWorld(t *testing.T, seed uint64) killWorld {
	t.Helper()
	r := world{rand.New(rand.NewPCG(seed, 3))}
	w := killWorld{
		seed:   seed,
		before: append(r.lines(12, ".", "..", "a", "b", "../a", "a/d", "nowhere", "l"), "h/x=0", "h/y=0", "h/l -> y"),
		trees: []staged{
			{r.pick("", "", "a", "n/m"), append(r.lines(6, "a", "b", "nowhere"), "h/x=1", "h/l -> x", "h/z=1")},
			{r.pick("", "a", "b", "n/o"), r.lines(6, "a", "b", "nowhere")},
		},
		dest: r.pick(".", ".", "a", "new/deep"), ie: IfExists(r.pick("overwrite", "overwrite", "skip")),
		fault: r.IntN(12),
	}
	full := worldDir(t, seed)
	makeRemovable(t, full)
	write(t, full, w.before...)
	if _, err := publish(t.Context(), t, full, w.dest, w.trees, w.ie, nil); err == nil { // else it is refused for a reason
		w.after = snapshot(t, full)
	}
	return w
}

// killPlace is a workspace and its content. It is used for the next kill if recovery gives
// the content back.
type killPlace struct {
	ws       string
	old, all []string // as snapshot and exact list it
}

func killPlaceIn(t *testing.T, ws string) killPlace {
	t.Helper()
	return killPlace{ws, snapshot(t, ws), exact(t, ws)}
}

// make makes the workspace as it is before.
func (w killWorld) make(t *testing.T) killPlace {
	t.Helper()
	ws := worldDir(t, w.seed)
	makeRemovable(t, ws)
	write(t, ws, w.before...)
	return killPlaceIn(t, ws)
}

// killOnce reports whether the process got as far as the n-th change, and whether the
// change that fails had failed by then. Recovery is killed at times, too.
func killOnce(t *testing.T, w killWorld, at killPlace, n int) (died, failed bool) {
	t.Helper()
	ws := at.ws
	s, list, err := stage(t, ws, w.dest, StageOptions{}, w.trees...)
	if err != nil {
		t.Fatal(err)
	}
	s.noSwap, s.noLinks = w.noSwap, w.noLinks
	changes := 0
	s.before = func() error {
		if changes++; changes == w.fault {
			return errFault
		}
		return nil
	}
	died, err = publishUntil(t.Context(), t, s, list, w.ie, n)
	if !died && err == nil {
		return false, false
	}
	if err != nil && !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	oldOrNew(t, at.old, snapshot(t, ws), w.after)
	if n%3 == 0 {
		recoverUntil(t, ws, w.dest, 1+n%7)
		oldOrNew(t, at.old, snapshot(t, ws), w.after)
	}
	for _, r := range recoverIn(t, ws, w.dest) {
		if len(r.Left) > 0 || r.Err != nil {
			t.Errorf("killed before change %d: %+v", n, r)
		}
	}
	if w.noLinks { // copies are not the same files
		if diff := cmp.Diff(at.old, snapshot(t, ws)); diff != "" {
			t.Errorf("killed before change %d: %s", n, diff)
		}
	} else if diff := cmp.Diff(at.all, exact(t, ws)); diff != "" {
		t.Errorf("killed before change %d: %s", n, diff)
	}
	return died, changes >= w.fault
}

// recoverUntil recovers, and ends before the n-th change.
func recoverUntil(t *testing.T, ws, dest string, n int) {
	t.Helper()
	d, err := Layout{Workspace: ws}.Resolve(dest)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(ws)
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(d, root)
	if s.at, err = openHandles(root); err != nil {
		t.Fatal(err)
	}
	s.at.before = func() {
		if n--; n == 0 {
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.find(); err != nil {
			t.Error(err)
		}
		if _, err := s.recoverAll(t.Context(), func() error { return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-done
	if err := errors.Join(s.at.close(), root.Close()); err != nil {
		t.Error(err)
	}
}

// Files that users change after a run was killed are left, and named; the others are
// undone.
func TestKilledThenEdited(t *testing.T) {
	t.Parallel()
	before := []string{"a=0", "b=0", "c/d=0"}
	tree := []string{"a=1", "b=1", "c/d=1", "c/e=1", "new/f=1", "new/g/h=1", "z=1"}
	put := func(name, body string) func(string) error {
		return func(ws string) error { return writeLater(filepath.Join(ws, name), body) }
	}
	tests := map[string]struct {
		edit func(ws string) error
		want []string
		left []string
	}{
		"nothing":             {func(string) error { return nil }, before, nil},
		"a replaced file":     {put("a", "mine"), []string{"a=mine", "b=0", "c/d=0"}, []string{"a"}},
		"the same size":       {put("a", "2"), []string{"a=2", "b=0", "c/d=0"}, []string{"a"}},
		"a new file":          {put("z", "mine"), []string{"a=0", "b=0", "c/d=0", "z=mine"}, []string{"z"}},
		"another new file":    {func(ws string) error { return errors.Join(os.Remove(ws+"/z"), put("z", "1")(ws)) }, []string{"a=0", "b=0", "c/d=0", "z=1"}, []string{"z"}},
		"in a new directory":  {put("new/f", "mine"), []string{"a=0", "b=0", "c/d=0", "new/f=mine"}, []string{"new/f"}},
		"into a new one":      {put("new/g/i", "mine"), []string{"a=0", "b=0", "c/d=0", "new/g/i=mine"}, []string{"new/g/i"}},
		"an empty directory":  {func(ws string) error { return os.Mkdir(ws+"/new/e", 0o700) }, []string{"a=0", "b=0", "c/d=0", "new/e/"}, []string{"new/e"}},
		"elsewhere":           {put("c/mine", "mine"), []string{"a=0", "b=0", "c/d=0", "c/mine=mine"}, nil},
		"removed":             {func(ws string) error { return os.Remove(ws + "/b") }, []string{"a=0", "c/d=0"}, []string{"b"}},
		"a new one removed":   {func(ws string) error { return os.RemoveAll(ws + "/new") }, before, []string{"new"}},
		"a directory removed": {func(ws string) error { return os.RemoveAll(ws + "/c") }, []string{"a=0", "b=0"}, []string{"c/d", "c/e"}},
		"a directory led away": {func(ws string) error {
			return errors.Join(os.Rename(ws+"/c", ws+"/moved"), os.Symlink("moved", ws+"/c"))
		}, []string{"a=0", "b=0", "c -> moved", "moved/d=1", "moved/e=1"}, []string{"c/d", "c/e"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, before...)
			s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", tree})
			if err != nil {
				t.Fatal(err)
			}
			s.before = func() error {
				if _, err := os.Lstat(ws + "/z"); err == nil {
					runtime.Goexit() // all is in place
				}
				return nil
			}
			if died, err := publishUntil(t.Context(), t, s, trees, Overwrite, -1); !died || err != nil {
				t.Fatal(died, err)
			}
			if err := tt.edit(ws); err != nil {
				t.Fatal(err)
			}
			all := recoverIn(t, ws, ".")
			if len(all) != 1 || all[0].Err != nil {
				t.Fatalf("got %+v", all)
			}
			left := all[0].Left
			slices.Sort(left)
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			if again := recoverIn(t, ws, "."); len(again) > 0 {
				t.Errorf("there is more: %+v", again)
			}
		})
	}
}
