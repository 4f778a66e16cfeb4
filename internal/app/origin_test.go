package app

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A run whose origin the server does not say, and an artifact whose run it does not name,
// nowhere count as the repository's own.
func TestOriginIsTold(t *testing.T) {
	t.Parallel()
	const (
		doubt   = "::warning::the server does not say whether run 6 of octo/app comes from a fork"
		orphan  = "::warning::the server does not say which run made artifact 61 of octo/app"
		secrets = "This workflow runs with the repository's secrets (workflow_run)"
		refused = "::error::the triggering run 6 of octo/app comes from a repository that the server does not name, so its artifacts cannot be trusted. It may be a fork."
		skipped = "run 6 (Build #5, main): the server does not say whether it comes from a fork, and allow-forks is false; it has dist"
		marked  = "**perhaps from a fork**"
	)
	headless := []string{"head_repository"}
	trigger := in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "event", fmt.Sprintf(triggered, 6))
	with := func(env map[string]string, pairs ...string) map[string]string {
		all := in(pairs...)
		maps.Copy(all, env)
		return all
	}
	search := func(pairs ...string) map[string]string { return with(in("workflow", "*"), pairs...) }
	tests := map[string]struct {
		opt  githubsim.Options
		run  githubsim.Run
		of61 []string // what the artifact lacks
		in   map[string]string
		fork string // the output from-fork
		runs string // a part of the output runs
		list string // and of artifacts
		says []string
		not  string // what the log does not say
		gone bool   // the run
	}{
		"unknown, by id":               {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: in("run-id", "6"), fork: "unknown", runs: `"from-fork":"unknown"`, says: []string{doubt, marked}},
		"unknown, by artifact":         {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: in("artifact-ids", "61"), fork: "unknown", runs: `"from-fork":"unknown"`, says: []string{doubt, marked}},
		"unknown, triggered":           {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: trigger, says: []string{refused}},
		"unknown, triggered, allowed":  {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: with(trigger, "allow-forks", "true"), fork: "unknown", says: []string{doubt, secrets}},
		"unknown, searched":            {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: search("name", "dist"), fork: "false", runs: `"run-id":2`, says: []string{skipped}},
		"unknown, searched, allowed":   {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: search("name", "dist", "allow-forks", "true"), fork: "unknown", runs: `"run-id":6`, says: []string{doubt}},
		"unknown, and no other":        {run: githubsim.Run{Event: "pull_request", Lacks: headless}, in: search("name", "only"), says: []string{"Runs that may be a fork's do not count unless allow-forks is true"}},
		"its own event":                {run: githubsim.Run{Lacks: headless}, in: in("run-id", "6"), fork: "false", runs: `"from-fork":false`, not: "from a fork"},
		"its own event, triggered":     {run: githubsim.Run{Lacks: headless}, in: trigger, fork: "false", not: "from a fork"},
		"the repository has no id":     {run: githubsim.Run{Lacks: []string{"repository.id"}}, in: in("run-id", "6"), fork: "unknown", says: []string{doubt}},
		"the head has no id":           {run: githubsim.Run{Lacks: []string{"head_repository.id"}}, in: in("run-id", "6"), fork: "unknown", says: []string{doubt}},
		"neither has":                  {run: githubsim.Run{Lacks: []string{"repository.id", "head_repository.id"}}, in: in("run-id", "6"), fork: "unknown", says: []string{doubt}},
		"the head was deleted":         {run: githubsim.Run{HeadRepoDeleted: true}, in: in("run-id", "6"), fork: "true", runs: `"from-fork":true`, says: []string{"::warning::run 6 comes from a fork that was deleted"}},
		"GHES 3.8, by artifact":        {opt: githubsim.Options{Enterprise: true}, in: in("artifact-ids", "61"), fork: "unknown", runs: "[]", list: `"run_id":null`, says: []string{orphan, "The server does not say which run made 1 artifact: **perhaps from a fork**"}},
		"GHES 3.8, privileged":         {opt: githubsim.Options{Enterprise: true}, in: with(in("artifact-ids", "61"), "GITHUB_EVENT_NAME", "workflow_run", "event", fmt.Sprintf(triggered, 6)), fork: "unknown", says: []string{orphan, secrets}},
		"GHES 3.8, two artifacts":      {opt: githubsim.Options{Enterprise: true}, in: in("artifact-ids", "61,12"), fork: "unknown", says: []string{orphan, "made artifact 12 of octo/app"}},
		"GHES 3.8, by run":             {opt: githubsim.Options{Enterprise: true}, in: in("run-id", "6"), fork: "false", not: "fork"},
		"GHES 3.8, searched":           {opt: githubsim.Options{Enterprise: true}, in: search("name", "dist"), fork: "false", not: "::warning::"},
		"no number":                    {run: githubsim.Run{Lacks: []string{"run_number", "run_attempt", "created_at"}}, in: in("run-id", "6"), fork: "false", runs: `"run-number":null,"run-attempt":null`, says: []string{"run 6 of octo/app: Build, push on main at ", "at an unknown time"}, not: "no longer there"},
		"another workflow, no path":    {run: githubsim.Run{Lacks: []string{"path"}}, in: in("name", "only", "workflow", "build.yml"), fork: "false", runs: `"run-id":6`},
		"one artifact tells its run":   {of61: []string{"workflow_run"}, in: in("artifact-ids", "61,12"), fork: "unknown", runs: `"from-fork":false`, says: []string{orphan}},
		"one of two runs, the older":   {run: githubsim.Run{Lacks: []string{"repository.id"}}, in: in("run-id", "6,7"), fork: "false", says: []string{doubt}},
		"an artifact of a run without": {of61: []string{"workflow_run.id"}, in: in("artifact-ids", "61"), fork: "unknown", says: []string{orphan}},
		"its run is gone":              {gone: true, in: in("artifact-ids", "61"), fork: "false", runs: `"run-id":6`, not: "fork"},
		"its run is gone, and no head": {gone: true, of61: []string{"workflow_run.head_repository_id"}, in: in("artifact-ids", "61"), fork: "unknown", says: []string{doubt, marked}},
		"its run is gone, and no ids":  {gone: true, of61: []string{"workflow_run.head_repository_id", "workflow_run.repository_id"}, in: in("artifact-ids", "61"), fork: "unknown", says: []string{doubt}},
		"nothing found":                {in: search("name", "nope"), runs: "[]"},
		"nothing found, a dry run":     {in: search("name", "nope", "dry-run", "true"), runs: "[]"},
		"wrong inputs":                 {in: in("name", "dist", "runs", "x"), runs: "[]"},
		"a dry run":                    {run: githubsim.Run{Lacks: []string{"repository.id"}}, in: in("run-id", "6", "dry-run", "true"), fork: "unknown", says: []string{doubt}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.opt)
			build := w.app.AddWorkflow("Build", ".github/workflows/build.yml")
			tt.run.ID, tt.run.Workflow, tt.run.Number = 6, build, 5
			run := w.app.AddRun(tt.run)
			run.AddArtifact(githubsim.Artifact{ID: 61, Name: "dist", Blob: files("a.txt", "six"), Lacks: tt.of61})
			run.AddArtifact(githubsim.Artifact{ID: 62, Name: "only", Blob: files("o.txt", "six")})
			w.app.AddRun(githubsim.Run{ID: 7, Workflow: build}).AddArtifact(githubsim.Artifact{ID: 71, Name: "newest", Blob: files("n.txt", "seven")})
			if tt.gone {
				w.Fault(githubsim.Fault{Host: githubsim.API, Path: "/repos/octo/app/actions/runs/6", Status: 404, Body: `{"message":"Not Found"}`, Times: -1})
			}
			got := w.step(t.Context(), t, tt.in)
			if got.outputs["from-fork"] != tt.fork {
				t.Errorf("from-fork is %q, want %q", got.outputs["from-fork"], tt.fork)
			}
			if !strings.Contains(got.outputs["runs"], tt.runs) {
				t.Errorf("runs are %s, want %s", got.outputs["runs"], tt.runs)
			}
			if !strings.Contains(got.outputs["artifacts"], tt.list) {
				t.Errorf("artifacts are %s, want %s", got.outputs["artifacts"], tt.list)
			}
			for _, s := range tt.says {
				if !strings.Contains(got.log+got.summary, s) {
					t.Errorf("log and summary lack %q", s)
				}
			}
			if tt.not != "" && strings.Contains(got.log+got.summary, tt.not) {
				t.Errorf("log and summary say %q", tt.not)
			}
			if t.Failed() {
				t.Log("\n" + got.log + "\n" + got.summary)
			}
		})
	}
}
