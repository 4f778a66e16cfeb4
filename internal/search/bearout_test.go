package search

import (
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// The list of all runs lacks the newest run, and no list of artifacts names it: they are in
// no order, or the server does not tell their runs. The list of the workflow's runs has it.
func TestNewestUnlisted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*world)
		lacks  int64 // the run that the list of all runs lacks
		want   string
		most   int // requests
	}{
		{"artifacts in order", func(*world) {}, 6, "1006|6", 3},
		{"artifacts in no order", func(w *world) {
			w.perPage = 5 // all listed runs are on one page, and the newest artifact on the second
			slices.Reverse(w.artifacts)
		}, 6, "1006|6", 4},
		{"artifacts that do not name their runs", func(w *world) { w.blind = true }, 6, "1006|6", 5},
		{"the same, and nothing is missing", func(w *world) { w.blind = true }, 0, "1006|6", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{lies: lies{hidden: map[string]map[int64]bool{"nothing": {tt.lacks: true}}}}
			for id := int64(1); id <= 6; id++ {
				w.run(id, func(r *artifact.Run) {
					r.CreatedAt = epoch.Add(time.Duration(id) * time.Hour)
					r.UpdatedAt = r.CreatedAt.Add(2 * time.Minute)
				})
				w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Minute) })
			}
			slices.Reverse(w.artifacts)
			tt.change(w)
			plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Workflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}},
			})
			if got := describe(plan, err); got != tt.want || len(w.calls) > tt.most {
				t.Errorf("got %s, want %s; %d requests, at most %d: %q", got, tt.want, len(w.calls), tt.most, w.calls)
			}
		})
	}
}
