package workspace

import (
	"errors"

	"golang.org/x/sys/unix"
)

// searchOnly opens a directory to reach what is in it, without permission to list it.
const searchOnly = unix.O_PATH

func renameNew(fromAt int, from string, toAt int, to string) error {
	return rename2(fromAt, from, toAt, to, unix.RENAME_NOREPLACE)
}

func renameSwap(fromAt int, from string, toAt int, to string) error {
	return rename2(fromAt, from, toAt, to, unix.RENAME_EXCHANGE)
}

func rename2(fromAt int, from string, toAt int, to string, flag uint) error {
	err := unix.Renameat2(fromAt, from, toAt, to, flag)
	for _, refused := range []error{unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM} { // EPERM: an old seccomp filter
		if errors.Is(err, refused) {
			return errRefused
		}
	}
	return err
}
