//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	ws, tmp, home := filepath.Join(top, "ws"), filepath.Join(top, "tmp"), filepath.Join(top, "home")
	for _, d := range []string{ws, tmp, home} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	step := Layout{Workspace: ws, Temp: tmp, Home: home, Container: true, HostWorkspace: "/home/runner/work/r/r", HostTemp: "/home/runner/work/_temp"}
	noTemp := step
	noTemp.Temp = ""
	local := Layout{Dir: ws, Home: home}
	tests := map[string]struct {
		l                 Layout
		path              string
		abs, output, host string // or the error in abs
	}{
		"dot":              {step, ".", ws, ".", "/home/runner/work/r/r"},
		"empty":            {step, "", ws, ".", "/home/runner/work/r/r"},
		"relative":         {step, "a/b", ws + "/a/b", "a/b", "/home/runner/work/r/r/a/b"},
		"relative, dots":   {step, "./a/../b/", ws + "/b", "b", "/home/runner/work/r/r/b"},
		"out of it":        {step, "../x", `path "../x" lies outside of the directories that outlive this container, so the files would be lost; choose one below ` + ws, "", ""},
		"absolute":         {step, ws + "/a", ws + "/a", "a", "/home/runner/work/r/r/a"},
		"temp":             {step, tmp + "/a", tmp + "/a", tmp + "/a", "/home/runner/work/_temp/a"},
		"temp not there":   {noTemp, tmp + "/a", "lies outside", "", ""},
		"home":             {step, "~/a", home + "/a", home + "/a", home + "/a"},
		"home itself":      {step, "~", home, home, home},
		"no home":          {Layout{Workspace: ws}, "~/a", "needs HOME", "", ""},
		"a user's home":    {step, "~root/a", ws + "/~root/a", "~root/a", "/home/runner/work/r/r/~root/a"},
		"elsewhere":        {step, "/etc", "lies outside", "", ""},
		"prefix only":      {step, ws + "x", "lies outside", "", ""},
		"job container":    {step, "/__w/r/r/a/b", ws + "/a/b", "a/b", "/home/runner/work/r/r/a/b"},
		"its workspace":    {step, "/__w/r/r", ws, ".", "/home/runner/work/r/r"},
		"its temp":         {step, "/__w/_temp/x", tmp + "/x", tmp + "/x", "/home/runner/work/_temp/x"},
		"host path":        {step, "/home/runner/work/r/r/a", ws + "/a", "a", "/home/runner/work/r/r/a"},
		"host temp":        {step, "/home/runner/work/_temp/a", tmp + "/a", tmp + "/a", "/home/runner/work/_temp/a"},
		"not in container": {Layout{Workspace: ws}, "/etc", "lies outside of the directories a step may write to", "", ""},
		"NUL":              {step, "a\x00", "holds a NUL", "", ""},
		"missing root":     {Layout{Workspace: ws + "/none"}, "a", "which is not there", "", ""},
		"local":            {local, "a", ws + "/a", "a", ws + "/a"},
		"local, outside":   {local, tmp + "/a/b", tmp + "/a/b", tmp + "/a/b", tmp + "/a/b"},
		"local, up":        {local, "../tmp", tmp, tmp, tmp},
		"local, in a file": {Layout{Dir: tmp}, os.Args[0] + "/x", "is not a directory", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := tt.l.Resolve(tt.path)
			if err != nil {
				if pe, ok := errors.AsType[*PathError](err); !ok || tt.host != "" || !strings.Contains(pe.Error(), tt.abs) {
					t.Fatalf("got %v, want %q", err, tt.abs)
				}
				return
			}
			if d.Abs != tt.abs || d.Output != tt.output || d.HostPath != tt.host || filepath.Join(d.Root, d.Rel) != d.Abs {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// write makes a tree of the form written by snapshot.
func write(t testing.TB, dir string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		var err error
		if name, target, ok := strings.Cut(l, " -> "); ok {
			p := filepath.Join(dir, name)
			err = errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.Symlink(target, p))
		} else if name, ok := strings.CutSuffix(l, "/"); ok {
			err = os.MkdirAll(filepath.Join(dir, name), 0o755)
		} else {
			name, body, _ := strings.Cut(l, "=")
			p := filepath.Join(dir, name)
			err = errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(body), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot lists files as name=content, symlinks as name -> target, and
// directories that are empty as name/.
func snapshot(t testing.TB, dir string) []string {
	t.Helper()
	list := []string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		switch {
		case d.IsDir():
			sub, err := os.ReadDir(p)
			if len(sub) == 0 {
				list = append(list, rel+"/")
			}
			return err
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			list = append(list, rel+" -> "+target)
			return err
		}
		b, err := os.ReadFile(p)
		list = append(list, rel+"="+string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// staged publishes trees, given as To and content, in a fresh workspace.
type staged struct {
	to      string
	content []string
}

func publish(ctx context.Context, t testing.TB, ws, dest string, trees []staged, ie IfExists, step func() error) (Report, error) {
	t.Helper()
	d, err := Layout{Workspace: ws}.Resolve(dest)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(d, StageOptions{})
	if err != nil {
		return Report{}, err
	}
	defer func() {
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}()
	if step != nil {
		s.step = step
	}
	var list []Tree
	for i, tr := range trees {
		r, err := s.Mkdir(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		write(t, r.Name(), tr.content...)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		list = append(list, Tree{Dir: fmt.Sprint(i), To: tr.to, Label: fmt.Sprintf("art%d", i)})
	}
	return s.Publish(ctx, list, ie)
}

func TestPublish(t *testing.T) {
	t.Parallel()
	one := func(lines ...string) []staged { return []staged{{"", lines}} }
	tests := map[string]struct {
		before []string
		dest   string
		trees  []staged
		ie     IfExists
		want   []string // nil: as before
		report string
		err    string
	}{
		"into nothing":         {nil, "out", one("a=1", "d/b=2", "e/"), Overwrite, []string{"out/a=1", "out/d/b=2", "out/e/"}, "0 0 []", ""},
		"deep into nothing":    {[]string{"x/y=0"}, "x/out/deep", one("a=1"), Overwrite, []string{"x/out/deep/a=1", "x/y=0"}, "0 0 []", ""},
		"into the workspace":   {[]string{"src=0"}, ".", one("a=1", "d/b=2"), Overwrite, []string{"a=1", "d/b=2", "src=0"}, "0 0 []", ""},
		"into a directory":     {[]string{"out/a=0", "out/d/c=0"}, "out", one("a=1", "d/b=2"), Overwrite, []string{"out/a=1", "out/d/b=2", "out/d/c=0"}, "1 0 []", ""},
		"nothing at all":       {nil, "out", one(), Overwrite, []string{"out/"}, "0 0 []", ""},
		"skip":                 {[]string{"out/a=0"}, "out", one("a=1", "b=2"), Skip, []string{"out/a=0", "out/b=2"}, "0 1 []", ""},
		"fail":                 {[]string{"out/a=0", "out/d/x=0"}, "out", one("a=1", "b=2", "d/x=3"), Fail, nil, "", `2 files are already there: "a", "d/x"`},
		"fail, nothing there":  {[]string{"out/c=0"}, "out", one("a=1"), Fail, []string{"out/a=1", "out/c=0"}, "0 0 []", ""},
		"two trees":            {nil, "out", []staged{{"x", []string{"a=1"}}, {"y", []string{"a=2"}}}, Overwrite, []string{"out/x/a=1", "out/y/a=2"}, "0 0 []", ""},
		"nested trees":         {nil, ".", []staged{{"o/r/x", []string{"a=1"}}, {"o/s/x", []string{"a=2"}}}, Overwrite, []string{"o/r/x/a=1", "o/s/x/a=2"}, "0 0 []", ""},
		"merge":                {nil, "out", []staged{{"", []string{"a=1", "d/x=1"}}, {"", []string{"b=2", "d/y=2"}}}, Overwrite, []string{"out/a=1", "out/b=2", "out/d/x=1", "out/d/y=2"}, "0 0 []", ""},
		"merge, newest wins":   {nil, "out", []staged{{"", []string{"a=new", "d/x=new"}}, {"", []string{"a=old", "d/x=old"}}}, Overwrite, []string{"out/a=new", "out/d/x=new"}, "0 0 [{a art0 art1} {d/x art0 art1}]", ""},
		"merge, three":         {nil, ".", []staged{{"", []string{"a=3"}}, {"", []string{"a=2"}}, {"", []string{"a=1"}}}, Skip, []string{"a=3"}, "0 0 [{a art0 art1} {a art0 art2}]", ""},
		"merge, fail":          {nil, "out", []staged{{"", []string{"a=new"}}, {"", []string{"a=old"}}}, Fail, nil, "", `"a" is already there`},
		"merge, clash":         {nil, "out", []staged{{"", []string{"a=1"}}, {"", []string{"a/b=2"}}}, Overwrite, nil, "", `"a" is a directory in one artifact and a file in another ("art0", "art1")`},
		"merge into there":     {[]string{"out/a=0"}, "out", []staged{{"", []string{"a=new"}}, {"", []string{"a=old"}}}, Overwrite, []string{"out/a=new"}, "1 0 [{a art0 art1}]", ""},
		"file on directory":    {[]string{"out/a/x=0"}, "out", one("a=1"), Overwrite, nil, "", `"a" is a directory already, and artifact "art0" has a file of that name`},
		"directory on file":    {[]string{"out/a=0"}, "out", one("a/x=1"), Overwrite, nil, "", `"a" is a file already, and artifact "art0" has a directory of that name`},
		"destination a file":   {[]string{"out=0"}, "out", one("a=1"), Overwrite, nil, "", `path "out" is or leads through out, which is a file`},
		"below a file":         {[]string{"out=0"}, "out/x", one("a=1"), Overwrite, nil, "", `leads through out, which is a file`},
		"file symlink":         {[]string{"out/a -> ../keep", "keep=0"}, "out", one("a=1"), Overwrite, []string{"keep=0", "out/a=1"}, "1 0 []", ""},
		"file symlink, skip":   {[]string{"out/a -> ../keep", "keep=0"}, "out", one("a=1"), Skip, []string{"keep=0", "out/a -> ../keep"}, "0 1 []", ""},
		"file symlink out":     {[]string{"out/a -> /etc/passwd"}, "out", one("a=1"), Overwrite, []string{"out/a=1"}, "1 0 []", ""},
		"dangling symlink":     {[]string{"out/a -> nowhere"}, "out", one("a=1"), Overwrite, []string{"out/a=1"}, "1 0 []", ""},
		"dir symlink inside":   {[]string{"out/d -> ../real", "real/x=0"}, "out", one("d/y=1"), Overwrite, []string{"out/d -> ../real", "real/x=0", "real/y=1"}, "0 0 []", ""},
		"dir symlink outside":  {[]string{"out/d -> /etc"}, "out", one("d/y=1"), Overwrite, nil, "", `"d" is a symlink that cannot be followed inside of`},
		"dir symlink dangling": {[]string{"out/d -> nowhere"}, "out", one("d/y=1"), Overwrite, nil, "", `"d" is a symlink that cannot be followed inside of`},
		"destination outside":  {[]string{"out -> /etc"}, "out", one("y=1"), Overwrite, nil, "", `path "out" leads through out: `},
		"destination dangling": {[]string{"out -> nowhere"}, "out", one("y=1"), Overwrite, nil, "", `a symlink to nothing`},
		"destination inside":   {[]string{"out -> real", "real/x=0"}, "out", one("y=1"), Overwrite, []string{"out -> real", "real/x=0", "real/y=1"}, "0 0 []", ""},
		"symlinks published":   {nil, "out", one("a=1", "l -> a", "g -> nowhere"), Overwrite, []string{"out/a=1", "out/g -> nowhere", "out/l -> a"}, "0 0 []", ""},
		"symlink through art":  {nil, "out", []staged{{"", []string{"d -> e"}}, {"", []string{"d/x=1"}}}, Overwrite, nil, "", `"d" is a directory in one artifact and a file in another`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			write(t, ws, tt.before...)
			before := snapshot(t, ws)
			report, err := publish(t.Context(), t, ws, tt.dest, tt.trees, tt.ie, nil)
			want := tt.want
			if want == nil {
				want = before
			}
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Error(diff)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if got := fmt.Sprint(report.Replaced, report.Skipped, report.Conflicts); err != nil || got != tt.report {
				t.Errorf("%s, %v; want %s", got, err, tt.report)
			}
		})
	}
}

// Whatever step fails, and whatever was there, the destination is as it was.
func TestPublishUndoes(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []string {
		var lines []string
		for range r.IntN(n) {
			p := path.Join(string(rune('a'+r.IntN(3))), string(rune('d'+r.IntN(3))), fmt.Sprint("f", r.IntN(4)))
			if r.IntN(4) == 0 {
				p = fmt.Sprint("top", r.IntN(3))
			}
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, p+"=") }) {
				lines = append(lines, fmt.Sprintf("%s=%d", p, r.IntN(1000)))
			}
		}
		return lines
	}
	undone := 0
	for range 25 {
		before, dest := random(12), []string{".", "a", "new/deep"}[r.IntN(3)]
		trees := []staged{{"", random(10)}, {"", random(10)}, {"a", random(5)}}
		for fail := 0; ; fail++ {
			ws := t.TempDir()
			write(t, ws, before...)
			want := snapshot(t, ws)
			n := 0
			ctx, cancel := context.WithCancelCause(t.Context())
			_, err := publish(ctx, t, ws, dest, trees, Overwrite, func() error {
				if n++; n > fail && fail%2 == 0 {
					return fault
				} else if n > fail {
					cancel(fault)
				}
				return nil
			})
			cancel(nil)
			if err == nil {
				break
			}
			if !errors.Is(err, fault) {
				if _, ok := errors.AsType[*ClashError](err); !ok {
					t.Fatal(err)
				}
				break
			}
			undone++
			if diff := cmp.Diff(want, snapshot(t, ws)); diff != "" {
				t.Fatalf("step %d of %v into %v: %s", fail, trees, before, diff)
			}
		}
	}
	if undone < 50 {
		t.Errorf("only %d failures were tried", undone)
	}
}

func TestStageIsPrivateAndGone(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	d, err := Layout{Workspace: ws}.Resolve("a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(d, StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(ws)
	if len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), ".artifetch-") {
		t.Fatalf("the stage is in %v", entries)
	}
	if info, _ := entries[0].Info(); info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v", info.Mode())
	}
	f, err := s.Create("spool")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Mkdir("tree")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), s.Move("spool", "tree/file"), r.Close()); err != nil {
		t.Error(err)
	}
	if free, err := s.Free(); err != nil || free <= 0 {
		t.Errorf("free: %d, %v", free, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := snapshot(t, ws); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// As root, everything that is new belongs to the workspace's owner, and
// nothing that was there changes hands. Others cannot give files away, so
// they give them to themselves.
func TestOwner(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	write(t, ws, "old/file=0")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1001, 1002
		if err := os.Chown(ws, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Layout{Workspace: ws}.Resolve("old/x/y")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(d, StageOptions{Chown: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	r, err := s.Mkdir("0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	write(t, r.Name(), "d/f=1", "l -> /nowhere")
	if _, err := s.Publish(t.Context(), []Tree{{Dir: "0", To: "z"}}, Overwrite); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"old/x", "old/x/y", "old/x/y/z", "old/x/y/z/d", "old/x/y/z/d/f", "old/x/y/z/l"} {
		if u, g := ids(t, filepath.Join(ws, p)); u != uid || g != gid {
			t.Errorf("%s belongs to %d:%d", p, u, g)
		}
	}
	for _, p := range []string{"old", "old/file"} {
		if u, _ := ids(t, filepath.Join(ws, p)); u != os.Getuid() {
			t.Errorf("%s was given to %d", p, u)
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
