//go:build !linux && !darwin

package workspace

import "os"

// openDirectory opens a directory to list it.
func (h *handles) openDirectory(name string) (*os.File, error) { return h.root.Open(name) }

// readlink reads a symlink.
func (h *handles) readlink(name string) (string, error) { return h.root.Readlink(name) }
