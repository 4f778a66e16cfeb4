package artifact

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzSearch compares the search, in random worlds, with what comes out when
// every run is asked for everything.
func FuzzSearch(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Add(uint64(2371)) // a run number, and branches in order of preference
	f.Fuzz(func(t *testing.T, seed uint64) {
		t.Parallel()
		r := random{rand.New(rand.NewPCG(seed, 7))}
		w, req := r.world(), r.request()
		plan, err := Chooser{Source: w, Now: func() time.Time { return w.now() }, mostFiltered: w.most}.Choose(t.Context(), req)
		got := describe(plan, nil)
		nf, notFound := errors.AsType[*NotFoundError](err)
		if notFound {
			got = "nothing"
		} else if err != nil {
			t.Fatal(err)
		}
		want := w.oracle(req)
		if limited := req.SearchLimit <= len(w.runs); limited && got != want {
			// What is within the limit, whatever the filters, has to be found, and
			// nothing older instead of something newer.
			newest := w.reachable(req)
			if notFound && nf.LimitHit && newest == 0 || !notFound && w.begins(want, plan) {
				return
			}
			t.Logf("run %d is among the newest %d", newest, req.SearchLimit)
		}
		if got != want {
			t.Errorf("got %s, want %s\nrequest %+v\nrequests %q", got, want, req, w.calls)
			for _, run := range w.runs {
				t.Logf("run %d %s %s %s %s %s fork=%v", run.ID, run.CreatedAt.Format(time.TimeOnly), run.HeadBranch, run.Event, run.Status, run.Conclusion, run.FromFork())
			}
			for _, a := range w.artifacts {
				t.Logf("artifact %d of %d %s %s expired=%v", a.ID, a.Run.ID, a.Name, a.CreatedAt.Format(time.TimeOnly), a.Expired)
			}
		}
		if most := 2*len(w.runs) + len(w.artifacts) + 20; len(w.calls) > most {
			t.Errorf("%d requests in a world of %d runs and %d artifacts", len(w.calls), len(w.runs), len(w.artifacts))
		}
	})
}

// now is an hour after the newest run.
func (w *world) now() time.Time {
	t := epoch
	for _, r := range w.runs {
		if r.CreatedAt.After(t) {
			t = r.CreatedAt
		}
	}
	return t.Add(time.Hour)
}

// reachable is the newest run that matches, if it is among so many of the
// newest that the limit cannot keep it from being found; else 0.
func (w *world) reachable(req Request) int64 {
	runs := slices.Clone(w.runs)
	slices.SortFunc(runs, newestRun)
	req.Runs = 1
	_, id, _ := strings.Cut(w.oracle(req), "|")
	for i, r := range runs {
		// A few may have been looked up out of their turn.
		if fmt.Sprint(r.ID) == id && i+2*maxStale < req.SearchLimit && len(req.Branches) < 2 && w.mixRuns == nil {
			return r.ID
		}
	}
	return 0
}

// begins tells whether the runs taken are the first of those wanted. Where
// lists are in no order, or branches have eaten up the limit, any will do.
func (w *world) begins(want string, plan *Plan) bool {
	_, ids, _ := strings.Cut(want, "|")
	return w.mixRuns != nil || strings.HasPrefix(ids+" ", fmt.Sprint(plan.Runs[0].ID)+" ")
}

// oracle answers a search by looking at everything.
func (w *world) oracle(req Request) string {
	branches := req.Branches
	if len(branches) == 0 {
		branches = []string{""}
	}
	for _, branch := range branches {
		plan := &Plan{}
		runs := slices.Clone(w.runs)
		slices.SortFunc(runs, newestRun)
		for _, r := range runs {
			var all []Artifact
			for _, a := range w.artifacts {
				if a.Run.ID == r.ID {
					all = append(all, a)
				}
			}
			picked := req.Select.Pick(all, req.Gone)
			if len(plan.Runs) < max(req.Runs, 1) && picked.Complete() && w.counts(req, branch, r) {
				plan.take(r, picked)
			}
		}
		if len(plan.Runs) > 0 {
			slices.SortStableFunc(plan.Items, func(a, b Item) int { return newestArtifact(a.Artifact, b.Artifact) })
			return describe(plan, nil)
		}
	}
	return "nothing"
}

func (w *world) counts(req Request, branch string, r Run) bool {
	in := func(list []string, values ...string) bool {
		return len(list) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(list, v) })
	}
	return r.ID != req.CurrentRun && (branch == "" || r.HeadBranch == branch) && in(req.Events, r.Event) &&
		in(req.Conclusions, r.Conclusion, r.Status) && (req.Actor == "" || r.Actor == req.Actor) &&
		(req.RunNumber == 0 || r.Number == req.RunNumber) && (req.AllowForks || r.HeadRepoID == r.RepoID) &&
		(req.CurrentWorkflow == "" || r.WorkflowPath == ".github/workflows/"+req.CurrentWorkflow) &&
		(req.MaxAge == 0 || !r.CreatedAt.Before(w.now().Add(-req.MaxAge)))
}

// random makes worlds and requests.
type random struct{ *rand.Rand }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pickOne[T any](r random, list ...T) T { return list[r.IntN(len(list))] }

func (r random) world() *world {
	w := &world{
		perPage: 1 + r.IntN(8), most: 1000, blind: r.chance(5), noFilters: r.chance(5), noNames: r.chance(5),
	}
	// In a third of the worlds few runs hold "a", and often by another attempt
	// long after they were created.
	few := r.chance(33)
	rare, branchy, failing, long := r.IntN(101), r.IntN(101), r.IntN(101), 0
	if r.chance(30) {
		long = 20
	}
	if few {
		rare, long = 1+r.IntN(30), r.IntN(60)
	}
	at, step := epoch, pickOne(r, time.Minute, 10*time.Minute, time.Hour)
	if step > time.Minute && r.chance(30) {
		// Not so few that all of them may be of the same minute.
		w.most = w.perPage * (1 + 15/w.perPage + r.IntN(2))
	}
	ids, numbers := r.Perm(200), map[string]int{}
	for i := range r.IntN(60) {
		at = at.Add(time.Duration(r.IntN(3)) * step) // often at the same time
		run := Run{
			ID: int64(1 + ids[i]), Repo: app, RepoID: 1, HeadRepo: "octo/app", HeadRepoID: 1, Event: "push", Actor: "octocat",
			WorkflowPath: ".github/workflows/ci.yml", Status: "completed", Conclusion: "success", HeadBranch: "main", CreatedAt: at,
		}
		if r.chance(branchy) {
			run.HeadBranch = pickOne(r, "main", "dev", "rare/branch")
		}
		if r.chance(failing) {
			run.Conclusion = pickOne(r, "failure", "cancelled", "success")
		}
		if r.chance(10) {
			run.Event, run.Actor = "schedule", "robot"
		}
		if r.chance(10) {
			run.Status, run.Conclusion = "in_progress", ""
		}
		if r.chance(30) {
			run.WorkflowPath = ".github/workflows/other.yml"
		}
		numbers[run.WorkflowPath] += 1 + r.IntN(5)/4 // a few were deleted
		run.Number = numbers[run.WorkflowPath]
		if r.chance(15) {
			run.HeadRepo, run.HeadRepoID = pickOne(r, "evil/app", ""), pickOne[int64](r, 666, 0)
		}
		w.runs = append(w.runs, run)
		made := at
		for range r.IntN(4) {
			made = made.Add(time.Duration(r.IntN(90)) * time.Second)
			if r.chance(long) {
				made = made.Add(time.Duration(r.IntN(20)) * step) // another attempt
			}
			name := pickOne(r, "a", "b", "c", "d", "other")
			if few {
				name = "a"
			}
			if name != "a" || r.chance(rare) {
				ref := &RunRef{ID: run.ID, RepoID: 1, HeadRepoID: run.HeadRepoID, HeadBranch: run.HeadBranch, HeadSHA: run.HeadSHA}
				w.artifacts = append(w.artifacts, Artifact{ID: 1000 + int64(r.IntN(1<<30)), Repo: app, Name: name, Run: ref, CreatedAt: made, Expired: r.chance(10)})
			}
		}
	}
	r.order(w)
	return w
}

// order puts the lists in the order in which the server gives them: newest
// first, nearly so, or not at all. A list that is in good order as far as it
// is looked at, and hides the newest further down, cannot be seen through
// without reading everything, so the first page always tells.
func (r random) order(w *world) {
	runAt := func(v Run) time.Time { return v.CreatedAt }
	artifactAt := func(v Artifact) time.Time { return v.CreatedAt }
	w.runs = newestFirst(r, w.runs, runAt, runSlack, r.chance(20))
	w.artifacts = newestFirst(r, w.artifacts, artifactAt, artifactSlack, r.chance(20))
	seed := r.Uint64()
	if r.chance(15) {
		w.mixRuns = func(list []Run, perPage int) []Run { return jumble(seed, list, perPage, runAt, runSlack) }
	}
	if r.chance(15) {
		w.mixArtifacts = func(list []Artifact, perPage int) []Artifact {
			return jumble(seed, list, perPage, artifactAt, artifactSlack)
		}
	}
}

// newestFirst sorts; loosely, things that are within slack may come in any
// order.
func newestFirst[T any](r random, list []T, at func(T) time.Time, slack time.Duration, loosely bool) []T {
	type keyed struct {
		v   T
		key time.Time
	}
	all := make([]keyed, len(list))
	for i, v := range list {
		all[i] = keyed{v, at(v)}
		if loosely {
			all[i].key = at(v).Add(-time.Duration(r.Int64N(int64(slack))))
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return b.key.Compare(a.key) })
	sorted := make([]T, len(all))
	for i, k := range all {
		sorted[i] = k.v
	}
	return sorted
}

// jumble shuffles a list so that the first page tells, if there is a way.
func jumble[T any](seed uint64, list []T, perPage int, at func(T) time.Time, slack time.Duration) []T {
	r := random{rand.New(rand.NewPCG(seed, 3))}
	for range 10 {
		mixed := slices.Clone(list)
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		for i := range min(perPage, len(mixed)) {
			for j := range i {
				if at(mixed[i]).Sub(at(mixed[j])) > slack {
					return mixed
				}
			}
		}
	}
	return list
}

func (r random) request() Request {
	req := Request{Repos: []Repo{app}, Own: app, Runs: 1 + r.IntN(3), SearchLimit: 10000, Conclusions: ok, AllowForks: r.chance(20)}
	switch r.IntN(6) {
	case 0:
	case 1:
		req.Select.Patterns = []string{pickOne(r, "a*", "[bc]", "!other", "x*")}
	case 2:
		req.Select.Names = []string{"a", "b", "c", "d"}[:1+r.IntN(4)]
	default:
		req.Select.Names = []string{pickOne(r, "a", "a", "b", "nope")}
	}
	if r.chance(20) {
		req.SearchLimit = 1 + r.IntN(50)
	}
	if r.chance(40) {
		req.Branches = pickOne(r, []string{"main"}, []string{"rare/branch", "main"}, []string{"dev", "rare/branch"})
	}
	if r.chance(50) {
		req.CurrentWorkflow = "ci.yml"
	}
	if r.chance(20) {
		req.Events = pickOne(r, []string{"push"}, []string{"schedule"}, []string{"push", "schedule"})
	}
	if r.chance(10) {
		req.Actor = "robot"
	}
	if r.chance(20) {
		req.RunNumber = r.IntN(40)
	}
	if r.chance(10) {
		req.MaxAge = time.Duration(60+r.IntN(2000)) * time.Minute
	}
	switch r.IntN(6) {
	case 0:
		req.Conclusions = nil
	case 1:
		req.Conclusions = []string{"failure", "cancelled"}
	case 2:
		req.Conclusions = []string{"in_progress"}
	}
	if r.chance(20) {
		req.CurrentRun = 1 + int64(r.IntN(60))
	}
	if r.chance(10) {
		req.Gone = map[int64]bool{}
		for i := range int64(20) {
			req.Gone[1000+i] = true
		}
	}
	return req
}

func ExampleShard() {
	var items []Item
	for i, size := range []int64{70, 10, 20, 30, 40} {
		items = append(items, Item{Artifact: Artifact{ID: int64(i + 1), Size: size}})
	}
	for i := 1; i <= 2; i++ {
		var ids []int64
		for _, item := range Shard(items, i, 2) {
			ids = append(ids, item.Artifact.ID)
		}
		fmt.Println(ids)
	}
	// Output:
	// [1 3]
	// [2 4 5]
}
