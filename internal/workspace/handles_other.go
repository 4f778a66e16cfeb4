//go:build !linux && !darwin

package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

const errNotDir = syscall.ENOTDIR

// handles does the file operations of publishing and undoing through an *os.Root, without
// the features that only some systems have: files cannot be exchanged, and the time of a
// change is the modification time, which programs may set.
type handles struct {
	root *os.Root
	// before is called before each change; tests of other systems use it.
	before func()
}

func openHandles(root *os.Root) (*handles, error) { return &handles{root, func() {}}, nil }

func (h *handles) close() error { return nil }

func (h *handles) lstat(name string) (*info, error) {
	i, err := h.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	ino, err := fileIndex(h.root, name, i)
	if err != nil {
		return nil, err
	}
	at := i.ModTime().UnixNano()
	return &info{ident: ident{ino, i.Size(), at}, name: path.Base(name), mode: i.Mode(), changed: at, uid: -1, gid: -1}, nil
}

// lookIn returns lookup for names of one directory, which may be called concurrently.
func (h *handles) lookIn(dir string) (func(name string) (*info, error), error) {
	return func(name string) (*info, error) { return h.lookup(in(dir, name)) }, nil
}

// openFile opens a file, or makes it.
func (h *handles) openFile(name string, flags int) (*os.File, error) {
	return h.root.OpenFile(name, flags, 0o644)
}

func (h *handles) forget(string) {}

func (h *handles) move(from, to string) error { return h.moveSafe(from, to) }

func (h *handles) over(from, to string) error { return h.root.Rename(from, to) }

func (h *handles) swap(_, _ string) error { return errRefused }

func (h *handles) link(from, to string) error {
	err := h.root.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
		return errRefused
	}
	return err
}

func (h *handles) mkdir(name string, mode fs.FileMode) error { return h.root.Mkdir(name, mode) }
func (h *handles) rmdir(name string) error                   { return h.root.Remove(name) }
func (h *handles) unlink(name string) error                  { return h.root.Remove(name) }

func (h *handles) setTime(name string, mtime int64) error {
	t := time.Unix(0, mtime)
	return h.root.Chtimes(name, t, t)
}
