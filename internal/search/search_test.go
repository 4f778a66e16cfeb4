package search

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Where the limit cuts a page off, an older run on it must not be taken while newer
// runs were not examined.
func TestLimitCutsAPage(t *testing.T) {
	t.Parallel()
	for _, blind := range []bool{true, false} {
		w := &world{blind: blind}
		for id := int64(1); id <= 299; id++ {
			at := epoch.Add(time.Duration(id) * 10 * time.Minute)
			if id >= 200 && id < 230 { // the end of the first page is one minute
				at = epoch.Add(2000*time.Minute + time.Duration(id-200)*time.Second)
			}
			w.run(id, func(r *artifact.Run) { r.CreatedAt = at })
		}
		for _, id := range []int64{160, 125} {
			w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(id)*10*time.Minute + time.Second) })
		}
		plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}}, SearchLimit: 150})
		if got, want := describe(plan, err), "1160|160"; got != want {
			t.Errorf("blind=%v: got %s, want %s", blind, got, want)
		}
	}
}

// A run that is fetched by its id before its page is read counts once. A search of as
// many runs as the limit allows does not end because of the limit.
func TestLimitCountsRunsOnce(t *testing.T) {
	t.Parallel()
	w := &world{perPage: 3}
	for id := int64(1); id <= 6; id++ {
		w.run(id, func(r *artifact.Run) {
			r.Event = "push"
			if id == 1 {
				r.Event = "pull_request"
			}
		})
	}
	w.artifact(1001, 1, "dist", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(70 * time.Second) })
	for id := int64(1002); id <= 1006; id++ {
		w.artifact(id, 1, "dist", expired, func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(70 * time.Second) })
	}
	_, err := Chooser{Source: w}.Choose(t.Context(), Request{
		Repos: []artifact.Repo{app}, Events: []string{"push", "schedule"}, Select: artifact.Selector{Names: []string{"dist"}}, SearchLimit: 6, Brief: true,
	})
	nf, ok := errors.AsType[*NotFoundError](err)
	if !ok || nf.LimitHit || nf.Examined != 5 {
		t.Errorf("%v: %q", err, w.calls)
	}
}

// The artifact list may have the newest candidate further down than an older one.
func TestLateCandidate(t *testing.T) {
	t.Parallel()
	w := &world{perPage: 5}
	dist := func(run int64) {
		w.artifact(1000+run, run, "dist", func(a *artifact.Artifact) { a.CreatedAt = epoch.Add(time.Duration(run) * time.Minute) })
	}
	for id := int64(1); id <= 7; id++ {
		w.run(id, func(r *artifact.Run) {
			if id == 6 {
				r.Conclusion = "failure"
			}
		})
	}
	for id := int64(160); id < 310; id++ {
		w.run(id)
	}
	for _, id := range []int64{6, 5, 4, 3, 2, 7, 1} {
		dist(id)
	}
	plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}}})
	if got, want := describe(plan, err), "1007|7"; got != want {
		t.Errorf("got %s, want %s\n%q", got, want, w.calls)
	}
}

// failing is a world in which the runs of one repository cannot be listed.
type failing struct {
	*world
	repo artifact.Repo
	err  error
}

func (f failing) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	if repo == f.repo {
		return Page[artifact.Run]{}, f.err
	}
	return f.world.Runs(ctx, repo, q)
}

// That nothing is found in one repository must not hide that another one could not be
// searched.
func TestFailureBesideNotFound(t *testing.T) {
	t.Parallel()
	broken := errors.New("401 bad credentials")
	for _, repos := range [][]artifact.Repo{{app, lib}, {lib, app}} {
		_, err := Chooser{Source: failing{sampleWorld(), lib, broken}}.Choose(t.Context(), Request{Repos: repos, Conclusions: ok, Select: artifact.Selector{Names: []string{"nope"}}})
		if !errors.Is(err, broken) {
			t.Errorf("%v: %v", repos, err)
		}
	}
}

func TestNeedsContents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		req  Request
		want bool
	}{
		"nothing":       {Request{}, false},
		"full commit":   {Request{Commit: "0123456789012345678901234567890123456789"}, false},
		"abbreviated":   {Request{Commit: "0123456"}, true},
		"tag":           {Request{Commit: "v1.2"}, true},
		"ref, a branch": {Request{Ref: "refs/heads/main"}, false},
		"ref, a tag":    {Request{Ref: "refs/tags/v1"}, true},
		"ref, any":      {Request{Ref: "main"}, true},
	} {
		if got := tt.req.NeedsContents(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
