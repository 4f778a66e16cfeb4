package app

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// manyFiles is a tar of small files.
func manyFiles(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := range n {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d/f%04d", i), Mode: 0o644, Size: 1, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A job that is cancelled while a tar is expanded leaves nothing. Another
// artifact never arrives, so that the job cannot end in any other way.
func TestCancelledInTar(t *testing.T) {
	t.Parallel()
	w := runWorld(t, githubsim.Artifact{Name: "tar", Blob: files("x.tar", manyFiles(t, 2000))}, githubsim.Artifact{Name: "never", Blob: files("f", "x")})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Path: "/artifacts/2/*", Times: -1, Stall: 20})
	ws := filepath.Join(t.TempDir(), "ws")
	if err := os.Mkdir(ws, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			if begun, _ := filepath.Glob(filepath.Join(ws, ".artifetch-*", "*", "d", "f0003")); len(begun) > 0 {
				cancel()
			}
		}
	}()
	env := in("run-id", "1", "unpack", "true")
	env["GITHUB_WORKSPACE"] = ws
	got := w.step(ctx, t, env)
	cancel()
	<-watched
	if left, _ := os.ReadDir(ws); got.code != 1 || len(left) > 0 || !strings.Contains(got.log, "The job was cancelled") {
		t.Errorf("code %d, left: %v\n%s", got.code, left, got.log)
	}
	got.check(t)
}

// trap is a context that is cancelled once a file exists; it looks whenever it is asked
// for its error.
type trap struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	file            string
}

func (c *trap) Err() error {
	if _, err := os.Lstat(c.file); err == nil {
		c.cancel()
	}
	return c.Context.Err()
}

// A job that is cancelled while files are moved into place leaves the destination as it
// was.
func TestCancelledInPublish(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 20 {
		pairs = append(pairs, fmt.Sprintf("d/f%02d", i), "new")
	}
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files(pairs...)})
	ws := filepath.Join(t.TempDir(), "ws")
	if err := os.MkdirAll(filepath.Join(ws, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"f03", "f17", "mine"} {
		if err := os.WriteFile(filepath.Join(ws, "d", name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inner, cancel := context.WithCancel(t.Context())
	defer cancel()
	env := in("run-id", "1", "name", "a")
	env["GITHUB_WORKSPACE"] = ws
	got := w.step(&trap{inner, cancel, filepath.Join(ws, "d", "f09")}, t, env)
	if got.code != 1 || !strings.Contains(got.log, "The job was cancelled") {
		t.Errorf("code %d\n%s", got.code, got.log)
	}
	for _, name := range []string{"f03", "f17", "mine"} {
		if b, err := os.ReadFile(filepath.Join(ws, "d", name)); string(b) != "old" {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
	left, _ := os.ReadDir(filepath.Join(ws, "d"))
	top, _ := os.ReadDir(ws)
	if len(left) != 3 || len(top) != 1 {
		t.Errorf("left: %v, %v", left, top)
	}
	got.check(t)
}

// If something could not be undone, the message says so although the job was cancelled,
// and names the place of the replaced files.
func TestCancelledUndoFails(t *testing.T) {
	t.Parallel()
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files("d/f01", "new", "d/f02", "new", "d/f03", "new")})
	ws := filepath.Join(t.TempDir(), "ws")
	if err := os.MkdirAll(filepath.Join(ws, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(ws, "d", "f01")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	inner, cancel := context.WithCancel(t.Context())
	defer cancel()
	env := in("run-id", "1", "name", "a")
	env["GITHUB_WORKSPACE"] = ws
	// Another process replaces what was replaced, and the job is cancelled.
	got := w.step(&trap{inner, func() {
		if err := os.WriteFile(name, []byte("theirs"), 0o600); err != nil {
			t.Error(err)
		}
		cancel()
	}, filepath.Join(ws, "d", "f02")}, t, env)
	kept, _ := filepath.Glob(filepath.Join(ws, ".artifetch-*", "replaced", "1"))
	if len(kept) != 1 {
		t.Fatalf("kept: %q\n%s", kept, got.log)
	}
	for _, want := range []string{"stopped: ", `"d/f01" was changed by another process`, "kept in " + filepath.Dir(kept[0]), "check that before the step runs again"} {
		if got.code != 1 || !strings.Contains(got.log, want) || !strings.Contains(got.outputs["error-message"], want) {
			t.Errorf("code %d, no %q\n%s\n%s", got.code, want, got.log, got.outputs["error-message"])
		}
	}
	if strings.Contains(got.log, "nothing was written") {
		t.Error(got.log)
	}
	if b, err := os.ReadFile(kept[0]); string(b) != "old" {
		t.Errorf("it is %q, %v", b, err)
	}
	if b, err := os.ReadFile(name); string(b) != "theirs" {
		t.Errorf("theirs is %q, %v", b, err)
	}
}

// The next run removes what a killed run left, and names what it cannot put back.
func TestRecovered(t *testing.T) {
	t.Parallel()
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files("f", "new")})
	ws := filepath.Join(t.TempDir(), "ws")
	for _, name := range []string{".artifetch-DEADXXXXXXXXXXXXXXXXXXXXXX/lock", ".artifetch-BADXXXXXXXXXXXXXXXXXXXXXXX/lock", ".artifetch-BADXXXXXXXXXXXXXXXXXXXXXXX/journal"} {
		p := filepath.Join(ws, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, nil, 0o444), os.Chmod(p, 0o444)); err != nil { // whatever the umask is
			t.Fatal(err)
		}
	}
	env := in("run-id", "1", "name", "a")
	env["GITHUB_WORKSPACE"] = ws
	got := w.step(t.Context(), t, env)
	for _, want := range []string{
		"removed " + ws + "/.artifetch-DEADXXXXXXXXXXXXXXXXXXXXXX, which a killed run left",
		"::warning::" + ws + "/.artifetch-BADXXXXXXXXXXXXXXXXXXXXXXX, which a killed run left, is still there: its journal is damaged",
	} {
		if got.code != 0 || strings.Count(got.log, want) != 1 {
			t.Errorf("code %d, not once: %q\n%s", got.code, want, got.log)
		}
	}
	left, err := os.ReadDir(ws)
	if err != nil || len(left) != 2 { // f, and what is damaged
		t.Errorf("left: %v, %v", left, err)
	}
}

// hooked calls a function when it is read.
type hooked struct {
	githubsim.Blob
	read func()
}

func (h *hooked) ReadAt(p []byte, off int64) (int, error) {
	if h.read != nil {
		h.read()
	}
	return h.Blob.ReadAt(p, off)
}

// A job that is cancelled in the middle of a download leaves nothing.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	blob := &hooked{Blob: files("a.txt", "a1")}
	w := runWorld(t, githubsim.Artifact{Name: "dist", Blob: blob})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Stall: 20})
	blob.read = cancel // from now on only the storage reads it
	got := w.step(ctx, t, in("name", "dist", "run-id", "1"), "mine=1")
	if got.code != 1 || got.list() != "mine=1" || !strings.Contains(got.log, "The job was cancelled") || w.Count(githubsim.Storage) == 0 {
		t.Errorf("%d, %s\n%s", got.code, got.list(), got.log)
	}
	got.check(t)
}
