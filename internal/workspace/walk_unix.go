//go:build linux || darwin

package workspace

import (
	"os"

	"golang.org/x/sys/unix"
)

// openDirectory opens a directory to list it.
func (h *handles) openDirectory(name string) (*os.File, error) {
	return h.openFile(name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// readlink reads a symlink.
func (h *handles) readlink(name string) (string, error) {
	b := make([]byte, maxPath+1) // the longest there can be
	var n int
	err := h.on("readlink", name, func(at int, base string) (err error) {
		n, err = unix.Readlinkat(at, base, b)
		return err
	})
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}
