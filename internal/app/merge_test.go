package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Three runs, each with three artifacts that all have the same three files: each file is
// named once, with the artifact that it was taken from and those that have it as well.
func TestMergedFilesAreNamedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	shards := w.app.AddWorkflow("Shards", ".github/workflows/shards.yml")
	for id := int64(900); id < 903; id++ {
		run := w.app.AddRun(githubsim.Run{ID: id, Workflow: shards})
		for part := range 3 {
			body := fmt.Sprintf("%d of %d", part, id)
			run.AddArtifact(githubsim.Artifact{Name: fmt.Sprintf("part-%02d", part), Blob: files("x", body, "y", body, "z", body)})
		}
	}
	got := w.step(t.Context(), t, in("workflow", "shards.yml", "pattern", "part-*", "runs", "3", "merge-multiple", "true"))
	if got.code != 0 {
		t.Fatal(got.log)
	}
	const named = `" was taken from artifact "part-0`
	if n := strings.Count(got.log, named); n != 3 || strings.Count(got.log, "::warning::") != 3 {
		t.Errorf("%d files are named:\n%s", n, got.log)
	}
	for name, body := range got.files {
		part, run, _ := strings.Cut(body, " of ")
		want := fmt.Sprintf("%q was taken from artifact \"part-0%s\" of run %s (Shards #", name, part, run)
		line := ""
		for l := range strings.Lines(got.log) {
			if strings.Contains(l, want) {
				line = l
			}
		}
		for id := range 3 {
			for part := range 3 {
				if n := strings.Count(line, fmt.Sprintf(`"part-0%d" of run %d (`, part, 900+id)); n != 1 {
					t.Errorf("%s: part %d of run %d is named %d times: %s", name, part, 900+id, n, line)
				}
			}
		}
		if n := strings.Count(got.summary, "\n| "+name+" | "); n != 1 {
			t.Errorf("the summary names %s %d times:\n%s", name, n, got.summary)
		}
	}
	if len(got.files) != 3 {
		t.Errorf("files: %v", got.files)
	}
	if !strings.Contains(got.summary, "<details><summary>3 files are in several artifacts</summary>") {
		t.Error(got.summary)
	}
}

// Names that differ in case only are two files on this file system, and one on others.
func TestMergedNamesThatDifferInCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	w.Attempt(1, githubsim.Artifact{Name: "up", Blob: files("README.md", "A")})
	w.Attempt(1, githubsim.Artifact{Name: "low", Blob: files("readme.md", "a")})
	got := w.step(t.Context(), t, in("run-id", "1", "name", "up\nlow", "merge-multiple", "true"))
	for _, want := range []string{"::warning::", `"README.md" of "up" of run 1 (CI #`, `"readme.md" of artifact "low" of run 1 (CI #`, "differ in case only"} {
		if got.code != 0 || len(got.files) != 2 || !strings.Contains(got.log, want) {
			t.Errorf("exit code %d, the log lacks %q:\n%s", got.code, want, got.log)
		}
	}
}
