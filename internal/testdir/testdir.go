// Package testdir makes directories for tests that write many small files. To make and
// to remove files takes such tests most of their time, and ten times as much on a disk as
// in memory.
package testdir

import (
	"os"
	"testing"
)

// InMemory makes a directory that is removed when the test ends. It is on a file system in
// memory, where there is one and the user has not set where temporary files are; else where
// these are.
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
