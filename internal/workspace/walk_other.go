//go:build !linux && !darwin

package workspace

import (
	"io/fs"
	"os"
)

// openDirectory opens a directory to list it.
func (h *handles) openDirectory(name string) (*os.File, error) { return h.root.Open(name) }

// readlink reads a symlink.
func (h *handles) readlink(name string) (string, error) { return h.root.Readlink(name) }

// chmodDir sets the mode of a directory of the stage.
func (h *handles) chmodDir(name string, mode fs.FileMode) error { return h.root.Chmod(name, mode) }
