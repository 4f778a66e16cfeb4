package search

import (
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// The lists of artifacts and of the workflow's runs both lack a run that ended a minute
// ago, and 150 runs of another workflow are newer. One more page of all runs has it.
func TestLateBehindOthers(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 155; id++ {
		w.run(id, func(r *artifact.Run) {
			r.WorkflowID = 7
			switch {
			case id < 5:
				r.CreatedAt = epoch.Add(time.Duration(id-5) * 10 * time.Hour)
			case id > 5:
				r.WorkflowID, r.WorkflowPath = 8, ".github/workflows/other.yml"
			}
			r.UpdatedAt = r.CreatedAt
		})
		if id <= 5 {
			w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt })
		}
	}
	w.clock = epoch.Add(156 * time.Minute)
	w.runs[150].UpdatedAt = w.clock.Add(-time.Minute)
	w.lies = lies{late: map[int64]bool{5: true}, hidden: map[string]map[int64]bool{"workflow": {5: true}}}
	plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{
		Repos: []artifact.Repo{app}, Workflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}},
	})
	if got, want := describe(plan, err), "1005|5"; got != want || len(w.calls) > 6 {
		t.Errorf("got %s, want %s; requests %q", got, want, w.calls)
	}
}

// A run of more than a day has just ended, and only the list of one of two names has it. A
// search does not look for such runs; where the explanation of its failure comes across it,
// it is asked.
func TestLateInExplanation(t *testing.T) {
	t.Parallel()
	w := &world{}
	w.run(1, func(r *artifact.Run) { r.CreatedAt = epoch.Add(-30 * time.Hour) })
	w.artifact(10, 1, "a", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(-29 * time.Hour) })
	w.artifact(11, 1, "b")
	for id := int64(2); id <= 300; id++ {
		w.run(id, func(r *artifact.Run) { r.UpdatedAt = r.CreatedAt })
	}
	w.clock = epoch.Add(310 * time.Minute)
	w.runs[299].UpdatedAt = w.clock.Add(-time.Minute)
	w.lies = lies{late: map[int64]bool{1: true}, shown: map[int64]bool{10: true}}
	plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{
		Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Names: []string{"a", "b"}},
	})
	if got, want := describe(plan, err), "11 10|1"; got != want {
		t.Errorf("got %s, want %s; requests %q", got, want, w.calls)
	}
}
