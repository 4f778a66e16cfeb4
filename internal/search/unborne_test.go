package search

import (
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// drawUnborne makes a world where lists of artifacts cannot bear out the list of all runs, because
// they do not name runs, are in no order, or are empty. Often the list of all runs lacks the newest
// runs.
func drawUnborne(seed uint64) (*world, Request) {
	r, more := stream(seed, 7), stream(seed, 14)
	w := r.world()
	if more.chance(50) {
		more.crowd(w)
	}
	draw := func(w *world) Request { return more.conditions(w, more.request(w)) }
	req := draw(w)
	if w.untimed || w.noFilters || len(w.runs) == 0 {
		return w, req
	}
	last := slices.MaxFunc(w.runs, func(a, b artifact.Run) int { return a.UpdatedAt.Compare(b.UpdatedAt) }).UpdatedAt
	if w.now().Before(last) {
		w.clock = last.Add(time.Duration(more.IntN(60)) * time.Minute)
	}
	req = more.answered(w, req, draw)
	switch more.IntN(3) {
	case 0:
		w.blind = true
	case 1:
		more.jumbleArtifacts(w)
	default:
		req = more.silence(w, req)
	}
	if more.chance(70) {
		more.hideNewest(w, req)
	}
	kinds := []func(*world, Request){more.lag, more.reorderRuns, more.shift}
	if len(w.lies.silent) > 0 {
		kinds = kinds[:2] // which runs the explanation asks is to be certain
	}
	for _, kind := range kinds {
		if more.chance(15) {
			kind(w, req)
		}
	}
	return w, req
}

// jumbleArtifacts makes lists of artifacts be in no order, or oldest first.
func (r random) jumbleArtifacts(w *world) {
	at := func(a artifact.Artifact) time.Time { return a.CreatedAt }
	seed, turned := r.Uint64(), r.chance(50)
	w.mixArtifacts = func(list []artifact.Artifact, perPage int) []artifact.Artifact {
		if turned {
			return oldestFirst(list, perPage, at)
		}
		return jumble(seed, list, perPage, at, artifactSlack)
	}
}

// silence makes lists of the repository's artifacts be empty. It returns the request with no more
// than one branch, and without a pull request, so that there is a single filter.
func (r random) silence(w *world, req Request) Request {
	req.PR, req.Branches = 0, req.Branches[:min(len(req.Branches), 1)]
	names := req.Select.Names
	if len(names) == 0 {
		names = []string{""}
	}
	w.lies.silent = map[string]bool{pickOne(r, names...): true}
	for _, name := range names {
		if r.chance(70) {
			w.lies.silent[name] = true
		}
	}
	w.lies.tell("lists of artifacts are empty: %v", w.lies.silent)
	return req
}

// hideNewest makes the list of all runs lack up to three of the newest runs.
func (r random) hideNewest(w *world, req Request) {
	newest := slices.SortedFunc(slices.Values(w.runs), artifact.CompareRuns)
	n := min(1+r.IntN(3), len(newest))
	for _, h := range w.fits(req, app, nil) { // so that it matters, if that is possible
		if i := slices.IndexFunc(newest[:min(3, len(newest))], func(run artifact.Run) bool { return run.ID == h.run.ID }); i >= n {
			n = i + 1
			break
		}
	}
	hidden := map[int64]bool{}
	for _, run := range newest[:n] {
		hidden[run.ID] = true
	}
	w.lies.hidden["nothing"] = hidden
	w.lies.tell("the list of all runs lacks the newest %d", len(hidden))
}

// reorderRuns lists runs in no order, where the first page shows it.
func (r random) reorderRuns(w *world, _ Request) {
	if w.mixRuns != nil {
		return
	}
	w.most = 1000
	seed := r.Uint64()
	w.mixRuns = func(list []artifact.Run, perPage int) []artifact.Run {
		return jumble(seed, list, perPage, func(v artifact.Run) time.Time { return v.CreatedAt }, runSlack)
	}
}
