package search

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// The repository's lists of artifacts are empty, as the server is in trouble. Once a run's own
// list shows that, runs that seemed to lack what is asked for are asked, too: also those of an
// earlier branch, and those that are older than the ones that an explanation asks.
func TestArtifactListsAreEmpty(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*world)
		req    Request
		want   string
	}{
		"shown by a run of the second branch": {func(w *world) {
			w.change(6, func(r *artifact.Run) { r.HeadBranch = "dev" })
			w.change(5, func(r *artifact.Run) { r.UpdatedAt = w.now().Add(-time.Minute) })
		}, Request{Branches: []string{"dev", "main"}, Select: artifact.Selector{Names: []string{"dist"}}}, "1006|6"},
		"shown by a run that has one of two names": {func(w *world) {
			w.artifact(2002, 2, "docs")
		}, Request{Select: artifact.Selector{Names: []string{"dist", "docs"}}}, "2002 1002|2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			for id := int64(1); id <= 6; id++ {
				w.run(id, func(r *artifact.Run) {
					r.CreatedAt, r.HeadBranch = epoch.Add(time.Duration(id)*time.Hour), "main"
					r.UpdatedAt = r.CreatedAt.Add(2 * time.Minute)
				})
				w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Minute) })
			}
			w.lies.silent = map[string]bool{"dist": true, "docs": true}
			tt.change(w)
			tt.req.Repos = []artifact.Repo{app}
			plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), tt.req)
			if got := describe(plan, err); got != tt.want || len(plan.Doubts) > 0 {
				t.Errorf("got %s, want %s, doubts %v; %q", got, tt.want, plan.Doubts, w.calls)
			}
		})
	}
}

// If more runs seem to lack something than are asked, the others are in doubt.
func TestArtifactListsAreEmptyInDoubt(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 40; id++ {
		w.run(id)
		w.artifact(1000+id, id, "dist")
	}
	w.artifact(2002, 2, "docs")
	w.lies.silent = map[string]bool{"dist": true, "docs": true}
	_, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist", "docs"}}})
	nf, ok := errors.AsType[*NotFoundError](err)
	if !ok || !slices.ContainsFunc(nf.Doubts, func(d Doubt) bool { return d.Run.ID == 2 }) {
		t.Errorf("got %v, want a doubt about run 2; %q", err, w.calls)
	}
}

// A doubt about a run of which the lists have one of two names does not say that they have none.
func TestArtifactListLacksOneOfTwoInDoubt(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 40; id++ {
		w.run(id)
		w.artifact(1000+id, id, "dist")
	}
	w.run(41)
	w.artifact(2002, 2, "docs")
	w.artifact(2041, 41, "docs")
	w.lies.silent = map[string]bool{"docs": true}
	_, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist", "docs"}}})
	nf, ok := errors.AsType[*NotFoundError](err)
	want := "it seems to lack something, but GitHub's list of artifacts was found to lack artifacts of other runs"
	if !ok || !slices.ContainsFunc(nf.Doubts, func(d Doubt) bool { return d.Run.ID == 2 && d.Reason == want }) {
		t.Errorf("got %v, want a doubt about run 2: %s; %q", err, want, w.calls)
	}
}

// A message does not say that no run ever had an artifact where lists were found to be wrong.
func TestWrongListsProveNothing(t *testing.T) {
	t.Parallel()
	w := &world{}
	w.run(1, func(r *artifact.Run) { r.UpdatedAt = r.CreatedAt })
	w.artifact(10, 1, "dist")
	w.clock = epoch.Add(time.Hour)
	w.lies.silent = map[string]bool{"dist": true, "docs": true}
	_, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist", "docs"}}})
	want := `artifacts "dist", "docs" not found in octo/app; looked at 1 run (1: it lacks "docs"); the newest run that fits (1) has "dist" and lacks "docs"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
