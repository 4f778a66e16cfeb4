package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/symlink"
	"github.com/artifetch/artifetch/internal/testdir"
)

// tangle are links that each take a long detour to the next.
func tangle(links int) map[string]string {
	detour := strings.Repeat("a/", 800) + strings.Repeat("../", 800)
	targets := map[string]string{}
	for i := range 38 {
		targets[fmt.Sprint("l", i)] = detour + fmt.Sprint("l", i+1)
	}
	for i := range links {
		targets[fmt.Sprint("m", i)] = "l0"
	}
	return targets
}

// long are links whose targets are as long as they may be.
func long(links int) map[string]string {
	targets := map[string]string{}
	for i := range links {
		targets[fmt.Sprint("l", i)] = strings.Repeat("a/", maxTarget/2)
	}
	return targets
}

func TestCheckLinksIsBounded(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 20_000 {
		many[fmt.Sprintf("d%d/e/f/lib.so", i)] = "../../../usr/lib/lib.so.1"
	}
	many["usr"] = "x86/usr"
	many["x86/usr/lib/lib.so.1"] = "lib.so.1.2"
	tests := map[string]struct {
		links map[string]string
		want  string
	}{
		"as a system has them": {many, ""},
		"a long target":        {long(100), ""},
		"long targets":         {long(5000), "too tangled"},
		"one tangle":           {tangle(0), "too tangled"},
		"tangles":              {tangle(1000), "too tangled"},
		"long, but it ends":    {map[string]string{"a": strings.Repeat("x/", 2000) + "b/c", "b": "a/b"}, ""},
		"loops":                {map[string]string{"a": "b", "b": "a", "c": "a/x", "d/e": "../d/e/x"}, ""},
		"up behind a loop":     {map[string]string{"a": "b/../x", "b": "a"}, "goes through too many symlinks"},
		"growing":              {map[string]string{"a": "b/" + strings.Repeat("x/", 2000), "b": "c/" + strings.Repeat("x/", 2000), "c": "d"}, "leads to a name of more than 4096"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkLinks(t.Context(), tt.links)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.200v, want %q", err, tt.want)
			}
		})
	}
}

func TestCheckLinksStops(t *testing.T) {
	t.Parallel()
	if err := checkLinks(countTo(t, 50), long(100)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := checkLinks(ctx, long(1)); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	root, err := os.OpenRoot(testdir.InMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dirs := newDirTree(root, newHandles(0), nil)
	if err := errors.Join(makeLinks(ctx, dirs, long(1)), dirs.close()); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]lie{
		"long targets": {name: "l%d", unix: 0o120777, raw: nothing, method: methodDeflated, size: maxTarget},
		"long names":   {name: strings.Repeat(strings.Repeat("x", 200)+"/", 15) + "l%d", unix: 0o120777, body: "x"},
	} {
		each := len(e.name) + max(int(e.size), 1) + linkMemoryEach
		for _, tt := range []struct {
			links   int
			refused bool
		}{{maxLinkMemory / (each + 6), false}, {maxLinkMemory/(each-2) + 1, true}} {
			z := liar{zip64: true}
			for i := range tt.links {
				e := e
				e.name = fmt.Sprintf(e.name, i)
				z.entries = append(z.entries, e)
			}
			data := z.bytes()
			_, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{})
			refused, ok := errors.AsType[*RefusedError](err)
			if ok != tt.refused || ok && !strings.Contains(refused.Reason, "its symlinks take more than 32 MiB of memory") {
				t.Errorf("%s, %d: got %v", name, tt.links, err)
			}
		}
	}
}

// Many short links take memory, too.
func TestManyLinksAreBounded(t *testing.T) {
	t.Parallel()
	var m linkMemory
	for i := range maxLinkMemory / (linkMemoryEach + 2) {
		if err := m.take(1, 1); err != nil {
			t.Fatalf("link %d: %v", i, err)
		}
	}
	if m.take(1, 1) == nil {
		t.Error("one more is taken")
	}
	m.give(1, 1)
	m.give(1, 1)
	if err := m.take(1, 1); err != nil {
		t.Errorf("after two were given back: %v", err)
	}
}

// escapes follows a path below dir on the disk, and reports whether it ever leads above
// dir, goes through too many symlinks, or would go up after a symlink that never ends. A
// path that does not exist counts as a directory.
func escapes(t testing.TB, dir, name string) bool {
	t.Helper()
	var todo, at []string // the last part of todo comes next
	ups := 0              // how many parts of todo are ".."
	push := func(path string) {
		for _, part := range slices.Backward(strings.Split(path, "/")) {
			if part == ".." {
				ups++
			}
			todo = append(todo, part)
		}
	}
	push(name)
	targets := map[string]string{} // of the symlinks met so far, by path; empty: it is no symlink
	followed, up := 0, 0           // up is how often, of the symlinks followed last, ".." remained
	for len(todo) > 0 {
		part := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if part == ".." {
			ups--
		}
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && len(at) == 0:
			return true
		case part == "..":
			at = at[:len(at)-1]
			continue
		}
		at = append(at, part)
		here := filepath.Join(dir, filepath.Join(at...))
		target, known := targets[here]
		if !known {
			target = linkAt(t, here)
			targets[here] = target
		}
		if target == "" {
			continue
		}
		if filepath.IsAbs(target) {
			return true
		}
		if followed++; followed > 500 && ups > 0 {
			up++
		}
		if followed == 1000 {
			return up == 500
		}
		at = at[:len(at)-1]
		push(target)
	}
	return followed > symlink.MaxFollowed
}

// linkAt returns the target of a symlink, or nothing for what is not one, or not there.
func linkAt(t testing.TB, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	target, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// checkInside fails if a symlink below dir leads out of it.
func checkInside(t testing.TB, dir string) {
	t.Helper()
	for _, entry := range tree(t, dir) {
		if name, target, ok := strings.Cut(entry, " -> "); ok && escapes(t, dir, name) {
			t.Fatalf("symlink %q leads out, to %q", name, target)
		}
	}
}

// Random symlinks are followed to where the system would follow them on a disk.
func TestCheckLinksAgainstTheDisk(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	inside, top := 0, testdir.InMemory(t)
	for n := range 300 {
		links := map[string]string{}
		for i := range 1 + r.IntN(4) {
			var target []string
			for range 1 + r.IntN(5) {
				target = append(target, []string{"..", ".", "d", "e", "l0", "l1", "l2", "l3"}[r.IntN(8)])
			}
			links[[]string{"", "d/", "d/e/"}[r.IntN(3)]+fmt.Sprint("l", i)] = strings.Join(target, "/")
		}
		dir := filepath.Join(top, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		dirs := newDirTree(root, newHandles(0), nil)
		err = errors.Join(root.MkdirAll("d/e", 0o700), makeLinks(t.Context(), dirs, links), dirs.close(), root.Close())
		if err != nil {
			t.Fatal(err)
		}
		out := false
		for name := range links {
			out = out || escapes(t, dir, name)
		}
		if err := checkLinks(t.Context(), links); (err != nil) != out {
			t.Errorf("%v: %v", links, err)
		}
		if !out {
			inside++
		}
	}
	if inside < 20 || inside > 280 {
		t.Errorf("%d of 300 stay inside: that tests little", inside)
	}
}
