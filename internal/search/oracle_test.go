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
	for seed := range uint64(250) { // each is for seven kinds of trials, some of several searches
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
	f.Add(uint64(5258740002046220937))  // a run taken whose own list is gone, while lists have a part of what it holds
	f.Add(uint64(7202702079420636304))  // a wait for two runs: one appears, and the other is deleted
	f.Add(uint64(10531812757403517828)) // a run of more than a day, which just ended, and which only the explanation comes across
	f.Add(uint64(2731906092650423340))  // the current run first, whose own list lacks a part of what it holds
	f.Add(uint64(14372890033765071652)) // a wait for runs of two repositories, of which two do not exist
	f.Add(uint64(11838393198559925514)) // artifacts that do not name their run, runs in no order, and their list lacks the newest
	f.Add(uint64(17636400593608048762)) // a limit, met while one of two lists reaches less far back
	f.Add(uint64(9756062650306513079))  // no paths of workflows, and only a later filter's list shows which runs are its own
	f.Add(uint64(14216834519457885406)) // a limit, and a server that ignores filters
	f.Add(uint64(13833515660165293979)) // an empty list of artifacts, and more runs than are asked, some of which just ended
	f.Add(uint64(18064729894933429594)) // artifacts that do not name their run, and more pages of runs in no order than are read
	f.Add(uint64(4725061257945310400))  // the newest run is not listed, and its artifact is behind those of late attempts
	f.Add(uint64(12890115743347765503)) // artifacts are not listed, and more pages of runs in no order than are read
	f.Add(uint64(1359801402555395590))  // a run that is created meanwhile, and a list by time that has more runs of that time
	f.Add(uint64(10597849650792991076)) // a limit, met while a candidate is looked up that is older than the runs read
	f.Add(uint64(2325673127516790169))  // an empty list of artifacts, and a run of the same second that is not asked
	f.Add(uint64(13207995706268751008)) // the newest runs are not listed, and a page of artifacts has only those of later attempts
	f.Add(uint64(7571060281190557812))  // the second of two branches has a run that is not listed, and artifacts in no order look ordered
	f.Add(uint64(9668749147772059931))  // two names, which the server ignores, so that the two lists are long, but one is not
	f.Add(uint64(939652197202190019))   // later attempts of more runs than are looked up, in front of one that is not listed
	f.Add(uint64(1704967394621483274))  // a second branch, whose newest run only a control list has
	f.Add(uint64(4620459132405885839))  // no artifacts are listed, and the third run of many just ended
	f.Add(uint64(11707324621883365610)) // the current run first, and a control list has the newest
	f.Add(uint64(5484314246992303522))  // more runs of a pull request than there are, and a control list has the newest
	f.Add(uint64(1800516904049724826))  // several runs just ended, some after others
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
		for _, k := range kinds {
			if k.rarely && seed%4 != 0 {
				continue
			}
			one := k.try(t.Context(), seed, nil)
			all.note(seed, one)
			if one.why == "" {
				continue
			}
			// Runs without which it fails, too, only distract a person.
			without := map[int64]bool{}
			for _, run := range one.world.runs {
				without[run.ID] = true
				if small := k.try(t.Context(), seed, without); small.why != "" {
					one = small
				} else {
					delete(without, run.ID)
				}
			}
			t.Errorf("seed %d, %s: %s\nlies: %s\nrequest %+v\nrequests %q", seed, k.name, one.why, strings.Join(one.world.lies.words, "; "), one.req, one.world.calls)
			one.world.log(t, one.req)
		}
	})
}

// kind is a way to make a trial of a seed. Kinds draw their worlds alike; what only one of
// them draws comes from a stream of its own, so that the seeds of others stay what they are.
type kind struct {
	name   string
	rarely bool // it takes long, and is for one seed in four
	try    func(ctx context.Context, seed uint64, without map[int64]bool) trial
}

var kinds = []kind{
	{name: "a search", try: searchIn(drawAny)}, {name: "a search in a crowded world", try: searchIn(drawCrowded)},
	{name: "a search that nothing bears out", try: searchIn(drawUnborne)}, {name: "a search behind later attempts", try: searchIn(drawBehind)},
	{name: "a search for several runs", try: trySeveral}, {name: "by ids", try: tryNamed}, {name: "a wait", rarely: true, try: tryWait},
}

// draw makes a world of a seed, and the request of a search in it.
type draw func(seed uint64) (*world, Request)

// searchIn returns a way to try a search in a world that is drawn.
func searchIn(draw draw) func(ctx context.Context, seed uint64, without map[int64]bool) trial {
	return func(ctx context.Context, seed uint64, without map[int64]bool) trial {
		w, req := draw(seed)
		return w.try(ctx, req, without)
	}
}

// trial is a choice in a random world.
type trial struct {
	world  *world
	req    Request
	most   int // requests that it may send
	taken  []artifact.Run
	doubts []Doubt
	why    string // it is wrong, or ""
}

// stream returns random numbers.
func stream(seed, n uint64) random { return random{rand.New(rand.NewPCG(seed, n))} }

func drawAny(seed uint64) (*world, Request) {
	r := stream(seed, 7)
	w := r.world()
	return w, r.lie(w, r.request)
}

// try searches in a world, without some of its runs, and judges the outcome.
func (w *world) try(ctx context.Context, req Request, without map[int64]bool) trial {
	w.delete("runs", slices.Collect(maps.Keys(without)))
	one := trial{world: w, req: req, most: w.bound(req)}
	w.listen(req, one.most)
	plan, err := w.chooser().Choose(ctx, req)
	nf, notFound := errors.AsType[*NotFoundError](err)
	if err != nil && !notFound {
		one.why = err.Error()
	} else {
		one.why, one.taken, one.doubts = w.judge(req, plan, nf), plan.Runs, doubts(plan, nf)
	}
	if n := len(w.calls); one.why == "" && n > one.most {
		one.why = fmt.Sprintf("%d requests, more than %d", n, one.most)
	}
	return one
}

// listen begins to note what the server is asked and answers. Of far more calls than are
// allowed, the last ones fail.
func (w *world) listen(req Request, most int) {
	w.calls, w.toldRuns, w.toldArtifacts = nil, nil, nil
	w.enough, w.top = 4*most, w.firstPages(req.Repos)
}

func (w *world) chooser() Chooser {
	return Chooser{Source: w, Now: func() time.Time { return w.now() }, mostFiltered: w.most}
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
	if len(one.doubts) > 0 {
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
