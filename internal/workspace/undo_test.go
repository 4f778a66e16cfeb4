//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errFault = errors.New("fault")

// Whatever exists, whatever is published, and whichever change fails: everything in and
// around the workspace is as it was, down to the inodes, and the stage is gone.
func TestPublishUndoes(t *testing.T) {
	t.Parallel()
	worlds, wantUndone := share(80), share(300)
	undone, published := 0, 0
	for seed := range uint64(worlds) {
		w := world{rand.New(rand.NewPCG(seed, 1))}
		before := w.lines(14, ".", "..", "a", "b", "../a", "a/d", "nowhere", "../outside", "../../outside", "/etc", "l")
		trees := []staged{
			{w.pick("", "", "a", "n/m"), w.lines(8, "a", "b", "../b", "nowhere")},
			{w.pick("", "", "a", "b", "n/o"), w.lines(8, "a", "b", "../b", "nowhere")},
			{w.pick("", "a/d", "n"), w.lines(4, "a", "b")},
		}
		dest, ie := w.pick(".", ".", "a", "l", "new/deep"), IfExists(w.pick("overwrite", "overwrite", "skip"))
		u := newUndoWorld(t, seed, before)
		for fail := 0; ; fail++ {
			err := u.once(t, dest, trees, ie, fail)
			if err == nil {
				published++
			}
			if t.Failed() {
				t.Fatalf("seed %d: %q into %s over %q", seed, trees, dest, before)
			}
			if !errors.Is(err, errFault) {
				break // published, or refused for a reason
			}
			undone++
		}
	}
	if undone < wantUndone || published < worlds/4 {
		t.Errorf("only %d failures and %d successes were tried", undone, published)
	}
}

// undoWorld is a workspace and its surroundings. All failures of a seed use the
// same world, because each leaves it exactly as it was: making and removing a world
// for each would take most of a test's time on some file systems.
type undoWorld struct {
	top, ws, outside string
	want, around     []string // what top and outside hold
}

func newUndoWorld(t *testing.T, seed uint64, before []string) undoWorld {
	t.Helper()
	top := worldDir(t, seed)
	makeRemovable(t, top)
	u := undoWorld{top: top, ws: filepath.Join(top, "ws"), outside: filepath.Join(top, "outside")}
	write(t, top, "ws/", "outside/x=not yours", "outside/d/e/")
	write(t, u.ws, before...)
	u.want, u.around = exact(t, top), exact(t, u.outside)
	return u
}

// once publishes and fails at a change, by an error or by the end of the
// context.
func (u undoWorld) once(t *testing.T, dest string, trees []staged, ie IfExists, fail int) error {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	n := 0
	_, err := publish(ctx, t, u.ws, dest, trees, ie, func() error {
		n++
		switch {
		case n <= fail:
		case fail%2 == 0:
			return errFault
		default:
			cancel(errFault) // seen before the next change
		}
		return nil
	})
	want, top := u.want, u.top
	if err == nil {
		if got := strings.Join(snapshot(t, u.ws), "\n"); strings.Contains(got, ".artifetch") {
			t.Errorf("the stage is left: %s", got)
		}
		want, top = u.around, u.outside
	}
	if diff := cmp.Diff(want, exact(t, top)); diff != "" {
		t.Errorf("change %d, %v: %s", fail, err, diff)
	}
	return err
}

// When undoing fails, this process does not remove replaced files with the stage. Nor does
// the next one, if this one is killed before its end.
func TestFailedUndoKeepsWhatWasReplaced(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprint("killed ", killed), func(t *testing.T) {
			t.Parallel()
			failUndo(t, killed)
		})
	}
}

func failUndo(t *testing.T, killed bool) {
	t.Helper()
	ws := t.TempDir()
	write(t, ws, "a/x=precious", "b=0")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a/x=1", "b=2"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.before = func() error {
		if n++; n == 2 { // a/x was replaced
			return errors.Join(errFault, os.RemoveAll(ws+"/a"))
		}
		return nil
	}
	_, err = s.Publish(t.Context(), trees, Overwrite)
	kept := filepath.Join(ws, s.dir, replacedDir)
	if !errors.Is(err, errFault) || !strings.Contains(err.Error(), `"a/x" was changed`) || !strings.Contains(err.Error(), "kept in "+kept) {
		t.Errorf("got %v", err)
	}
	end := s.Close
	if killed {
		end = func() error { return kill(s) }
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	recoverIn(t, ws, ".")
	rel, _ := filepath.Rel(ws, kept)
	if killed {
		if got, err := os.ReadFile(filepath.Join(kept, "1")); string(got) != "precious" {
			t.Errorf("it has %q, %v", got, err)
		}
		return
	}
	if diff := cmp.Diff([]string{rel + "/1=precious", "b=0"}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// Undoing leaves a file that another process puts in place of ours at that very moment.
func TestUndoNoticesOthers(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "b=0")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a=1", "b=1", "d/c=1"}})
	if err != nil {
		t.Fatal(err)
	}
	changes, calls := 0, 0
	s.before = func() error {
		if changes++; changes == 4 { // all are made
			calls = 1
			return errFault
		}
		return nil
	}
	// What undoing does to the file system, one call after the other, and what
	// has been put there just before it.
	moments := map[int]string{2: "d/c", 5: "b", 7: "a"}
	s.at.before = func() {
		if calls == 0 {
			return
		}
		if name, ok := moments[calls]; ok {
			p := filepath.Join(ws, name)
			if got, err := os.ReadFile(p); err != nil || string(got) != "1" {
				t.Errorf("%s was %q, %v", name, got, err)
			}
			if err := errors.Join(os.Remove(p), os.WriteFile(p, []byte("theirs"), 0o600)); err != nil {
				t.Error(err)
			}
		}
		calls++
	}
	_, err = s.Publish(t.Context(), trees, Overwrite)
	if _, ok := errors.AsType[*UndoError](err); !ok || !errors.Is(err, errFault) {
		t.Errorf("got %v", err)
	}
	dir := s.path()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	rel, _ := filepath.Rel(ws, dir)
	if diff := cmp.Diff([]string{rel + "/replaced/2=0", "a=theirs", "b=theirs", "d/c=theirs"}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// If replaced files can neither be put back nor moved aside, the whole stage stays, and the
// next run continues from its journal.
func TestFailedUndoKeepsTheStage(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "a=0", "b=precious", "c=0")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a=1", "b=1", "c=1"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.before = func() error {
		if n++; n == 3 { // a and b were replaced
			return errors.Join(errFault, os.Remove(filepath.Join(s.path(), replacedDir)), os.WriteFile(ws+"/b", []byte("theirs"), 0o600))
		}
		return nil
	}
	_, err = s.Publish(t.Context(), trees, Overwrite)
	if _, ok := errors.AsType[*UndoError](err); !ok || !strings.Contains(err.Error(), "kept in "+s.path()+" until the next run") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"a": "0", "b": "theirs", "c": "0", s.dir + "/art0/b": "precious"} {
		if got, err := os.ReadFile(filepath.Join(ws, name)); string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	all := recoverIn(t, ws, ".")
	if len(all) != 1 || all[0].Err != nil || len(all[0].Left) != 1 {
		t.Errorf("got %+v", all)
	}
	if diff := cmp.Diff([]string{"a=0", "b=theirs", "c=0"}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// Undoing removes a directory that was moved as a whole, even if the stage cannot take it
// back.
func TestPublishUndoesWithoutStage(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "mine=0")
	before := snapshot(t, ws)
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"new/f=1", "new/g/h=1", "new/l -> f", "0555 new/r/", "z/f=1"}})
	if err != nil {
		t.Fatal(err)
	}
	s.before = func() error {
		if _, err := os.Lstat(ws + "/z"); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return errors.Join(errFault, os.RemoveAll(filepath.Join(ws, s.dir, trees[0].Dir)))
	}
	if _, err = s.Publish(t.Context(), trees, Overwrite); !errors.Is(err, errFault) || strings.Contains(err.Error(), "undo") || !s.spent {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// If undoing fails for many files in the same way, the error has few lines.
func TestUndoErrorsAreFew(t *testing.T) {
	t.Parallel()
	const files = 5 * maxListed
	var before, tree []string
	for i := range files {
		before, tree = append(before, fmt.Sprintf("%d=0", i)), append(tree, fmt.Sprintf("%d=1", i))
	}
	ws := t.TempDir()
	write(t, ws, before...)
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", tree})
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	s.before = func() error {
		if changes++; changes < files {
			return nil
		}
		// The replaced file is gone, for whatever reason.
		return errors.Join(errFault, os.RemoveAll(filepath.Join(ws, s.dir, trees[0].Dir)), os.RemoveAll(filepath.Join(ws, s.dir, replacedDir)))
	}
	_, err = s.Publish(t.Context(), trees, Overwrite)
	if _, ok := errors.AsType[*UndoError](err); !ok || !strings.Contains(err.Error(), fmt.Sprintf("and %d more errors", files-1-maxListed)) || strings.Count(err.Error(), "\n") > maxListed+2 {
		t.Errorf("got %v", err)
	}
	_ = s.Close()
}
