package search

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// slowRuns is a server that takes a minute to answer for a run.
type slowRuns struct{ *world }

func (s slowRuns) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	time.Sleep(time.Minute)
	return s.world.Run(ctx, repo, id)
}

// An artifact that an id chooses is told of before the answer for its run, unless
// something that is still to be found out may well let the choice fail.
func TestEarly(t *testing.T) {
	t.Parallel()
	dist := artifact.Selector{Names: []string{"dist"}}
	for name, tt := range map[string]struct {
		req  Request
		want int64
	}{
		"an artifact":           {Request{ArtifactIDs: []int64{10}}, 10},
		"two artifacts":         {Request{ArtifactIDs: []int64{10, 11}, Merge: true}, 10},
		"one is not there":      {Request{ArtifactIDs: []int64{10, 999}, Merge: true}, 0},
		"of another run":        {Request{RunIDs: []int64{2}, ArtifactIDs: []int64{10}}, 0},
		"a run":                 {Request{RunIDs: []int64{1}, Select: dist}, 10},
		"a run that is not":     {Request{RunIDs: []int64{999}, Select: dist}, 0},
		"a run that lacks it":   {Request{RunIDs: []int64{1}, Select: artifact.Selector{Names: []string{"nothing"}}}, 0},
		"two runs":              {Request{RunIDs: []int64{1, 2}, Select: dist}, 0},
		"a run, while it waits": {Request{RunIDs: []int64{1}, Select: dist, Waiting: true}, 0},
		"the triggering run":    {Request{Own: app, Trigger: 1, Select: dist}, 0},
		"a search":              {Request{Select: dist}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				w.run(1, func(*artifact.Run) {})
				w.run(2, func(*artifact.Run) {})
				w.artifact(10, 1, "dist")
				w.artifact(11, 1, "logs")
				tt.req.Repos = []artifact.Repo{app}
				var got int64
				start := time.Now()
				_, _ = Chooser{Source: slowRuns{w}, Early: func(a artifact.Artifact) {
					got = a.ID
					if took := time.Since(start); took >= time.Minute {
						t.Errorf("told after %s", took)
					}
				}}.Choose(t.Context(), tt.req)
				if got != tt.want {
					t.Errorf("told of %d, want %d", got, tt.want)
				}
			})
		})
	}
}
