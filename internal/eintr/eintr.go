// Package eintr repeats system calls that a signal interrupts. Package os does so itself,
// golang.org/x/sys/unix does not.
package eintr

import (
	"errors"
	"syscall"
)

// Retry makes a system call until its error is not EINTR, and returns that error. It does
// not suit close: on Linux the descriptor is closed even if the error is EINTR, and its
// number may already be another file's.
func Retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
