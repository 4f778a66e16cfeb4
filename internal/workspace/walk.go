package workspace

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// listed is how many entries of a directory are read at a time.
const listed = 256

// each calls f for the entries of a directory, listed at a time, these in the
// order of their names. A directory that has no more is closed before the call,
// so that f may call each in turn, however deep.
func (h *handles) each(name string, f func(entries []fs.DirEntry) error) (err error) {
	dir, err := h.openDirectory(name)
	if err != nil {
		return err
	}
	defer func() {
		if dir != nil {
			err = errors.Join(err, dir.Close())
		}
	}()
	for {
		entries, err := dir.ReadDir(listed)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(entries) < listed {
			closed := dir
			dir = nil
			if err := closed.Close(); err != nil {
				return err
			}
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		if err := f(entries); err != nil || dir == nil {
			return err
		}
	}
}

// paths are handles as a lister.
type paths struct{ h *handles }

// Lstat describes what is at a path.
func (p paths) Lstat(name string) (fs.FileInfo, error) {
	i, err := p.h.lstat(name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// Readlink reads a symlink.
func (p paths) Readlink(name string) (string, error) { return p.h.readlink(name) }
