package search

import (
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// drawCrowded makes a world in which runs and artifacts are more alike than elsewhere, and a
// request with conditions that are drawn seldom otherwise. The current run may be looked at
// first.
func drawCrowded(seed uint64) (*world, Request) {
	r, more := stream(seed, 7), stream(seed, 11)
	w := r.world()
	more.crowd(w)
	req := more.lie(w, func(w *world) Request { return more.conditions(w, more.request(w)) })
	if more.chance(30) && !slices.Contains(req.Repos, former) {
		req.Repos = more.rename(w, req.Repos)
	}
	// What a shift deletes may be of interest then, and what is read by a former name is dropped.
	if more.chance(10) && !w.blind && len(w.lies.shifts) == 0 && !slices.Contains(req.Repos, former) {
		more.disown(w, req)
	}
	return w, req
}

// crowd makes a world's runs and artifacts more alike.
func (r random) crowd(w *world) {
	if r.chance(30) && !w.untimed {
		r.storm(w)
	}
	if r.chance(30) && !w.untimed && !slices.ContainsFunc(w.artifacts, func(a artifact.Artifact) bool { return a.CreatedAt.IsZero() }) {
		r.again(w)
	}
	if r.chance(20) {
		for i := range w.artifacts {
			w.artifacts[i].Expired = w.artifacts[i].Expired || r.chance(40)
		}
	}
	p := &w.pulls[0]
	p.HeadSHA, p.HeadBranch, p.HeadRepoID = pickOne(r, shas...), pickOne(r, "main", "dev", "rare/branch"), pickOne[int64](r, 1, 1, 666, 0)
}

// disown makes runs' own lists lack artifacts that the repository's lists have.
func (r random) disown(w *world, req Request) {
	runs := []int64{req.CurrentRun}
	for _, run := range r.targets(w, req) {
		runs = append(runs, run.ID)
	}
	w.lies.unowned = map[int64]bool{}
	for _, a := range w.artifacts {
		if slices.Contains(runs, a.Run.ID) && !w.lies.late[a.Run.ID] && r.chance(80) {
			w.lies.unowned[a.ID] = true
			w.lies.tell("the own list of run %d lacks artifact %d", a.Run.ID, a.ID)
		}
	}
}

// storm makes runs that follow each other be of one second, as where a workflow is
// dispatched again and again.
func (r random) storm(w *world) {
	for from := 0; from < len(w.runs); {
		to := min(from+1+r.IntN(8), len(w.runs))
		at := slices.MaxFunc(w.runs[from:to], artifact.CompareRuns).CreatedAt
		for i := range w.runs[from:to] {
			w.runs[from+i].CreatedAt = at
		}
		from = to
	}
}

// again makes runs have another attempt, which made artifacts of the same names.
func (r random) again(w *world) {
	var made []artifact.Artifact
	for i := range w.runs {
		run := &w.runs[i]
		at := minTime(run.UpdatedAt.Add(time.Duration(r.IntN(30))*time.Minute), w.now())
		if !r.chance(25) || at.Before(run.UpdatedAt) {
			continue
		}
		for _, a := range w.artifacts {
			if a.Run.ID == run.ID && r.chance(70) {
				a.ID, a.CreatedAt, a.Expired = 1000+int64(r.IntN(1<<30)), at, r.chance(20)
				made = append(made, a)
			}
		}
		run.UpdatedAt = at
		if run.Attempt > 0 {
			run.Attempt++
		}
	}
	w.artifacts = append(made, w.artifacts...)
	slices.SortStableFunc(w.artifacts, func(a, b artifact.Artifact) int { return b.CreatedAt.Compare(a.CreatedAt) })
}

// conditions returns the request with some conditions that request draws seldom.
func (r random) conditions(w *world, req Request) Request {
	if r.chance(30) {
		req.Events = pickOne(r, []string{"push", "pull_request"}, []string{"schedule", "pull_request"}, []string{"a", "b", "schedule", "pull_request", "push"})
	}
	if r.chance(20) {
		req.Conclusions = pickOne(r, []string{"success", "failure"}, []string{"cancelled", "in_progress"}, []string{"success", "in_progress"})
	}
	if r.chance(20) && len(req.Repos) == 1 {
		req.PR = 1
	}
	var own []int64
	for _, run := range w.runs {
		if run.Repo == app {
			own = append(own, run.ID)
		}
	}
	if len(own) == 0 || !slices.Contains(req.Repos, app) || !r.chance(50) {
		return req
	}
	req.CurrentRun, req.SearchLimit = pickOne(r, own...), 10000
	req.CurrentFirst = r.chance(50)
	req.AskCurrent = r.chance(50)
	return req
}

// currentRun is the current run if it can be taken by itself.
func (w *world) currentRun(req Request) []held {
	for _, run := range w.runs {
		if artifacts := w.holds(req, run); run.ID == req.CurrentRun && run.Repo == app && len(artifacts) > 0 && w.exists(run.ID) && !w.lies.emptied[run.ID] {
			return []held{{run, artifacts}}
		}
	}
	return nil
}

// exists reports whether the server has a run by its id.
func (w *world) exists(run int64) bool { return !slices.Contains(w.gone, run) && !w.lies.lost[run] }
