//go:build linux || darwin

package workspace

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openDirectory opens a directory to list it.
func (h *handles) openDirectory(name string) (*os.File, error) {
	return h.openAs(name, unix.O_RDONLY|unix.O_DIRECTORY)
}

// readlink reads a symlink.
func (h *handles) readlink(name string) (string, error) {
	b := make([]byte, maxPath+1) // the longest target there is
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

// chmodDir sets the mode of a directory of the stage, which only this process uses.
func (h *handles) chmodDir(name string, mode fs.FileMode) error {
	bits := uint32(mode.Perm())
	for _, special := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, unix.S_ISUID}, {fs.ModeSetgid, unix.S_ISGID}, {fs.ModeSticky, unix.S_ISVTX}} {
		if mode&special.mode != 0 {
			bits |= special.bit
		}
	}
	return h.on("chmod", name, func(at int, base string) error { return unix.Fchmodat(at, base, bits, 0) })
}
