package workspace

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceVar says that the process has mounts of its own already.
const namespaceVar = "WORKSPACE_TEST_MOUNTS"

// ownMounts starts the tests again in a mount namespace of their own, where that is
// allowed. The kernel removes what they mount when the last of their processes ends, also
// if they are killed.
func ownMounts() error {
	if os.Getenv(namespaceVar) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the thread that has the namespace becomes the process
	if unix.Unshare(unix.CLONE_NEWNS) != nil {
		runtime.UnlockOSThread()
		return nil //nolint:nilerr // this user may not mount anything either
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := os.Setenv(namespaceVar, "own"); err != nil { // of two values the first counts
		return err
	}
	return syscall.Exec(self, os.Args, os.Environ()) //nolint:gosec // the test itself
}

// Tests start once more, and not for ever, where the variable is set to nothing.
func TestOwnMountsOnce(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestIsStage$")
	cmd.Env = append(os.Environ(), namespaceVar+"=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
