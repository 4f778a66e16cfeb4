package search

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/lazy"
)

const (
	// maxNearest bounds how many runs that fit are asked for all their artifacts
	// when a search fails, so that the error can name what they have instead.
	maxNearest = 3
	// maxUnfetched bounds how many runs that have the artifact and were not fetched
	// yet are fetched to explain why they were passed over. Of more, one is, and
	// seekElsewhere may send two requests in place of the others.
	maxUnfetched = 2
)

// pullRef matches github.ref and github.ref_name in the jobs of a pull request.
// No run has them as its branch: runs have the pull request's head branch.
var pullRef = lazy.Regexp(`^(?:refs/pull/)?([0-9]+)/merge$`)

// notFound is the error for a search that found nothing, with an explanation
// unless the request does without.
func (f *finder) notFound(ctx context.Context, res resolved, searches []*search, plan *Plan) error {
	nf := &NotFoundError{Repo: f.repo, What: inWords(f.req.Select), Where: f.conditions(res)}
	nf.several = len(f.req.Select.Names) > 1
	nf.Doubts = plan.Doubts
	var fits []artifact.Run
	met := map[int64]bool{}
	for _, s := range searches {
		nf.LimitHit = nf.LimitHit || s.state == limited
		for _, r := range s.matching() {
			if !met[r.ID] {
				met[r.ID] = true
				fits = append(fits, r)
				nf.Expired = append(nf.Expired, s.facts.pick(r).Expired...)
			}
		}
	}
	slices.SortFunc(fits, artifact.CompareRuns)
	if nf.Examined = len(f.facts.examined); nf.LimitHit && f.facts.examined[f.req.CurrentRun] {
		nf.Examined-- // it is no candidate
	}
	nf.Pending = f.pending(searches)
	nf.Default = f.defaultWorkflow()
	if p := res.pull; p != nil && !f.req.AllowForks && p.Origin().Foreign() {
		nf.ForkPR = p.Whence()
	}
	for _, b := range res.branches {
		if m := pullRef().FindStringSubmatch(b); m != nil {
			nf.PullRequest, _ = strconv.Atoi(m[1]) // 0 if it is none
		}
	}
	nf.NoCommit = len(res.shas) > 0 && !slices.ContainsFunc(searches, (*search).knowsCommit)
	var listed map[int64]bool
	if f.req.Brief {
		f.askNewest(ctx, fits)
	} else {
		listed = f.explain(ctx, searches, fits[:min(len(fits), maxNearest)], nf)
	}
	nf.Never, nf.Nowhere = f.never()
	plan.PassedOver = passedOver(searches, nil)
	for i, p := range plan.PassedOver {
		if listed[p.Run.ID] {
			plan.PassedOver[i].Look = LookedAtAll
		}
	}
	looked := slices.DeleteFunc(slices.Clone(plan.PassedOver), func(p PassedOver) bool { return !f.facts.examined[p.Run.ID] })
	if len(looked) == 0 {
		looked = plan.PassedOver // known from the artifact list only
	}
	nf.Reasons = reasons(looked)
	nf.others(searches)
	nf.nearConditions(f, res, searches)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nf
}

// askNewest asks the newest of the runs that fit for its artifacts, as explain would, if a list
// of artifacts is empty, which may be because the server is in trouble. An error is dropped, as
// another look follows.
func (f *finder) askNewest(ctx context.Context, fits []artifact.Run) {
	if len(fits) == 0 || !slices.ContainsFunc(f.facts.lists, (*artifactList).empty) {
		return
	}
	if _, asked := f.facts.asked[fits[0].ID]; !asked {
		_ = send(ctx, dropErrors(f.listAll(fits[:1], map[int64][]artifact.Artifact{}))) // it does not fail
	}
}

// never returns the names that no run of the repository ever had an artifact of, and
// reports whether there was never one that is asked for. Lists that were found to be wrong do
// not show that.
func (f *finder) never() (names []string, nowhere bool) {
	if f.facts.faulty {
		return nil, false
	}
	for _, l := range f.facts.lists {
		if l.done() && f.notBefore.IsZero() && !l.sawWanted() {
			nowhere = true
			if name := l.query.Name; name != "" {
				names = append(names, name)
			}
		}
	}
	return names, nowhere
}

// sawWanted reports whether the list has, or may have, an artifact that is asked for, an
// expired one included.
func (l *artifactList) sawWanted() bool {
	if l.blind {
		return len(l.seen) > 0
	}
	for _, list := range l.byRun {
		if slices.ContainsFunc(list, func(a artifact.Artifact) bool { return l.picker.Judge(a) != artifact.Unwanted }) {
			return true
		}
	}
	return false
}

// explain sends up to six requests, all but two side by side, for what helps a person to
// understand a failed search. Their own errors are dropped: the failure of the
// search matters more. It returns the runs whose artifacts it listed.
func (f *finder) explain(ctx context.Context, searches []*search, nearest []artifact.Run, nf *NotFoundError) map[int64]bool {
	unfetched := f.unfetched(searches)
	if len(unfetched) > maxUnfetched || nf.LimitHit && len(unfetched) > 0 {
		unfetched, nearest = unfetched[:1], nearest[:min(len(nearest), maxNearest-1)]
	}
	have := map[int64][]artifact.Artifact{} // by run
	todo := f.listAll(nearest, have)
	if f.current.exists() && f.currentFits(searches) {
		todo = append(todo, func(context.Context) (func(), error) {
			holds := f.current.asked()
			return func() { nf.InCurrent = holds }, nil
		})
	}
	for _, id := range unfetched {
		todo = append(todo, func(ctx context.Context) (func(), error) {
			r, err := f.source.Run(ctx, f.repo, id)
			if missing(err) {
				return func() { f.facts.forget(id) }, nil
			}
			return func() { f.facts.know(r) }, err
		})
	}
	_ = send(ctx, dropErrors(todo)) // it does not fail
	for _, s := range searches {
		if f.seekElsewhere(ctx, s) {
			break
		}
	}
	listed := map[int64]bool{}
	var all []string
	for run, list := range have {
		listed[run] = true
		all = append(all, names(list)...)
	}
	nf.suggest(f.req.Select, all)
	nf.Have = nil
	if len(nearest) == 0 {
		return listed
	}
	if list, known := have[nearest[0].ID]; known {
		nf.nearest, nf.Have = nearest[0], names(list)
		nf.lacks = f.facts.picker.Pick(list).Missing
	}
	return listed
}

// listAll adds all artifacts of runs to have, by the run's id: at once if they are known, and
// otherwise by the requests that it returns.
func (f *finder) listAll(runs []artifact.Run, have map[int64][]artifact.Artifact) []request {
	note := func(r artifact.Run, list []artifact.Artifact) {
		have[r.ID] = list
		f.facts.answered(r.ID, list)
	}
	var todo []request
	for _, r := range runs {
		if list, known := f.facts.everything(r); known {
			note(r, list)
			continue
		}
		todo = append(todo, func(ctx context.Context) (func(), error) {
			list, err := listArtifacts(ctx, f.source, f.repo, ArtifactQuery{RunID: r.ID})
			return func() { note(r, list) }, err
		})
	}
	return todo
}

// dropErrors returns requests that do not fail: where one of the list would, nothing is
// taken in.
func dropErrors(list []request) []request {
	quiet := make([]request, len(list))
	for i, ask := range list {
		quiet[i] = func(ctx context.Context) (func(), error) {
			take, err := ask(ctx)
			if err != nil {
				take = func() {}
			}
			return take, nil
		}
	}
	return quiet
}

// defaultWorkflow returns the workflow that is searched if none is given.
func (f *finder) defaultWorkflow() DefaultWorkflow {
	if !f.searchesCurrentWorkflow() {
		return DefaultWorkflow{}
	}
	ref := strings.ToLower(f.req.CurrentWorkflowRef)
	own := ref == "" || strings.HasPrefix(ref, strings.ToLower(f.repo.String())+"/")
	return DefaultWorkflow{File: f.req.CurrentWorkflow, Ref: f.req.CurrentWorkflowRef, Foreign: !own}
}

// unfetched lists the runs that lists of artifacts name and that were not fetched,
// although they may be of the branch and commit asked for; the newest of a list first.
func (f *finder) unfetched(searches []*search) []int64 {
	var list []int64
	for _, s := range searches {
		lists := s.facts.lists
		if index := s.facts.index(); index != nil {
			lists = []*artifactList{index}
		}
		for _, l := range lists {
			for _, c := range l.candidates() {
				why := s.filter.refuseRef(c.ref)
				_, known := f.facts.known[c.ref.ID]
				if !known && !f.facts.deleted[c.ref.ID] && (why == "" || why == fromFork) && !slices.Contains(list, c.ref.ID) {
					list = append(list, c.ref.ID)
				}
			}
		}
	}
	return list
}

// currentFits reports whether the current run may meet the other conditions.
func (f *finder) currentFits(searches []*search) bool {
	return slices.ContainsFunc(searches, func(s *search) bool {
		other := s.filter
		other.current, other.conclusions = 0, oneOf{}
		if r, known := f.facts.known[f.req.CurrentRun]; known {
			return other.refuse(r) == ""
		}
		for _, l := range f.facts.lists {
			if has := l.byRun[f.req.CurrentRun]; len(has) > 0 {
				return other.refuseRef(has[0].Run) == ""
			}
		}
		return true
	})
}

// knowsCommit reports whether a known run is of the commit asked for.
func (s *search) knowsCommit() bool {
	for _, r := range s.facts.known {
		if s.filter.sha != "" && s.filter.aimsAt(r) {
			return true
		}
	}
	return false
}

// pending lists the runs that are under way and may still come to match.
func (f *finder) pending(searches []*search) []artifact.Run {
	var list []artifact.Run
	for _, r := range f.facts.known {
		if slices.ContainsFunc(searches, func(s *search) bool { return s.filter.pending(r) }) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, artifact.CompareRuns)
	return list
}

// conditions puts the resolved conditions of the request into words.
func (f *finder) conditions(res resolved) []string {
	var list []string
	say := func(given bool, format string, args ...any) {
		if given {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	w := f.req.Workflow
	if w == "" && !res.workflow.any() {
		w = res.workflow.query()
	}
	say(w != "" && w != AnyWorkflow, "workflow %s", quote(w))
	say(len(res.branches) > 0, "branch %s", eitherQuoted(res.branches))
	for _, sha := range res.shas {
		say(true, "commit %s", sha)
	}
	say(f.req.PR != 0, "pull request %d", f.req.PR)
	say(len(f.req.Events) > 0, "event %s", either(f.req.Events))
	say(f.req.Actor != "", "actor %s", short(f.req.Actor))
	say(f.req.RunNumber != 0, "run number %d", f.req.RunNumber)
	say(len(f.req.Conclusions) > 0, "conclusion %s", either(f.req.Conclusions))
	say(!f.notBefore.IsZero(), "created since %s", f.notBefore.UTC().Format(time.DateTime))
	return list
}

// explain returns the error for a run that was named and lacks something.
func (c Chooser) explain(ctx context.Context, req Request, run artifact.Run, picked artifact.Picked) *NotFoundError {
	nf := lacking(req.Select, picked)
	nf.Repo, nf.RunID, nf.look = run.Repo, run.ID, LookedAtAll
	if req.Select.OnlyName() != "" {
		// Only that name was listed; suggestions take the other names. An error
		// of this call is dropped: the one at hand matters more.
		nf.look = LookedForNames
		if req.Brief {
			return nf
		}
		if all, err := listArtifacts(ctx, c.Source, run.Repo, ArtifactQuery{RunID: run.ID}); err == nil {
			nf.Have, nf.look = names(all), LookedAtAll
		}
	}
	nf.suggest(req.Select, nf.Have)
	return nf
}

// names are the artifacts' names, sorted, each once.
func names(list []artifact.Artifact) []string {
	var all []string
	for _, a := range list {
		all = append(all, a.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
