//go:build unix

package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
	"github.com/artifetch/artifetch/internal/testdir"
)

// write makes a tree: "name=content", "name/" and "name -> target", a mode in
// front where it matters: "0555 name/". Modes of directories come last, so
// that they do not hinder.
func write(t testing.TB, dir string, lines ...string) {
	t.Helper()
	modes := map[string]fs.FileMode{}
	made := map[string]bool{}
	var mkdir func(p string) error
	mkdir = func(p string) error {
		if made[p] {
			return nil
		}
		made[p] = true
		err := os.Mkdir(p, 0o755)
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.Join(mkdir(filepath.Dir(p)), os.Mkdir(p, 0o755))
		}
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
		return err
	}
	for _, l := range lines {
		mode := fs.FileMode(0)
		if m, rest, ok := strings.Cut(l, " "); ok && strings.HasPrefix(m, "0") {
			bits, err := strconv.ParseUint(m, 8, 32)
			if err != nil {
				t.Fatal(err)
			}
			mode, l = fs.FileMode(bits)&fs.ModePerm, rest
			if bits&0o2000 != 0 {
				mode |= fs.ModeSetgid
			}
		}
		var err error
		name, target, isLink := strings.Cut(l, " -> ")
		if isLink {
			p := filepath.Join(dir, name)
			err = errors.Join(mkdir(filepath.Dir(p)), os.Symlink(target, p))
		} else if sub, ok := strings.CutSuffix(l, "/"); ok {
			name = sub
			err = mkdir(filepath.Join(dir, name))
		} else {
			var body string
			name, body, _ = strings.Cut(l, "=")
			p := filepath.Join(dir, name)
			err = errors.Join(mkdir(filepath.Dir(p)), writeFile(p, body))
		}
		if err != nil {
			t.Fatal(err)
		}
		if mode != 0 {
			modes[name] = mode
		}
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range modes {
			if !yield(name) {
				return
			}
		}
	})
	for _, name := range slices.Backward(names) { // what lies deeper first
		if err := os.Chmod(filepath.Join(dir, name), modes[name]); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot lists files as name=content, symlinks as name -> target, and
// directories that are empty as name/.
func snapshot(t testing.TB, dir string) []string {
	t.Helper()
	list := []string{}
	err := readTree(dir, func(at int, rel string, d fs.DirEntry) error {
		if n := len(list); n > 0 && list[n-1] == filepath.Dir(rel)+"/" {
			list = list[:n-1] // it is not empty
		}
		switch {
		case d.IsDir():
			list = append(list, rel+"/")
			return nil
		case d.Type() == fs.ModeSymlink:
			target, err := readlinkAt(at, d.Name())
			list = append(list, rel+" -> "+target)
			return err
		}
		body, err := readFileAt(at, d.Name())
		list = append(list, rel+"="+body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// exact lists dir and everything below it with everything that undoing has to keep: type,
// mode, owner, identity (the very same file, not a copy of it), content, and,
// except for directories, the time of change.
func exact(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	add := func(at int, rel, name string) error {
		var st unix.Stat_t
		err := eintr.Retry(func() error { return unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		line := fmt.Sprintf("%q %o %d:%d #%d", rel, st.Mode, st.Uid, st.Gid, st.Ino)
		switch {
		case err != nil:
			return err
		case st.Mode&unix.S_IFMT == unix.S_IFREG:
			var body string
			body, err = readFileAt(at, name)
			line += fmt.Sprintf(" %v %q", st.Mtim.Nano(), body)
		case st.Mode&unix.S_IFMT != unix.S_IFDIR:
			var target string
			target, err = readlinkAt(at, name)
			line += " -> " + target
		}
		list = append(list, line)
		return err
	}
	err := add(unix.AT_FDCWD, ".", dir)
	if err == nil {
		err = readTree(dir, func(at int, rel string, d fs.DirEntry) error { return add(at, rel, d.Name()) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// staged is a tree to publish, given as To and content.
type staged struct {
	to      string
	content []string
}

// stage makes a stage for dest with the trees, named and labelled art0, art1.
// The test closes it.
func stage(t testing.TB, ws, dest string, o StageOptions, trees ...staged) (*Stage, []Tree, error) {
	t.Helper()
	d, err := Layout{Workspace: ws}.Resolve(dest)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStage(d, o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = s.Close() })
	s.pause = func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
	return s, mkTrees(t, s, trees), nil
}

// mkTrees makes trees in a stage.
func mkTrees(t testing.TB, s *Stage, trees []staged) []Tree {
	t.Helper()
	var list []Tree
	for i, tr := range trees {
		name := fmt.Sprint("art", i)
		r, err := s.Mkdir(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, r.Name(), tr.content...)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		list = append(list, Tree{Dir: name, To: tr.to, Label: name})
	}
	return list
}

// publish stages, publishes and closes; before fails the changes.
func publish(ctx context.Context, t testing.TB, ws, dest string, trees []staged, ie IfExists, before func() error) (Report, error) {
	t.Helper()
	s, list, err := stage(t, ws, dest, StageOptions{}, trees...)
	if err != nil {
		return Report{}, err
	}
	if before != nil {
		s.before = before
	}
	report, err := s.Publish(ctx, list, ie)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	return report, err
}

// worldDir makes the directory of a test's n-th world. Of each twenty worlds, one
// is where temporary files are, often on a disk, and the others are in memory
// where that is possible: tests of many worlds spend most of their time on making
// and removing files, which takes ten times as long on a disk.
func worldDir(t testing.TB, n uint64) string {
	t.Helper()
	if n%20 == 0 {
		return t.TempDir()
	}
	return testdir.InMemory(t)
}

// makeRemovable lets the test's temporary directory be removed by a user who
// is not root, whatever modes are below.
func makeRemovable(t testing.TB, dir string) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				_ = os.Chmod(p, 0o755)
			}
			return nil
		})
	})
}
