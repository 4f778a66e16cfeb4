package unpack

import (
	"errors"

	"golang.org/x/sys/unix"
)

// reserve reserves disk space for a file before it is written: so large files that
// are written side by side lie in few pieces, and a full disk is noticed early. It
// does nothing on file systems that cannot do it.
func (f *rawFile) reserve(size int64) error {
	if err := unix.Fallocate(f.fd, 0, 0, size); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG) {
		return err
	}
	return nil
}
