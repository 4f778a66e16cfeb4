package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/artifetch/artifetch/internal/testdir"
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
func TestMakingDirectoriesStops(t *testing.T) {
	t.Parallel()
	data := of(file(strings.Repeat("x/", 200) + "a")).bytes()
	_, root := opened(t, bytes.NewReader(data), int64(len(data)))
	dirs := newDirTree(root, newHandles(0), nil)
	_, err := dirs.get(countTo(t, 50), strings.Repeat("x/", 200)+"x")
	if err := errors.Join(err, dirs.close()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := len(tree(t, root.Name())); got != 50 {
		t.Errorf("%d directories made, want 50", got)
	}
}

// A directory is opened from the one above it that is open, not from the root.
func TestDirectoriesGoOn(t *testing.T) {
	t.Parallel()
	_, root := opened(t, bytes.NewReader(liar{}.bytes()), int64(len(liar{}.bytes())))
	dirs := newDirTree(root, newHandles(0), nil)
	if err := dirs.mkdir(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if err := root.Rename("a", "moved"); err != nil {
		t.Fatal(err)
	}
	f, err := dirs.create(t.Context(), "a/b/d/e/f", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), dirs.symlink(t.Context(), "a/b/l", "x"), dirs.close()); err != nil {
		t.Error(err)
	}
	want := []string{"moved/", "moved/b/", "moved/b/c/", "moved/b/d/", "moved/b/d/e/", "moved/b/d/e/f = ", "moved/b/l -> x"}
	if diff := cmp.Diff(want, tree(t, root.Name())); diff != "" {
		t.Error(diff)
	}
}

// Something else in the place of a directory is not followed.
func TestNothingIsFollowed(t *testing.T) {
	t.Parallel()
	_, root := opened(t, bytes.NewReader(liar{}.bytes()), int64(len(liar{}.bytes())))
	if err := errors.Join(root.Mkdir("d", 0o700), root.Symlink("d", "l"), root.WriteFile("f", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	dirs := newDirTree(root, newHandles(0), nil)
	for _, name := range []string{"l/x", "f/x", "l/x/y"} {
		_, err := dirs.create(t.Context(), name, 0o600)
		if _, ok := errors.AsType[*throughError](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := dirs.close(); err != nil {
		t.Error(err)
	}
	if got := tree(t, root.Name()); len(got) != 3 {
		t.Errorf("something was made: %q", got)
	}
}

// Many goroutines make the same directories at once, with as few of them open as possible.
func TestDirectoriesSideBySide(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(testdir.InMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	pool := newHandles(0)
	pool.most = 3
	dirs := newDirTree(root, pool, nil)
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 8 {
		g.Go(func() error {
			for n := range 100 {
				f, err := dirs.create(ctx, fmt.Sprintf("%d/%d/%d/%d", n%3, n%5, n%7, i*100+n), 0o600)
				if err != nil {
					return err
				}
				if err := f.Close(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := errors.Join(g.Wait(), dirs.close()); err != nil {
		t.Error(err)
	}
	if got := len(tree(t, root.Name())); got != 3+15+100+800 || pool.open != 0 {
		t.Errorf("%d made, %d open", got, pool.open)
	}
}
