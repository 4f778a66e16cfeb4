package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// punchHole gives back the room of a part of a file, which reads as zeros
// then. Its pages need not be written to the disk any more, either.
func punchHole(f *os.File, off, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
