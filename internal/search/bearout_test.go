package search

import (
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Where the list that is to bear out the list of all runs is wrong itself, and no artifact shows
// whether a run is not known, the choice is in doubt.
func TestNewestInDoubt(t *testing.T) {
	t.Parallel()
	blind := func(w *world) { w.blind = true }
	tests := map[string]struct {
		change func(*world)
		want   string
		doubt  bool
	}{
		"artifacts name their runs":        {func(*world) {}, "10006|6", false},
		"artifacts do not name their runs": {blind, "10005|5", true},
		"the same, a run of another workflow is queued": {func(w *world) {
			blind(w)
			w.run(7, func(r *artifact.Run) {
				r.CreatedAt, r.WorkflowPath, r.Status, r.Conclusion = epoch, "x.yml", "queued", ""
			})
		}, "10005|5", true},
		"no artifacts are listed": {func(w *world) { w.lies.silent = map[string]bool{"dist": true} }, "10005|5", true},
		"the same, and a narrowed list lacks only the newest runs": {func(w *world) {
			w.lies.silent, w.lies.empty = map[string]bool{"dist": true}, nil
			w.lies.hidden["workflow"] = map[int64]bool{5: true, 6: true}
		}, "10005|5", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := numbered(6)
			for i, r := range w.runs {
				w.runs[i].UpdatedAt = r.CreatedAt.Add(20 * time.Second)
			}
			w.lies = lies{hidden: map[string]map[int64]bool{"nothing": {6: true}}, empty: map[string]bool{"workflow": true}}
			tt.change(w)
			plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), Request{
				Repos: []artifact.Repo{app}, Workflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}},
			})
			if got := describe(plan, err); got != tt.want || len(plan.Doubts) > 0 != tt.doubt {
				t.Errorf("got %s, doubts %v: %q", got, plan.Doubts, w.calls)
			}
		})
	}
}

// The list of all runs lacks the newest run, and no list of artifacts names it: they are in
// no order or empty, or the server does not tell their runs, or a page of them has only what
// later attempts of older runs made. A list of runs that a condition narrows has it.
func TestNewestUnlisted(t *testing.T) {
	t.Parallel()
	blind := func(w *world) { w.blind = true }
	// many makes attempts of runs 2 to 5 make n artifacts in four hours, after those of run 6.
	many := func(n int) func(*world) {
		return func(w *world) {
			w.perPage, w.clock = 4, epoch.Add(12*time.Hour)
			for i := range n {
				run, at := int64(2+i%4), epoch.Add(6*time.Hour+time.Duration(30+i*240/n)*time.Minute)
				w.change(run, func(r *artifact.Run) { r.Attempt, r.UpdatedAt = n, at })
				w.artifact(int64(2000+i), run, "dist", func(a *artifact.Artifact) { a.CreatedAt = at })
			}
			slices.SortFunc(w.artifacts, artifact.CompareArtifacts)
		}
	}
	behind := many(12)
	lacks := func(change func(*world)) func(*world) {
		return func(w *world) {
			w.lies.hidden = map[string]map[int64]bool{"nothing": {6: true}}
			change(w)
		}
	}
	tests := []struct {
		name   string
		change func(*world)
		ask    func(*Request) // in place of the workflow ci.yml and the name dist
		want   string
		most   int // requests
	}{
		{"artifacts in order", lacks(func(*world) {}), nil, "1006|6", 3},
		{"the same, its number", lacks(func(w *world) { w.perPage = 4 }), func(req *Request) { req.RunNumber = 6 }, "1006|6", 4},
		{"the same, and another look follows", lacks(func(w *world) { w.perPage = 4 }), func(req *Request) { req.RunNumber, req.Brief = 6, true }, "1006|6", 4},
		{"the same, and newer runs are not listed either", func(w *world) {
			w.perPage = 4
			w.lies.hidden = map[string]map[int64]bool{"nothing": {3: true, 4: true, 5: true, 6: true}, "workflow": {3: true, 4: true, 5: true, 6: true}}
		}, func(req *Request) { req.RunNumber = 3 }, "1003|3", 8},
		{"artifacts in no order", lacks(func(w *world) {
			w.perPage = 5 // all listed runs are on one page, and the newest artifact on the second
			slices.Reverse(w.artifacts)
		}), nil, "1006|6", 4},
		{"artifacts that do not name their runs", lacks(blind), nil, "1006|6", 5},
		{"the same, and nothing is missing", blind, nil, "1006|6", 3},
		{"the same, and one that is listed lasts longer", lacks(func(w *world) {
			blind(w)
			w.change(5, func(r *artifact.Run) { r.UpdatedAt = w.now() })
		}), nil, "1006|6", 5},
		{"the same, a few a page", lacks(func(w *world) {
			blind(w)
			w.perPage = 2
		}), nil, "1006|6", 8},
		{"the same, runs in no order", lacks(func(w *world) {
			blind(w)
			w.runs[1], w.runs[4] = w.runs[4], w.runs[1]
		}), nil, "1006|6", 5},
		{"the same, a branch", lacks(blind), func(req *Request) { req.Workflow, req.Branches = AnyWorkflow, []string{"main"} }, "1006|6", 5},
		{"the same, a branch after one that never ran", lacks(blind), func(req *Request) { req.Branches = []string{"dev", "main"} }, "1006|6", 7},
		{"the same, a commit", lacks(blind), func(req *Request) { req.Workflow, req.Commit = AnyWorkflow, shas[0] }, "1006|6", 5},
		{"the same, an event", lacks(blind), func(req *Request) { req.Workflow, req.Events = AnyWorkflow, []string{"push"} }, "1006|6", 5},
		{"the same, a conclusion alone", lacks(blind), func(req *Request) { req.Workflow = AnyWorkflow }, "1006|6", 5},
		{"the same, no condition", lacks(blind), func(req *Request) { req.Workflow, req.Conclusions = AnyWorkflow, nil }, "1006|6", 5},
		{"the same, a pattern", lacks(blind), func(req *Request) { req.Select = artifact.Selector{Patterns: []string{"d*"}} }, "1006|6", 5},
		{"the same, nothing named", lacks(blind), func(req *Request) { req.Select = artifact.Selector{} }, "1006|6", 5},
		{"the same, two runs", lacks(blind), func(req *Request) { req.Runs = 2 }, "1006 1005|6 5", 7},
		{"the same, the current run first, which lacks it", lacks(func(w *world) {
			blind(w)
			w.run(7)
		}), func(req *Request) { req.CurrentRun, req.CurrentFirst = 7, true }, "1006|6", 6},
		{"the same, its number", lacks(blind), func(req *Request) { req.RunNumber = 6 }, "1006|6", 5},
		{"the same, another repository", lacks(func(w *world) {
			blind(w)
			w.run(8, in(lib, 2))
			w.artifact(1008, 8, "dist")
		}), func(req *Request) { req.Repos = []artifact.Repo{lib, app} }, "1008 1006|6 8", 8},
		{"artifacts of later attempts", lacks(behind), nil, "1006|6", 7},
		{"the same, and nothing is missing", behind, nil, "1006|6", 7},
		{"the same, a branch", lacks(behind), func(req *Request) { req.Workflow, req.Branches = AnyWorkflow, []string{"main"} }, "1006|6", 7},
		{"the same, a commit", lacks(behind), func(req *Request) { req.Workflow, req.Commit = AnyWorkflow, shas[0] }, "1006|6", 7},
		{"the same, two events", lacks(behind), func(req *Request) { req.Workflow, req.Events = AnyWorkflow, []string{"schedule", "push"} }, "1006|6", 7},
		{"the same, a conclusion alone", lacks(behind), func(req *Request) { req.Workflow = AnyWorkflow }, "1006|6", 7},
		{"the same, no condition", lacks(behind), func(req *Request) { req.Workflow, req.Conclusions = AnyWorkflow, nil }, "1006|6", 7},
		{"the same, a pattern", lacks(behind), func(req *Request) { req.Select = artifact.Selector{Patterns: []string{"d*"}} }, "1006|6", 7},
		{"the same, nothing named", lacks(behind), func(req *Request) { req.Select = artifact.Selector{} }, "1006|6", 7},
		{"the same, two runs", lacks(behind), func(req *Request) { req.Runs = 2 }, "2011 1006|6 5", 8},
		{"the same, its number", lacks(behind), func(req *Request) { req.RunNumber = 6 }, "1006|6", 7},
		{"the same, two pages", lacks(func(w *world) {
			behind(w)
			w.perPage = 10
		}), nil, "1006|6", 5},
		{"the same, one run makes them all", lacks(func(w *world) {
			behind(w)
			for i, a := range w.artifacts {
				if a.ID >= 2000 {
					w.artifacts[i].Run = &artifact.RunRef{ID: 5, RepoID: 1, HeadRepoID: 1}
				}
			}
		}), nil, "1006|6", 10},
		{"the same, and the narrowed list lacks it, too", lacks(func(w *world) {
			behind(w)
			w.lies.hidden["workflow"] = map[int64]bool{6: true}
		}), nil, "1006|6", 7},
		{"the same, more pages than are read", lacks(many(36)), nil, "1006|6", 9},
		{"as many runs as may be examined are known", lacks(blind), func(req *Request) { req.SearchLimit = 5 }, "1006|6", 5},
		{"the same, fewer", lacks(blind), func(req *Request) { req.SearchLimit = 2 }, "1006|6", 5},
		{"the same, artifacts in no order", lacks(func(w *world) {
			w.perPage = 5
			slices.Reverse(w.artifacts)
		}), func(req *Request) { req.SearchLimit = 4 }, "1006|6", 4},
		{"no artifacts are listed", lacks(func(w *world) { w.lies.silent = map[string]bool{"dist": true} }), nil, "1006|6", 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			for id := int64(1); id <= 6; id++ {
				w.run(id, func(r *artifact.Run) {
					r.CreatedAt = epoch.Add(time.Duration(id) * time.Hour)
					r.UpdatedAt = r.CreatedAt.Add(2 * time.Minute)
					r.Number, r.HeadBranch, r.HeadSHA, r.Event = int(id), "main", shas[0], "push"
				})
				w.artifact(1000+id, id, "dist", func(a *artifact.Artifact) { a.CreatedAt = w.runs[0].CreatedAt.Add(time.Minute) })
			}
			slices.Reverse(w.artifacts)
			tt.change(w)
			req := Request{
				Repos: []artifact.Repo{app}, Own: app, Workflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Names: []string{"dist"}},
			}
			if tt.ask != nil {
				tt.ask(&req)
			}
			plan, err := Chooser{Source: w, Now: w.now}.Choose(t.Context(), req)
			if got := describe(plan, err); got != tt.want || len(w.calls) > tt.most || len(plan.Doubts) > 0 {
				t.Errorf("got %s, want %s, doubts %v; %d requests, at most %d: %q", got, tt.want, plan.Doubts, len(w.calls), tt.most, w.calls)
			}
		})
	}
}
