package search

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// random makes worlds and requests.
type random struct{ *rand.Rand }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pickOne[T any](r random, list ...T) T { return list[r.IntN(len(list))] }

// shas are all the commits there are.
var shas = []string{strings.Repeat("a", 40), strings.Repeat("b", 40), strings.Repeat("c", 40)}

// likely is what most runs and artifacts of a world are like, each in per cent.
type likely struct {
	rare, branchy, failing, forks, long int
	pulls                               int  // runs of the event pull_request
	few                                 bool // there is but one name
	lib                                 bool // some runs are of another repository
	step                                time.Duration
}

func (r random) world() *world {
	w := &world{
		perPage: 1 + r.IntN(8), most: 1000, blind: r.chance(5), noFilters: r.chance(5), noNames: r.chance(5), pathless: r.chance(5),
		branches: []string{"main", "dev"}, commits: map[string]string{"tags/v1": shas[0], shas[1][:8]: shas[1]},
		workflows: []artifact.Workflow{workflow(7, "CI", "ci.yml"), workflow(8, "Other", "other.yml")},
		pulls:     []artifact.PullRequest{{Number: 1, RepoID: 1, HeadSHA: shas[2], HeadBranch: pickOne(r, "main", "dev"), HeadRepoID: pickOne[int64](r, 1, 1, 666, 0)}},
	}
	// In a third of the worlds few runs hold "a", and often by another attempt
	// long after they were created.
	l := likely{
		rare: r.IntN(101), branchy: r.IntN(101), failing: r.IntN(101), forks: pickOne(r, 15, 15, 60), pulls: pickOne(r, 0, 0, 40), few: r.chance(33), lib: r.chance(15),
		step: pickOne(r, time.Minute, 10*time.Minute, time.Hour),
	}
	if r.chance(30) {
		l.long = 20
	}
	if l.few {
		l.rare, l.long = 1+r.IntN(30), r.IntN(60)
	}
	if l.step > time.Minute && r.chance(30) {
		// Not so few that all of them may be of the same minute.
		w.most = w.perPage * (1 + 15/w.perPage + r.IntN(2))
	}
	at, ids, numbers := epoch, r.Perm(200), map[string]int{}
	for i := range r.IntN(60) {
		at = at.Add(time.Duration(r.IntN(3)) * l.step) // often at the same time
		run := r.run(l, at)
		run.ID = int64(1 + ids[i])
		if r.chance(5) {
			w.gone = append(w.gone, run.ID)
		}
		numbers[run.Repo.Name+run.WorkflowPath] += 1 + r.IntN(5)/4 // a few were deleted
		run.Number = numbers[run.Repo.Name+run.WorkflowPath]
		w.runs = append(w.runs, run)
		made := r.artifacts(l, run)
		w.runs[len(w.runs)-1].UpdatedAt = r.ended(run, made)
		w.runs[len(w.runs)-1].Attempt = attempt(run, made)
		w.artifacts = append(w.artifacts, made...)
	}
	r.order(w)
	if r.chance(5) && w.mixArtifacts == nil { // without times no page can tell that there is no order
		for i := range w.artifacts {
			if r.chance(20) {
				w.artifacts[i].CreatedAt = time.Time{}
			}
		}
	}
	if r.chance(5) && w.mixRuns == nil {
		// A list that is cut off cannot be taken up again by time.
		w.most, w.untimed = 1000, true
		share := pickOne(r, 20, 100)
		for i := range w.runs {
			if r.chance(share) {
				w.runs[i].CreatedAt, w.runs[i].UpdatedAt = time.Time{}, time.Time{}
			}
		}
	}
	return w
}

func (r random) run(l likely, at time.Time) artifact.Run {
	run := artifact.Run{
		Repo: app, RepoID: 1, HeadRepo: "octo/app", HeadRepoID: 1, Event: "push", Actor: "octocat", WorkflowID: 7,
		WorkflowPath: ".github/workflows/ci.yml", Status: "completed", Conclusion: "success", HeadBranch: "main", CreatedAt: at,
		HeadSHA: pickOne(r, shas...),
	}
	if l.lib && r.chance(40) {
		run.Repo, run.RepoID, run.HeadRepo, run.HeadRepoID = lib, 2, "octo/lib", 2
	}
	if r.chance(l.branchy) {
		run.HeadBranch = pickOne(r, "main", "dev", "rare/branch")
	}
	if r.chance(l.failing) {
		run.Conclusion = pickOne(r, "failure", "cancelled", "success")
	}
	if r.chance(10) {
		run.Event, run.Actor = "schedule", "robot"
	}
	if r.chance(10) {
		run.Status, run.Conclusion = "in_progress", ""
	}
	if r.chance(30) {
		run.WorkflowID, run.WorkflowPath = 8, ".github/workflows/other.yml"
	}
	if r.chance(l.forks) {
		pickOne(r, fork, fork, deleted, headless, func(run *artifact.Run) { run.RepoID = 0 })(&run)
	}
	if r.chance(l.pulls) {
		run.Event = "pull_request"
	}
	return run
}

func (r random) artifacts(l likely, run artifact.Run) []artifact.Artifact {
	var list []artifact.Artifact
	made := run.CreatedAt
	for range r.IntN(4) {
		made = made.Add(time.Duration(r.IntN(90)) * time.Second) // often at the same time, too
		if r.chance(l.long) {
			made = made.Add(time.Duration(r.IntN(20)) * l.step) // another attempt
		}
		name := pickOne(r, "a", "b", "c", "d", "other")
		if l.few {
			name = "a"
		}
		if name != "a" || r.chance(l.rare) {
			ref := &artifact.RunRef{ID: run.ID, RepoID: run.RepoID, HeadRepoID: run.HeadRepoID, HeadRepoDeleted: run.HeadRepoDeleted, HeadBranch: run.HeadBranch, HeadSHA: run.HeadSHA}
			list = append(list, artifact.Artifact{ID: 1000 + int64(r.IntN(1<<30)), Repo: run.Repo, Name: name, Run: ref, CreatedAt: made, Expired: r.chance(10)})
		}
	}
	return list
}

// attempt is the number of a run's last attempt, of which each makes only one artifact of a
// name. For some runs the server does not tell.
func attempt(run artifact.Run, made []artifact.Artifact) int {
	if run.ID%4 == 0 {
		return 0
	}
	of := map[string]int{"": 1}
	for _, a := range made {
		of[a.Name]++
	}
	return slices.Max(slices.Collect(maps.Values(of)))
}

// ended is when a run ended: after what it made.
func (r random) ended(run artifact.Run, made []artifact.Artifact) time.Time {
	at := run.CreatedAt
	for _, a := range made {
		if a.CreatedAt.After(at) {
			at = a.CreatedAt
		}
	}
	return at.Add(time.Duration(r.IntN(300)) * time.Second)
}

// order sets the order in which the server lists things: newest first, nearly so, or
// none. No search can see through a list whose first pages are in order while the
// newest item is further down, short of reading all of it. So where there is no order,
// the first page always shows that.
func (r random) order(w *world) {
	runAt := func(v artifact.Run) time.Time { return v.CreatedAt }
	artifactAt := func(v artifact.Artifact) time.Time { return v.CreatedAt }
	w.runs = newestFirst(r, w.runs, runAt, runSlack, r.chance(20))
	w.artifacts = newestFirst(r, w.artifacts, artifactAt, artifactSlack, r.chance(20))
	seed := r.Uint64()
	if r.chance(15) {
		// What is missing from a list that has no order and is cut off cannot be told.
		w.most = 1000
		w.mixRuns = func(list []artifact.Run, perPage int) []artifact.Run {
			return jumble(seed, list, perPage, runAt, runSlack)
		}
	}
	if r.chance(15) {
		w.mixArtifacts = func(list []artifact.Artifact, perPage int) []artifact.Artifact {
			return jumble(seed, list, perPage, artifactAt, artifactSlack)
		}
	}
}

// newestFirst sorts a list. If loosely is set, items within slack of each other are
// in any order.
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

// jumble shuffles a list so that the first page shows that it has no order, if that
// is possible.
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

func (r random) request(w *world) Request {
	req := Request{Repos: []artifact.Repo{app}, Own: app, OwnID: 1, Runs: 1 + r.IntN(3), SearchLimit: 10000, Conclusions: ok, AllowForks: r.chance(20)}
	if r.chance(10) {
		req.Repos = []artifact.Repo{lib, app}
	}
	switch r.IntN(6) {
	case 0:
	case 1:
		req.Select.Patterns = []string{pickOne(r, "a*", "[bc]", "!other", "x*")}
	case 2:
		req.Select.Names = []string{"a", "b", "c", "d"}[:1+r.IntN(4)]
	default:
		req.Select.Names = []string{pickOne(r, "a", "a", "b", "nope")}
	}
	if r.chance(20) && len(req.Repos) == 1 && !w.untimed {
		req.SearchLimit = 1 + r.IntN(50)
	}
	if r.chance(50) {
		req.CurrentWorkflow = "ci.yml"
	}
	if r.chance(20) {
		req.Workflow = pickOne(r, "ci.yml", ".github/workflows/other.yml", "8", "CI", "*")
	}
	if r.chance(20) {
		req.Events = pickOne(r, []string{"push"}, []string{"schedule"}, []string{"push", "schedule"})
	}
	if r.chance(10) {
		req.Actor = pickOne(r, "robot", "Robot")
	}
	if r.chance(20) {
		req.RunNumber = r.IntN(40)
	}
	if r.chance(10) {
		req.MaxAge = time.Duration(60+r.IntN(2000)) * time.Minute
	}
	r.aim(&req)
	switch r.IntN(6) {
	case 0:
		req.Conclusions = nil
	case 1:
		req.Conclusions = []string{"failure", "cancelled"}
	case 2:
		req.Conclusions = []string{pickOne(r, "in_progress", "failure")}
	}
	if len(w.runs) > 0 && r.chance(20) {
		req.CurrentRun = w.runs[r.IntN(len(w.runs))].ID
	}
	if r.chance(10) {
		req.Gone = map[int64]bool{}
		for _, a := range w.artifacts {
			if r.chance(20) {
				req.Gone[a.ID] = true
			}
		}
	}
	return req
}

// aim sets the branch or commit of a request.
func (r random) aim(req *Request) {
	if r.chance(40) {
		req.Branches = pickOne(r, []string{"main"}, []string{"rare/branch", "main"}, []string{"dev", "rare/branch"})
	} else if r.chance(20) {
		req.Ref = pickOne(r, "main", "refs/heads/rare/branch", "v1", "refs/tags/v1", shas[1][:8], shas[0])
	}
	if r.chance(15) {
		req.Commit = pickOne(r, shas[0], shas[1], shas[1][:8], "v1")
	}
	if r.chance(15) && len(req.Repos) == 1 {
		req.PR = 1
	}
}
