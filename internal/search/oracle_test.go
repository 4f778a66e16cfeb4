package search

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// FuzzSearch compares the search, in random worlds, with an oracle that knows
// everything. The oracle shares no code with the search but the types.
//
// The fuzzing engine changes few bits of a seed at a time, and so tries few seeds in
// its time; "go test -run FuzzSearch -args -fuzzseeds 100000" tries that many random
// seeds.
func FuzzSearch(f *testing.F) {
	for seed := range uint64(1500) {
		f.Add(seed * 0x9e3779b97f4a7c15)
	}
	f.Add(uint64(11043459355016009817)) // artifacts that do not name their run, nearly in order
	f.Add(uint64(1733069169488928601))  // a run number, and a run out of its place
	f.Add(uint64(8366242360423860216))  // one of several pages read side by side is older than the others
	f.Add(uint64(15178934481058972366)) // three names, and the list of a run is gone
	f.Add(uint64(17058974792104736022)) // no paths of workflows, and the workflow's list is empty
	f.Add(uint64(14966729805369520020)) // a limit, met before a newer run is looked up
	f.Add(uint64(2033393725503595798))  // a limit, met while a choice is cross-checked
	f.Add(uint64(7551317803042795466))  // many candidates, and lists narrowed by time are empty
	f.Add(uint64(13286155946120324756)) // more candidates than are looked up one by one
	f.Add(uint64(8139695855963966598))  // a run number, of a run that just ended, many runs back
	f.Add(uint64(18431401558241354760)) // three runs of one second, two of which just ended
	f.Add(uint64(10293731678632569336)) // three names, two of which the lists have of a run that just ended
	f.Add(uint64(14769775561100800945)) // candidates that lists narrowed by time lack
	f.Add(uint64(12723932463647003592)) // a limit that keeps a run from being taken, and has to be told
	f.Add(uint64(14860960500009016506)) // no paths of workflows, and two branches
	f.Add(uint64(7716324163568218443))  // a run out of its place, and artifacts oldest first
	f.Add(uint64(6346732419514848852))  // artifacts that do not name their run, and not those of the newest
	f.Add(uint64(3547378569628510863))  // lists of artifacts that were wrong, and more runs than are asked
	f.Add(uint64(10350913088845108381)) // artifacts in no order, and the list of all runs lacks the newest
	f.Add(uint64(6936052850201946882))  // artifacts that do not name their run, newer than all listed runs
	f.Add(uint64(7857126625976175976))  // the same, and no list is in order
	f.Add(uint64(17330268382493324930)) // the number of the newest run, which is listed a page too late
	f.Add(uint64(14017352364762778398)) // a run that just ended is moved to the second page, and lacks elsewhere
	f.Add(uint64(9846077719974768552))  // a run number, a run listed too early, and artifacts in no order
	f.Add(uint64(8881997964257278963))  // a limit that ends the reading of all runs
	f.Add(uint64(10569689346768665357)) // a run that just ended leaves the first page before that is read
	f.Add(uint64(792221775120757530))   // a run number, which the workflow's list lacks, of a run out of its place
	f.Add(uint64(15843334372240497403)) // a run number, of a run listed two pages too early
	f.Add(uint64(11408202181692973763)) // two attempts, and artifacts that are nearly in order
	for range *freshSeeds {
		f.Add(rand.Uint64())
	}
	var all tally
	f.Cleanup(func() {
		f.Logf("%d of %d searches of servers that tell the truth were doubted, %d of %d of others", all.doubted[0], all.searches[0], all.doubted[1], all.searches[1])
		for _, c := range all.costly {
			f.Logf("seed %d: %d requests of %d", c.seed, c.calls, c.most)
		}
	})
	f.Fuzz(func(t *testing.T, seed uint64) {
		t.Parallel()
		one := try(t.Context(), seed, nil)
		all.note(seed, one)
		if one.why == "" {
			return
		}
		// Runs without which it fails, too, only distract a person.
		without := map[int64]bool{}
		for _, run := range one.world.runs {
			without[run.ID] = true
			if small := try(t.Context(), seed, without); small.why != "" {
				one = small
			} else {
				delete(without, run.ID)
			}
		}
		t.Errorf("seed %d: %s\nlies: %s\nrequest %+v\nrequests %q", seed, one.why, strings.Join(one.world.lies.words, "; "), one.req, one.world.calls)
		one.world.log(t, one.req)
	})
}

// trial is a search in a random world.
type trial struct {
	world   *world
	req     Request
	most    int // requests that it may send
	doubted bool
	why     string // it is wrong, or ""
}

// try makes a world, without some of its runs, and a request, and judges the search.
func try(ctx context.Context, seed uint64, without map[int64]bool) trial {
	r := random{rand.New(rand.NewPCG(seed, 7))}
	w := r.world()
	req := r.lie(w, r.request(w))
	w.delete("runs", slices.Collect(maps.Keys(without)))
	one := trial{world: w, req: req, most: w.bound(req)}
	w.enough, w.top = 4*one.most, w.firstPages(req.Repos)
	plan, err := Chooser{Source: w, Now: func() time.Time { return w.now() }, mostFiltered: w.most}.Choose(ctx, req)
	nf, notFound := errors.AsType[*NotFoundError](err)
	if err != nil && !notFound {
		one.why = err.Error()
	} else {
		one.why, one.doubted = w.judge(req, plan, nf), len(doubts(plan, nf)) > 0
	}
	if n := len(w.calls); one.why == "" && n > one.most {
		one.why = fmt.Sprintf("%d requests, more than %d", n, one.most)
	}
	return one
}

// bound is how many requests a search may send: twice the pages of its lists, and ten;
// besides, six that explain a failure, and four to resolve what the request names. Where
// artifacts do not name their run, each run's own list has to be read.
func (w *world) bound(req Request) int {
	searches := max(len(req.Branches), 1) * (1 + min(req.PR, 1))
	pages := 0
	for _, repo := range req.Repos {
		count := func(n int) int { return max(1, (n+w.perPage-1)/w.perPage) }
		runs := 0
		for _, r := range w.runs {
			if r.Repo == current(repo) {
				runs++
			}
		}
		pages += count(runs) * searches
		names := req.Select.Names
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			n := 0
			for _, a := range w.artifacts {
				if a.Repo == current(repo) && (name == "" || a.Name == name || w.noNames) {
					n++
				}
			}
			pages += count(n)
		}
	}
	own := 0
	if w.blind {
		own = len(w.runs)
	}
	return 2*pages + own + (10+6+4)*len(req.Repos)
}

// tally counts searches and those that were doubted, of servers that tell the truth and
// of others, and has the searches that came closest to their bound.
type tally struct {
	mu                sync.Mutex
	searches, doubted [2]int
	costly            []cost
}

type cost struct {
	seed        uint64
	calls, most int
}

func (c *tally) note(seed uint64, one trial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lies := min(1, len(one.world.lies.words))
	c.searches[lies]++
	if one.doubted {
		c.doubted[lies]++
	}
	c.costly = append(c.costly, cost{seed, len(one.world.calls), one.most})
	slices.SortFunc(c.costly, func(a, b cost) int { return cmp.Compare(b.calls*a.most, a.calls*b.most) })
	c.costly = c.costly[:min(len(c.costly), 5)]
}

var freshSeeds = flag.Int("fuzzseeds", 0, "how many random seeds FuzzSearch tries besides")

// log writes the world down. Runs that fit are marked.
func (w *world) log(t *testing.T, req Request) {
	t.Helper()
	fits := map[int64]string{}
	for _, repo := range req.Repos {
		for _, h := range w.fits(req, repo, nil) {
			fits[h.run.ID] = "fits: "
		}
	}
	t.Logf("perPage %d most %d blind %v noFilters %v noNames %v pathless %v mixRuns %v mixArtifacts %v gone %v pulls %v now %s", w.perPage, w.most,
		w.blind, w.noFilters, w.noNames, w.pathless, w.mixRuns != nil, w.mixArtifacts != nil, w.gone, w.pulls, w.now())
	for _, r := range w.runs {
		t.Logf("%srun %d of %s %s-%s %s #%d %s %s %s %s %.1s head=%v deleted=%v", fits[r.ID], r.ID, r.Repo.Name, r.CreatedAt.Format(time.TimeOnly), r.UpdatedAt.Format(time.TimeOnly), path.Base(r.WorkflowPath), r.Number,
			r.HeadBranch, r.Event, r.Status, r.Conclusion, r.HeadSHA, r.HeadRepoID, r.HeadRepoDeleted)
	}
	for _, a := range w.artifacts {
		t.Logf("artifact %d of %d %s %s expired=%v", a.ID, a.Run.ID, a.Name, a.CreatedAt.Format(time.TimeOnly), a.Expired)
	}
}

// now is the time: an hour after the newest run, if the world has no clock.
func (w *world) now() time.Time {
	if !w.clock.IsZero() {
		return w.clock
	}
	t := epoch
	for _, r := range w.runs {
		if r.CreatedAt.After(t) {
			t = r.CreatedAt
		}
	}
	return t.Add(time.Hour)
}

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
	if same(got, want) || same(got, w.want(req, w.excused(req, plan, nf))) || len(req.Repos) == 1 && w.limited(req, plan, nf, w.fits(req, app, nil)) {
		return ""
	}
	return fmt.Sprintf("got %s, want %s; doubts: %s", got, want, DoubtsInWords(doubts(plan, nf)))
}

// want is the right outcome if it were not for some runs.
func (w *world) want(req Request, without map[int64]bool) string {
	var all []held
	for _, repo := range req.Repos {
		fits := w.fits(req, repo, without)
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
		return r.CreatedAt.After(d.Since) && (d.Until.IsZero() || !r.CreatedAt.After(d.Until))
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
		if !taken && (single || vanishes || !w.knowable(req, r) || doubted(r, doubts(plan, nf)) && !w.told(req, r)) {
			list[r.ID] = true
		}
	}
	return list
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
	switch {
	case w.lies.late[r.ID] && w.lies.hides([]string{"nothing"}, r.ID):
		return met // the two lists that no filter narrows agree
	case w.lies.late[r.ID] && w.now().Sub(r.CreatedAt) >= longest:
		return w.toldRuns[r.ID] || top // one that takes longer than a day is not sought
	case w.lies.late[r.ID] && w.now().Sub(r.UpdatedAt) < 10*time.Minute:
		// Its own list shows what it holds, if the run is met, or the newest.
		return met || listed && r.ID == w.newest(req)
	case w.lies.late[r.ID]:
		return (met || listed) && len(req.Select.Names) == 0 && r.ID == w.newest(req)
	case req.RunNumber != 0 && (w.lies.ahead == r.ID || w.lies.outOfPlace == r.ID && slices.Contains(w.narrowing(req), "workflow") && w.lies.hides([]string{"workflow"}, r.ID)):
		// No list that a number is looked for in has it where it should be. No other run is
		// taken in its place: the search fails.
		return met
	case w.lies.farOff == r.ID:
		return false // two pages that are in order may be believed
	}
	if w.lies.hides([]string{"nothing"}, r.ID) || w.lies.runFarOff == r.ID {
		return met || listed // the list of all runs is believed, but for what was just created
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
