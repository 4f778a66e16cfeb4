//go:build unix

package unpack

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// Everything that is made gets the owner: files, directories, whether or not they are
// entries, and symlinks themselves.
func TestOwner(t *testing.T) {
	t.Parallel()
	owner := Owner{os.Getuid(), os.Getgid()}
	if owner.UID == 0 {
		owner = Owner{12345, 54321} // only root gives away
	}
	outside := filepath.Join(testdir.InMemory(t), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	data := of(dir("empty/"), file("a/b/c"), link("l", "a"), dir("d/"), file("d/x"), lie{name: "run", unix: 0o106755},
		lie{name: "x.tar", body: string(tarOf(t, "0500 t/", "t/f", "u/v/w", "0600 g", "s -> g", "h => g"))}).bytes()
	a, root := opened(t, bytes.NewReader(data), int64(len(data)))
	if _, err := a.Extract(t.Context(), root, ExtractOptions{Owner: &owner}); err != nil {
		t.Fatal(err)
	}
	if _, err := ExpandTars(t.Context(), root, TarOptions{Owner: &owner, Links: a.Links()}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(root.Name(), func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p == root.Name() {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		seen++
		if s := info.Sys().(*syscall.Stat_t); int(s.Uid) != owner.UID || int(s.Gid) != owner.GID {
			t.Errorf("%s belongs to %d:%d", p, s.Uid, s.Gid)
		}
		return nil
	})
	if err != nil || seen != 16 {
		t.Errorf("%d things were made: %v", seen, err)
	}
	_ = os.Chmod(filepath.Join(root.Name(), "t"), 0o700)
}

// A process that may not give files away gets an error that names the file.
func TestOwnerIsNotAllowed(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 && os.Getenv(keepsOwners) == "" {
		rerunKeepingOwners(t)
		return
	}
	data := of(file("a")).bytes()
	a, root := opened(t, bytes.NewReader(data), int64(len(data)))
	_, err := a.Extract(t.Context(), root, ExtractOptions{Owner: &Owner{12345, 54321}})
	failed, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(err, fs.ErrPermission) || failed.Path != "a" || failed.Op != "change the owner of" {
		t.Errorf("got %v", err)
	}
}
