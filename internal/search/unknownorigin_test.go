package search

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Where the server does not tell enough of a run, nothing takes it for the
// repository's own.
func TestUnknownOrigin(t *testing.T) {
	t.Parallel()
	unknown := func(r *artifact.Run) { headless(r); r.Event = "pull_request" }
	pushed := func(r *artifact.Run) { headless(r); r.Event = "push" }
	anonymous := func(r *artifact.Run) { r.RepoID = 0 }
	const refused = "the triggering run 2 of octo/app comes from a repository that the server does not name, so its artifacts cannot be trusted"
	dist := artifact.Selector{Names: []string{"dist"}}
	own := artifact.PullRequest{Number: 7, RepoID: 1, HeadRepoID: 1, HeadRepo: "octo/app", HeadSHA: shas[2], HeadBranch: "fix"}
	untold := artifact.PullRequest{Number: 7, RepoID: 1, HeadSHA: shas[2], HeadBranch: "fix"}
	tests := map[string]struct {
		second func(*artifact.Run) // the newer one of two
		pull   artifact.PullRequest
		req    Request
		want   string
		why    string // the second run is passed over
	}{
		"searched":                         {second: unknown, want: "10|1", why: fromUnknown},
		"searched, its own by its event":   {second: pushed, want: "20|2"},
		"searched, repository not told":    {second: anonymous, want: "10|1", why: fromUnknown},
		"searched, forks allowed":          {second: unknown, req: Request{AllowForks: true}, want: "20|2"},
		"by id":                            {second: unknown, req: Request{RunIDs: []int64{2}}, want: "20|2"},
		"triggered":                        {second: unknown, req: Request{Trigger: 2}, want: refused},
		"triggered, repository not told":   {second: anonymous, req: Request{Trigger: 2}, want: refused},
		"triggered, by its own event":      {second: pushed, req: Request{Trigger: 2}, want: "20|2"},
		"triggered, forks allowed":         {second: unknown, req: Request{Trigger: 2, AllowForks: true}, want: "20|2"},
		"pull request, own":                {second: pushed, pull: own, req: Request{PR: 7}, want: "20|2"},
		"pull request, run of unknown":     {second: unknown, pull: own, req: Request{PR: 7}, want: "not found"},
		"pull request of unknown":          {second: pushed, pull: untold, req: Request{PR: 7}, want: "; the pull request comes from a repository that the server does not name, and allow-forks is false"},
		"pull request of unknown, allowed": {second: pushed, pull: untold, req: Request{PR: 7, AllowForks: true}, want: "not found"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{pulls: []artifact.PullRequest{tt.pull}}
			w.run(1)
			w.run(2, tt.second, func(r *artifact.Run) { r.HeadBranch = "fix" })
			w.artifact(10, 1, "dist")
			w.artifact(20, 2, "dist", func(a *artifact.Artifact) { a.Run.HeadRepoID = 0 })
			slices.Reverse(w.artifacts)
			tt.req.Repos, tt.req.Own, tt.req.Conclusions, tt.req.Select = []artifact.Repo{app}, app, ok, dist
			plan, err := Chooser{Source: w}.Choose(t.Context(), tt.req)
			got := describe(plan, err)
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if tt.why != "" && (len(plan.PassedOver) != 1 || plan.PassedOver[0].Reason != tt.why) {
				t.Errorf("passed over %+v, want the reason %q", plan.PassedOver, tt.why)
			}
		})
	}
}

// What a server leaves unsaid is neither the value asked for nor another one.
func TestUntoldFields(t *testing.T) {
	t.Parallel()
	now := epoch.Add(time.Hour)
	tests := map[string]struct {
		req  Request
		lose func(*artifact.Run)
		want string // why the run does not count; empty for one that does
	}{
		"created":                    {Request{MaxAge: time.Hour}, func(r *artifact.Run) { r.CreatedAt = time.Time{} }, "the server does not say when it was created"},
		"created, no max-age":        {Request{}, func(r *artifact.Run) { r.CreatedAt = time.Time{} }, ""},
		"created, but started":       {Request{MaxAge: time.Hour}, func(r *artifact.Run) { r.CreatedAt, r.StartedAt = time.Time{}, now.Add(-time.Minute) }, ""},
		"created, started long ago":  {Request{MaxAge: time.Hour}, func(r *artifact.Run) { r.CreatedAt, r.StartedAt = time.Time{}, now.Add(-2*time.Hour) }, "it is older than max-age"},
		"created, but changed":       {Request{MaxAge: time.Hour}, func(r *artifact.Run) { r.CreatedAt, r.UpdatedAt = time.Time{}, now.Add(-time.Minute) }, "the server does not say when it was created"},
		"created, changed long ago":  {Request{MaxAge: time.Hour}, func(r *artifact.Run) { r.CreatedAt, r.UpdatedAt = time.Time{}, now.Add(-2*time.Hour) }, "it is older than max-age"},
		"number":                     {Request{RunNumber: 3}, func(r *artifact.Run) { r.Number = 0 }, "the server does not say its number"},
		"branch":                     {Request{Branches: []string{"main"}}, func(r *artifact.Run) { r.HeadBranch = "" }, "the server does not say its branch"},
		"commit":                     {Request{Commit: shas[0]}, func(r *artifact.Run) { r.HeadSHA = "" }, "the server does not say its commit"},
		"event":                      {Request{Events: []string{"push"}}, func(r *artifact.Run) { r.Event = "" }, "the server does not say its event"},
		"actor":                      {Request{Actor: "octocat"}, func(r *artifact.Run) { r.Actor = "" }, "the server does not say its actor"},
		"conclusion":                 {Request{Conclusions: ok}, func(r *artifact.Run) { r.Status, r.Conclusion = "", "" }, "the server does not say how it ended"},
		"conclusion, any":            {Request{}, func(r *artifact.Run) { r.Status, r.Conclusion = "", "" }, ""},
		"conclusion, but completed":  {Request{Conclusions: ok}, func(r *artifact.Run) { r.Conclusion = "" }, `its status is "completed", not success`},
		"status, but the conclusion": {Request{Conclusions: ok}, func(r *artifact.Run) { r.Status = "" }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{noFilters: true}
			w.run(1, func(r *artifact.Run) {
				r.HeadBranch, r.HeadSHA, r.Event, r.Actor, r.Number = "main", shas[0], "push", "octocat", 3
				tt.lose(r)
			})
			w.artifact(10, 1, "dist")
			tt.req.Repos, tt.req.Select = []artifact.Repo{app}, artifact.Selector{Names: []string{"dist"}}
			plan, err := Chooser{Source: w, Now: func() time.Time { return now }}.Choose(t.Context(), tt.req)
			switch {
			case tt.want == "" && describe(plan, err) != "10|1":
				t.Errorf("got %s, want the run", describe(plan, err))
			case tt.want != "" && (err == nil || len(plan.PassedOver) != 1 || plan.PassedOver[0].Reason != tt.want):
				t.Errorf("got %s, passed over %+v, want the reason %q", describe(plan, err), plan.PassedOver, tt.want)
			}
		})
	}
}

// A server that does not tell when runs were created (Gitea) gives no proof by
// its order, and is searched all the same.
func TestRunsWithoutTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		untimed func(id int64) bool
		limit   int
		want    string
	}{
		"none has":                {untimed: func(int64) bool { return true }, want: "1180|180"},
		"none has, and the limit": {untimed: func(int64) bool { return true }, limit: 50, want: "1180|180"},
		"the newest has none":     {untimed: func(id int64) bool { return id == 200 }, want: "1180|180"},
		"the one wanted has none": {untimed: func(id int64) bool { return id == 180 }, want: "1170|170"}, // known to be newer than nothing
		"every other":             {untimed: func(id int64) bool { return id%2 == 1 }, want: "1180|180"},
		"the end of a page":       {untimed: func(id int64) bool { return id%5 == 1 }, want: "1180|180"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{perPage: 5}
			for id := int64(1); id <= 200; id++ {
				w.run(id, func(r *artifact.Run) {
					if id > 185 {
						r.Conclusion = "failure"
					}
					if tt.untimed(id) {
						r.CreatedAt = time.Time{}
					}
				})
				if id%10 == 0 {
					w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(id)*time.Minute + time.Second) })
				}
			}
			slices.Reverse(w.artifacts)
			plan, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}}, SearchLimit: tt.limit,
			})
			if got := describe(plan, err); got != tt.want {
				t.Errorf("got %s, want %s: %q", got, tt.want, w.calls)
			}
		})
	}
}
