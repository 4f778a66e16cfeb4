package workspace

import (
	"os"
	"runtime"
	"syscall"

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
	return syscall.Exec(self, os.Args, append(os.Environ(), namespaceVar+"=own")) //nolint:gosec // the test itself
}
