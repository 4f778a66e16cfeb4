package unpack

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// keepsOwners tells this program that it runs without CAP_CHOWN.
const keepsOwners = "UNPACK_TEST_KEEPS_OWNERS"

// rerunKeepingOwners runs the test in a process of root's that may not change owners.
func rerunKeepingOwners(t *testing.T) {
	t.Helper()
	var out []byte
	done := make(chan error)
	go func() {
		// Only this thread, which ends with the goroutine, and the processes that it
		// starts lose the capability.
		runtime.LockOSThread()
		err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_CHOWN, 0, 0, 0)
		if err == nil {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1") //nolint:gosec // this test itself
			cmd.Env = append(os.Environ(), keepsOwners+"=1")
			out, err = cmd.CombinedOutput()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Errorf("without CAP_CHOWN: %v\n%s", err, out)
	}
}
