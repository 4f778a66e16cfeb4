package search

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// tryWait waits while the world changes between two looks: runs are created, upload, finish
// and vanish. Each look is judged as a search of the world as it is then, and the wait by
// whether it goes on as long as it should. Time passes in pauses only.
func tryWait(ctx context.Context, seed uint64, without map[int64]bool) trial {
	r, more := stream(seed, 7), stream(seed, 13)
	w := r.world()
	more.crowd(w)
	req := more.lie(w, func(w *world) Request { return more.conditions(w, more.request(w)) })
	w.lies.shifts = nil
	byIDs := more.chance(40)
	if byIDs {
		req = more.naming(w, req)
	}
	req.Waiting, w.clock = true, w.now()
	v := &vigil{world: w, req: req, start: w.clock, wait: pickOne(more, 30*time.Second, 3*time.Minute, 10*time.Minute), byIDs: byIDs, settled: map[int64]time.Time{}}
	more.unfold(v)
	if silent := stream(seed, 15); !byIDs && silent.chance(20) && !w.noFilters && len(w.lies.hidden) == 0 {
		v.req = silent.silence(w, v.req)
	}
	w.delete("runs", slices.Collect(maps.Keys(without)))
	return v.watch(ctx)
}

// vigil is a wait in a world that changes.
type vigil struct {
	world   *world
	req     Request
	start   time.Time
	wait    time.Duration
	byIDs   bool
	changes []change
	// settled has, by the id that is named, since when what it lacks has not been expected
	// any more.
	settled map[int64]time.Time
	why     string // it is wrong, or ""
}

// change is what happens at a time of the wait.
type change struct {
	after time.Duration
	do    func(*world)
}

func (v *vigil) pause(_ context.Context, d time.Duration) error {
	v.world.clock = v.world.clock.Add(d)
	v.happen()
	return nil
}

// happen makes the changes that are due.
func (v *vigil) happen() {
	for len(v.changes) > 0 && v.changes[0].after <= v.world.clock.Sub(v.start) {
		v.changes[0].do(v.world)
		v.changes = v.changes[1:]
	}
}

// watch waits, and judges that.
func (v *vigil) watch(ctx context.Context) trial {
	w := v.world
	one := trial{world: w, req: v.req}
	v.happen()
	_, err := Await(ctx, Wait{For: v.wait, Now: w.now, Pause: v.pause}, func(ctx context.Context, brief bool) (*Plan, error) {
		one.most = w.bound(v.req)
		if v.byIDs {
			one.most = w.boundOfIDs(v.req)
		}
		w.listen(v.req, one.most)
		req := v.req
		req.Brief = brief
		plan, err := w.chooser().Choose(ctx, req)
		nf, notFound := errors.AsType[*NotFoundError](err)
		if !notFound && missing(err) { // as package app has it
			nf = &NotFoundError{Repo: app, What: err.Error(), Settled: v.byIDs && req.Trigger == 0, Final: !v.byIDs || req.Trigger != 0}
			err = nf
		}
		v.look(req, plan, nf, err)
		return plan, err
	})
	if nf, ok := errors.AsType[*NotFoundError](err); ok && v.why == "" {
		v.why = v.ended(nf)
	}
	if one.why = v.why; one.why != "" {
		one.why += fmt.Sprintf("; after %s of %s", w.clock.Sub(v.start), v.wait)
	}
	return one
}

// look judges a look, and notes what is settled.
func (v *vigil) look(req Request, plan *Plan, nf *NotFoundError, err error) {
	w, now := v.world, v.world.now()
	for id, settled := range v.named() {
		if _, known := v.settled[id]; !settled {
			delete(v.settled, id)
		} else if !known {
			v.settled[id] = now
		}
	}
	switch {
	case v.why != "":
	case v.byIDs:
		if got, want := named(plan, err), w.wantNamed(v.req); got != want {
			v.why = fmt.Sprintf("got %s, want %s; %v", got, want, err)
		}
	case err != nil && nf == nil:
		v.why = err.Error()
	default:
		v.why = w.judge(req, plan, nf)
	}
}

// named reports, of each thing that is named by its id, and of each repository by minus its
// place, whether it lacks something that is not expected any more.
func (v *vigil) named() map[int64]bool {
	w, req := v.world, v.req
	settled := map[int64]bool{}
	for i := range req.Repos {
		settled[-int64(i)-1] = v.byIDs && req.Trigger == 0
	}
	found := func(homes map[int64]artifact.Repo, id int64, has artifact.Repo) {
		for i, repo := range req.Repos {
			if current(repo) == has && asksThere(req, homes, id, has) {
				settled[-int64(i)-1] = false
			}
		}
	}
	for _, id := range req.ArtifactIDs {
		i := slices.IndexFunc(w.artifacts, func(a artifact.Artifact) bool { return a.ID == id })
		settled[id] = i < 0 || w.lies.refused[id] || !asksThere(req, req.ArtifactRepos, id, w.artifacts[i].Repo)
		if !settled[id] {
			found(req.ArtifactRepos, id, w.artifacts[i].Repo)
		}
	}
	if len(req.ArtifactIDs) > 0 {
		return settled
	}
	for _, id := range req.RunIDs {
		i := slices.IndexFunc(w.runs, func(r artifact.Run) bool { return r.ID == id })
		there := i >= 0 && w.exists(id) && asksThere(req, req.RunRepos, id, w.runs[i].Repo)
		over := there && w.runs[i].Status == artifact.Completed && id != req.CurrentRun
		settled[id] = !there || w.lies.emptied[id] || over && len(w.namedRun(req, id)) == 0
		if there {
			found(req.RunRepos, id, w.runs[i].Repo)
		}
	}
	return settled
}

// ended judges the end of a wait that found nothing.
func (v *vigil) ended(nf *NotFoundError) string {
	now := v.world.now()
	waited := now.Sub(v.start)
	longest := time.Duration(0) // for which something has been settled
	for _, since := range v.settled {
		longest = max(longest, now.Sub(since))
	}
	switch {
	case nf.Final:
		return v.final(nf)
	case nf.Waited != waited:
		return fmt.Sprintf("waited %s, as the error has it", nf.Waited)
	case waited == v.wait && longest <= 2*grace+maxPause:
		return ""
	case !v.byIDs || v.req.Trigger != 0:
		return "it ends early: " + nf.Error()
	case waited == v.wait:
		return fmt.Sprintf("it goes on, although something has been settled for %s", longest)
	}
	for id, since := range v.settled {
		i := slices.IndexFunc(v.world.runs, func(r artifact.Run) bool { return r.ID == id })
		if i >= 0 && !v.world.runs[i].UpdatedAt.After(v.start) && !v.world.runs[i].UpdatedAt.IsZero() {
			since = v.world.runs[i].UpdatedAt
		}
		if now.Sub(since) >= grace {
			return ""
		}
	}
	return "it ends early: " + nf.Error()
}

// final judges the end of a wait for what can never be found.
func (v *vigil) final(nf *NotFoundError) string {
	w, req := v.world, v.req
	switch {
	case !v.byIDs:
		return "it ends at once: " + nf.Error()
	case req.Trigger != 0:
		if !w.exists(req.Trigger) || w.lies.emptied[req.Trigger] || !slices.ContainsFunc(w.runs, func(r artifact.Run) bool { return r.ID == req.Trigger && r.Repo == app }) {
			return ""
		}
	case w.lies.expired && slices.ContainsFunc(req.RunIDs, func(id int64) bool { return w.lies.lost[id] || w.lies.emptied[id] }):
		return "" // a 410
	}
	for _, id := range req.ArtifactIDs {
		i := slices.IndexFunc(w.artifacts, func(a artifact.Artifact) bool { return a.ID == id })
		if w.lies.refused[id] {
			return ""
		} else if i < 0 {
			continue
		}
		a := w.artifacts[i]
		if a.Expired || req.Gone[id] || len(req.RunIDs) > 0 && (w.blind || !slices.Contains(req.RunIDs, a.Run.ID)) {
			return ""
		}
	}
	return "it ends at once: " + nf.Error()
}

// unfold makes what is asked for appear, or vanish, during the wait.
func (r random) unfold(v *vigil) {
	w := v.world
	var targets []int64
	if v.byIDs {
		targets = append(slices.Clone(v.req.RunIDs), v.req.Trigger)
	} else {
		fits := w.fits(v.req, app, nil)
		n := min(len(fits), 1+r.IntN(2))
		for _, h := range fits[:n] {
			targets = append(targets, h.run.ID)
		}
		if r.chance(80) {
			var others []int64
			for _, h := range fits[n:] {
				others = append(others, h.run.ID)
			}
			w.delete("runs", others)
		}
	}
	if v.req.CurrentFirst {
		targets = append(targets, v.req.CurrentRun)
	}
	for _, id := range targets {
		if i := slices.IndexFunc(w.runs, func(run artifact.Run) bool { return run.ID == id }); i >= 0 {
			r.unfoldRun(v, w.runs[i])
		}
	}
	slices.SortStableFunc(v.changes, func(a, b change) int { return int(a.after - b.after) })
}

// unfoldRun makes a run be created, upload, finish and vanish during the wait: at least one
// of these.
func (r random) unfoldRun(v *vigil, run artifact.Run) {
	w := v.world
	at := func() time.Duration { return time.Duration(r.Int64N(int64(v.wait) * 6 / 5)) }
	times := []time.Duration{at(), at(), at()}
	slices.Sort(times)
	begins, uploads, finishes := r.chance(30) && !w.untimed, r.chance(50), r.chance(60) && run.Status == artifact.Completed
	made := w.artifactsOf(run.ID)
	first := run
	if finishes {
		first.Status, first.Conclusion = "in_progress", ""
	}
	if begins {
		w.delete("runs", []int64{run.ID})
		v.changes = append(v.changes, change{times[0], func(w *world) {
			first.CreatedAt, first.UpdatedAt = w.now(), w.now()
			w.runs = slices.Insert(slices.Clone(w.runs), 0, first)
		}})
		w.lies.tell("run %d is created after %s", run.ID, times[0])
	} else {
		w.change(run.ID, func(r *artifact.Run) { r.Status, r.Conclusion = first.Status, first.Conclusion })
	}
	if uploads || begins {
		r.unfoldUploads(v, run.ID, made, times[1])
	}
	if finishes {
		v.changes = append(v.changes, change{times[2], func(w *world) {
			w.change(run.ID, func(r *artifact.Run) { r.Status, r.Conclusion, r.UpdatedAt = run.Status, run.Conclusion, w.now() })
		}})
		w.lies.tell("run %d finishes after %s", run.ID, times[2])
	}
	if r.chance(10) || !begins && !uploads && !finishes {
		after := at()
		v.changes = append(v.changes, change{after, func(w *world) { w.delete("runs", []int64{run.ID}) }})
		w.lies.tell("run %d is deleted after %s", run.ID, after)
	}
}

// unfoldUploads makes artifacts of a run appear after a time: on its own list, and a while
// later on the repository's.
func (r random) unfoldUploads(v *vigil, run int64, made []artifact.Artifact, after time.Duration) {
	made = slices.DeleteFunc(made, func(artifact.Artifact) bool { return r.chance(10) })
	var ids []int64
	for _, a := range made {
		ids = append(ids, a.ID)
	}
	v.world.delete("artifacts", ids)
	lag := time.Duration(r.IntN(90)) * time.Second
	upload := func(w *world) {
		if !w.change(run, func(r *artifact.Run) { r.UpdatedAt = w.now() }) {
			return
		}
		for _, a := range made {
			if !a.CreatedAt.IsZero() {
				a.CreatedAt = w.now()
			}
			w.artifacts = slices.Insert(slices.Clone(w.artifacts), 0, a)
		}
		w.lies.late[run] = lag > 0
	}
	v.changes = append(v.changes, change{after, upload}, change{after + lag, func(w *world) { w.lies.late[run] = false }})
	if v.world.lies.late == nil {
		v.world.lies.late = map[int64]bool{}
	}
	v.world.lies.tell("run %d uploads after %s, and lists have it %s later", run, after, lag)
}

// artifactsOf are those of a run.
func (w *world) artifactsOf(run int64) []artifact.Artifact {
	var list []artifact.Artifact
	for _, a := range w.artifacts {
		if a.Run.ID == run {
			list = append(list, a)
		}
	}
	return list
}

// change changes a run, and reports whether it exists.
func (w *world) change(run int64, do func(*artifact.Run)) bool {
	w.runs = slices.Clone(w.runs)
	i := slices.IndexFunc(w.runs, func(r artifact.Run) bool { return r.ID == run })
	if i >= 0 {
		do(&w.runs[i])
	}
	return i >= 0
}
