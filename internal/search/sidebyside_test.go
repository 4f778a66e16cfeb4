package search

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// distant is a server that takes a second to answer.
type distant struct{ *world }

func (d distant) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	time.Sleep(time.Second)
	return d.world.Run(ctx, repo, id)
}

func (d distant) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	time.Sleep(time.Second)
	return d.world.Runs(ctx, repo, q)
}

func (d distant) Artifact(ctx context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	time.Sleep(time.Second)
	return d.world.Artifact(ctx, repo, id)
}

func (d distant) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	time.Sleep(time.Second)
	return d.world.Artifacts(ctx, repo, q)
}

func (d distant) Commit(ctx context.Context, repo artifact.Repo, ref string) (string, error) {
	time.Sleep(time.Second)
	return d.world.Commit(ctx, repo, ref)
}

func (d distant) Workflows(ctx context.Context, repo artifact.Repo) ([]artifact.Workflow, error) {
	time.Sleep(time.Second)
	return d.world.Workflows(ctx, repo)
}

// Requests that do not depend on each other are sent side by side. The clock is the
// test's own.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	var runs, artifacts []int64
	for id := int64(1); id <= 40; id++ {
		runs, artifacts = append(runs, id), append(artifacts, 1000+id)
	}
	tests := map[string]struct {
		req  Request
		most time.Duration
	}{
		"one run":                 {Request{RunIDs: runs[:1]}, time.Second},
		"four runs":               {Request{RunIDs: runs[:4]}, time.Second},
		"as many runs as go":      {Request{RunIDs: runs[:maxConcurrent]}, 2 * time.Second},
		"forty runs":              {Request{RunIDs: runs}, 10 * time.Second},
		"forty artifacts":         {Request{ArtifactIDs: artifacts, Merge: true}, 10 * time.Second},
		"in two repositories":     {Request{Repos: []artifact.Repo{app, lib}, ArtifactIDs: append([]int64{2041}, artifacts[:8]...), Merge: true}, 5 * time.Second},
		"a search":                {Request{Select: artifact.Selector{Names: []string{"dist"}}}, time.Second},
		"two names":               {Request{Select: artifact.Selector{Names: []string{"dist", "logs"}}}, time.Second},
		"a tag":                   {Request{Commit: "v1", Select: artifact.Selector{Names: []string{"dist"}}}, 2 * time.Second},
		"a workflow's name":       {Request{Workflow: "CI", Select: artifact.Selector{Names: []string{"dist"}}}, 2 * time.Second},
		"two repositories, a tag": {Request{Repos: []artifact.Repo{app, lib}, Commit: "v1"}, 2 * time.Second},
		"the triggering run":      {Request{Own: app, Trigger: 3}, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &world{commits: map[string]string{"tags/v1": shas[0]}, workflows: []artifact.Workflow{workflow(7, "CI", "ci.yml")}}
				for id := int64(1); id <= 41; id++ {
					w.run(id, func(r *artifact.Run) {
						r.HeadSHA, r.WorkflowID = shas[0], 7
						if id == 41 {
							in(lib, 2)(r)
						}
					})
				}
				for id := int64(41); id >= 1; id-- {
					w.artifact(1000+id, id, "dist")
					w.artifact(2000+id, id, "logs")
				}
				if tt.req.Repos == nil {
					tt.req.Repos = []artifact.Repo{app}
				}
				start := time.Now()
				_, err := Chooser{Source: distant{w}}.Choose(t.Context(), tt.req)
				if took := time.Since(start); err != nil || took > tt.most {
					t.Errorf("took %s, more than %s; %v\n%q", took, tt.most, err, w.calls)
				}
			})
		})
	}
}

// Of ids that are asked for side by side, the most severe error is returned, and the
// artifacts are in the order of time, whichever answer comes first.
func TestSideBySideErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("502")
	w := sampleWorld()
	w.gone = []int64{7}
	for name, tt := range map[string]struct {
		req  Request
		want string
	}{
		"one is not there":    {Request{RunIDs: []int64{1, 999, 2}}, "run 999 of octo/app: not found"},
		"one has expired":     {Request{ArtifactIDs: []int64{10, 12}}, "artifact 12 not found in octo/app; it was there (artifact 12), but expired on 2026-04-01"},
		"one lacks it":        {Request{RunIDs: []int64{5, 1}, Select: artifact.Selector{Names: []string{"dist"}}}, `artifact "dist" not found in run 5 of octo/app; the run has "docs", "logs"`},
		"the same run twice":  {Request{ArtifactIDs: []int64{11, 10}}, "11 10|1"},
		"the server is down":  {Request{RunIDs: []int64{1, 666}}, "502"},
		"its run was deleted": {Request{ArtifactIDs: []int64{70}, Repos: []artifact.Repo{lib}}, "70|7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.req.Repos == nil {
				tt.req.Repos = []artifact.Repo{app}
			}
			plan, err := Chooser{Source: downFor{w, 666, broken}}.Choose(t.Context(), tt.req)
			if got := describe(plan, err); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// downFor fails for one run.
type downFor struct {
	*world
	run int64
	err error
}

func (d downFor) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	if id == d.run {
		return artifact.Run{}, d.err
	}
	return d.world.Run(ctx, repo, id)
}
