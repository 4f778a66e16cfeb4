//go:build unix

package workspace

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A copy for another mount is like the original, whether or not the original's modes let
// this process read it, and the original is as it was. A copy that fails leaves nothing.
func TestCopyTree(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	makeRemovable(t, ws)
	s, _, err := stage(t, ws, ".", StageOptions{}, staged{"", []string{
		"0200 d/hidden=1", "0755 d/run=2", "d/l -> run", "0300 d/closed/f=3", "d/empty/", "0555 d/locked/g=4",
	}})
	if err != nil {
		t.Fatal(err)
	}
	from, to := path.Join(s.dir, "art0", "d"), path.Join(s.dir, joinedDir, "1")
	for i, name := range []string{"closed", "locked", ""} {
		mode := []os.FileMode{0o300, 0o555, 0o755}[i]
		if err := os.Chmod(filepath.Join(ws, from, name), mode); err != nil {
			t.Fatal(err)
		}
		if err := s.at.setTime(path.Join(from, name), int64(i+1)*1e18); err != nil {
			t.Fatal(err)
		}
	}
	before := described(t, filepath.Join(ws, from))
	c := s.carrier(t.Context())
	defer c.close()
	if err := c.copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, described(t, filepath.Join(ws, from))); diff != "" {
		t.Errorf("the original has changed: %s", diff)
	}
	if diff := cmp.Diff(before, described(t, filepath.Join(ws, to))); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(ws, s.dir, joinedDir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.copyTree(path.Join(s.dir, "art0", "none"), path.Join(s.dir, joinedDir, "2")); err == nil {
		t.Error("what is not there was copied")
	}
	if i, err := s.at.lookup(path.Join(s.dir, joinedDir, "2")); i != nil || err != nil {
		t.Errorf("left: %v, %v", i, err)
	}
}

// described lists a tree with modes, times and content. It opens directories and files up
// to read them, and restores their modes.
func described(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(rel string)
	walk = func(rel string) {
		at := filepath.Join(dir, rel)
		info, err := os.Lstat(at)
		if err != nil {
			t.Fatal(err)
		}
		all[rel] = info.Mode().String() + " " + info.ModTime().UTC().String()
		if info.Mode()&os.ModeSymlink != 0 {
			target, err := os.Readlink(at)
			if err != nil {
				t.Fatal(err)
			}
			all[rel] += " -> " + target
			return
		}
		open := info.Mode().Perm() | 0o400
		if info.IsDir() {
			open |= 0o700
		}
		if err := os.Chmod(at, open); err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			entries, err := os.ReadDir(at)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				walk(filepath.Join(rel, e.Name()))
			}
		} else {
			body, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			all[rel] += " " + string(body)
		}
		if err := os.Chmod(at, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	walk("")
	return all
}
