package app

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
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

// newStage is a stage for a destination.
func newStage(t *testing.T, dir string) *workspace.Stage {
	t.Helper()
	dest, err := workspace.Layout{Dir: dir}.Resolve(".")
	if err != nil {
		t.Fatal(err)
	}
	stage, err := workspace.NewStage(dest, workspace.StageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stage.Close() })
	return stage
}

// newTestSession is a session with a stage, a budget of 2 files and 10 bytes,
// and much room.
func newTestSession(t *testing.T, cfg *config.Config) *session {
	t.Helper()
	return &session{job: &job{cfg: cfg}, stage: newStage(t, t.TempDir()), budget: unpack.NewBudget(2, 10), quota: spool.NewQuota("/out", func() (int64, error) { return 1 << 20, nil })}
}

// A try that is given up takes back what it counted, and no other try does.
func TestAbandon(t *testing.T) {
	t.Parallel()
	s := newTestSession(t, &config.Config{})
	var progress int64
	s.progress = func(n int64) { progress += n }
	for try := range 3 {
		d := s.newDownload(parcel{}, false)
		root, err := s.stage.Mkdir(d.dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(root.Close(), d.budget.Take(2, 10), d.disk.Reserve(10)); err != nil {
			t.Errorf("try %d: %v", try, err)
		}
		if try < 2 { // the last one fails before anything arrives
			d.fetchOptions().Progress(7)
		}
		if err := d.abandon(); err != nil || progress != 0 {
			t.Errorf("try %d: progress %d, %v", try, progress, err)
		}
		if _, err := s.stage.Mkdir(d.dir); err != nil {
			t.Errorf("its tree is still there: %v", err)
		}
	}
}

// A tar that was expanded does not keep its room.
func TestExpandGivesRoomBack(t *testing.T) {
	t.Parallel()
	s := newTestSession(t, &config.Config{Unpack: true})
	d := s.newDownload(parcel{}, false)
	root, err := s.stage.Mkdir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	text := tarball(t, "a", "bc")
	if err := errors.Join(root.WriteFile("x.tar", []byte(text), 0o600), d.disk.Reserve(int64(len(text)))); err != nil {
		t.Fatal(err)
	}
	if err := d.expand(t.Context(), root, nil); err != nil || d.disk.Reserved() != 3 {
		t.Errorf("%d bytes are promised, %v", d.disk.Reserved(), err)
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

// What an earlier choice had and the next one has not counts for no limit and
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
	for i := range maxWarnings + 5 {
		pairs = append(pairs, fmt.Sprintf("f%d", i), "x", fmt.Sprintf("F%d", i), "x")
	}
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files(pairs...)})
	got := w.step(t.Context(), t, in("run-id", "1", "name", "a"))
	if n := strings.Count(got.log, "::warning::"); got.code != 0 || n != maxWarnings+1 {
		t.Errorf("code %d, %d warnings", got.code, n)
	}
}
