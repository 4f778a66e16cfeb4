package search

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// A server that ignores a filter, or does not know it, must not make a run
// count.
func TestEveryConditionIsChecked(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("ab", 20)
	right := func(r *artifact.Run) {
		r.HeadBranch, r.HeadSHA, r.Event, r.Actor, r.WorkflowID, r.Number = "rel", sha, "schedule", "robot", 7, 5
	}
	wrong := map[string]func(*artifact.Run){
		"branch":     func(r *artifact.Run) { r.HeadBranch = "main" },
		"commit":     func(r *artifact.Run) { r.HeadSHA = strings.Repeat("cd", 20) },
		"event":      func(r *artifact.Run) { r.Event = "push" },
		"actor":      func(r *artifact.Run) { r.Actor = "octocat" },
		"number":     func(r *artifact.Run) { r.Number = 6 },
		"conclusion": failed,
		"status":     func(r *artifact.Run) { r.Status, r.Conclusion = "queued", "" },
		"origin":     fork,
		"age":        func(r *artifact.Run) { r.CreatedAt = epoch.Add(-time.Hour) },
		"workflow":   func(r *artifact.Run) { r.WorkflowID, r.WorkflowPath = 8, ".github/workflows/other.yml" },
	}
	for name, change := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{noFilters: true}
			w.run(1, right)
			w.run(2, right, change)
			w.artifact(20, 2, "dist")
			w.artifact(10, 1, "dist")
			req := Request{
				Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist"}}, Branches: []string{"rel"}, Commit: sha, Events: []string{"schedule"},
				Actor: "ROBOT", RunNumber: 5, Conclusions: ok, MaxAge: time.Hour,
			}
			if name == "workflow" {
				req.Workflow = "7"
			}
			plan, err := Chooser{Source: anyWorkflow{w}, Now: func() time.Time { return epoch.Add(time.Hour) }}.Choose(t.Context(), req)
			if got, want := describe(plan, err), "10|1"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// anyWorkflow is a server that ignores the workflow.
type anyWorkflow struct{ *world }

func (a anyWorkflow) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	q.Workflow = ""
	return a.world.Runs(ctx, repo, q)
}

func TestBorders(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 10; id++ {
		w.run(id)
	}
	w.artifact(3, 3, "dist")
	dist := artifact.Selector{Names: []string{"dist"}}
	for name, tt := range map[string]struct {
		req   Request
		found bool
	}{
		"as old as max-age":     {Request{MaxAge: 7 * time.Minute}, true},
		"a second older":        {Request{MaxAge: 7*time.Minute - time.Second}, false},
		"the last of the limit": {Request{SearchLimit: 8}, true},
		"the next":              {Request{SearchLimit: 7}, false},
		"the limit, current":    {Request{SearchLimit: 7, Own: app, CurrentRun: 10}, true},
	} {
		tt.req.Repos, tt.req.Conclusions, tt.req.Select = []artifact.Repo{app}, ok, dist
		plan, err := Chooser{Source: w, Now: func() time.Time { return epoch.Add(10 * time.Minute) }}.Choose(t.Context(), tt.req)
		if (err == nil) != tt.found {
			t.Errorf("%s: %s", name, describe(plan, err))
		}
	}
}

// Of the same second, the higher id is the newer one.
func TestTies(t *testing.T) {
	t.Parallel()
	at := func(r *artifact.Run) { r.CreatedAt = epoch }
	made := func(a *artifact.Artifact) { a.CreatedAt = epoch }
	w := &world{}
	for _, id := range []int64{3, 9, 5} {
		w.run(id, at)
		w.artifact(10*id+1, id, "dist", made)
		w.artifact(10*id+4, id, "dist", made)
		w.artifact(10*id+2, id, "dist", made)
	}
	plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Runs: 2, Select: artifact.Selector{Names: []string{"dist"}}})
	if got, want := describe(plan, err), "94 54|9 5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// timeless is a server that ignores the filter by time.
type timeless struct{ *world }

func (s timeless) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	q.Until = time.Time{}
	return s.world.Runs(ctx, repo, q)
}

// Without a filter by time no pages are skipped: they are read in their order, each
// twice at most.
func TestServerWithoutTimes(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 900; id++ {
		w.run(id, func(r *artifact.Run) {
			if id > 50 {
				r.Conclusion = "cancelled"
			}
		})
		w.artifact(id, id, "dist", func(a *artifact.Artifact) { a.ID += 10000 })
	}
	slices.Reverse(w.artifacts)
	plan, err := Chooser{Source: timeless{w}}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist"}}, Conclusions: []string{"success", "neutral"}})
	if got, want := describe(plan, err), "10050|50"; got != want || len(w.calls) > 14 {
		t.Errorf("got %s with %d requests, want %s: %q", got, len(w.calls), want, w.calls)
	}
}

// shifting is a server on which an artifact is added before each page is read, so
// that the last artifact of a page is the first of the next page, too.
type shifting struct {
	*world
	mu    sync.Mutex // pages are asked for side by side
	added int64
}

func (s *shifting) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.RunID != 0 {
		s.added++
		s.artifacts = append([]artifact.Artifact{{ID: 5000 + s.added, Repo: app, Name: fmt.Sprintf("new-%d", s.added), Run: &artifact.RunRef{ID: 1, RepoID: 1, HeadRepoID: 1}, CreatedAt: epoch.Add(time.Hour)}}, s.artifacts...)
	}
	return s.world.Artifacts(ctx, repo, q)
}

func TestPagesThatShift(t *testing.T) {
	t.Parallel()
	w := &shifting{world: &world{perPage: 3}}
	w.run(1)
	for id := int64(10); id > 0; id-- {
		w.artifact(id, 1, fmt.Sprintf("a-%d", id))
	}
	plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, RunIDs: []int64{1}})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(plan, nil); got != "5001 10 9 8 7 6 5 4 3 2 1|1" || len(plan.Superseded) > 0 {
		t.Errorf("got %s, superseded %v", got, plan.Superseded)
	}
}

// How many runs are asked for their artifacts in vain, ahead of the run that is
// taken, is bounded.
func TestLookAhead(t *testing.T) {
	t.Parallel()
	for holder, want := range map[int64]int{ // the place of the run that has it, from 1 for the newest: runs asked at most
		1: 1, 2: 3, 3: 3, 4: 7, 8: 15, 16: 23, 24: 31, 40: 47, 63: 63, 64: 71,
	} {
		w := &world{blind: true}
		for id := int64(1); id <= 100; id++ {
			w.run(id)
		}
		// Of a list that is not newest first, nothing can be concluded.
		w.artifact(500, 101-holder, "x-1", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(101-holder) * time.Minute) })
		w.artifact(501, 1, "y", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(1000 * time.Hour) })
		for range 100 * PerPage {
			w.artifact(600, 1, "y", func(a *artifact.Artifact) { a.ID += int64(len(w.artifacts)); a.CreatedAt = epoch.Add(100 * time.Hour) })
		}
		_, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Patterns: []string{"x-*"}}})
		asked := 0
		for _, c := range w.calls {
			if strings.HasPrefix(c, "artifacts ") && !strings.HasPrefix(c, "artifacts 0") {
				asked++
			}
		}
		if err != nil || asked > want {
			t.Errorf("the run %d from the newest: %d runs asked, more than %d; %v %q", holder, asked, want, err, w.calls[:3])
		}
	}
}

// Of several names, a run that the complete list of one name does not have is not
// asked.
func TestSeveralNames(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 700; id++ {
		w.run(id)
	}
	for _, id := range []int64{500, 350, 200, 5, 3} {
		w.artifact(10000+id, id, "b", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(id) * time.Minute) })
	}
	w.artifact(20005, 5, "a", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(5 * time.Minute) })
	plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Names: []string{"a", "b"}}})
	if got, want := describe(plan, err), "20005 10005|5"; got != want || len(w.calls) > 4 {
		t.Errorf("got %s, want %s: %q", got, want, w.calls)
	}
}
