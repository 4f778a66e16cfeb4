package docs

import (
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// variant is a recipe in another world, for an input that the first world does not need.
type variant struct {
	recipe
	of   string             // the recipe's heading
	edit func(wf *workflow) // nil is nothing
}

// currentRun is the id of the current run in the variants that name it.
const currentRun = 9000

var variants = map[string]variant{
	"the first comparison": {of: "Compare with main", recipe: recipe{
		arrange:  func(_ *testing.T, w *world) { w.checkout["build.sh"] = build },
		triggers: on(trigger{event: "pull_request", head: "feature", run: githubsim.Run{HeadBranch: "feature"}}),
		files:    map[string]string{"size: app.bin": "current build", "size: size.txt": "13\n"},
		log:      []string{`::warning::artifact "size" not found in octo/app`},
	}},
	"a failure of last month": {of: "Logs of the last failure", recipe: recipe{
		arrange: func(_ *testing.T, w *world) {
			w.past(30*24*time.Hour, "ci.yml", githubsim.Run{Conclusion: "failure"}, "logs-unit", zip("log", "long ago"))
		},
		files: map[string]string{}, failed: []string{"triage"},
	}},
	"a build that takes longer": {of: "An artifact of a parallel job", recipe: recipe{
		arrange: func(_ *testing.T, w *world) {
			w.checkout["prepare.sh"] = "#!/bin/sh\necho prepared\n"
			upload := func(name string) func() {
				return func() {
					w.Attempt(currentRun, githubsim.Artifact{Name: name, Blob: zip("app.bin", name), CreatedAt: w.clock.Now()})
				}
			}
			w.Change(githubsim.Change{At: w.clock.Now().Add(time.Minute), Do: upload("logs")})
			w.Change(githubsim.Change{At: w.clock.Now().Add(5 * time.Minute), Do: upload("app")})
		},
		triggers: on(trigger{event: "push", run: githubsim.Run{ID: currentRun}}),
		files:    map[string]string{"test: app.bin": "app"},
	}, edit: func(wf *workflow) { delete(wf.Jobs, "build") }},
	"a run that builds nothing": {of: "The current run first, or else an earlier one", recipe: recipe{
		arrange: func(_ *testing.T, w *world) {
			w.checkout["changed.sh"] = "#!/bin/sh\necho docs=false\n"
			w.past(3*time.Hour, "docs.yml", githubsim.Run{}, "docs", zip("app.bin", "of main"), "logs", zip("log", "x"))
			w.past(time.Hour, "docs.yml", githubsim.Run{HeadBranch: "feature"}, "docs", zip("app.bin", "of a feature"))
			w.past(time.Minute, "docs.yml", githubsim.Run{}, "logs", zip("log", "x"))
		},
		triggers: on(trigger{event: "push"}),
		files:    map[string]string{"check: docs/app.bin": "of main"},
	}},
	"an artifact that is replaced": {of: "Exactly what an earlier job uploaded", recipe: recipe{
		arrange: func(_ *testing.T, w *world) {
			w.checkout["build.sh"] = build
			w.Change(githubsim.Change{At: w.clock.Now(), Do: func() {
				w.Attempt(currentRun, githubsim.Artifact{Name: "app", Blob: zip("app.bin", "evil"), CreatedAt: w.clock.Now().Add(time.Second)})
			}})
		},
		triggers: on(trigger{event: "workflow_dispatch", run: githubsim.Run{ID: currentRun}}),
		files:    map[string]string{"build: app.bin": "current build"}, failed: []string{"sign"},
		log: []string{"not the SHA-256 expected"},
	}},
}

func TestVariantsOfRecipes(t *testing.T) {
	t.Parallel()
	needBash(t)
	found := published(t)
	for name, v := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workflows := parseAll(t, found[v.of])
			if v.edit != nil {
				v.edit(workflows[0])
			}
			if err := v.play(t, workflows); err != nil {
				t.Error(err)
			}
		})
	}
}
