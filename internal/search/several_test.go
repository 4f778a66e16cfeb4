package search

import (
	"context"
	"fmt"
	"slices"

	"github.com/artifetch/artifetch/internal/artifact"
)

// drawSeveral makes one of the other worlds, and a request for more runs: for some of those that
// fit, for all of them, or for more than there are.
func drawSeveral(seed uint64) (*world, Request) {
	r := stream(seed, 18)
	w, req := pickOne(r, drawAny, drawCrowded, drawUnborne, drawUnborne, drawBehind, drawBehind)(seed)
	req.Runs = 2 + r.IntN(min(len(w.fits(req, app, nil)), 6)+2)
	if w.lies.hidden != nil && r.chance(50) {
		r.scatter(w, req)
	}
	return w, req
}

// scatter makes the server lie about single runs of those that are to be taken, and about the next.
func (r random) scatter(w *world, req Request) {
	fits := w.fits(req, app, nil)
	var late []artifact.Run
	for _, h := range fits[:min(len(fits), req.Runs+1)] {
		switch id := h.run.ID; r.IntN(8) {
		case 0:
			late = append(late, h.run)
		case 1:
			if len(w.lies.shifts) > 0 {
				continue // what a shift deletes would be of interest
			}
			w.lies.lost[id] = true
			w.lies.tell("run %d is listed, but gone", id)
		case 2, 3:
			p := pickOne(r, w.narrowing(req)...)
			if p == "nothing" {
				continue // that list lacks none but the newest
			}
			if w.lies.hidden[p] == nil {
				w.lies.hidden[p] = map[int64]bool{}
			}
			w.lies.hidden[p][id] = true
			w.lies.tell("lists narrowed by %s lack run %d", p, id)
		}
	}
	if len(late) > 0 {
		// Time passes, and lists lag behind a run for ten minutes at most.
		for _, run := range w.runs {
			if w.lies.late[run.ID] {
				late = append(late, run)
			}
		}
		r.endLate(w, late)
	}
}

// trySeveral searches for several runs, and for fewer of them. Of the runs that are to be taken, a
// search for more has to take, or to doubt, what one for fewer takes.
func trySeveral(ctx context.Context, seed uint64, without map[int64]bool) trial {
	one := searchIn(drawSeveral)(ctx, seed, without)
	w, req := one.world, one.req
	for n := 1; n < req.Runs && one.why == "" && len(req.Repos) == 1; n++ {
		fewer := searchIn(func(seed uint64) (*world, Request) {
			w, req := drawSeveral(seed)
			req.Runs = n
			return w, req
		})(ctx, seed, without)
		fits := w.fits(req, app, nil)
		for _, h := range fits[:min(len(fits), req.Runs)] {
			same := func(t artifact.Run) bool { return t.ID == h.run.ID }
			// A list may be borne out by an older run, which only the search for more meets.
			single := !w.told(req, h.run) && w.lies.single(w.narrowing(req), h.run.ID)
			excused := single || w.lies.lost[h.run.ID] || w.lies.emptied[h.run.ID] || !w.knowable(req, h.run) || doubted(h.run, one.doubts)
			if fewer.why == "" && slices.ContainsFunc(fewer.taken, same) && !slices.ContainsFunc(one.taken, same) && !excused {
				one.why = fmt.Sprintf("run %d is not among %d runs, but is taken where %d are asked for: %q", h.run.ID, len(one.taken), n, fewer.world.calls)
			}
		}
	}
	return one
}
