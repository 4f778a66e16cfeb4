//go:build linux || darwin

package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
)

const errNotDir = unix.ENOTDIR

// handles does the file operations of publishing and undoing. It keeps the descriptors of
// the directories used last, so that a path is not walked from the root again for each file
// in it. Paths are relative to the root, slash-separated and clean. No symlink is followed,
// in any component: if a directory on the way has become a symlink since it was planned,
// that is an error. A handles is not safe for concurrent use.
type handles struct {
	root string // for messages
	top  *os.File
	open map[string]*handle
	uses int
	// before is called before each change; tests kill the process there.
	before func()
}

// handle is an open directory. The handle that was used last has the highest used.
type handle struct{ fd, used int }

func openHandles(root *os.Root) (*handles, error) {
	top, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	return &handles{root: root.Name(), top: top, open: map[string]*handle{}, before: func() {}}, nil
}

func (h *handles) close() error {
	for name, d := range h.open {
		delete(h.open, name)
		_ = unix.Close(d.fd) // nothing was written through it
	}
	return h.top.Close()
}

// at returns the directory that a path lies in, and the path's name there. The descriptor
// stays open until the next call of at but one.
func (h *handles) at(op, name string) (int, string, error) {
	dir, base := path.Split(name)
	fd, err := h.dir(path.Clean(dir))
	if err != nil {
		return 0, "", &fs.PathError{Op: op, Path: name, Err: err}
	}
	return fd, base, nil
}

// dir opens a directory from the nearest open one above it.
func (h *handles) dir(name string) (int, error) {
	if name == "." {
		return int(h.top.Fd()), nil
	}
	h.uses++
	if d, ok := h.open[name]; ok {
		d.used = h.uses
		return d.fd, nil
	}
	fd, above := int(h.top.Fd()), path.Dir(name)
	for ; above != "."; above = path.Dir(above) {
		if d, ok := h.open[above]; ok {
			d.used = h.uses
			fd = d.fd
			break
		}
	}
	way := split(name)
	kept := true // fd is in open, or top
	for i := len(split(above)); i < len(way); i++ {
		next, err := openDir(fd, way[i])
		if !kept {
			_ = unix.Close(fd)
		}
		if err != nil {
			return 0, err
		}
		if fd, kept = next, i >= len(way)-maxWay; kept {
			h.keep(path.Join(way[:i+1]...), fd)
		}
	}
	return fd, nil
}

// keep remembers a directory, and closes the least recently used one if there are too many.
func (h *handles) keep(name string, fd int) {
	if len(h.open) >= maxHandles {
		oldest := ""
		for n, d := range h.open {
			if oldest == "" || d.used < h.open[oldest].used {
				oldest = n
			}
		}
		_ = unix.Close(h.open[oldest].fd)
		delete(h.open, oldest)
	}
	h.open[name] = &handle{fd, h.uses}
}

// forget closes a directory that is about to be moved or removed, and all below it.
func (h *handles) forget(name string) {
	for n, d := range h.open {
		if within(n, name) {
			_ = unix.Close(d.fd)
			delete(h.open, n)
		}
	}
}

func openDir(at int, name string) (fd int, err error) {
	err = eintr.Retry(func() error {
		fd, err = unix.Openat(at, name, searchOnly|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if errors.Is(err, unix.ELOOP) {
		err = unix.ENOTDIR // ELOOP is the BSDs' error for a symlink
	}
	return fd, err
}

// on makes a system call for a path.
func (h *handles) on(op, name string, call func(at int, base string) error) error {
	fd, base, err := h.at(op, name)
	if err != nil {
		return err
	}
	if err := eintr.Retry(func() error { return call(fd, base) }); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// between makes a system call for two paths.
func (h *handles) between(op, from, to string, call func(fromAt int, fromBase string, toAt int, toBase string) error) error {
	fromAt, fromBase, err := h.at(op, from)
	if err != nil {
		return err
	}
	toAt, toBase, err := h.at(op, to)
	if err != nil {
		return err
	}
	h.before()
	if err := eintr.Retry(func() error { return call(fromAt, fromBase, toAt, toBase) }); err != nil {
		return &os.LinkError{Op: op, Old: from, New: to, Err: err}
	}
	return nil
}

func (h *handles) lstat(name string) (*info, error) {
	var st unix.Stat_t
	err := h.on("lstat", name, func(at int, base string) error {
		if base == "." {
			return unix.Fstat(at, &st)
		}
		return unix.Fstatat(at, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil {
		return nil, err
	}
	return infoOf(path.Base(name), &st), nil
}

// lookIn returns a function that does what lookup does, for names of one directory. It may be
// called concurrently until another method of h is called.
func (h *handles) lookIn(dir string) (func(name string) (*info, error), error) {
	fd, err := h.dir(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: dir, Err: err}
	}
	return func(name string) (*info, error) {
		var st unix.Stat_t
		err := eintr.Retry(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, &fs.PathError{Op: "lstat", Path: in(dir, name), Err: err}
		}
		return infoOf(name, &st), nil
	}, nil
}

func infoOf(name string, st *unix.Stat_t) *info {
	mode := fs.FileMode(st.Mode & 0o777)
	if st.Mode&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if st.Mode&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if st.Mode&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	return &info{
		ident: ident{st.Ino, st.Size, st.Mtim.Nano()},
		name:  name, mode: mode, changed: st.Ctim.Nano(), uid: int(st.Uid), gid: int(st.Gid),
	}
}

// openFile opens a regular file, or makes one. A FIFO in its place does not block.
func (h *handles) openFile(name string, flags int) (*os.File, error) {
	return h.openAs(name, flags|unix.O_NONBLOCK)
}

// openAs opens a file or a directory. With O_NONBLOCK, os.NewFile tries to have the
// descriptor watched, which takes a system call.
func (h *handles) openAs(name string, flags int) (*os.File, error) {
	var fd int
	err := h.on("open", name, func(at int, base string) (err error) {
		fd, err = unix.Openat(at, base, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), filepath.Join(h.root, name)), nil
}

// move renames to a free path; it fails with fs.ErrExist if the path is taken.
func (h *handles) move(from, to string) error {
	err := h.between("rename", from, to, renameNew)
	if errors.Is(err, errRefused) {
		return h.moveSafe(from, to)
	}
	return err
}

// over renames, and replaces what is at to.
func (h *handles) over(from, to string) error {
	return h.between("rename", from, to, unix.Renameat)
}

// swap exchanges two files; it fails with errRefused if the file system cannot.
func (h *handles) swap(a, b string) error { return h.between("exchange", a, b, renameSwap) }

// link gives a file a second name; it fails with errRefused if that is not possible.
func (h *handles) link(from, to string) error {
	err := h.between("link", from, to, func(fromAt int, fromBase string, toAt int, toBase string) error {
		return unix.Linkat(fromAt, fromBase, toAt, toBase, 0)
	})
	for _, refused := range []error{unix.EPERM, unix.EACCES, unix.EMLINK, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.EXDEV} {
		if errors.Is(err, refused) {
			return errRefused
		}
	}
	return err
}

func (h *handles) mkdir(name string, mode fs.FileMode) error {
	h.before()
	return h.on("mkdir", name, func(at int, base string) error { return unix.Mkdirat(at, base, uint32(mode.Perm())) })
}

func (h *handles) rmdir(name string) error {
	h.forget(name)
	h.before()
	return h.on("rmdir", name, func(at int, base string) error { return unix.Unlinkat(at, base, unix.AT_REMOVEDIR) })
}

func (h *handles) unlink(name string) error {
	h.before()
	return h.on("unlink", name, func(at int, base string) error { return unix.Unlinkat(at, base, 0) })
}

// setTime sets the modification time of a file, symlink or directory.
func (h *handles) setTime(name string, mtime int64) error {
	t := unix.NsecToTimespec(mtime)
	return h.on("utimes", name, func(at int, base string) error {
		return unix.UtimesNanoAt(at, base, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
	})
}
