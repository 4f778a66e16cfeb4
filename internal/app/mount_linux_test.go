package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// mountAt mounts something below a workspace for the time of a test.
func mountAt(t *testing.T, source, target, fstype string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(source, target, fstype, flags, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, 0); err != nil {
			t.Error(err)
		}
	})
}

// Files of an artifact get to a mount in the destination as to any other directory. Where
// they cannot, the step ends before they are fetched, and names the mount.
func TestMountInDestination(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mount   func(t *testing.T, ws string) // on out/cache, or something in it
		in      []string
		refused string
		want    string // what is in out/cache
	}{
		"tmpfs": {func(t *testing.T, ws string) {
			t.Helper()
			mountAt(t, "tmpfs", ws+"/out/cache", "tmpfs", 0)
		}, nil, "", "new"},
		"of the same device": {func(t *testing.T, ws string) {
			t.Helper()
			mountAt(t, ws+"/volume", ws+"/out/cache", "", unix.MS_BIND)
		}, nil, "", "new"},
		"read-only": {func(t *testing.T, ws string) {
			t.Helper()
			mountAt(t, "tmpfs", ws+"/out/cache", "tmpfs", unix.MS_RDONLY)
		}, nil, `"cache" is a separate mount that is read-only`, ""},
		"a file": {func(t *testing.T, ws string) {
			t.Helper()
			mountAt(t, ws+"/file", ws+"/out/cache/x", "", unix.MS_BIND)
		}, nil, `"cache/x" is a file that is a mount of its own`, "mounted"},
		"a file, kept": {func(t *testing.T, ws string) {
			t.Helper()
			mountAt(t, ws+"/file", ws+"/out/cache/x", "", unix.MS_BIND)
		}, []string{"if-exists", "skip"}, "", "mounted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := t.TempDir()
			for _, dir := range []string{"out/cache", "volume"} {
				if err := os.MkdirAll(filepath.Join(ws, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"file", "out/cache/x"} {
				if err := os.WriteFile(filepath.Join(ws, name), []byte("mounted"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tt.mount(t, ws)
			w := newWorld(t, githubsim.Options{})
			w.Attempt(1, githubsim.Artifact{Name: "x", Blob: githubsim.Zip(
				githubsim.File{Name: "a", Body: "1"}, githubsim.File{Name: "cache/x", Body: "new"},
			)})
			got := w.step(t.Context(), t, in(append(tt.in, "run-id", "1", "name", "x", "path", "out", "GITHUB_WORKSPACE", ws)...))
			if (got.code != 0) != (tt.refused != "") || !strings.Contains(got.log, tt.refused) {
				t.Errorf("exit code %d, want %q:\n%s", got.code, tt.refused, got.log)
			}
			body, err := os.ReadFile(filepath.Join(ws, "out/cache/x"))
			if string(body) != tt.want || err != nil && tt.want != "" {
				t.Errorf("out/cache/x has %q, %v", body, err)
			}
			if _, err := os.Stat(filepath.Join(ws, "out/a")); (err == nil) != (tt.refused == "") {
				t.Error(err)
			}
			for _, pattern := range []string{"out/.artifetch-*", "out/cache/.artifetch-*"} {
				if left, err := filepath.Glob(filepath.Join(ws, pattern)); err != nil || len(left) > 0 {
					t.Errorf("left: %v, %v", left, err)
				}
			}
		})
	}
}
