package search

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Lists of runs narrowed by status miss recent runs. These are found all the same where a
// page of all runs has them, or the list of artifacts names them. Otherwise the plan is
// doubted.
func TestStatusLags(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		back     int64 // from the newest run to the newest failure
		holders  func(id int64) bool
		conclude []string
		lag      time.Duration // how far back from the newest run the narrowed lists begin
		want     string
		doubted  bool
	}{
		"within the first page":              {back: 50, lag: 100 * time.Hour, want: "10950|950"},
		"within the second page":             {back: 150, lag: 100 * time.Hour, want: "10850|850"},
		"beyond, and the filter is right":    {back: 350, want: "10650|650", doubted: true},
		"beyond, and the filter is wrong":    {back: 350, lag: 8 * time.Hour, want: "10001|1", doubted: true},
		"beyond, but the artifacts name it":  {back: 350, lag: 8 * time.Hour, holders: func(id int64) bool { return id == 650 || id == 1 }, want: "10650|650"},
		"all else fails in between":          {back: 350, conclude: []string{"failure", "cancelled"}, want: "10650|650", doubted: true},
		"nothing but what the filter hides":  {back: 999, lag: 100 * time.Hour, holders: func(id int64) bool { return id == 1 }, want: "10001|1"},
		"wanted is what most runs are: none": {back: 350, conclude: ok, want: "11000|1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			hidden := map[int64]bool{}
			for id := int64(1); id <= 1000; id++ {
				w.run(id, func(r *artifact.Run) {
					if id == 1000-tt.back || id == 1 {
						r.Conclusion = artifact.Failure
					}
				})
				hidden[id] = time.Duration(1000-id)*time.Minute < tt.lag
				if tt.holders == nil || tt.holders(id) {
					w.artifact(10000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Second) })
				}
			}
			slices.Reverse(w.artifacts)
			w.lies.hidden = map[string]map[int64]bool{"status": hidden}
			req := Request{Repos: []artifact.Repo{app}, Conclusions: []string{artifact.Failure}, Select: artifact.Selector{Names: []string{"dist"}}}
			if tt.conclude != nil {
				req.Conclusions = tt.conclude
			}
			plan, err := Chooser{Source: w}.Choose(t.Context(), req)
			if got := describe(plan, err); got != tt.want || len(plan.Doubts) > 0 != tt.doubted {
				t.Errorf("got %s, doubts %v; want %s, %v: %q", got, plan.Doubts, tt.want, tt.doubted, w.calls)
			}
		})
	}
}

// Where the list of all runs was read to its end, what narrowed lists lack does not
// matter, even if no run matches.
func TestNoDoubtWhereAllRunsAreKnown(t *testing.T) {
	t.Parallel()
	w := &world{}
	for id := int64(1); id <= 180; id++ {
		w.run(id)
		w.artifact(10000+id, id, "dist")
		w.artifact(20000+id, id, "dist", expired)
	}
	slices.Reverse(w.artifacts)
	plan, err := Chooser{Source: w}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Conclusions: []string{artifact.Failure}, Select: artifact.Selector{Names: []string{"dist"}}})
	nf, notFound := errors.AsType[*NotFoundError](err)
	if !notFound || nf.Examined != 180 || len(nf.Doubts) > 0 {
		t.Errorf("%v, doubts %v; %q", err, plan.Doubts, w.calls)
	}
}

// GitHub cuts a filtered list off, also where the list moves while it is read, so that a run is
// on two pages. The search goes on where the list was cut off.
func TestCutOffListMoves(t *testing.T) {
	t.Parallel()
	for _, moves := range []bool{false, true} {
		w := &world{perPage: 5, most: 10, blind: true} // no list of artifacts names older runs
		for id := int64(1); id <= 60; id++ {
			w.run(id, func(r *artifact.Run) {
				r.CreatedAt, r.HeadBranch = epoch.Add(time.Duration(id)*time.Hour), "other"
				if id%3 == 0 {
					r.HeadBranch = "main"
				}
			})
			if id == 3 || id%3 != 0 {
				w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Minute) })
			}
		}
		if moves {
			w.lies.shifts = []*shift{{list: "runs", after: 2, do: func(w *world) {
				w.run(61, func(r *artifact.Run) { r.CreatedAt, r.HeadBranch = epoch.Add(61*time.Hour), "main" })
			}}}
		}
		plan, err := Chooser{Source: w, Now: w.now, mostFiltered: w.most}.Choose(t.Context(), Request{
			Repos: []artifact.Repo{app}, Branches: []string{"main"}, Select: artifact.Selector{Names: []string{"dist"}},
		})
		if got, want := describe(plan, err), "1003|3"; got != want {
			t.Errorf("a run is created meanwhile: %v: got %s, want %s; %q", moves, got, want, w.calls)
		}
	}
}
