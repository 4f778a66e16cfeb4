package workspace

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// listing reads directories a batch at a time.
type listing struct {
	at   *handles
	size int // of a batch
	most int // directories that may be open to be read further
	open int
}

func newListing(at *handles) listing { return listing{at: at, size: 256, most: 32} }

// each calls f for the entries of a directory, in batches, each sorted by name. f may call
// each again for directories below, however deep: a directory is closed before f gets its
// last entries, and while l.most directories are open, those below them are read in one
// batch.
func (l *listing) each(name string, f func(batch []fs.DirEntry) error) (err error) {
	dir, err := l.at.openDirectory(name)
	if err != nil {
		return err
	}
	l.open++
	end := func() error {
		if dir == nil {
			return nil
		}
		closed := dir
		dir = nil
		l.open--
		return closed.Close()
	}
	defer func() { err = errors.Join(err, end()) }()
	for dir != nil {
		n := l.size
		if l.open > l.most {
			n = -1
		}
		batch, err := dir.ReadDir(n)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(batch) < l.size || n < 0 {
			if err := end(); err != nil {
				return err
			}
		}
		slices.SortFunc(batch, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		if err := f(batch); err != nil {
			return err
		}
	}
	return nil
}

// handleLister makes handles a lister.
type handleLister struct{ h *handles }

// Lstat describes what is at a path.
func (l handleLister) Lstat(name string) (fs.FileInfo, error) {
	i, err := l.h.lstat(name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// Readlink reads a symlink.
func (l handleLister) Readlink(name string) (string, error) { return l.h.readlink(name) }
