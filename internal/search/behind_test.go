package search

import (
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// drawBehind makes a world where later attempts of older runs made artifacts after the newest runs
// had; often the list of all runs lacks the newest runs. The server may ignore names, so that the
// list of each name has all artifacts.
func drawBehind(seed uint64) (*world, Request) {
	r, more := stream(seed, 7), stream(seed, 16)
	w := r.world()
	// Artifacts without a time would be at the end of the lists.
	untimed := slices.ContainsFunc(w.artifacts, func(a artifact.Artifact) bool { return a.CreatedAt.IsZero() })
	if untimed || w.untimed || w.noFilters || w.mixArtifacts != nil || len(w.runs) == 0 {
		return w, more.request(w)
	}
	w.noNames = more.chance(20)
	more.attemptLate(w)
	draw := func(w *world) Request {
		req := more.conditions(w, more.request(w))
		if list := w.meeting(req); len(list) > 0 && more.chance(10) {
			req.RunNumber = list[more.IntN(min(len(list), 2))].run.Number
		}
		return req
	}
	req := more.answered(w, draw(w), draw)
	if more.chance(70) {
		more.hideNewest(w, req)
	}
	kinds := []func(*world, Request){more.lag, more.lag, more.lateArtifacts, more.lateUnnamed, more.vanish, more.nameless, more.reorderRuns, more.displace, more.shift}
	for _, kind := range kinds {
		if more.chance(15) {
			kind(w, req)
		}
	}
	return w, req
}

// attemptLate makes some of the older runs have another attempt, after the newest runs.
func (r random) attemptLate(w *world) {
	const newest = 3
	last := slices.MaxFunc(w.runs, func(a, b artifact.Run) int { return a.UpdatedAt.Compare(b.UpdatedAt) }).UpdatedAt
	share, span := pickOne(r, 20, 90), pickOne(r, 20, 300)
	byAge := slices.SortedFunc(slices.Values(w.runs), artifact.CompareRuns)
	for _, run := range byAge[min(newest, len(byAge)):] {
		if !r.chance(share) {
			continue
		}
		at := last.Add(time.Duration(r.IntN(60*span)) * time.Second)
		for _, a := range w.artifactsOf(run.ID) {
			if r.chance(80) {
				a.ID, a.CreatedAt, a.Expired = 1000+int64(r.IntN(1<<30)), at.Add(-time.Duration(r.IntN(60))*time.Second), r.chance(10)
				w.artifacts = append(w.artifacts, a)
			}
		}
		w.change(run.ID, func(run *artifact.Run) {
			run.UpdatedAt = at
			if run.Attempt > 0 {
				run.Attempt++
			}
		})
	}
	slices.SortStableFunc(w.artifacts, func(a, b artifact.Artifact) int { return b.CreatedAt.Compare(a.CreatedAt) })
	w.clock = last.Add(time.Duration(span+r.IntN(60)) * time.Minute)
}
