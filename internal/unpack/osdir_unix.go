//go:build unix

package unpack

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
)

// osDir is an open directory, by its descriptor. All names are single
// components, and none is followed if it is a symlink, so that nothing leads
// elsewhere. An *os.Root would walk from the root for every name and take five
// system calls to find out that a file cannot be polled.
type osDir struct{ fd int }

// openRoot opens the root itself.
func openRoot(root *os.Root) (osDir, error) {
	f, err := root.OpenFile(".", os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return osDir{}, err
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return osDir{fd}, errors.Join(err, f.Close())
}

func (d osDir) open(base string) (osDir, error) {
	var sub osDir
	err := eintr.Retry(func() (err error) {
		sub.fd, err = unix.Openat(d.fd, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) { // a symlink, as some systems say it
		err = errNoDirectory
	}
	return sub, err
}

func (d osDir) close() error { return unix.Close(d.fd) }

// create makes a file, which must not be there, for writing.
func (d osDir) create(base string, perm fs.FileMode) (output, error) {
	var f *rawFile
	err := eintr.Retry(func() error {
		fd, err := unix.Openat(d.fd, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(perm.Perm()))
		if err == nil {
			f = &rawFile{fd}
		}
		return err
	})
	return f, err
}

func (d osDir) mkdir(base string, perm fs.FileMode) error {
	return eintr.Retry(func() error { return unix.Mkdirat(d.fd, base, uint32(perm.Perm())) })
}

func (d osDir) symlink(target, base string) error {
	return eintr.Retry(func() error { return unix.Symlinkat(target, d.fd, base) })
}

// hardLink makes the name to, in one directory, a hard link to the file named from in
// another. Only the last component of each name counts.
func hardLink(_ *os.Root, fromDir osDir, from string, toDir osDir, to string) error {
	return eintr.Retry(func() error { return unix.Linkat(fromDir.fd, path.Base(from), toDir.fd, path.Base(to), 0) })
}

func (d osDir) remove(base string) error {
	return eintr.Retry(func() error { return unix.Unlinkat(d.fd, base, 0) })
}

// chown changes the owner of the directory itself.
func (d osDir) chown(o *Owner) error {
	return eintr.Retry(func() error { return unix.Fchown(d.fd, o.UID, o.GID) })
}

// lchown changes the owner of what is in the directory.
func (d osDir) lchown(base string, o *Owner) error {
	return eintr.Retry(func() error { return unix.Fchownat(d.fd, base, o.UID, o.GID, unix.AT_SYMLINK_NOFOLLOW) })
}

// stat returns whether what has the name is a directory, and its size in bytes.
func (d osDir) stat(base string) (isDir bool, size int64, err error) {
	var s unix.Stat_t
	err = eintr.Retry(func() error { return unix.Fstatat(d.fd, base, &s, unix.AT_SYMLINK_NOFOLLOW) })
	return s.Mode&unix.S_IFMT == unix.S_IFDIR, s.Size, err
}

// setTime sets the modification time of a file, directory or symlink, in ns since 1970.
// The access time becomes the same.
func (d osDir) setTime(base string, mtime int64) error {
	t := unix.NsecToTimespec(mtime)
	return eintr.Retry(func() error {
		return unix.UtimesNanoAt(d.fd, base, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// restrict removes all rights that are not in perm from the directory itself.
func (d osDir) restrict(perm fs.FileMode) error {
	var s unix.Stat_t
	if err := eintr.Retry(func() error { return unix.Fstat(d.fd, &s) }); err != nil {
		return err
	}
	return eintr.Retry(func() error { return unix.Fchmod(d.fd, uint32(s.Mode)&uint32(perm.Perm())) }) //nolint:unconvert // the types differ between systems
}

// rawFile is a file by its descriptor.
type rawFile struct{ fd int }

func (f *rawFile) chown(o *Owner) error {
	return eintr.Retry(func() error { return unix.Fchown(f.fd, o.UID, o.GID) })
}

func (f *rawFile) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := unix.Write(f.fd, p[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

func (f *rawFile) Close() error {
	// After EINTR the descriptor is closed on Linux, and may be another file's.
	if err := unix.Close(f.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return err
	}
	return nil
}

// noDescriptors reports whether a call failed because too many files are open.
func noDescriptors(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// isNoDirectory reports whether open failed because a name is something else.
func isNoDirectory(err error) bool {
	return errors.Is(err, errNoDirectory) || errors.Is(err, unix.ENOTDIR)
}

// maxDescriptors returns how many files the process may have open.
func maxDescriptors() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // signed on some systems
}
