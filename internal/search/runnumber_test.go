package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// numbered is a world of runs that are numbered from 1 on, a minute apart, and all
// hold "dist".
func numbered(n int64) *world {
	w := &world{}
	for id := int64(1); id <= n; id++ {
		w.run(id, func(r *artifact.Run) { r.Number = int(id) })
		w.artifact(10000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Second) })
	}
	slices.Reverse(w.artifacts)
	return w
}

func TestRunNumber(t *testing.T) {
	t.Parallel()
	// swapped lists two runs of one second the wrong way round.
	swapped := func(at int) func(*world) {
		return func(w *world) {
			w.runs[at-1].CreatedAt = w.runs[at].CreatedAt
			w.runs[at-1], w.runs[at] = w.runs[at], w.runs[at-1]
		}
	}
	// burst makes runs to be of one second, and lists them in the order of
	// their ids.
	burst := func(from, to int64) func(*world) {
		return func(w *world) {
			for i, r := range w.runs {
				if from <= r.ID && r.ID <= to {
					w.runs[i].CreatedAt = epoch.Add(time.Duration(from) * time.Minute)
				}
			}
			first, last := len(w.runs)-int(to), len(w.runs)-int(from)
			slices.Reverse(w.runs[first : last+1])
		}
	}
	without := func(numbers ...int) func(*world) {
		return func(w *world) {
			w.runs = slices.DeleteFunc(w.runs, func(r artifact.Run) bool { return slices.Contains(numbers, r.Number) })
		}
	}
	// displacedTo lists a run at another place.
	displacedTo := func(place int, number int) func(*world) {
		return func(w *world) {
			w.runs = displaced(w.runs, place, func(r artifact.Run) bool { return r.Number == number })
		}
	}
	tests := []struct {
		name   string
		change func(*world)
		runs   int64
		number int
		found  bool
		most   int // requests, the ones that explain an error included
	}{
		{"the newest", nil, 400, 400, true, 2},
		{"on the second page", nil, 400, 250, true, 4},
		{"the oldest", nil, 400, 1, true, 4},
		{"in the middle of many", nil, 1000, 500, true, 4},
		{"the newest, listed a page too late", displacedTo(150, 400), 400, 400, true, 3},
		{"listed two pages too early", displacedTo(50, 110), 400, 110, true, 5},
		{"listed six pages too early", displacedTo(150, 250), 1000, 250, true, 5},
		{"none so new", nil, 400, 401, false, 2},
		{"deleted", without(250), 400, 250, false, 5},
		{"deleted, at the border", without(301), 400, 301, false, 6},
		{"deleted, at the other border", without(200), 400, 200, false, 5},
		{"deleted, the oldest", without(1), 400, 1, false, 5},
		{"older first, swapped at the first border", swapped(100), 400, 301, true, 4},
		{"newer first, swapped at the first border", swapped(100), 400, 300, true, 4},
		{"older first, swapped at the second border", swapped(200), 400, 201, true, 5},
		{"newer first, swapped at the second border", swapped(200), 400, 200, true, 5},
		{"three pages of one second, turned round", burst(50, 349), 400, 349, true, 5},
		{"deleted, of a page of one second", func(w *world) { burst(200, 300)(w); without(250)(w) }, 400, 250, false, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := numbered(tt.runs)
			if tt.change != nil {
				tt.change(w)
			}
			plan, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, RunNumber: tt.number, Select: artifact.Selector{Names: []string{"dist"}},
			})
			if found := err == nil && plan.Runs[0].Number == tt.number; found != tt.found {
				t.Errorf("found %v: %s", found, describe(plan, err))
			}
			if len(w.calls) > tt.most {
				t.Errorf("%d requests, more than %d: %q", len(w.calls), tt.most, w.calls)
			}
		})
	}
}

// A server that ignores the workflow lists numbers of several, and a page
// may be smaller than what was asked for: the search must still be right.
func TestRunNumberMisled(t *testing.T) {
	t.Parallel()
	for _, perPage := range []int{1, 3, 7} {
		for number := 1; number <= 30; number++ {
			w := &world{perPage: perPage}
			for id := int64(1); id <= 60; id++ {
				w.run(id, func(r *artifact.Run) {
					r.Number = int(id+1) / 2
					if id%2 == 0 {
						r.WorkflowPath = ".github/workflows/ci.yml@x/ci.yml" // of the same base name
					}
				})
				w.artifact(1000+id, id, "dist")
			}
			plan, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Own: app, Workflow: ".github/workflows/ci.yml", RunNumber: number, Select: artifact.Selector{Names: []string{"dist"}},
			})
			id := int64(2*number - 1)
			if got, want := describe(plan, err), fmt.Sprintf("%d|%d", 1000+id, id); got != want {
				t.Errorf("%d a page: got %s, want %s", perPage, got, want)
			}
		}
	}
}

// What the limit cuts off a page was not looked at, and the error says so.
func TestRunNumberBeyondTheLimit(t *testing.T) {
	t.Parallel()
	for limit, found := range map[int]bool{104: false, 149: false, 150: false, 151: true, 200: true} {
		_, err := Chooser{Source: numbered(300)}.Choose(t.Context(), Request{
			Repos: []artifact.Repo{app}, Own: app, CurrentWorkflow: "ci.yml", RunNumber: 150, SearchLimit: limit, Select: artifact.Selector{Names: []string{"dist"}},
		})
		nf, _ := errors.AsType[*NotFoundError](err)
		if (err == nil) != found || !found && (nf == nil || !nf.LimitHit) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// A number that is not where the list of all runs should have it, which is too long to be read
// to the end, is looked for in the list of the workflow's runs of about that time. If that list
// cannot tell either, the number is in doubt, unless the artifacts show that there is no such
// run.
func TestRunNumberInDoubt(t *testing.T) {
	t.Parallel()
	without := func(w *world) { w.delete("runs", []int64{250}) }
	tests := map[string]struct {
		change func(*world)
		number int
		name   string
		doubt  string // a part of it
	}{
		"deleted": {without, 250, "dist", ""},
		"deleted, and lists narrowed by time are empty": {func(w *world) {
			without(w)
			w.lies.empty = map[string]bool{"created": true}
		}, 250, "dist", "run number 250 was looked for only where the lists of runs should have it"},
		"deleted, and lists narrowed by time lack the next one": {func(w *world) {
			without(w)
			w.lies.hidden = map[string]map[int64]bool{"created": {251: true}}
		}, 250, "dist", "run number 250"},
		"deleted, and filters are ignored": {func(w *world) {
			without(w)
			w.noFilters = true
		}, 250, "dist", "run number 250"},
		"deleted, and artifacts are few": {without, 250, "rare", ""},
		"none so new":                    {func(*world) {}, 1001, "dist", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := numbered(1000)
			tt.change(w)
			_, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, RunNumber: tt.number, Select: artifact.Selector{Names: []string{tt.name}},
			})
			nf, _ := errors.AsType[*NotFoundError](err)
			if nf == nil || len(nf.Doubts) != min(1, len(tt.doubt)) || !strings.Contains(DoubtsInWords(nf.Doubts), tt.doubt) || len(w.calls) > 8 {
				t.Errorf("got %v, want the doubt %q; requests %q", err, tt.doubt, w.calls)
			}
		})
	}
}

// The lists of runs lack the newest five. The artifacts name them, so a run is found by its
// number, whether or not the look explains its failure.
func TestRunNumberUnlisted(t *testing.T) {
	t.Parallel()
	for number := 296; number <= 301; number++ {
		for _, brief := range []bool{false, true} {
			w := numbered(300)
			hidden := map[int64]bool{296: true, 297: true, 298: true, 299: true, 300: true}
			w.lies.hidden = map[string]map[int64]bool{"nothing": hidden, "workflow": hidden}
			plan, err := Chooser{Source: w}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, RunNumber: number, Brief: brief, Select: artifact.Selector{Names: []string{"dist"}},
			})
			if found := err == nil && plan.Runs[0].Number == number; found != (number <= 300) || len(plan.Doubts) > 0 || len(w.calls) > 10 {
				t.Errorf("number %d, brief: %v: %s, doubts %v; requests %q", number, brief, describe(plan, err), plan.Doubts, w.calls)
			}
		}
	}
}
