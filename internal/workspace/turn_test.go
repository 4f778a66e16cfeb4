//go:build linux || darwin

package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// One process publishes at a time. A program that holds the lock for long may be another
// one, so waiting ends, and it ends with the context.
func TestTurns(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	waited := time.Duration(0)
	pause := func(ctx context.Context, d time.Duration) error {
		waited += d
		return context.Cause(ctx)
	}
	end, err := takeTurn(t.Context(), root, pause)
	if err != nil || waited > 0 {
		t.Fatal(err, waited)
	}
	late, err := takeTurn(t.Context(), root, pause)
	if err != nil || waited < longestTurn || waited > longestTurn+2*turnPause {
		t.Errorf("waited %v, %v", waited, err)
	}
	late()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := takeTurn(ctx, root, pause); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	end()
	waited = 0
	end, err = takeTurn(t.Context(), root, pause)
	if err != nil || waited > 0 {
		t.Errorf("waited %v for nothing, %v", waited, err)
	}
	end()
}

// However many directories there are, and however deep, few are open at a time, and no path
// is walked twice.
func TestHandles(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	deep := strings.TrimSuffix(strings.Repeat("d/", 200), "/")
	lines := []string{deep + "/x=1", deep + "/y=1"}
	for i := range 3 * maxHandles {
		lines = append(lines, fmt.Sprintf("%03d/s/f=1", i))
	}
	write(t, ws, lines...)
	root, err := os.OpenRoot(ws)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h, err := openHandles(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		name, _, _ := strings.Cut(l, "=")
		if _, err := h.lstat(name); err != nil {
			t.Error(err)
		}
		if _, ok := h.open[path.Dir(name)]; !ok || len(h.open) > maxHandles {
			t.Errorf("%d are open after %s, its own: %v", len(h.open), name, ok)
		}
	}
	// Of two places that are far apart both stay open.
	if err := h.move(deep+"/x", "000/s/x"); err != nil {
		t.Error(err)
	}
	if err := h.move("000/s/x", deep+"/z"); err != nil {
		t.Error(err)
	}
	if err := h.move(deep+"/y", deep+"/z"); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
	// No symlink is followed, wherever it is.
	if err := errors.Join(os.Symlink("000", filepath.Join(ws, "l")), os.Symlink("s", filepath.Join(ws, "000", "l"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"l/s/f", "000/l/f", "l"} {
		if i, err := h.lstat(name); (err == nil) != (name == "l") || err != nil && !missing(err) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
