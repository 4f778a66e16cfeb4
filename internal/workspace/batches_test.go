//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// smallBatch is a batch for tests that publish many times: large enough that names are looked
// up side by side.
const smallBatch = 80

// manyLines are files for some batches of changes, in few and in many directories. Every
// third file is in the workspace before.
func manyLines(body string, batch int) (tree, before []string) {
	for i := range 3*batch + batch/2 {
		name := fmt.Sprintf("f%04d", i)
		if i%2 == 1 {
			name = fmt.Sprintf("d%d/f%04d", i%100, i)
		}
		tree = append(tree, name+"="+body)
		if i%3 == 0 {
			before = append(before, name+"=0")
		} else if i%2 == 1 {
			before = append(before, filepath.Dir(name)+"/mine=0")
		}
	}
	slices.Sort(before)
	return tree, slices.Compact(before)
}

// interesting changes: of the first batch, where one batch follows the other, and the last.
var interesting = []int{1, 2, smallBatch, smallBatch + 1, 2*smallBatch + 7, 3 * smallBatch, 3*smallBatch + smallBatch/2}

// While a batch is made, the next one is prepared. A change that fails, in whichever batch,
// undoes all of them, and so does the next process after a kill.
func TestPublishManyBatches(t *testing.T) {
	t.Parallel()
	tree, before := manyLines("1", smallBatch)
	ends := map[string]func(cancel context.CancelCauseFunc) error{
		"fails":     func(context.CancelCauseFunc) error { return errFault },
		"cancelled": func(cancel context.CancelCauseFunc) error { cancel(errFault); return nil },
		"killed":    func(context.CancelCauseFunc) error { runtime.Goexit(); return nil },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := worldDir(t, 1)
			write(t, ws, before...)
			want := exact(t, ws)
			for _, at := range interesting {
				ctx, cancel := context.WithCancelCause(t.Context())
				s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", tree})
				if err != nil {
					t.Fatal(err)
				}
				s.batch = smallBatch
				n := 0
				s.before = func() error {
					if n++; n == at {
						return end(cancel)
					}
					return nil
				}
				died, err := publishUntil(ctx, t, s, trees, Overwrite, -1)
				if died != (name == "killed") || !died && at <= len(tree) && !errors.Is(err, errFault) {
					t.Errorf("change %d: %v", at, err)
				}
				if all := recoverIn(t, ws, "."); len(all) != 1 || all[0].Err != nil || len(all[0].Left) > 0 {
					t.Errorf("change %d: recovered %+v", at, all)
				}
				if diff := cmp.Diff(want, exact(t, ws)); diff != "" {
					t.Fatalf("change %d: %s", at, diff)
				}
				cancel(nil)
			}
		})
	}
}

// A staged file that is gone is noticed while the batch before its own is made. That ends
// publishing as every failure does.
func TestPublishWithoutItsFiles(t *testing.T) {
	t.Parallel()
	tree, before := manyLines("1", defaultBatch)
	ws := worldDir(t, 1)
	write(t, ws, before...)
	want := exact(t, ws)
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", tree})
	if err != nil {
		t.Fatal(err)
	}
	p := s.planner(t.Context(), Overwrite)
	if err := p.plan(trees); err != nil {
		t.Fatal(err)
	}
	last, err := p.steps.at(p.steps.count)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s.before = func() error {
		if n++; n == 1 {
			return os.Remove(filepath.Join(ws, last.from))
		}
		return nil
	}
	if _, err := s.Publish(t.Context(), trees, Overwrite); !errors.Is(err, os.ErrNotExist) || n < defaultBatch {
		t.Errorf("got %v after %d changes", err, n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, exact(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// SIGKILL ends all goroutines of a process at any instant: one makes changes while another
// one prepares the next batch.
func TestSIGKILLInManyBatches(t *testing.T) {
	t.Parallel()
	_, before := manyLines("", smallBatch)
	ws := worldDir(t, 1)
	write(t, ws, before...)
	want := exact(t, ws)
	for _, n := range interesting {
		if out, err := childCmd(t, "kill-many", strconv.Itoa(n), ws).CombinedOutput(); err == nil {
			t.Fatalf("it was not killed: %s", out)
		}
		for _, r := range recoverIn(t, ws, ".") {
			if len(r.Left) > 0 || r.Err != nil {
				t.Errorf("killed before change %d: %+v", n, r)
			}
		}
		if diff := cmp.Diff(want, exact(t, ws)); diff != "" {
			t.Fatalf("killed before change %d: %s", n, diff)
		}
	}
}

// Lookups that are made side by side find what single ones do.
func TestLookUpAll(t *testing.T) {
	t.Parallel()
	ws := testdir.InMemory(t)
	var names []string
	var lines []string
	for i := range 5*worthSharing + 3 {
		names = append(names, fmt.Sprint("f", i))
		if i%3 > 0 {
			lines = append(lines, fmt.Sprint("d/f", i, "=", i))
		}
	}
	write(t, ws, append(lines, "file=x", "l -> d")...)
	s, _, err := stage(t, ws, ".", StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, worthSharing, len(names)} {
		all, err := s.at.lookUpAll("d", names[:n])
		if err != nil || len(all) != n {
			t.Fatal(len(all), err)
		}
		for i, f := range all {
			want, err := s.at.lookup("d/" + names[i])
			if diff := cmp.Diff(want, f.info, cmp.AllowUnexported(info{}, ident{}), cmp.AllowUnexported(time.Time{})); diff != "" || err != nil || f.err != nil {
				t.Errorf("%s: %s, %v, %v", names[i], diff, err, f.err)
			}
		}
	}
	for _, gone := range []string{"none", "file", "l", "d/none/x"} {
		all, err := s.at.lookUpAll(gone, names)
		if err != nil || slices.ContainsFunc(all, func(f found) bool { return f != found{} }) {
			t.Errorf("%s: %v", gone, err)
		}
	}
}
