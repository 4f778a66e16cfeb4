package spool

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
)

// punchHole frees the disk space of a part of a file, which reads as zeros from then on.
// Pages of the part that the system has not written to the disk yet, it need not write.
func punchHole(f *os.File, off, n int64) error {
	return eintr.Retry(func() error {
		return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}
