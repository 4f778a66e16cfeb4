package search

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// lies are what a world's server says that is not so. The world itself stays true.
type lies struct {
	// hidden has, by the parameter that narrows a list of runs, the runs that the list
	// lacks: "status", "branch", "event", "actor", "head_sha", "created", "workflow" and
	// "nothing". empty has the parameters whose lists are empty.
	hidden map[string]map[int64]bool
	empty  map[string]bool
	// late are the runs whose artifacts the repository's lists lack.
	late map[int64]bool
	// shown are artifacts of these runs that the lists have all the same.
	shown map[int64]bool
	// lost are the runs that are listed, but cannot be asked for by their id, and
	// emptied those whose own list of artifacts cannot.
	lost, emptied map[int64]bool
	// silent are the names whose lists of the repository's artifacts are empty; "" stands for
	// the list of all artifacts.
	silent map[string]bool
	// unowned are artifacts that their runs' own lists lack.
	unowned map[int64]bool
	// refused are artifacts that are listed, but cannot be asked for by their id.
	refused map[int64]bool
	// expired makes what is lost answer 410 instead of 404.
	expired bool
	// unnamed makes workflows unknown by their file name.
	unnamed bool
	// outOfPlace is the run that is out of its place in lists of runs, and runFarOff is
	// the same if that is two pages or more further down than it should be. farOff is the
	// run whose artifact is that far off.
	outOfPlace, runFarOff, farOff int64
	// ahead is the run that is more than a page further up than it should be.
	ahead  int64
	shifts []*shift
	// words tell a person of the lies.
	words []string
}

// parameters are the names of what narrows a list of runs.
func parameters(q RunQuery) []string {
	var list []string
	for _, p := range []struct{ name, value string }{
		{"status", q.Status}, {"branch", q.Branch}, {"event", q.Event}, {"actor", q.Actor}, {"head_sha", q.HeadSHA}, {"workflow", q.Workflow},
	} {
		if p.value != "" {
			list = append(list, p.name)
		}
	}
	if !q.Until.IsZero() {
		list = append(list, "created")
	}
	if len(list) == 0 {
		list = []string{"nothing"}
	}
	return list
}

// hides reports whether a list that these parameters narrow lacks a run.
func (l *lies) hides(parameters []string, run int64) bool {
	return slices.ContainsFunc(parameters, func(p string) bool { return l.empty[p] || l.hidden[p][run] })
}

// single reports whether a list that these parameters narrow lacks a run, but not all.
func (l *lies) single(parameters []string, run int64) bool {
	return slices.ContainsFunc(parameters, func(p string) bool { return l.hidden[p][run] })
}

// vanished is the error for what is lost.
func (l *lies) vanished(format string, args ...any) error {
	err := artifact.ErrNotFound
	if l.expired {
		err = artifact.ErrExpired
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

func (l *lies) tell(format string, args ...any) {
	l.words = append(l.words, fmt.Sprintf(format, args...))
}

// lie draws the lies of a world, so that they matter to the request that it returns: the
// first one drawn, or one that has an answer. Half of the worlds are truthful, and in half of
// the others there is one lie alone.
func (r random) lie(w *world, draw func(*world) Request) Request {
	req := draw(w)
	if r.chance(50) || w.untimed || w.noFilters {
		return req
	}
	req = r.answered(w, req, draw)
	kinds := []func(*world, Request){
		r.lag, r.lag, r.lag, r.lag, r.lag, r.lateArtifacts, r.lateArtifacts, r.lateUnnamed, r.vanish, r.nameless, r.reorder, r.displace, r.displace, r.shift, r.shift,
	}
	if alone := r.IntN(2*len(kinds) + 2); alone < len(kinds) {
		kinds[alone](w, req)
	} else if alone < 2*len(kinds) {
		for _, kind := range kinds {
			if r.chance(15) {
				kind(w, req)
			}
		}
	}
	if len(w.lies.words) == 0 || r.chance(10) {
		req.Repos = r.rename(w, req.Repos)
	}
	return req
}

// answered returns the request, or another one that has an answer, in a world that is about
// to lie.
func (r random) answered(w *world, req Request, draw func(*world) Request) Request {
	for range 8 {
		if len(w.fits(req, app, nil)) > 0 {
			break
		}
		req = draw(w)
	}
	req.SearchLimit = 10000 // what the limit keeps from being seen is another matter
	w.lies = lies{hidden: map[string]map[int64]bool{}, empty: map[string]bool{}, late: map[int64]bool{}, shown: map[int64]bool{}, lost: map[int64]bool{}, emptied: map[int64]bool{}}
	return req
}

// former is a former name of app.
var former = artifact.Repo{Owner: "octo", Name: "former"}

// current is the repository of a name.
func current(repo artifact.Repo) artifact.Repo {
	if repo == former {
		return app
	}
	return repo
}

// rename returns repositories with app by its former name, if its runs tell its id.
func (r random) rename(w *world, repos []artifact.Repo) []artifact.Repo {
	if len(w.lies.hidden["nothing"]) > 0 || slices.ContainsFunc(w.runs, func(v artifact.Run) bool { return v.RepoID == 0 }) {
		return repos
	}
	w.lies.tell("octo/app is asked for by its former name, octo/former")
	repos = slices.Clone(repos)
	for i := range repos {
		if repos[i] == app {
			repos[i] = former
		}
	}
	return repos
}

// targets are runs that it hurts to lose, or any.
func (r random) targets(w *world, req Request) []artifact.Run {
	var fits []artifact.Run
	for _, h := range w.fits(req, app, nil) {
		fits = append(fits, h.run)
	}
	switch {
	case len(fits) > 0 && r.chance(80):
		return fits[:1+r.IntN(min(len(fits), 3))]
	case len(w.runs) > 0:
		return []artifact.Run{w.runs[r.IntN(len(w.runs))]}
	}
	return nil
}

// lag makes lists lack runs that a parameter narrows, preferably one that the request
// leads to.
func (r random) lag(w *world, req Request) {
	used := w.narrowing(req)
	if r.chance(20) {
		used = []string{"status", "branch", "event", "actor", "head_sha", "created", "workflow", "nothing"}
	}
	for range 1 + r.IntN(2) {
		p := used[r.IntN(len(used))]
		if r.chance(20) && p != "nothing" {
			w.lies.empty[p] = true
			w.lies.tell("lists narrowed by %s are empty", p)
			continue
		}
		hidden := r.targets(w, req)
		if r.chance(30) || p == "nothing" { // all since a time
			newest := slices.SortedFunc(slices.Values(w.runs), artifact.CompareRuns)
			n := len(newest)
			if p == "nothing" {
				n = min(n, 2) // it lacks what was just created
			}
			hidden = newest[:min(n, 1+r.IntN(n+1))]
		}
		if w.lies.hidden[p] == nil {
			w.lies.hidden[p] = map[int64]bool{}
		}
		for _, run := range hidden {
			w.lies.hidden[p][run.ID] = true
		}
		w.lies.tell("lists narrowed by %s lack %d runs: %v", p, len(w.lies.hidden[p]), slices.Sorted(maps.Keys(w.lies.hidden[p])))
	}
}

// narrowing are the parameters that a search for the request may use.
func (w *world) narrowing(req Request) []string {
	q := RunQuery{Workflow: req.Workflow, Actor: req.Actor, Branch: strings.Join(req.Branches, ""), HeadSHA: req.Commit, Event: strings.Join(req.Events, "")}
	switch req.Workflow {
	case "":
		q.Workflow = req.CurrentWorkflow
	case AnyWorkflow:
		q.Workflow = ""
	}
	list := append(parameters(q), "created")
	if req.Ref != "" || req.PR != 0 {
		list = append(list, "branch", "head_sha")
	}
	if len(req.Conclusions) > 0 {
		list = append(list, "status")
	}
	return list
}

// nameless makes workflows unknown by their file name.
func (r random) nameless(w *world, _ Request) {
	w.lies.unnamed = true
	w.lies.tell("workflows are unknown by their file name")
}

// lateArtifacts makes the repository's lists lack the artifacts of runs that ended
// within the last ten minutes. If none did, time goes back.
func (r random) lateArtifacts(w *world, req Request) {
	if runs := r.targets(w, req); len(runs) > 0 {
		r.endLate(w, runs)
	}
}

// endLate makes runs end within the last ten minutes, and the repository's lists lack their
// artifacts.
func (r random) endLate(w *world, runs []artifact.Run) {
	// Time passes until the last change of any run, and a bit.
	last := epoch
	for _, run := range w.runs {
		if run.UpdatedAt.After(last) {
			last = run.UpdatedAt
		}
	}
	w.clock = last.Add(time.Duration(r.IntN(8)) * time.Minute)
	for i, run := range w.runs {
		if slices.ContainsFunc(runs, func(o artifact.Run) bool { return o.ID == run.ID }) && run.Status == artifact.Completed {
			// It took that long.
			w.runs[i].UpdatedAt = w.clock.Add(-time.Duration(1+r.IntN(500)) * time.Second)
			w.lies.late[run.ID] = true
			w.lies.tell("lists of artifacts lack those of run %d, which has just ended", run.ID)
			if r.chance(40) {
				r.showPart(w, run)
			}
		}
	}
}

// showPart makes the repository's lists have some artifacts of a run that they lack.
func (r random) showPart(w *world, run artifact.Run) {
	for _, a := range w.artifacts {
		if a.Run != nil && a.Run.ID == run.ID && r.chance(50) {
			w.lies.shown[a.ID] = true
			w.lies.tell("but they have artifact %d", a.ID)
		}
	}
}

// lateUnnamed makes the repository's lists lack the artifacts of the newest run that
// meets the conditions of a request without names, whenever it ended.
func (r random) lateUnnamed(w *world, req Request) {
	if fits := w.fits(req, app, nil); len(req.Select.Names) == 0 && len(fits) > 0 && fits[0].run.ID == w.newest(req) {
		w.lies.late[fits[0].run.ID] = true
		w.lies.tell("lists of artifacts lack those of run %d, the newest that meets the conditions", fits[0].run.ID)
	}
}

// newest is the newest run that meets the conditions, whatever it holds.
func (w *world) newest(req Request) int64 {
	if list := w.meeting(req); len(list) > 0 {
		return list[0].run.ID
	}
	return 0
}

// meeting are the runs that meet the conditions, whatever they hold, newest first.
func (w *world) meeting(req Request) []held {
	all := req
	all.Select, all.Gone, all.Waiting = artifact.Selector{}, nil, req.Waiting && len(req.Select.Names) == 0
	holding := &world{runs: w.runs, gone: w.gone, pulls: w.pulls, commits: w.commits, clock: w.now()}
	for _, run := range w.runs {
		holding.artifacts = append(holding.artifacts, artifact.Artifact{ID: run.ID, Name: "x", Run: &artifact.RunRef{ID: run.ID}})
	}
	return holding.fits(all, app, nil)
}

// vanish makes a run, or its list of artifacts, vanish between two requests.
func (r random) vanish(w *world, req Request) {
	w.lies.expired = r.chance(50)
	for _, run := range r.targets(w, req) {
		if r.chance(50) {
			w.lies.lost[run.ID] = true
			w.lies.tell("run %d is listed, but gone", run.ID)
		} else {
			w.lies.emptied[run.ID] = true
			w.lies.tell("the artifacts of run %d are listed, but its own list is gone", run.ID)
		}
	}
}

// reorder lists artifacts or runs oldest first, where the first page shows it.
func (r random) reorder(w *world, _ Request) {
	if r.chance(50) && w.mixArtifacts == nil {
		w.mixArtifacts = func(list []artifact.Artifact, perPage int) []artifact.Artifact {
			return oldestFirst(list, perPage, func(a artifact.Artifact) time.Time { return a.CreatedAt })
		}
		w.lies.tell("artifacts are listed oldest first")
	} else if w.mixRuns == nil {
		w.most = 1000
		w.mixRuns = func(list []artifact.Run, perPage int) []artifact.Run {
			return oldestFirst(list, perPage, func(v artifact.Run) time.Time { return v.CreatedAt })
		}
		w.lies.tell("runs are listed oldest first")
	}
}

// oldestFirst turns a list round, unless its first page would not show that.
func oldestFirst[T any](list []T, perPage int, at func(T) time.Time) []T {
	turned := slices.Clone(list)
	slices.SortStableFunc(turned, func(a, b T) int { return at(a).Compare(at(b)) })
	if n := min(perPage, len(turned)); n == len(turned) || at(turned[0]).Before(at(turned[n-1])) {
		return turned
	}
	return list
}

// displace moves a single artifact, or run, to another place in each list.
func (r random) displace(w *world, req Request) {
	runs := r.targets(w, req)
	if len(runs) == 0 {
		return
	}
	id, place := runs[0].ID, r.IntN(3*w.perPage)
	if r.chance(50) && w.mixArtifacts == nil {
		w.mixArtifacts = func(list []artifact.Artifact, _ int) []artifact.Artifact {
			return displaced(list, place, func(a artifact.Artifact) bool { return a.Run != nil && a.Run.ID == id })
		}
		if place >= 2*w.perPage {
			w.lies.farOff = id
		}
		w.lies.tell("an artifact of run %d is at place %d", id, place)
	} else if w.mixRuns == nil {
		w.most = 1000
		w.mixRuns = func(list []artifact.Run, _ int) []artifact.Run {
			return displaced(list, place, func(v artifact.Run) bool { return v.ID == id })
		}
		w.lies.outOfPlace = id
		if place >= 2*w.perPage {
			w.lies.runFarOff = id
		}
		if place+w.perPage < slices.IndexFunc(w.runs, func(v artifact.Run) bool { return v.ID == id }) {
			w.lies.ahead = id
		}
		w.lies.tell("run %d is at place %d", id, place)
	}
}

// displaced returns a list with the first item that is meant at a place further down.
func displaced[T any](list []T, place int, meant func(T) bool) []T {
	i := slices.IndexFunc(list, meant)
	if i < 0 || place >= len(list) {
		return list
	}
	v := list[i]
	list = slices.Delete(slices.Clone(list), i, i+1)
	return slices.Insert(list, place, v)
}
