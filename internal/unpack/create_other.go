//go:build !unix

package unpack

import (
	"io/fs"
	"os"
)

// directory is an open directory to make files in.
type directory struct{ root *os.Root }

func openDirectory(root *os.Root, name string) (directory, error) {
	dir, err := root.OpenRoot(name)
	return directory{dir}, err
}

func (d directory) close() error { return d.root.Close() }

func (d directory) create(base string, perm fs.FileMode) (output, error) {
	return d.root.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
}
