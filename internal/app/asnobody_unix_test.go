//go:build unix

package app_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/testdir"
)

// Root may write to a read-only directory, so the situation with one is tried as another
// user, in a directory that this user can read.
func TestCommandMessagesAsNobody(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("it is not root who runs the tests, so TestCommandMessages has all situations")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "artifetch-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	messages := filepath.Join("testdata", "messages", "command")
	err = errors.Join(os.MkdirAll(filepath.Join(dir, messages), 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o755),
		os.CopyFS(filepath.Join(dir, messages), os.DirFS(messages)), testdir.WriteProgram(filepath.Join(dir, "self"), self))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error { // whatever the umask is
		return errors.Join(err, os.Chmod(name, 0o755), os.Lchown(name, nobody, nobody))
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "self"), "-test.run=^TestCommandMessages$/^directory-not-writable$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+filepath.Join(dir, "tmp"), "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestCommandMessages/directory-not-writable") {
		t.Errorf("%v: %s", err, out)
	}
}
