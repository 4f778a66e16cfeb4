package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Where many artifacts are gone although lists have them, requests grow with
// their number, not with its square.
func TestManyAreGone(t *testing.T) {
	t.Parallel()
	for _, dry := range []string{"false", "true"} {
		t.Run("dry-run="+dry, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			build := w.app.AddWorkflow("Build", ".github/workflows/build.yml")
			older := w.app.AddRun(githubsim.Run{ID: 50, Workflow: build})
			older.AddArtifact(githubsim.Artifact{Name: "part-0", Blob: files("a.txt", "older")})
			newer := w.app.AddRun(githubsim.Run{ID: 51, Workflow: build})
			const many = 200
			for i := range many {
				w.Expire(newer.AddArtifact(githubsim.Artifact{Name: fmt.Sprint("part-", i), Blob: files("b.txt", "newer")}), false)
			}
			got := w.step(t.Context(), t, in("pattern", "part-*", "workflow", "*", "dry-run", dry, "files", "*.txt"))
			if n := w.Count(githubsim.API); got.code != 0 || got.outputs["run-id"] != "50" || n > 2*many {
				t.Errorf("exit code %d, run %s, %d requests", got.code, got.outputs["run-id"], n)
			}
			if n := strings.Count(got.log, "choosing again"); n > 6 {
				t.Errorf("chose %d times again", n)
			}
		})
	}
}

// However often the artifacts are chosen again, the step waits once.
func TestGoneWhileWaiting(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	now := start
	w := newWorld(t, githubsim.Options{})
	build := w.app.AddWorkflow("Build", ".github/workflows/build.yml")
	w.app.AddRun(githubsim.Run{ID: 60, Workflow: build, Status: "in_progress"})
	w.now = func() time.Time { return now }
	w.pause = func(ctx context.Context, d time.Duration) error {
		before := now
		now = now.Add(d)
		if at := start.Add(5 * time.Minute); before.Before(at) && !now.Before(at) {
			late := w.app.AddRun(githubsim.Run{ID: 61, Workflow: build}).AddArtifact(githubsim.Artifact{Name: "late"})
			w.Expire(late, false)
		}
		return context.Cause(ctx)
	}
	got := w.step(t.Context(), t, in("name", "late", "workflow", "*", "wait", "10m"))
	if took := now.Sub(start); got.code != 1 || took > 10*time.Minute || !strings.Contains(got.log, "choosing again") {
		t.Errorf("exit code %d after %s\n%s", got.code, took, got.log)
	}
}
