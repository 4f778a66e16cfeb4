//go:build unix

package unpack

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// openDir is an open directory to make files in. An *os.File is not made
// for each of them: it costs five system calls to find out that a file cannot
// be polled.
type openDir struct {
	file *os.File
	name string
}

// openDirectory opens a directory below root, as safely as root does.
func openDirectory(root *os.Root, name string) (openDir, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0)
	return openDir{f, name}, err
}

func (d openDir) close() error { return d.file.Close() }

// create makes a file, which must not be there, for writing. base is a single
// component, so that it cannot lead anywhere else.
func (d openDir) create(base string, perm fs.FileMode) (output, error) {
	for {
		fd, err := unix.Openat(int(d.file.Fd()), base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(perm.Perm()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, &fs.PathError{Op: "create", Path: path.Join(d.name, base), Err: err}
		default:
			return &rawFile{fd: fd, dir: d.name, base: base}, nil
		}
	}
}

// rawFile is a file by its descriptor.
type rawFile struct {
	fd        int
	dir, base string
}

func (f *rawFile) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := unix.Write(f.fd, p[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, f.failed("write", err)
		}
		n += m
	}
	return n, nil
}

func (f *rawFile) Close() error {
	// After EINTR the descriptor is closed on Linux, and may be another file's.
	if err := unix.Close(f.fd); err != nil && !errors.Is(err, unix.EINTR) {
		return f.failed("close", err)
	}
	return nil
}

func (f *rawFile) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: path.Join(f.dir, f.base), Err: err}
}
