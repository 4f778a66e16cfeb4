package workspace

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// maxHandles bounds the directories that a handles keeps open. maxWay is how
// many of them one path that has to be walked may take, so that a walk never
// closes the directory that was opened just before it.
const (
	maxHandles = 64
	maxWay     = 16
)

// ident tells a file from every other one, and from itself after a change.
// The file system is the same for all that Publish renames.
type ident struct {
	ino   uint64
	size  int64
	mtime int64 // Unix time in ns
}

// info is what handles know of a path. It is a fs.FileInfo.
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

// same reports whether this is the file that was identified before, unchanged.
// A directory is the same whatever was put into it.
func (i *info) same(was ident) bool {
	if i.IsDir() {
		return i.ino == was.ino
	}
	return i.ident == was
}

// errRefused says that the file system cannot do what was asked in this way,
// and that nothing was done.
var errRefused = errors.New("the file system does not support it")

// missing reports whether an error says that a path, or a directory on the way
// to it, is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) }

// lookup is lstat, with nil for what is not there.
func (h *handles) lookup(name string) (*info, error) {
	i, err := h.lstat(name)
	if missing(err) {
		return nil, nil
	}
	return i, err
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

// moveSafe renames to a path that it expects to be free, on file systems that
// cannot check that while they rename. What is taken is fs.ErrExist.
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
