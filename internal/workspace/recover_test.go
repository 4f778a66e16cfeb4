//go:build unix

package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testStage is the name of a stage.
const testStage = stagePrefix + "XXXXXXXXXXXXXXXXXXXXXXXXXX"

// Stages of dead processes are removed, wherever they are on the way to the destination;
// stages that may be in use, or are not ours, stay.
func TestRecoverFinds(t *testing.T) {
	t.Parallel()
	const name = testStage
	aged := func(dir string) error {
		then := time.Now().Add(-maxAge - time.Hour)
		return os.Chtimes(dir, then, then)
	}
	tests := map[string]struct {
		dest  string
		lines []string // before
		act   func(ws string) error
		want  []string // nil: as it was
		err   string
	}{
		"dead":                      {".", []string{name + "/lock=", name + "/art0/f=1"}, nil, []string{}, ""},
		"above the destination":     {"a/b", []string{"a/b/", name + "/lock=", "a/" + name + "/lock="}, nil, []string{"a/b/"}, ""},
		"in the destination":        {"a", []string{"a/" + name + "/lock="}, nil, []string{"a/"}, ""},
		"through a symlink":         {"l/n", []string{"a/b/" + name + "/lock=", "a/" + name + "/lock=", "l -> a/b"}, nil, []string{"a/b/", "l -> a/b"}, ""},
		"below the destination":     {".", []string{"a/" + name + "/lock="}, nil, nil, ""},
		"beside the destination":    {"a", []string{"a/", "b/" + name + "/lock="}, nil, nil, ""},
		"empty":                     {".", []string{name + "/"}, nil, []string{}, ""},
		"no lock, young":            {".", []string{name + "/art0/f=1"}, nil, nil, ""},
		"no lock, old":              {".", []string{name + "/art0/f=1", name + "/replaced/"}, func(ws string) error { return aged(filepath.Join(ws, name)) }, []string{}, ""},
		"no lock, old, with a file": {".", []string{name + "/replaced/1=precious"}, func(ws string) error { return aged(filepath.Join(ws, name)) }, nil, "could not be put back"},
		"a symlink":                 {".", []string{"else/lock=", "else/f=1", name + " -> else"}, nil, nil, ""},
		"a file":                    {".", []string{name + "=1"}, nil, nil, ""},
		"lock is a symlink":         {".", []string{"else=1", name + "/lock -> ../else"}, nil, nil, ""},
		"journal is a symlink":      {".", []string{"else=1", name + "/lock=", name + "/journal -> ../else"}, nil, nil, "another user"},
		"journal is a directory":    {".", []string{name + "/lock=", name + "/journal/"}, nil, nil, "another user"},
		"journal of all":            {".", []string{name + "/lock=", name + "/journal=x"}, func(ws string) error { return os.Chmod(filepath.Join(ws, name, journalName), 0o666) }, nil, "another user"},
		"journal of another":        {".", []string{name + "/lock=", "0444 " + name + "/journal=artifetch journal 1 1 1\n"}, nil, nil, "damaged"},
		"journal of nothing":        {".", []string{name + "/lock=", "0444 " + name + "/journal="}, nil, nil, "damaged"},
		"another name, dead":        {".", []string{stagePrefix + "cache/lock=", stagePrefix + "cache/f=1"}, nil, nil, ""},
		"another name, empty":       {".", []string{stagePrefix + "cache/"}, nil, nil, ""},
		"another name, old":         {".", []string{stagePrefix + "cache/f=1"}, func(ws string) error { return aged(filepath.Join(ws, stagePrefix+"cache")) }, nil, ""},
		"journal begun":             {".", []string{name + "/lock=", name + "/journal.new="}, nil, []string{}, ""},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, tt.lines...)
			if tt.act != nil {
				if err := tt.act(ws); err != nil {
					t.Fatal(err)
				}
			}
			want := tt.want
			if want == nil {
				want = snapshot(t, ws)
			}
			var errs []error
			for _, r := range recoverIn(t, ws, tt.dest) {
				errs = append(errs, r.Err)
			}
			if err := errors.Join(errs...); tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A FIFO in place of a lock or a journal blocks no process.
func TestRecoverFIFO(t *testing.T) {
	t.Parallel()
	for _, name := range []string{lockName, journalName} {
		ws := t.TempDir()
		write(t, ws, testStage+"/")
		if name == journalName {
			write(t, ws, testStage+"/lock=")
		}
		if err := syscall.Mkfifo(filepath.Join(ws, testStage, name), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range recoverIn(t, ws, ".") {
			if name == journalName && r.Err == nil {
				t.Error("it was believed")
			}
		}
	}
}

// The stage of a live process is left alone, however often another one looks at it.
func TestRecoverSparesTheLiving(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "a=0")
	s, trees, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{"a=1", "b=1"}})
	if err != nil {
		t.Fatal(err)
	}
	s.before = func() error {
		if all := recoverIn(t, ws, "."); len(all) > 0 {
			t.Errorf("it was taken for dead: %+v", all)
		}
		return nil
	}
	if _, err := s.Publish(t.Context(), trees, Overwrite); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a=1", "b=1"}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// A stage of another user that this process may not look into is named once it is old.
// Changes of root's process in a workspace of this user are undone.
func TestRecoverOthers(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may look anywhere; TestAsNobody runs this")
	}
	for age, want := range map[time.Duration]int{0: 0, 2 * maxAge: 1} {
		ws := t.TempDir()
		makeRemovable(t, ws)
		dir := filepath.Join(ws, testStage)
		write(t, dir, "lock=")
		then := time.Now().Add(-age)
		if err := errors.Join(os.Chtimes(dir, then, then), os.Chmod(dir, 0)); err != nil {
			t.Fatal(err)
		}
		all := recoverIn(t, ws, ".")
		if len(all) != want || want > 0 && !errors.Is(all[0].Err, fs.ErrPermission) {
			t.Errorf("%v old: %+v", age, all)
		}
	}
	ws := t.TempDir()
	write(t, ws, "f=1", testStage+"/lock=", testStage+"/art0/f=0")
	text := journalText(t, ".", testStage, step{do: replace, from: testStage + "/art0/f", to: "f", is: identOf(t, ws+"/f"), was: identOf(t, ws+"/"+testStage+"/art0/f")})
	journal := filepath.Join(ws, testStage, journalName)
	if err := os.WriteFile(journal, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(" 42 "), fmt.Appendf(nil, " %d ", identOf(t, journal).ino), 1)
	if err := errors.Join(os.Chmod(journal, 0o644), os.WriteFile(journal, text, 0o644), os.Chmod(journal, 0o444),
		os.Chmod(filepath.Join(ws, testStage, lockName), 0o444)); err != nil {
		t.Fatal(err)
	}
	if all := recoverIn(t, ws, "."); len(all) != 1 || all[0].Err != nil || all[0].Undone != 1 {
		t.Errorf("got %+v", all)
	}
	if diff := cmp.Diff([]string{"f=0"}, snapshot(t, ws)); diff != "" {
		t.Error(diff)
	}
}

// A lock that another process found before it was locked does not count.
func TestLostLock(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(name string) (*os.File, error){
		"locked": func(name string) (*os.File, error) {
			f, err := os.Open(name)
			if err == nil {
				err = tryLock(f)
			}
			return f, err
		},
		"removed": func(name string) (*os.File, error) { return nil, os.Remove(name) },
		"replaced": func(name string) (*os.File, error) {
			return nil, errors.Join(os.Remove(name), os.WriteFile(name, nil, 0o600))
		},
	} {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := newStage(Destination{}, root)
		f, err := root.Create(lockName)
		if err != nil {
			t.Fatal(err)
		}
		other, err := act(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.holdBy(f, lockName); !errors.Is(err, errLost) || s.lock != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = other.Close() // may be nil
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A forged journal leads nowhere but to the destination, touches only the files that it
// identifies, and does no harm wherever it ends.
func TestHostileJournal(t *testing.T) {
	t.Parallel()
	const dir = testStage
	tests := map[string]struct {
		lines   string // FILE is the identity of outside/x, MINE of mine
		damaged bool
	}{
		"up":                   {"s \"t\"\nd \"../outside\"\nf \"x\" FILE\n", true},
		"absolute":             {"s \"t\"\nd \"/etc\"\nf \"passwd\" 1 1 1\n", true},
		"from elsewhere":       {"s \"..\"\nd \".\"\nf \"mine\" MINE\n", true},
		"a path for a name":    {"s \"t\"\nd \".\"\nf \"../outside/x\" FILE\n", true},
		"a path in the stage":  {"s \"t\"\nd \".\"\nf \"mine\" MINE \"../../x\"\n", true},
		"no directory":         {"f \"mine\" MINE\n", true},
		"dots":                 {"s \"t\"\nd \".\"\nf \"..\" MINE\n", true},
		"through a symlink":    {"s \"t\"\nd \"out\"\nf \"x\" FILE\n", false},
		"a directory, through": {"s \"t\"\nd \".\"\nt \"out\" FILE\n", false},
		"the stage itself":     {"s \"t\"\nd \".\"\nt \"" + dir + "\" FILE\n", true},
		"in the stage":         {"s \"t\"\nd \"" + dir + "\"\nf \"lock\" FILE\n", true},
		"another file":         {"s \"t\"\nd \".\"\nf \"mine\" FILE\n", false},
		"NUL":                  {"s \"t\"\nd \"a\\x00\"\nf \"mine\" MINE\n", false},
		"unknown":              {"s \"t\"\nd \".\"\nx \"mine\" MINE\n", true},
		"no number":            {"s \"t\"\nd \".\"\nf \"mine\" 1 x 1\n", true},
		"more":                 {"s \"t\"\nd \".\"\nf \"mine\" MINE 1\n", true},
		"long":                 {"s \"" + strings.Repeat("a/", maxLine) + "\"\n", true},
		"an unknown end":       {"s \"t\"\nd \".\"\nf \"mine\" MI", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			ws := filepath.Join(top, "ws")
			write(t, top, "outside/x=theirs", "ws/mine=mine", "ws/out -> ../outside", "ws/"+dir+"/lock=", "ws/"+dir+"/t/")
			lines := strings.NewReplacer("FILE", identText(t, filepath.Join(top, "outside/x")), "MINE", identText(t, filepath.Join(ws, "mine"))).Replace(tt.lines)
			journal := filepath.Join(ws, dir, journalName)
			f, err := os.OpenFile(journal, os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			ino, _, _ := strings.Cut(identText(t, journal), " ")
			_, err = fmt.Fprintf(f, "%s %s 1\n%s", journalTitle, ino, lines)
			if err := errors.Join(err, f.Chmod(journalMode), f.Close()); err != nil {
				t.Fatal(err)
			}
			all := recoverIn(t, ws, ".")
			if len(all) != 1 || (all[0].Err != nil) != tt.damaged && name != "NUL" {
				t.Errorf("got %+v", all)
			}
			for p, want := range map[string]string{"outside/x": "theirs", "ws/mine": "mine"} {
				if got, err := os.ReadFile(filepath.Join(top, p)); string(got) != want {
					t.Errorf("%s is %q, %v", p, got, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(ws, dir)); (err == nil) != (all[0].Err != nil) {
				t.Errorf("the stage: %v", err)
			}
		})
	}
}

// identText formats an ident as a journal has it.
func identText(t *testing.T, name string) string {
	t.Helper()
	i := identOf(t, name)
	return fmt.Sprint(i.ino, i.size, i.mtime)
}

func identOf(t *testing.T, name string) ident {
	t.Helper()
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h, err := openHandles(root)
	if err != nil {
		t.Fatal(err)
	}
	i, err := h.lstat(filepath.Base(name))
	if err := errors.Join(err, h.close()); err != nil {
		t.Fatal(err)
	}
	return i.ident
}

// journalText writes a journal as a process would, with inode 42.
func journalText(t testing.TB, base, dir string, steps ...step) []byte {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	w := journalWriter{f: f, base: base, dir: dir}
	if err := errors.Join(w.begin(42, 7), w.write(steps), f.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var journalSteps = []step{
	{do: moveIn, from: "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX/art0/f", to: "b/f", is: ident{1, 2, -3}},
	{do: moveIn, from: "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX/joined/1", to: "b/new", is: ident{ino: 4}, dir: true},
	{do: replace, from: "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX/art0/d/x\n\xff\"", to: "real/d/x\n\xff\"", is: ident{5, 6, 7}, was: ident{1 << 63, 9, 1 << 62}},
	{do: replace, from: "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX/art0/d/y", to: "real/d/y", is: ident{5, 6, 7}, was: ident{8, 9, 10}},
	{do: moveIn, from: "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX/art0/top", to: "top", is: ident{5, 6, 7}},
}

// stepsOf returns the steps of a journal in order.
func stepsOf(text []byte, ino uint64, base, dir string) (j *journal, steps []step, err error) {
	if j, err = readJournal(bytes.NewReader(text), int64(len(text)), ino, base, dir); err != nil {
		return j, nil, err
	}
	want := j.count
	err = j.backward(func(number int, st *step) error {
		if number != want {
			return fmt.Errorf("step %d, not %d", number, want)
		}
		want--
		steps = append(steps, *st)
		return nil
	})
	if err == nil && want != 0 {
		err = fmt.Errorf("%d steps are missing", want)
	}
	slices.Reverse(steps)
	return j, steps, err
}

// A journal reads back as it was written; if it ends early, its beginning does.
func TestJournal(t *testing.T) {
	t.Parallel()
	text := journalText(t, "b", "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX", journalSteps...)
	if perStep := len(text) / len(journalSteps); perStep > 100 {
		t.Errorf("%d bytes a step: %s", perStep, text)
	}
	head := bytes.IndexByte(text, '\n') + 1
	for end := range len(text) + 1 {
		j, steps, err := stepsOf(text[:end], 42, "b", "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX")
		if end < head {
			if !errors.Is(err, errDamaged) {
				t.Errorf("%d bytes: %v", end, err)
			}
			continue
		}
		if err != nil || j.since != 7 {
			t.Fatalf("%d bytes: %v", end, err)
		}
		if !slices.Equal(steps, journalSteps[:len(steps)]) || end == len(text) && len(steps) != len(journalSteps) {
			t.Errorf("%d bytes: %+v", end, steps)
		}
	}
	if _, _, err := stepsOf(text, 43, "b", "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX"); !errors.Is(err, errDamaged) {
		t.Errorf("a copy: %v", err)
	}
	// By another root it leads to the same places, or nowhere.
	_, steps, err := stepsOf(text, 42, "x/b", "x/b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX")
	if err != nil || steps[2].to != "x/real/d/x\n\xff\"" {
		t.Errorf("%v, %+v", err, steps)
	}
	if _, _, err := stepsOf(text, 42, ".", ".artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX"); !errors.Is(err, errDamaged) {
		t.Errorf("it leads out: %v", err)
	}
}

// A journal of any length is read in parts, each with what earlier lines said.
func TestLongJournal(t *testing.T) {
	t.Parallel()
	const dir = "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX"
	var want []step
	for i := range 20_000 {
		d := fmt.Sprint("d", i/7_000)
		want = append(want, step{do: moveIn, from: path.Join(dir, "1", d, fmt.Sprint(i)), to: path.Join("b", d, fmt.Sprint(i)), is: ident{uint64(i), 1, 2}})
	}
	text := journalText(t, "b", dir, want...)
	j, steps, err := stepsOf(text, 42, "b", dir)
	if err != nil || len(j.parts) < len(text)/journalPart || !slices.Equal(steps, want) {
		t.Errorf("%v, %d parts, %d steps", err, len(j.parts), len(steps))
	}
}

// A file of an artifact is no journal, whatever it says: one that is like a journal to the
// inode, but that its owner may write to, is ignored.
func TestArtifactBringsJournal(t *testing.T) {
	t.Parallel()
	for mode, believed := range map[os.FileMode]bool{0o644: false, 0o755: false, 0o600: false, 0o555: false, journalMode: true} {
		ws := t.TempDir()
		write(t, ws, "d/f=theirs", testStage+"/lock=", testStage+"/1/d/", testStage+"/journal=")
		journal := filepath.Join(ws, testStage, journalName)
		text := fmt.Sprintf("%s %d %d\ns \"1\"\nd \".\"\nt \"d\" %s\n", journalTitle, identOf(t, journal).ino, int64(1)<<62, identText(t, filepath.Join(ws, "d")))
		if err := errors.Join(os.WriteFile(journal, []byte(text), 0o644), os.Chmod(journal, mode)); err != nil {
			t.Fatal(err)
		}
		all := recoverIn(t, ws, ".")
		_, err := os.Lstat(filepath.Join(ws, "d/f"))
		if len(all) != 1 || (all[0].Err == nil) != believed || (err != nil) != believed {
			t.Errorf("%v: got %+v, %v", mode, all, err)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(string(journalText(f, "b", "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX", journalSteps...)))
	f.Add(journalTitle + " 42 1\ns \"t\"\nd \"..\"\nt \"b\" 1 2 3\n")
	f.Add(journalTitle + " 42 1\ns \".\"\nd \"..\"\nt \"x\" 1 2 3 \"y\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		const base, dir = "b", "b/.artifetch-XXXXXXXXXXXXXXXXXXXXXXXXXX"
		_, steps, err := stepsOf([]byte(text), 42, base, dir)
		if err != nil {
			return
		}
		for _, st := range steps {
			if !filepath.IsLocal(st.to) || path.Clean(st.to) != st.to || within(st.to, dir) || within(dir, st.to) {
				t.Errorf("it leads to %q", st.to)
			}
			if !within(st.from, dir) || st.from == dir || path.Clean(st.from) != st.from {
				t.Errorf("it leads from %q", st.from)
			}
		}
	})
}
