package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A Scratch makes its directory when it is first needed, and removes it with all in it.
func TestScratch(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	s := &Scratch{Parent: parent}
	left := func() int {
		t.Helper()
		entries, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if err := s.Close(); err != nil || left() != 0 {
		t.Fatalf("unused: %v, %d left", err, left())
	}
	for _, name := range []string{"a", "b"} {
		f, err := s.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, name); err != nil {
			t.Error(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(f); err != nil || string(b) != name {
			t.Errorf("%q, %v", b, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Create("a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second file of one name: %v", err)
	}
	if left() != 1 {
		t.Errorf("%d directories", left())
	}
	if err := errors.Join(s.Move("a", "c"), s.Remove("b")); err != nil {
		t.Error(err)
	}
	if files, err := filepath.Glob(filepath.Join(parent, "*", "*")); err != nil || len(files) != 1 || filepath.Base(files[0]) != "c" {
		t.Errorf("%q, %v", files, err)
	}
	if err := s.Close(); err != nil || left() != 0 {
		t.Errorf("%v, %d left", err, left())
	}
}

func TestScratchWithoutParent(t *testing.T) {
	t.Parallel()
	s := &Scratch{Parent: filepath.Join(t.TempDir(), "nope")}
	if _, err := s.Create("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
