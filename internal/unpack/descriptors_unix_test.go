//go:build unix

package unpack

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/testdir"
)

// limited marks the process that a test starts for itself, to run in with few
// descriptors.
const limited = "UNPACK_TEST_LIMITED"

// Many archives side by side, of many directories each and with tars that have
// as many, keep no more of them open than the process may have descriptors.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	const archives, directories = 6, 80 // four archives at a time have more than 256 directories
	if os.Getenv(limited) == "" {
		for _, limit := range []string{"128", "256"} {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFewDescriptors$", "-test.count=1") //nolint:gosec // this test itself
			cmd.Env = append(os.Environ(), limited+"="+limit)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s descriptors: %v\n%s", limit, err, out)
			}
		}
		return
	}
	var limit uint64
	if _, err := fmt.Sscan(os.Getenv(limited), &limit); err != nil {
		t.Fatal(err)
	}
	var tarred []string
	var z liar
	for i := range directories {
		// Neighbours lie in different directories, and come back to each.
		z.entries = append(z.entries, file(fmt.Sprintf("z%d/d/%d", i%(directories/2), i)))
		tarred = append(tarred, fmt.Sprintf("t%d/d/%d", i%(directories/2), i))
	}
	z.entries = append(z.entries, lie{name: "x.tar", body: string(tarOf(t, tarred...))})
	data := z.bytes()
	var roots []*os.Root
	for range archives {
		root, err := os.OpenRoot(testdir.InMemory(t))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		roots = append(roots, root)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	pool := NewPool(4)
	g, ctx := errgroup.WithContext(t.Context())
	for _, root := range roots {
		g.Go(func() error { return extractAll(ctx, root, data, pool) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if pool.handles.open != 0 || pool.handles.idle.next != &pool.handles.idle {
		t.Errorf("%d directories are open still", pool.handles.open)
	}
	if got := len(tree(t, roots[0].Name())); got != 2*(directories+directories) {
		t.Errorf("%d files and directories", got)
	}
}

// However many directories there are, only so many are open, and less where
// the system allows less.
func TestHandlesAreBounded(t *testing.T) {
	t.Parallel()
	for descriptors, most := range map[uint64]int{0: minOpen, 64: minOpen, 256: 64, 1024: 832, 1 << 20: maxOpen, 1<<64 - 1: maxOpen} {
		if got := newHandles(descriptors).most; got != most {
			t.Errorf("with %d descriptors %d directories are kept open, want %d", descriptors, got, most)
		}
	}
	root, err := os.OpenRoot(testdir.InMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	pool := newHandles(0)
	dirs := newDirTree(root, pool, nil)
	var used []*handle
	for i := range 3 * minOpen {
		h, err := dirs.get(t.Context(), strings.Repeat("d/", i%4)+fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		if i%8 == 0 {
			used = append(used, h)
		} else {
			dirs.put(h)
		}
		if pool.open > minOpen {
			t.Fatalf("%d directories are open", pool.open)
		}
	}
	for _, h := range used {
		if err := dirs.mkdir(t.Context(), h.name+"/x"); err != nil {
			t.Errorf("one that was in use was closed: %v", err)
		}
		dirs.put(h)
	}
	if err := dirs.close(); err != nil || pool.open != 0 {
		t.Errorf("%d are open still: %v", pool.open, err)
	}
}
