package eintr_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/eintr"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, last := range []error{nil, syscall.ENOSPC} {
		errs := []error{syscall.EINTR, os.NewSyscallError("openat", syscall.EINTR), last}
		calls := 0
		err := eintr.Retry(func() error {
			calls++
			return errs[calls-1]
		})
		if err != last || calls != len(errs) { //nolint:errorlint // the very error
			t.Errorf("%v after %d calls, want %v after %d", err, calls, last, len(errs))
		}
	}
}
