//go:build unix

package workspace

import (
	"errors"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Publishing does what an obvious program would do on maps of paths, one step
// after the other into the same workspace.
func TestPublishAgreesWithModel(t *testing.T) {
	t.Parallel()
	const worlds, publishes = 30, 4
	kinds := map[string]int{}
	for seed := range uint64(worlds) {
		w := world{rand.New(rand.NewPCG(seed, 2))}
		plain := func(n int) []string {
			return slices.DeleteFunc(w.lines(n, "."), func(l string) bool { return strings.Contains(l, " -> ") || strings.HasPrefix(l, "0555 ") })
		}
		before := plain(14)
		m := newModel(before)
		ws := worldDir(t, seed)
		write(t, ws, before...)
		for range publishes {
			trees := []staged{{w.pick("", "a", "a/b"), plain(8)}, {w.pick("", "a"), plain(8)}, {w.pick("", "b/e"), plain(3)}}
			dest := w.pick(".", ".", "a", "a/b", "new/deep", "a/f")
			ie := IfExists(w.pick("overwrite", "skip", "fail"))
			m.replaced, m.skipped, m.conflicts = 0, 0, 0
			want := m.publish(dest, trees, ie)
			got, err := publishKind(t, ws, dest, trees, ie, m)
			kinds[got]++
			if got != want {
				t.Errorf("it %s (%v), want %s", got, err, want)
			}
			if diff := cmp.Diff(m.list(), snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			if t.Failed() {
				t.Fatalf("seed %d: %q into %s (%s) over %q", seed, trees, dest, ie, before)
			}
		}
	}
	if kinds["published"] < 50 || kinds["clash"] < 20 || kinds["exists"] < 5 || kinds["path"] < 2 {
		t.Errorf("too few of a kind: %v", kinds)
	}
}

// publishKind publishes, and returns the kind of the outcome in a word. It compares
// the report with the model's.
func publishKind(t *testing.T, ws, dest string, trees []staged, ie IfExists, m *model) (string, error) {
	t.Helper()
	report, err := publish(t.Context(), t, ws, dest, trees, ie, nil)
	if _, ok := errors.AsType[*ClashError](err); ok {
		return "clash", err
	}
	if _, ok := errors.AsType[*ExistsError](err); ok {
		return "exists", err
	}
	if _, ok := errors.AsType[*PathError](err); ok {
		return "path", err
	}
	if err != nil {
		return err.Error(), err
	}
	if report.Replaced != m.replaced || report.Skipped != m.skipped || report.Conflicting != m.conflicts {
		t.Errorf("report %+v, want %d replaced, %d skipped, %d conflicts", report, m.replaced, m.skipped, m.conflicts)
	}
	return "published", nil
}

// model is a file system of files and directories.
type model struct {
	files                        map[string]string
	dirs                         map[string]bool
	replaced, skipped, conflicts int
}

func newModel(lines []string) *model {
	m := &model{files: map[string]string{}, dirs: map[string]bool{}}
	for _, l := range lines {
		_, l, _ = strings.Cut(l, " ") // the mode
		if name, body, ok := strings.Cut(l, "="); ok {
			m.files[name] = body
			m.mkdir(path.Dir(name))
		} else {
			m.mkdir(strings.TrimSuffix(l, "/"))
		}
	}
	return m
}

func (m *model) mkdir(name string) {
	for ; name != "."; name = path.Dir(name) {
		m.dirs[name] = true
	}
}

func (m *model) list() []string {
	list := []string{}
	for name, body := range m.files {
		list = append(list, name+"="+body)
	}
	for dir := range m.dirs {
		empty := true
		for name := range m.files {
			empty = empty && path.Dir(name) != dir
		}
		for name := range m.dirs {
			empty = empty && path.Dir(name) != dir
		}
		if empty {
			list = append(list, dir+"/")
		}
	}
	slices.Sort(list)
	return list
}

func (m *model) publish(dest string, trees []staged, ie IfExists) string {
	for d := dest; d != "."; d = path.Dir(d) {
		if _, ok := m.files[d]; ok {
			return "path"
		}
	}
	all := newModel(nil)
	losers := map[string]int{}
	for _, tr := range trees {
		at := path.Join(dest, tr.to)
		one := newModel(tr.content)
		all.mkdir(at)
		for d := range one.dirs {
			all.mkdir(path.Join(at, d))
		}
		for name, body := range one.files {
			name = path.Join(at, name)
			all.mkdir(path.Dir(name))
			if _, ok := all.files[name]; ok {
				losers[name]++
				continue
			}
			all.files[name] = body
		}
	}
	for d := range all.dirs {
		_, clash := all.files[d]
		if _, there := m.files[d]; clash || there {
			return "clash"
		}
	}
	taken := len(losers) > 0
	for name := range all.files {
		if m.dirs[name] {
			return "clash"
		}
		_, there := m.files[name]
		taken = taken || there
	}
	if ie == Fail && taken {
		return "exists"
	}
	for d := range all.dirs {
		m.dirs[d] = true
	}
	for name, body := range all.files {
		_, there := m.files[name]
		if there && ie == Skip {
			m.skipped++
			continue
		}
		if there {
			m.replaced++
		}
		if losers[name] > 0 {
			m.conflicts++
		}
		m.files[name] = body
	}
	return "published"
}
