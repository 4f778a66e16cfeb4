package search

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
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
	for range *freshSeeds {
		f.Add(rand.Uint64())
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		t.Parallel()
		r := random{rand.New(rand.NewPCG(seed, 7))}
		w := r.world()
		req := r.request(w)
		if len(req.Repos) > 1 {
			w.lag = 0 // excuses are told by repository, outcomes are not
		}
		plan, err := Chooser{Source: w, Now: func() time.Time { return w.now() }, mostFiltered: w.most}.Choose(t.Context(), req)
		nf, notFound := errors.AsType[*NotFoundError](err)
		if err != nil && !notFound {
			t.Fatal(err)
		}
		if why := w.judge(req, plan, nf); why != "" {
			t.Errorf("seed %d: %s\nrequest %+v\nrequests %q", seed, why, req, w.calls)
			w.log(t)
		}
		searches := len(req.Repos) * max(len(req.Branches), 1) * (1 + min(req.PR, 1))
		if most := searches*2*len(w.runs) + len(w.artifacts) + 25; len(w.calls) > most {
			t.Errorf("seed %d: %d requests in a world of %d runs and %d artifacts", seed, len(w.calls), len(w.runs), len(w.artifacts))
		}
	})
}

var freshSeeds = flag.Int("fuzzseeds", 0, "how many random seeds FuzzSearch tries besides")

func (w *world) log(t *testing.T) {
	t.Helper()
	t.Logf("perPage %d most %d lag %s blind %v noFilters %v noNames %v pathless %v mixRuns %v mixArtifacts %v gone %v pulls %v now %s", w.perPage, w.most, w.lag,
		w.blind, w.noFilters, w.noNames, w.pathless, w.mixRuns != nil, w.mixArtifacts != nil, w.gone, w.pulls, w.now())
	for _, r := range w.runs {
		t.Logf("run %d of %s %s %s #%d %s %s %s %s %.1s head=%v deleted=%v", r.ID, r.Repo.Name, r.CreatedAt.Format(time.TimeOnly), path.Base(r.WorkflowPath), r.Number,
			r.HeadBranch, r.Event, r.Status, r.Conclusion, r.HeadSHA, r.HeadRepoID, r.HeadRepoDeleted)
	}
	for _, a := range w.artifacts {
		t.Logf("artifact %d of %d %s %s expired=%v", a.ID, a.Run.ID, a.Name, a.CreatedAt.Format(time.TimeOnly), a.Expired)
	}
}

// now is an hour after the newest run.
func (w *world) now() time.Time {
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
	var all []held
	nothing := false
	for _, repo := range req.Repos {
		fits := w.fits(req, repo)
		nothing = nothing || len(fits) == 0
		all = append(all, fits[:min(len(fits), req.Runs)]...)
	}
	want := "nothing"
	if !nothing {
		want = text(all)
	}
	if got == want || len(req.Repos) == 1 && w.excused(req, plan, nf, w.fits(req, app)) {
		return ""
	}
	return fmt.Sprintf("got %s, want %s", got, want)
}

// excused reports whether an outcome is right although a newer run fits, because the
// search could not know: the limit keeps the run from being examined, or the server
// hides it, and the outcome says so.
func (w *world) excused(req Request, plan *Plan, nf *NotFoundError, fits []held) bool {
	var byStatus, limited bool
	if nf != nil {
		byStatus, limited = nf.ByStatus, nf.LimitHit
	} else {
		byStatus, limited = plan.ByStatus, plan.LimitHit
	}
	hidden := w.lag > 0 && byStatus
	if !hidden && (!limited || req.SearchLimit > len(w.runs)) {
		return false
	}
	if nf != nil {
		return hidden || !w.reachable(req, fits)
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
	if hidden || w.mixRuns != nil {
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
	return newer+2*maxStale < req.SearchLimit // a few may have been looked up out of their turn
}

// held is a run and its artifacts that are asked for.
type held struct {
	run       artifact.Run
	artifacts []artifact.Artifact
}

// text is what describe makes of a plan.
func text(all []held) string {
	var artifacts []artifact.Artifact
	var runs []artifact.Run
	for _, h := range all {
		artifacts = append(artifacts, h.artifacts...)
		runs = append(runs, h.run)
	}
	slices.SortFunc(artifacts, func(a, b artifact.Artifact) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	slices.SortFunc(runs, func(a, b artifact.Run) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	var ids, runIDs []string
	for _, a := range artifacts {
		ids = append(ids, fmt.Sprint(a.ID))
	}
	for _, r := range runs {
		runIDs = append(runIDs, fmt.Sprint(r.ID))
	}
	return strings.Join(ids, " ") + "|" + strings.Join(runIDs, " ")
}

// older orders the newest first, and by the highest id within a second.
func older(a, b time.Time, idA, idB int64) int {
	if a.After(b) || a.Equal(b) && idA > idB {
		return -1
	}
	return 1
}

// fits lists the runs that match a request, newest first, of the first branch and
// head that has any.
func (w *world) fits(req Request, repo artifact.Repo) []held {
	branches := req.Branches
	shas := map[string]bool{}
	for _, name := range []string{req.Commit, req.Ref} {
		if branch := strings.TrimPrefix(name, "refs/heads/"); name == req.Ref && (branch != name || branch == "main") {
			branches = []string{branch}
		} else if name != "" {
			shas[w.sha(name)] = true
		}
	}
	if len(branches) == 0 {
		branches = []string{""}
	}
	heads := []string{""}
	if req.PR != 0 {
		heads = []string{"commit"}
		if id := w.pulls[0].HeadRepoID; id != 0 && (req.AllowForks || id == 1) {
			heads = append(heads, "branch")
		}
	}
	for _, head := range heads {
		for _, branch := range branches {
			var list []held
			for _, r := range w.runs {
				one := len(shas) == 0 || len(shas) == 1 && shas[r.HeadSHA]
				if r.Repo != repo || !one || branch != "" && r.HeadBranch != branch || !w.isHead(head, r) || !w.counts(req, r) {
					continue
				}
				if artifacts := w.holds(req, r); len(artifacts) > 0 {
					list = append(list, held{r, artifacts})
				}
			}
			if len(list) > 0 {
				slices.SortFunc(list, func(a, b held) int { return older(a.run.CreatedAt, b.run.CreatedAt, a.run.ID, b.run.ID) })
				return list
			}
		}
	}
	return nil
}

// sha is the commit of that name.
func (w *world) sha(name string) string {
	for ref, sha := range w.commits {
		if name == sha || ref == name || ref == "tags/"+strings.TrimPrefix(name, "refs/tags/") {
			return sha
		}
	}
	return name
}

func (w *world) isHead(how string, r artifact.Run) bool {
	switch p := w.pulls[0]; how {
	case "commit":
		return r.HeadSHA == p.HeadSHA
	case "branch":
		return r.HeadBranch == p.HeadBranch && (r.HeadRepoID == p.HeadRepoID || byOwnEvent(r) && r.RepoID == p.HeadRepoID)
	}
	return true
}

// byOwnEvent reports whether the event shows that a run is of the repository's
// own commit, as the server has nothing to say of the head repository.
func byOwnEvent(r artifact.Run) bool {
	return (r.Event == "push" || r.Event == "schedule") && r.HeadRepoID == 0 && !r.HeadRepoDeleted
}

// counts reports whether a run meets the other conditions.
func (w *world) counts(req Request, r artifact.Run) bool {
	in := func(list []string, values ...string) bool {
		return len(list) == 0 || slices.ContainsFunc(values, func(v string) bool { return slices.Contains(list, v) })
	}
	workflow := req.Workflow
	if workflow == "" && r.Repo == app {
		workflow = req.CurrentWorkflow
	}
	ofWorkflow := map[string]int64{"ci.yml": 7, "CI": 7, "8": 8, ".github/workflows/other.yml": 8, "": r.WorkflowID, "*": r.WorkflowID}
	return (r.ID != req.CurrentRun || r.Repo != app) && !slices.Contains(w.gone, r.ID) && in(req.Events, r.Event) &&
		in(req.Conclusions, r.Conclusion, r.Status) && (req.Actor == "" || r.Actor == strings.ToLower(req.Actor)) &&
		(req.RunNumber == 0 || r.Number == req.RunNumber) && (req.AllowForks || r.RepoID != 0 && r.HeadRepoID == r.RepoID || byOwnEvent(r)) &&
		ofWorkflow[workflow] == r.WorkflowID && (req.MaxAge == 0 || w.now().Sub(r.CreatedAt) <= req.MaxAge)
}

// holds are a run's artifacts that are asked for, the newest of each name;
// none if one is missing.
func (w *world) holds(req Request, r artifact.Run) []artifact.Artifact {
	newest := map[string]artifact.Artifact{}
	for _, a := range w.artifacts {
		if a.Run.ID != r.ID || a.Expired || req.Gone[a.ID] || !asked(req.Select, a.Name) {
			continue
		}
		if b, ok := newest[a.Name]; !ok || a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID > b.ID {
			newest[a.Name] = a
		}
	}
	if len(newest) < len(req.Select.Names) {
		return nil
	}
	return slices.Collect(maps.Values(newest))
}

func asked(s artifact.Selector, name string) bool {
	switch {
	case len(s.Names) > 0:
		return slices.Contains(s.Names, name)
	case len(s.Patterns) > 0:
		not, negated := strings.CutPrefix(s.Patterns[0], "!")
		matched, _ := path.Match(not, name) // as good for these patterns
		return matched != negated
	}
	return true
}
