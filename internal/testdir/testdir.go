// Package testdir makes directories for tests of many small files, and programs for tests
// that start some. Tests of many files spend most of their time on making and removing them,
// which takes ten times as long on a disk as in memory.
package testdir

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// InMemory makes a directory that is removed when the test ends. The directory is in memory
// (/dev/shm) where the system has that and TMPDIR is not set, else where temporary files are.
func InMemory(t testing.TB) string {
	t.Helper()
	dir, err := MkdirInMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// MkdirInMemory makes a directory like InMemory, which the caller removes.
func MkdirInMemory() (string, error) {
	const prefix = "artifetch-test-"
	if os.Getenv("TMPDIR") == "" {
		if dir, err := os.MkdirTemp("/dev/shm", prefix); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", prefix)
}

// WriteProgram writes a file that can be executed at once. A file that any process has open
// for writing cannot be executed (ETXTBSY), and a child process that another test starts has
// copies of all our descriptors until its exec. So no process is forked while the file is
// written.
func WriteProgram(name string, body io.Reader) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755) //nolint:gosec // a test names it
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Chmod(0o755), f.Close())
}
