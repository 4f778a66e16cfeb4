//go:build linux || darwin

package workspace

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
)

// canRecover reports whether a process can find out that another one is gone.
const canRecover = true

// tryLock locks a file or a directory until it is closed, however the
// process ends. errBusy says that another process has it, errRefused that the
// file system has no locks.
func tryLock(f *os.File) error {
	err := eintr.Retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return errBusy
	}
	return errRefused
}

// unlock releases a lock at once. Closing alone would not while a process that
// is being started still shares the descriptor.
func unlock(f *os.File) error {
	return errors.Join(eintr.Retry(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }), f.Close())
}

// ours reports whether this process's user or root wrote a journal.
// An artifact's file may belong to them, too, but is not read-only.
func (i *info) ours() bool {
	return i.mode.IsRegular() && i.mode.Perm() == journalMode && (i.uid == 0 || i.uid == os.Geteuid())
}
