package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// judge returns what is wrong with an outcome, or "".
func (w *world) judge(req Request, plan *Plan, nf *NotFoundError) string {
	got := "nothing"
	if nf == nil {
		got = describe(plan, nil)
	}
	want := w.want(req, nil)
	same := func(a, b string) bool {
		if w.lies.farOff != 0 { // an artifact of a run may be missing
			_, a, _ = strings.Cut(a, "|")
			_, b, _ = strings.Cut(b, "|")
		}
		return a == b
	}
	if why := w.judgeHint(req, plan); nf == nil && why != "" {
		return why
	}
	excused := w.excused(req, plan, nf)
	if same(got, want) || same(got, w.want(req, excused)) || same(got, w.visible().want(req, excused)) || len(req.Repos) == 1 && w.limited(req, plan, nf, w.fits(req, app, nil)) {
		return ""
	}
	return fmt.Sprintf("got %s, want %s; doubts: %s", got, want, DoubtsInWords(doubts(plan, nf)))
}

// visible returns the world without the artifacts that nothing true shows: the run's own list
// lacks them, and no answer had them; or lists have only others of the same run, and its own
// list is gone, or the run ended so long ago that lists should have them.
func (w *world) visible() *world {
	seen := &world{runs: w.runs, gone: w.gone, pulls: w.pulls, commits: w.commits, clock: w.now(), lies: w.lies}
	for _, a := range w.artifacts {
		i := slices.IndexFunc(w.runs, func(r artifact.Run) bool { return r.ID == a.Run.ID })
		part := slices.ContainsFunc(w.artifacts, func(b artifact.Artifact) bool { return b.Run.ID == a.Run.ID && w.lies.shown[b.ID] })
		if w.lies.unowned[a.ID] && !w.toldArtifacts[a.ID] {
			continue
		}
		if !part || w.lies.shown[a.ID] || !w.lies.emptied[a.Run.ID] && w.now().Sub(w.runs[i].UpdatedAt) < lagging {
			seen.artifacts = append(seen.artifacts, a)
		}
	}
	return seen
}

// judgeHint returns what is wrong with the hint that the current run, too, has what was taken
// from another one, or "".
func (w *world) judgeHint(req Request, plan *Plan) string {
	if !req.AskCurrent || req.CurrentFirst || w.lies.emptied[req.CurrentRun] {
		return ""
	}
	if slices.ContainsFunc(w.artifactsOf(req.CurrentRun), func(a artifact.Artifact) bool { return w.lies.unowned[a.ID] }) {
		return ""
	}
	has := slices.ContainsFunc(w.runs, func(r artifact.Run) bool {
		return r.ID == req.CurrentRun && r.Repo == app && len(w.holds(req, r)) > 0
	})
	if plan.InCurrent != has {
		return fmt.Sprintf("the hint that the current run has it, too, is %v, want %v", plan.InCurrent, has)
	}
	return ""
}

// want is the right outcome if it were not for some runs.
func (w *world) want(req Request, without map[int64]bool) string {
	var all []held
	for _, repo := range req.Repos {
		var fits []held
		if req.CurrentFirst && current(repo) == app {
			fits = w.currentRun(req)
		}
		fits = append(fits, w.fits(req, repo, without)...)
		if len(fits) == 0 {
			return "nothing"
		}
		all = append(all, fits[:min(len(fits), req.Runs)]...)
	}
	return text(all)
}

// doubts are what an outcome leaves open.
func doubts(plan *Plan, nf *NotFoundError) []Doubt {
	if nf != nil {
		return nf.Doubts
	}
	return plan.Doubts
}

// doubted reports whether an outcome says that the run may have been missed.
func doubted(r artifact.Run, doubts []Doubt) bool {
	return slices.ContainsFunc(doubts, func(d Doubt) bool {
		if d.Run.ID != 0 {
			return d.Run.ID == r.ID
		}
		return !r.CreatedAt.Before(d.Since) && (d.Until.IsZero() || !r.CreatedAt.After(d.Until))
	})
}

// excused are the runs that an outcome may lack: those that nothing true showed, those
// that vanish, and, if the outcome is doubted, those that a lie hides and no answer had.
func (w *world) excused(req Request, plan *Plan, nf *NotFoundError) map[int64]bool {
	list := map[int64]bool{}
	if len(w.lies.words) == 0 {
		return list
	}
	for _, r := range w.runs {
		taken := nf == nil && slices.ContainsFunc(plan.Runs, func(t artifact.Run) bool { return t.ID == r.ID })
		vanishes := w.lies.lost[r.ID] || w.lies.emptied[r.ID]
		// A fresh list may still lack single runs, which only many pages tell.
		single := !w.told(req, r) && w.lies.single(w.narrowing(req), r.ID) &&
			(nf == nil && len(plan.Runs) == req.Runs || len(w.artifacts) > maxRest*w.perPage)
		// So many candidates are looked up, besides a list of failed runs, and so many runs that just
		// ended are asked. Doubts name the others.
		spent := slices.ContainsFunc(doubts(plan, nf), func(d Doubt) bool { return d.Run.ID == r.ID }) && (w.lookedUp() >= maxChecks-1 || w.askedOwn() >= maxLate)
		if !taken && (single || vanishes || spent || !w.knowable(req, r) || doubted(r, doubts(plan, nf)) && (!w.told(req, r) || len(w.lies.silent) > 0)) {
			list[r.ID] = true
		}
	}
	return list
}

// lookedUp is how many runs were asked for by their ids.
func (w *world) lookedUp() int {
	n := 0
	for _, call := range w.calls {
		if strings.HasPrefix(call, "run ") {
			n++
		}
	}
	return n
}

// askedOwn is how many times runs were asked for their own artifacts.
func (w *world) askedOwn() int {
	n := 0
	for _, call := range w.calls {
		if strings.HasPrefix(call, "artifacts ") && !strings.HasPrefix(call, "artifacts 0 ") {
			n++
		}
	}
	return n
}

// told reports whether an answer had the run, or an artifact of it that is asked for and
// names it.
func (w *world) told(req Request, r artifact.Run) bool {
	return w.toldRuns[r.ID] || slices.ContainsFunc(w.holds(req, r), func(a artifact.Artifact) bool { return w.toldArtifacts[a.ID] })
}

// knowable reports whether what is true of the server's answers shows a run and what it
// holds: of those that were given, and those that a search always has to ask for, which are
// the list of artifacts, the list that the request narrows, and the first page of the list
// that nothing narrows.
func (w *world) knowable(req Request, r artifact.Run) bool {
	// What was created since may have moved a run from the first page before that was read.
	top := w.top[r.ID] && !slices.Contains(w.calls, "runs")
	met := w.told(req, r) || top
	listed := !w.lies.hides(w.narrowing(req), r.ID) && w.lies.outOfPlace != r.ID
	if w.pathless && !listed {
		return false // nothing may tell that it is of the workflow
	}
	if len(w.lies.silent) > 0 {
		// If the two lists that no filter narrows agree, only the newest runs known are asked.
		n := maxNearest
		if req.Brief {
			n = 1
		}
		list := w.meeting(req)
		asked := list[:min(len(list), n)]
		return met && slices.ContainsFunc(asked, func(h held) bool { return h.run.ID == r.ID })
	}
	switch {
	case w.lies.late[r.ID] && w.lies.hides([]string{"nothing"}, r.ID):
		return met // the two lists that no filter narrows agree
	case w.lies.late[r.ID] && w.now().Sub(r.CreatedAt) >= longest:
		return w.toldRuns[r.ID] || top // one that takes longer than a day is not sought
	case w.lies.late[r.ID] && (r.UnderWay() || w.now().Sub(r.UpdatedAt) < 10*time.Minute):
		// Its own list shows what it holds, if the run is met, or the newest.
		return met || listed && r.ID == w.newest(req)
	case w.lies.late[r.ID]:
		return (met || listed) && len(req.Select.Names) == 0 && r.ID == w.newest(req)
	case w.lies.farOff == r.ID:
		return false // two pages that are in order may be believed
	}
	if w.lies.hides([]string{"nothing"}, r.ID) || w.lies.runFarOff == r.ID {
		// The list of all runs is believed, except about runs that are newer than all that it has.
		// So few pages of artifacts are read to see whether there are any.
		few := !w.blind && w.lies.runFarOff != r.ID && len(w.artifacts) <= (1+maxGap)*w.perPage
		return met || listed || few
	}
	return met || listed || !w.blind
}

// firstPages returns the runs that the first pages of all runs have.
func (w *world) firstPages(repos []artifact.Repo) map[int64]bool {
	list := map[int64]bool{}
	for _, repo := range repos {
		var all []artifact.Run
		for _, r := range w.runs {
			if r.Repo == current(repo) && !slices.Contains(w.gone, r.ID) && !w.lies.hides([]string{"nothing"}, r.ID) {
				all = append(all, r)
			}
		}
		if w.mixRuns != nil {
			all = w.mixRuns(all, w.perPage)
		}
		for _, r := range all[:min(len(all), w.perPage)] {
			list[r.ID] = true
		}
	}
	return list
}

// limited reports whether an outcome is right although a newer run fits, because the
// limit keeps the run from being examined, and the outcome says so.
func (w *world) limited(req Request, plan *Plan, nf *NotFoundError, fits []held) bool {
	if nf != nil && !nf.LimitHit || nf == nil && !plan.LimitHit || req.SearchLimit > len(w.runs) {
		return false
	}
	if nf != nil {
		return !w.reachable(req, fits)
	}
	// What was taken has to fit in any case, and to be whole.
	last := -1
	for _, r := range plan.Runs {
		i := slices.IndexFunc(fits, func(h held) bool { return h.run.ID == r.ID })
		if i < 0 {
			// The first of several branches or heads may seem to have none.
			return len(req.Branches) > 1 || req.PR != 0
		}
		if i <= last {
			return false
		}
		last = i
	}
	if w.mixRuns != nil {
		return true
	}
	// None may be left out except runs of the same second, which the limit
	// cuts in the server's order.
	return fits[len(plan.Runs)-1].run.CreatedAt.Equal(plan.Runs[len(plan.Runs)-1].CreatedAt)
}

// reachable reports whether the newest run that fits is among so many of the
// newest that the limit cannot keep it from being found.
func (w *world) reachable(req Request, fits []held) bool {
	if len(fits) == 0 || len(req.Branches) > 1 || req.PR != 0 || w.mixRuns != nil {
		return false
	}
	newer := 0
	for _, r := range w.runs {
		if !r.CreatedAt.Before(fits[0].run.CreatedAt) {
			newer++
		}
	}
	return newer+8 < req.SearchLimit // a few may have been looked up out of their turn
}
