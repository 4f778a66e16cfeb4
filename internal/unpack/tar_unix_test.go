//go:build unix

package unpack

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestExpandTarsModes(t *testing.T) {
	t.Parallel()
	old := syscall.Umask(0)
	syscall.Umask(old)
	dir, _, err := expand(t, map[string][]byte{"x.tar": tarOf(t, "0500 ro/", "ro/a", "0444 b", "06777 c")}, nil, NewBudget(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "ro"), 0o700) })
	for name, want := range map[string]os.FileMode{"ro": 0o511, "ro/a": 0o644, "b": 0o444, "c": 0o777} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode()&(os.ModePerm|os.ModeSetuid|os.ModeSetgid) != want&^os.FileMode(old) {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}
