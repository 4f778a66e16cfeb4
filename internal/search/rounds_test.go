package search

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Pages and runs whose number is known are asked for side by side, so a long search takes
// few rounds of requests. A round takes a second of the test's own clock. The rounds are
// in docs/benchmarks.md.
func TestRounds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		runs   int
		others int // runs of other workflows beside each run
		name   string
		hit    int64 // the only run that holds "hit"
		req    Request
		most   int
	}{
		"a pattern 3,000 runs back": {3500, 0, "other", 500, Request{Select: artifact.Selector{Patterns: []string{"hit*"}}, SearchLimit: 10000}, 30},
		"29 other workflows always": {300, 29, "dist", 0, Request{Select: artifact.Selector{Names: []string{"dist"}}}, 80},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &world{workflows: []artifact.Workflow{workflow(7, "CI", "ci.yml"), workflow(8, "Other", "other.yml")}}
				for id := int64(tt.runs * (1 + tt.others)); id > 0; id-- {
					other := tt.others > 0 && id%int64(1+tt.others) != 0
					var one world
					one.run(id, func(r *artifact.Run) {
						r.WorkflowID = 7
						if other {
							r.WorkflowID, r.WorkflowPath = 8, ".github/workflows/other.yml"
						}
					})
					switch {
					case id == tt.hit:
						one.artifact(id, id, "hit")
					case tt.others == 0 || other:
						one.artifact(id, id, tt.name)
					}
					w.runs, w.artifacts = append(w.runs, one.runs...), append(w.artifacts, one.artifacts...)
				}
				req := tt.req
				req.Repos, req.Own, req.CurrentWorkflow = []artifact.Repo{app}, app, "ci.yml"
				start := time.Now()
				plan, err := Chooser{Source: distant{w}, Now: w.now}.Choose(t.Context(), req)
				rounds := int(time.Since(start) / time.Second)
				t.Logf("%d requests in %d rounds", len(w.calls), rounds)
				if rounds > tt.most {
					t.Errorf("%d rounds, more than %d: %q", rounds, tt.most, w.calls)
				}
				if nf := (*NotFoundError)(nil); tt.hit == 0 && !errors.As(err, &nf) || tt.hit != 0 && (err != nil || plan.Runs[0].ID != tt.hit) {
					t.Errorf("found %v; %v", plan.Runs, err)
				}
			})
		})
	}
}
