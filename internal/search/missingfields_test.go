package search

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// GitHub's schema lets created_at of an artifact be null. Such artifacts may
// be anywhere in a list, and say nothing of what is not in it.
func TestArtifactsWithoutTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		blind   bool
		untimed func(place int, run int64) bool
	}{
		"at the end of the first page":  {untimed: func(place int, _ int64) bool { return place == 4 }},
		"in the middle of a page":       {untimed: func(place int, _ int64) bool { return place == 7 }},
		"at the beginning":              {untimed: func(place int, _ int64) bool { return place == 0 }},
		"the one that is wanted":        {untimed: func(_ int, run int64) bool { return run == 150 }},
		"all":                           {untimed: func(int, int64) bool { return true }},
		"all but the first":             {untimed: func(place int, _ int64) bool { return place > 0 }},
		"none says its run":             {blind: true, untimed: func(place int, _ int64) bool { return place == 4 }},
		"the one wanted, none says run": {blind: true, untimed: func(_ int, run int64) bool { return run == 150 }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{perPage: 5, blind: tt.blind}
			for id := int64(1); id <= 200; id++ {
				w.run(id, func(r *artifact.Run) {
					r.HeadBranch = "main"
					if id > 150 {
						r.HeadBranch = "dev"
					}
				})
				if id%10 == 0 {
					w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Second) })
				}
			}
			slices.Reverse(w.artifacts)
			for i := range w.artifacts {
				if tt.untimed(i, w.artifacts[i].Run.ID) {
					w.artifacts[i].CreatedAt = time.Time{}
				}
			}
			plan, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Conclusions: ok, Branches: []string{"main"}, Select: artifact.Selector{Names: []string{"dist"}},
			})
			if got, want := describe(plan, err), "1150|150"; got != want {
				t.Errorf("got %s, want %s: %q", got, want, w.calls)
			}
		})
	}
}

// byFile is a server that leaves the workflow's path out of runs, and still lists the
// runs of ci.yml by its name: they are of workflow 7.
type byFile struct{ *world }

func (b byFile) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	if q.Workflow == "ci.yml" {
		q.Workflow = "7"
	}
	return b.world.Runs(ctx, repo, q)
}

// A run that the artifact list names may be of another workflow.
func TestRunsWithoutPath(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 400; id++ {
		w.run(id, func(r *artifact.Run) {
			r.WorkflowPath, r.WorkflowID = "", 7
			if id == 100 {
				r.WorkflowID = 8
			}
		})
	}
	for _, id := range []int64{100, 50} {
		w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(id)*time.Minute + time.Second) })
	}
	plan, err := Chooser{Source: byFile{w}}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Workflow: "ci.yml", Select: artifact.Selector{Names: []string{"dist"}}})
	if got, want := describe(plan, err), "1050|50"; got != want {
		t.Errorf("got %s, want %s: %q", got, want, w.calls)
	}
}
