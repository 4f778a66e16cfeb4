package unpack

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// countdown is a context that is cancelled the n-th time it is looked at.
type countdown struct {
	context.Context
	left atomic.Int64
}

func countTo(t *testing.T, n int64) *countdown {
	t.Helper()
	c := &countdown{Context: t.Context()}
	c.left.Store(n)
	return c
}

// Value hides the context below, which has no cause.
func (c *countdown) Value(any) any { return nil }

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// One name can ask for many directories; the context counts for each.
func TestMakeDirsStops(t *testing.T) {
	t.Parallel()
	data := of(file(strings.Repeat("x/", 200) + "a")).bytes()
	a, root := opened(t, bytes.NewReader(data), int64(len(data)))
	if err := a.makeDirs(countTo(t, 50), root); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := len(tree(t, root.Name())); got != 50 {
		t.Errorf("%d directories made, want 50", got)
	}
}

// A directory is opened from the one above it, not from the root.
func TestDirMakerGoesOn(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.MkdirAll("a/b/c", 0o700); err != nil {
		t.Fatal(err)
	}
	m := dirMaker{root: root}
	if _, err := m.open("a/b"); err != nil {
		t.Fatal(err)
	}
	if err := root.Rename("a", "moved"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.open("a/b/c"); err != nil {
		t.Errorf("not from the open one: %v", err)
	}
	if _, err := m.open("a/bx"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
}
