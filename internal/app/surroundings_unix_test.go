//go:build unix

package app

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A pipe without a reader or a writer, and a file without an end, are refused
// wherever the environment or an input names one.
func TestPipesAndDevices(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for name, tt := range map[string]struct {
		in   map[string]string
		want string
	}{
		"outputs":         {in("name", "dist", "GITHUB_OUTPUT", pipe), "the file of GITHUB_OUTPUT: open " + pipe + ": is a pipe, not a file"},
		"event":           {in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "GITHUB_EVENT_PATH", pipe), "(GITHUB_EVENT_PATH): open " + pipe + ": it is a pipe, not a file"},
		"event, no end":   {in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "GITHUB_EVENT_PATH", "/dev/zero"), "open /dev/zero: it is not a regular file"},
		"ca-cert":         {in("name", "dist", "ca-cert", pipe, "HOME", filepath.Dir(pipe)), "ca-cert: open " + pipe + ": it is a pipe, not a file"},
		"ca-cert, folder": {in("name", "dist", "ca-cert", "."), "it is a directory, not a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newWorld(t, githubsim.Options{}).step(t.Context(), t, tt.in)
			if got.code != 1 || !strings.Contains(got.log, tt.want) {
				t.Errorf("code %d\n%s", got.code, got.log)
			}
		})
	}
}
