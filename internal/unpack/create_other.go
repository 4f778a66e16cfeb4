//go:build !unix

package unpack

import (
	"io/fs"
	"os"
)

// openDir is an open directory to make files in.
type openDir struct{ root *os.Root }

func openDirectory(root *os.Root, name string) (openDir, error) {
	dir, err := root.OpenRoot(name)
	return openDir{dir}, err
}

func (d openDir) close() error { return d.root.Close() }

func (d openDir) create(base string, perm fs.FileMode) (output, error) {
	return d.root.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
}
