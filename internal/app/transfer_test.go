package app

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// When a download starts over, nothing is left of the try before.
func TestStartOverLeavesNothing(t *testing.T) {
	t.Parallel()
	w := fileWorld(t)
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Skip: 3, Status: 412})
	ws := filepath.Join(t.TempDir(), "ws")
	if err := os.Mkdir(ws, 0o755); err != nil {
		t.Fatal(err)
	}
	over := 0
	w.logged = func(text string) {
		if !strings.Contains(text, "starting over") {
			return
		}
		over++
		if left, _ := filepath.Glob(filepath.Join(ws, ".artifetch-*", "[0-9]*")); len(left) > 0 {
			t.Errorf("left when it starts over: %q", left)
		}
	}
	env := in("name", "big")
	env["GITHUB_WORKSPACE"] = ws
	if got := w.step(t.Context(), t, env); got.code != 0 || over != 1 {
		t.Errorf("code %d, started over %d times\n%s", got.code, over, got.log)
	}
}

// What was fetched before an artifact turned out to be gone is not fetched
// again, if the next choice has it too.
func TestGoneKeepsTheOthers(t *testing.T) {
	t.Parallel()
	for gone := range 3 {
		t.Run(fmt.Sprint(gone), func(t *testing.T) {
			t.Parallel()
			var artifacts []githubsim.Artifact
			for i := range 3 {
				artifacts = append(artifacts, githubsim.Artifact{Name: fmt.Sprint(i), Blob: files("f", fmt.Sprint(i))})
			}
			w := runWorld(t, artifacts...)
			w.Fault(githubsim.Fault{Host: githubsim.API, Path: fmt.Sprintf("/repos/octo/app/actions/artifacts/%d/zip", gone+1), Times: -1, Status: 410})
			got := w.step(t.Context(), t, in("run-id", "1", "concurrency", "1", "max-files", "2", "max-size", "2"))
			if got.code != 0 || len(got.files) != 2 || got.outputs["file-count"] != "2" || w.Count(githubsim.Storage) != 2 {
				t.Errorf("code %d, %v, %d requests to the storage\n%s", got.code, slices.Sorted(maps.Keys(got.files)), w.Count(githubsim.Storage), got.log)
			}
			got.check(t)
		})
	}
}

// An artifact of an earlier choice that the next choice lacks counts towards no limit, and
// is not published.
func TestGoneForgetsTheRest(t *testing.T) {
	t.Parallel()
	w := &world{Sim: githubsim.New(githubsim.Options{})}
	t.Cleanup(w.Close)
	w.app = w.AddRepo("octo/app")
	w.AddToken("ghs_owner", "octo/app", githubsim.Write)
	ci := w.app.AddWorkflow("CI", ".github/workflows/ci.yml")
	for run := range int64(2) {
		r := w.app.AddRun(githubsim.Run{ID: run + 1, Workflow: ci})
		for i, name := range []string{"a", "b"} {
			r.AddArtifact(githubsim.Artifact{ID: 10*(run+1) + int64(i), Name: name, Blob: files("f", fmt.Sprint(run+1))})
		}
	}
	for _, gone := range []int64{20, 21} { // one of them is asked for after the other was fetched
		w.Fault(githubsim.Fault{Host: githubsim.API, Path: fmt.Sprintf("/repos/octo/app/actions/artifacts/%d/zip", gone), Status: 410})
		got := w.step(t.Context(), t, in("name", "a\nb", "concurrency", "1", "max-files", "2", "max-size", "2"))
		if got.code != 0 || got.list() != "a/f=1 b/f=1" || got.outputs["run-id"] != "1" {
			t.Errorf("code %d, %s\n%s", got.code, got.list(), got.log)
		}
	}
}

// A run's annotations are few: one kind of warning does not use them up.
func TestCaseWarningsAreFew(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 15 {
		pairs = append(pairs, fmt.Sprintf("f%d", i), "x", fmt.Sprintf("F%d", i), "x")
	}
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files(pairs...)})
	got := w.step(t.Context(), t, in("run-id", "1", "name", "a"))
	if n := strings.Count(got.log, "::warning::"); got.code != 0 || n != 10+1 {
		t.Errorf("code %d, %d warnings", got.code, n)
	}
}
