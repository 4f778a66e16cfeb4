package workspace

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"
)

// maxHandles bounds the directories that a handles keeps open. maxWay bounds how many of
// them the walk of one path may take, so that a walk never closes the directory that was
// opened just before it.
const (
	maxHandles = 64
	maxWay     = 16
)

// ident tells a file from every other file of its file system, and from itself after a
// change. All files that Publish renames are on one file system.
type ident struct {
	ino   uint64
	size  int64
	mtime int64 // Unix time in ns
}

// info is what handles knows of a path. It is an fs.FileInfo.
type info struct {
	ident

	name     string
	mode     fs.FileMode
	changed  int64 // the inode's time of change: Unix time in ns
	uid, gid int
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.size }
func (i *info) Mode() fs.FileMode  { return i.mode }
func (i *info) ModTime() time.Time { return time.Unix(0, i.mtime) }
func (i *info) IsDir() bool        { return i.mode.IsDir() }
func (i *info) Sys() any           { return nil }

// same reports whether this is the file that was identified before, unchanged. A directory
// stays the same whatever is put into it.
func (i *info) same(was ident) bool {
	if i.IsDir() {
		return i.ino == was.ino
	}
	return i.ident == was
}

// errRefused says that the file system does not support an operation, and that nothing was
// done.
var errRefused = errors.New("the file system does not support it")

// missing reports whether an error says that a path, or a directory on the way to it, does
// not exist.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) }

// lookup is lstat, with nil for a path that does not exist.
func (h *handles) lookup(name string) (*info, error) {
	i, err := h.lstat(name)
	if missing(err) {
		return nil, nil
	}
	return i, err
}

// found is the outcome of a lookup: what is at a path, nil if nothing is.
type found struct {
	info *info
	err  error
}

// lookUpAll looks up names of one directory, side by side.
func (h *handles) lookUpAll(dir string, names []string) ([]found, error) {
	all := make([]found, len(names))
	lookup, err := h.lookIn(dir)
	if missing(err) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	inParts(len(names), func(from, to int) {
		for i := from; i < to; i++ {
			all[i].info, all[i].err = lookup(names[i])
		}
	})
	return all, nil
}

// worthSharing is how many system calls take longer than another goroutine needs to begin.
const worthSharing = 64

// inParts calls f for parts of n things, side by side, and waits for all.
func inParts(n int, f func(from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), n/worthSharing)
	var others sync.WaitGroup
	for i := 1; i < parts; i++ {
		others.Go(func() { f(n*i/parts, n*(i+1)/parts) })
	}
	f(0, n/max(parts, 1))
	others.Wait()
}

// list reads a directory.
func (h *handles) list(name string) ([]fs.DirEntry, error) { return entriesOf(h.openDirectory(name)) }

// entriesOf reads a directory that was opened, and closes it.
func entriesOf(dir *os.File, err error) ([]fs.DirEntry, error) {
	if err != nil {
		return nil, err
	}
	entries, err := dir.ReadDir(-1)
	return entries, errors.Join(err, dir.Close())
}

// moveSafe renames to a path that it expects to be free, on file systems that cannot check
// that while they rename. It fails with fs.ErrExist if the path is taken.
func (h *handles) moveSafe(from, to string) error {
	_, err := h.lstat(to)
	switch {
	case err == nil:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return h.over(from, to)
}
