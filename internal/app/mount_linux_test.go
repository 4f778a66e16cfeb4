package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A mount in the destination that an artifact has files for ends the step
// before these are fetched.
func TestMountInDestination(t *testing.T) {
	t.Parallel()
	ws := t.TempDir()
	cache := filepath.Join(ws, "out/cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", cache, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(cache, 0); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, githubsim.Options{})
	w.Attempt(1, githubsim.Artifact{Name: "x", Blob: githubsim.Zip(
		githubsim.File{Name: "a", Body: "1"}, githubsim.File{Name: "cache/x", Body: "1"},
	)})
	got := w.step(t.Context(), t, in("run-id", "1", "name", "x", "path", "out", "GITHUB_WORKSPACE", ws))
	for _, want := range []string{`"cache" is a separate mount`, "Choose a path inside of the mount"} {
		if got.code != 1 || !strings.Contains(got.log, want) {
			t.Errorf("exit code %d, the log lacks %q:\n%s", got.code, want, got.log)
		}
	}
	left, err := os.ReadDir(filepath.Join(ws, "out"))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
