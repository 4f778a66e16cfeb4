//go:build unix

package workspace

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/eintr"
)

// The tests make and read trees of tiny files some ten thousand times. Package os needs ten
// system calls for such a file, most of them to offer it to the poller, which takes no files;
// three are enough.

// openAt opens a file or a directory.
func openAt(at int, name string, flags int) (fd int, err error) {
	err = eintr.Retry(func() error {
		fd, err = unix.Openat(at, name, flags|unix.O_CLOEXEC, 0o644)
		return err
	})
	if err != nil {
		return 0, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// readTree calls f for everything below a directory, in the order of names, parents first:
// with the directory that it lies in, and its path below dir.
func readTree(dir string, f func(at int, rel string, d fs.DirEntry) error) error {
	return readTreeAt(unix.AT_FDCWD, dir, ".", f)
}

func readTreeAt(at int, name, rel string, f func(at int, rel string, d fs.DirEntry) error) error {
	fd, err := openAt(at, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), name)
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, d := range entries {
		below := filepath.Join(rel, d.Name())
		err = errors.Join(err, f(fd, below, d))
		if err == nil && d.IsDir() {
			err = readTreeAt(fd, d.Name(), below, f)
		}
		if err != nil {
			break
		}
	}
	return errors.Join(err, dir.Close())
}

// readFileAt reads a file.
func readFileAt(at int, name string) (string, error) {
	fd, err := openAt(at, name, unix.O_RDONLY|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	var body bytes.Buffer
	var part [512]byte
	for n := len(part); err == nil && n == len(part); { // a file gives less at its end only
		err = eintr.Retry(func() (err error) {
			n, err = unix.Read(fd, part[:])
			return err
		})
		body.Write(part[:max(n, 0)])
	}
	return body.String(), errors.Join(err, unix.Close(fd))
}

// readlinkAt reads a symlink.
func readlinkAt(at int, name string) (string, error) {
	var target [maxPath + 1]byte
	n := 0
	err := eintr.Retry(func() (err error) {
		n, err = unix.Readlinkat(at, name, target[:])
		return err
	})
	return string(target[:max(n, 0)]), err
}

// writeFile makes a file, or empties it, and writes it.
func writeFile(name, body string) error {
	fd, err := openAt(unix.AT_FDCWD, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	if err != nil {
		return err
	}
	for rest := []byte(body); err == nil && len(rest) > 0; {
		err = eintr.Retry(func() error {
			n, err := unix.Write(fd, rest)
			rest = rest[max(n, 0):]
			return err
		})
	}
	return errors.Join(err, unix.Close(fd))
}
