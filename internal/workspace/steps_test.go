//go:build linux || darwin

package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A plan reads back as it was made, from memory or from its file.
func TestSteps(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 30_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			stage, _, err := stage(t, t.TempDir(), ".", StageOptions{})
			if err != nil {
				t.Fatal(err)
			}
			s := stage.newSteps()
			name := filepath.Join(stage.dest.Root, stage.dir, "list-1")
			var want []step
			for i := range n {
				st := step{do: kind(i % 4), to: fmt.Sprintf("d%d/\xff%d", i/3, i), dir: i%5 == 0, is: ident{uint64(i), 1, 2}}
				switch st.do {
				case moveIn, replace:
					st.from = fmt.Sprintf("s/%s/%d", strings.Repeat("x", i%90), i)
				case makeDir, setMode:
				}
				switch st.do {
				case replace:
					st.was = ident{math.MaxUint64, math.MinInt64, int64(-i)}
				case setMode:
					st.mode = fs.ModePerm | fs.ModeSticky
				case makeDir, moveIn:
				}
				want = append(want, st)
				if err := s.add(&st); err != nil {
					t.Fatal(err)
				}
			}
			for i := range want { // from the end, as undoing does
				got, err := s.at(n - i)
				if err != nil || *got != want[n-1-i] {
					t.Fatalf("%d: %+v, %v, want %+v", n-i, got, err, want[n-1-i])
				}
			}
			for range 2 { // it may be read again
				var got []step
				for st, err := range s.all() {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, st)
				}
				if !slices.Equal(want, got) { // cmp.Diff is slow for long lists
					t.Error(cmp.Diff(want, got, cmp.AllowUnexported(step{}, ident{})))
				}
			}
			if _, err := os.Stat(name); (err == nil) != (n > 10_000) {
				t.Errorf("its file: %v", err)
			}
			s.close()
			s.close()
			if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("its file is left: %v", err)
			}
		})
	}
}

// A file that lost its end is an error, not a shorter plan.
func TestStepsCutShort(t *testing.T) {
	t.Parallel()
	stage, _, err := stage(t, t.TempDir(), ".", StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := stage.newSteps()
	for i := range 30_000 {
		if err := s.add(&step{do: moveIn, from: fmt.Sprint("from/", i, strings.Repeat("x", 99)), to: fmt.Sprint("to/", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.file.Truncate(1000); err != nil {
		t.Fatal(err)
	}
	n, failed := 0, false
	for _, err := range s.all() {
		n++
		failed = failed || err != nil
	}
	if !failed || n > defaultBatch {
		t.Errorf("%d steps, failed: %v", n, failed)
	}
	s.close()
}

// A full disk ends the list, which keeps the steps that it has: undoing needs them.
func TestStepsOnFullDisk(t *testing.T) {
	t.Parallel()
	stage, _, err := stage(t, t.TempDir(), ".", StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := stage.newSteps()
	most := 2 * maxListInMemory / 100 // in the file and in memory
	full := false
	for i := 0; !full; i++ {
		if i == most {
			if err := s.file.Close(); err != nil { // now writing fails
				t.Fatal(err)
			}
			name := filepath.Join(stage.dest.Root, s.name)
			if s.file, err = os.Open(name); err != nil {
				t.Fatal(err)
			}
		}
		full = s.add(&step{do: moveIn, from: fmt.Sprintf("from/%0100d", i), to: fmt.Sprint("to/", i)}) != nil
	}
	if s.count <= most {
		t.Fatalf("only %d steps", s.count)
	}
	for n := s.count; n > 0; n-- {
		if st, err := s.at(n); err != nil || st.to != fmt.Sprint("to/", n-1) {
			t.Fatalf("step %d of %d: %+v, %v", n, s.count, st, err)
		}
	}
	s.close()
}

// Memory does not grow with the number of files in a plan, nor descriptors with the number
// of directories.
func TestPlanIsLean(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	const files = 100
	var lines []string
	deep := strings.Repeat("d/", 2*maxHandles)
	for i := range 3 * files {
		lines = append(lines, fmt.Sprintf("%s%0200d=", deep, i))
	}
	write(t, ws, deep+"x=0")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", lines}, staged{"", lines[:2]})
	if err != nil {
		t.Fatal(err)
	}
	p := s.planner(t.Context(), Overwrite)
	if err := p.plan(trees); err != nil {
		t.Fatal(err)
	}
	if got := len(s.at.open); got > maxHandles {
		t.Errorf("%d directories are open", got)
	}
	if got := p.report.Conflicting; p.steps.count != 3*files || got != 2 {
		t.Errorf("%d steps, %d conflicts", p.steps.count, got)
	}
	if perStep := len(p.steps.buf) / p.steps.count; perStep > 2*(200+8) {
		t.Errorf("a step takes %d bytes", perStep)
	}
}

// However deep large directories lie in each other, few are open.
func TestListingIsBounded(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	const depth, size, most = 8, 4, 3
	for i := range depth {
		dir := filepath.Join(ws, strings.Repeat("d/", i))
		if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
			t.Fatal(err)
		}
		for n := range size {
			if err := os.Symlink("x", filepath.Join(dir, fmt.Sprintf("f%03d", n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	root, err := os.OpenRoot(ws)
	if err != nil {
		t.Fatal(err)
	}
	at, err := openHandles(root)
	if err != nil {
		t.Fatal(err)
	}
	l := listing{at: at, size: size, most: most}
	open, seen := 0, 0
	var walk func(dir string) error
	walk = func(dir string) error {
		return l.each(dir, func(batch []fs.DirEntry) error {
			open = max(open, l.open)
			seen += len(batch)
			for _, e := range batch {
				if e.IsDir() {
					if err := walk(path.Join(dir, e.Name())); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := walk("."); err != nil {
		t.Fatal(err)
	}
	if open > most || seen != depth*(size+1) || l.open != 0 {
		t.Errorf("%d open at most, %d in the end; %d entries", open, l.open, seen)
	}
	if err := errors.Join(at.close(), root.Close()); err != nil {
		t.Error(err)
	}
}
