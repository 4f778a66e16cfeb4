package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// punchHole frees the disk space of a part of a file, which reads as zeros from then on.
// Pages of the part that the system has not written to the disk yet, it need not write.
func punchHole(f *os.File, off, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
