package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
)

// now is when the tests' runs are reported.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// A run may be deleted while its artifacts are still there.
func TestRunThatIsGone(t *testing.T) {
	t.Parallel()
	gone := artifact.Run{
		ID: 7, Repo: artifact.Repo{Owner: "octo", Name: "app"}, RepoID: 1, HeadRepoID: 1, HeadBranch: "main", HeadSHA: "0123456789", Stub: true,
	}
	there := gone
	there.Stub, there.Number, there.Workflow, there.Event, there.Conclusion = false, 3, "CI", "push", "success"
	there.CreatedAt, there.URL = now.Add(-time.Hour), "https://ghes.example:8443/octo/app/actions/runs/7"
	l := &Log{Now: func() time.Time { return now }}
	unnumbered := there
	unnumbered.Number, unnumbered.CreatedAt = 0, time.Time{}
	for name, tt := range map[string]struct {
		run       artifact.Run
		log, line string
	}{
		"gone":  {gone, "run 7 of octo/app: it no longer exists; its commit was 0123456 on main", "From run 7 of octo/app, which no longer exists: main at "},
		"there": {there, "run 7 of octo/app: CI #3, push on main at 0123456, success, 1 hour ago https://ghes.example:8443/octo/app/actions/runs/7", `<a href="https&#58;//ghes.example&#58;8443/octo/app/actions/runs/7">`},
		"a server that does not number its runs": {unnumbered,
			"run 7 of octo/app: CI, push on main at 0123456, success, at an unknown time https://ghes.example:8443/octo/app/actions/runs/7", `/actions/runs/7">CI</a> of `},
	} {
		if got := l.run(tt.run); got != tt.log {
			t.Errorf("%s: the log has %q, want %q", name, got, tt.log)
		}
		if got := runLine(tt.run); !strings.Contains(got, tt.line) {
			t.Errorf("%s: the summary has %q, want %q", name, got, tt.line)
		}
	}
}

// A run that is only known from its artifact has no time: the artifact's is not the run's.
func TestPassedOverTable(t *testing.T) {
	t.Parallel()
	passed := []search.PassedOver{
		{Run: artifact.Run{ID: 2, CreatedAt: now, Stub: true}, Reason: "it was deleted"},
		{Run: artifact.Run{ID: 3, Workflow: "CI"}, Reason: "it is of a server without times"},
		{Run: artifact.Run{ID: 1, Number: 1, Workflow: "CI", CreatedAt: now}, Reason: "it has no artifacts"},
	}
	var b strings.Builder
	passedOverTable(&b, passed)
	for _, want := range []string{" |  |  | it was deleted |", "| 2026-06-01 12:00:00 | it has no artifacts |", " (CI) |  |  | it is of a server without times |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

// Warnings are annotations, of which a run has few.
func TestWarningsOfManyRepositories(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := &Log{Config: &config.Config{Runs: 2}, Out: actions.New(actions.Options{Out: &b, Getenv: func(string) string { return "" }})}
	plan := &search.Plan{}
	for i := range 5000 {
		repo := artifact.Repo{Owner: "Octo", Name: fmt.Sprintf("R%d", i)}
		l.Config.Repositories = append(l.Config.Repositories, repo)
		repo = repo.Fold()
		plan.Runs = append(plan.Runs, artifact.Run{ID: int64(i), Repo: repo})
		if i%2 == 0 {
			plan.Runs = append(plan.Runs, artifact.Run{ID: int64(9000 + i), Repo: repo})
		}
	}
	l.fewer(plan)
	if n := strings.Count(b.String(), "::warning::"); n != maxWarnings+1 {
		t.Errorf("%d warnings", n)
	}
	for _, want := range []string{"2 runs asked for, and 1 found in Octo/R1: no other run fits", "and 2490 more repositories in which fewer were found"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, b.String())
		}
	}
}

// Advice never names what the server does not say.
func TestHintsWithoutFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		nf   search.Explanation
		want string
	}{
		"another workflow":          {search.Explanation{Elsewhere: artifact.Run{ID: 7, WorkflowPath: ".github/workflows/a.yml"}}, "Run 7 of another workflow has it: set workflow: a.yml, or workflow: '*' for any"},
		"another workflow, no path": {search.Explanation{Elsewhere: artifact.Run{ID: 7}}, "Run 7 of another workflow has it: set workflow: '*' for any"},
		"elsewhere, but failed":     {search.Explanation{ElsewhereFailed: artifact.Run{ID: 7, WorkflowPath: ".github/workflows/a.yml", Conclusion: "failure"}}, "Run 7 of another workflow has it, but its conclusion is failure: set workflow: a.yml and conclusion: failure"},
		"elsewhere, no path":        {search.Explanation{ElsewhereFailed: artifact.Run{ID: 7, Conclusion: "failure"}}, "Run 7 of another workflow has it, but its conclusion is failure: set workflow: '*' and conclusion: failure"},
		"a list that may be stale":  {search.Explanation{Failed: artifact.Run{ID: 7, Conclusion: "failure"}, Doubts: []search.Doubt{{Filters: []string{"branch", "conclusion"}}}}, "GitHub may list it later: run the step again then, or name the run with run-id"},
		"another list may be":       {search.Explanation{Failed: artifact.Run{ID: 7, Conclusion: "failure"}, Doubts: []search.Doubt{{Filters: []string{"branch"}}}}, "Run 7 has it, but its conclusion is failure: conclusion: failure, or any, would take it"},
		"failed, and elsewhere":     {search.Explanation{Failed: artifact.Run{ID: 7, Conclusion: "failure"}, Elsewhere: artifact.Run{ID: 6}}, "Run 7 has it, but its conclusion is failure: conclusion: failure, or any, would take it. Run 6 of another workflow has it: set workflow: '*' for any"},
		"beyond the limit":          {search.Explanation{Overlooked: artifact.Run{ID: 7}, LimitHit: true}, "Run 7 has it and meets all conditions, but lies beyond search-limit: raise search-limit, or set run-id: 7"},
		"listed late":               {search.Explanation{Overlooked: artifact.Run{ID: 7}}, "Run 7 has it and meets all conditions, but GitHub did not list it in time: run the step again, or set run-id: 7"},
		"a near branch":             {search.Explanation{Near: search.NearValue{Input: "branch", Value: "main"}}, "Did you mean branch: main?"},
		"never, and under way":      {search.Explanation{Nowhere: true}, "Check how it is spelt, and whether the step that uploads it runs"},
		"failed":                    {search.Explanation{Failed: artifact.Run{ID: 7, Conclusion: "failure"}}, "Run 7 has it, but its conclusion is failure: conclusion: failure, or any, would take it"},
		"failed, no conclusion":     {search.Explanation{Failed: artifact.Run{ID: 7}}, "Run 7 has it, but the server does not say how it ended: conclusion: any would take it"},
		"forks":                     {search.Explanation{Forks: 1, UnknownOrigin: 1}, "Runs from forks do not count unless allow-forks is true; a fork's author decides what its artifacts hold"},
		"unknown origin":            {search.Explanation{UnknownOrigin: 1}, "Runs that may be a fork's do not count unless allow-forks is true, and the server does not say where some runs come from; a run that you trust can be named with run-id"},
	} {
		if got := author.notFoundHint(&search.NotFoundError{Explanation: tt.nf}); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// The summary has the doubts of a choice; where nothing was found, its error has them.
func TestSummaryOfDoubts(t *testing.T) {
	t.Parallel()
	doubts := []search.Doubt{{Run: artifact.Run{ID: 8, Repo: artifact.Repo{Owner: "octo", Name: "app"}}, Reason: "it <b>ended</b> lately"}}
	taken := &Result{Found: true, Runs: []artifact.Run{{ID: 7}}, Doubts: doubts}
	nf := &search.NotFoundError{What: "an artifact", Explanation: search.Explanation{Doubts: doubts}}
	for name, tt := range map[string]struct {
		res  *Result
		want string
	}{
		"taken":       {taken, "**A newer run may fit**: run 8 of octo/app"},
		"not found":   {&Result{NotFound: nf, Doubts: doubts}, "but that is not certain&#58; run 8 of octo/app"},
		"and failing": {&Result{Err: nf, Doubts: doubts}, "but that is not certain&#58; run 8 of octo/app"},
	} {
		got := tt.res.Summary()
		if !strings.Contains(strings.ReplaceAll(got, "&#47;", "/"), tt.want) || strings.Contains(got, "<b>") || strings.Count(got, "octo") != 1 {
			t.Errorf("%s: the summary lacks %q:\n%s", name, tt.want, got)
		}
	}
}
