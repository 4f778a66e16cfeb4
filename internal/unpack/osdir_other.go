//go:build !unix

package unpack

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"time"
)

// osDir is an open directory. All names are single components.
type osDir struct{ root *os.Root }

// openRoot opens the root itself.
func openRoot(root *os.Root) (osDir, error) {
	dir, err := root.OpenRoot(".")
	return osDir{dir}, err
}

func (d osDir) open(base string) (osDir, error) {
	switch info, err := d.root.Lstat(base); {
	case err != nil:
		return osDir{}, err
	case !info.IsDir():
		return osDir{}, errNoDirectory
	}
	sub, err := d.root.OpenRoot(base)
	return osDir{sub}, err
}

func (d osDir) close() error { return d.root.Close() }

// create makes a file, which must not be there, for writing.
func (d osDir) create(base string, perm fs.FileMode) (output, error) {
	f, err := d.root.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return nil, err
	}
	return wholeFile{f}, nil
}

func (d osDir) mkdir(base string, perm fs.FileMode) error { return d.root.Mkdir(base, perm) }

func (d osDir) symlink(target, base string) error { return d.root.Symlink(target, base) }

// hardLink makes the name to a hard link to the file named from; both names lie below root.
func hardLink(root *os.Root, _ osDir, from string, _ osDir, to string) error {
	return root.Link(from, to)
}

func (d osDir) remove(base string) error { return d.root.Remove(base) }

// chown changes the owner of the directory itself.
func (d osDir) chown(o *Owner) error { return d.root.Chown(".", o.UID, o.GID) }

// lchown changes the owner of what is in the directory.
func (d osDir) lchown(base string, o *Owner) error { return d.root.Lchown(base, o.UID, o.GID) }

// stat returns whether what has the name is a directory, and its size in bytes.
func (d osDir) stat(base string) (isDir bool, size int64, err error) {
	info, err := d.root.Lstat(base)
	if err != nil {
		return false, 0, err
	}
	return info.IsDir(), info.Size(), nil
}

// setTime sets the modification time of a file or directory, in ns since 1970. Symlinks
// keep theirs. The access time becomes the same.
func (d osDir) setTime(base string, mtime int64) error {
	info, err := d.root.Lstat(base)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return err
	}
	t := time.Unix(0, mtime)
	return d.root.Chtimes(base, t, t)
}

// restrict removes all rights that are not in perm from the directory itself.
func (d osDir) restrict(perm fs.FileMode) error {
	info, err := d.root.Stat(".")
	if err != nil {
		return err
	}
	return d.root.Chmod(".", info.Mode().Perm()&perm)
}

type wholeFile struct{ *os.File }

func (f wholeFile) chown(o *Owner) error { return f.Chown(o.UID, o.GID) }

// noDescriptors reports whether a call failed because too many files are open.
func noDescriptors(error) bool { return false }

// isNoDirectory reports whether open failed because a name is something else.
func isNoDirectory(err error) bool { return errors.Is(err, errNoDirectory) }

// maxDescriptors returns how many files the process may have open.
func maxDescriptors() uint64 { return math.MaxUint64 }
