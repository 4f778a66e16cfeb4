package artifact

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxNearest is how many runs that fit are asked for all their artifacts when
// a search fails, to tell what they have instead.
const maxNearest = 3

// passedOver lists the runs that searches met and did not take, newest first:
// those newer than the last one taken, or all.
func passedOver(searches []*search, taken []Run) []PassedOver {
	rows := map[int64]PassedOver{}
	for _, s := range searches {
		for _, r := range s.known {
			if s.met[r.ID] {
				// The reason that counts is that of the search for such runs.
				_, told := rows[r.ID]
				if why, names := s.why(r); why != "" && (!told || s.filter.aimsAt(r)) {
					rows[r.ID] = PassedOver{Run: r, Reason: why, Names: names}
				}
			}
		}
		if index := s.index(); index != nil {
			for _, c := range index.candidates() {
				why := s.filter.refuseRef(c.ref)
				_, known := s.known[c.ref.ID]
				if _, told := rows[c.ref.ID]; !known && !told && why != "" {
					rows[c.ref.ID] = PassedOver{Run: c.run(s.repo), Reason: why, Names: names(s.artifacts(c.ref.ID))}
				}
			}
		}
	}
	list := make([]PassedOver, 0, len(rows))
	for _, row := range rows {
		isTaken := slices.ContainsFunc(taken, func(r Run) bool { return r.ID == row.Run.ID })
		if !isTaken && (len(taken) == 0 || newestRun(row.Run, taken[len(taken)-1]) < 0) {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b PassedOver) int { return newestRun(a.Run, b.Run) })
	return list
}

// run is the candidate's run as far as an artifact tells of it. It is as old
// as the artifact at least.
func (c candidate) run(repo Repo) Run {
	r := c.ref.run(repo)
	r.CreatedAt = c.bound
	return r
}

// why says why a known run was not taken, and which artifacts it has, as far
// as known. It is empty for a run that might have been.
func (s *search) why(r Run) (string, []string) {
	have := names(s.artifacts(r.ID))
	if why, _ := s.filter.refuse(r); why != "" {
		return why, have
	}
	if s.holds(r) != no {
		return "", nil
	}
	return lacking(s.req.Select, s.pick(r)).reason(), have
}

// notFound explains a search that found nothing. What helps a person beyond
// what is known costs up to four requests, which only a failure pays; should
// one of them fail, the error at hand matters more.
func (f *finder) notFound(ctx context.Context, res resolved, searches []*search, plan *Plan) error {
	nf := &NotFoundError{Repo: f.repo, What: f.req.Select.String(), Where: f.conditions(res), ByStatus: plan.ByStatus}
	var fits []Run
	for _, s := range searches {
		nf.LimitHit = nf.LimitHit || s.limitHit
		for _, r := range s.matching() {
			if !slices.ContainsFunc(fits, func(o Run) bool { return o.ID == r.ID }) {
				fits = append(fits, r)
				nf.Expired = append(nf.Expired, s.pick(r).Expired...)
			}
		}
	}
	if nf.Examined = len(f.met); nf.LimitHit && f.met[f.req.CurrentRun] {
		nf.Examined-- // it is no candidate
	}
	nf.Reasons = reasons(plan.PassedOver)
	nf.Forks, nf.Pending = f.others(searches)
	nf.Nowhere = slices.ContainsFunc(f.lists, func(l *artifactList) bool { return l.done() && len(l.seen) == 0 && f.notBefore.IsZero() })
	if p := res.pull; p != nil && !f.req.AllowForks && p.FromFork() {
		nf.ForkPR = p.origin()
	}
	slices.SortFunc(fits, newestRun)
	f.askNearest(ctx, fits[:min(len(fits), maxNearest)], nf, plan)
	if f.req.CurrentRun != 0 && f.repo.Equal(f.req.Own) {
		current, err := listArtifacts(ctx, f.source, f.repo, Query{RunID: f.req.CurrentRun, Name: f.req.Select.serverName()})
		nf.InCurrent = err == nil && f.currentFits(searches) && f.req.Select.Pick(current, f.req.Gone).Complete()
	}
	if !nf.LimitHit {
		f.elsewhere(ctx, searches, nf, plan)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nf
}

// currentFits tells whether the current run meets the other conditions, as
// far as it is known.
func (f *finder) currentFits(searches []*search) bool {
	return slices.ContainsFunc(searches, func(s *search) bool {
		other := s.filter
		other.current, other.conclusions = 0, nil
		if r, known := f.known[f.req.CurrentRun]; known {
			why, _ := other.refuse(r)
			return why == ""
		}
		for _, l := range f.lists {
			if has := l.byRun[f.req.CurrentRun]; len(has) > 0 {
				return other.refuseRef(has[0].Run) == ""
			}
		}
		return true
	})
}

// elsewhere looks for a run of another workflow that holds what is asked for:
// the newest that the artifact list names.
func (f *finder) elsewhere(ctx context.Context, searches []*search, nf *NotFoundError, plan *Plan) {
	for _, s := range searches {
		index := s.index()
		// With other conditions it is more likely a run of this workflow.
		other := s.filter.events != nil || s.filter.actor != "" || s.filter.number != 0
		if index == nil || other || s.filter.workflow.any() {
			continue
		}
		list := s.candidates(index)
		if len(list) == 0 {
			continue
		}
		r, err := f.source.Run(ctx, f.repo, list[0].ref.ID)
		if err != nil || s.filter.workflow.passes(r) {
			return
		}
		why, _ := s.filter.refuse(r)
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: r, Reason: why, Names: names(f.artifacts(r.ID))})
		slices.SortFunc(plan.PassedOver, func(a, b PassedOver) int { return newestRun(a.Run, b.Run) })
		s.filter.workflow = workflowFilter{}
		if why, _ := s.filter.refuse(r); why == "" {
			nf.Elsewhere = r
		}
		return
	}
}

// reasons counts why runs were passed over, the most frequent first.
func reasons(passed []PassedOver) []Reason {
	counts := map[string]int{}
	kinds := map[string]map[string]bool{}
	for _, p := range passed {
		kind, _ := reasonKind(p.Reason)
		if kinds[kind] == nil {
			kinds[kind] = map[string]bool{}
		}
		kinds[kind][p.Reason] = true
	}
	for _, p := range passed {
		text := p.Reason
		if kind, varies := reasonKind(text); varies && len(kinds[kind]) > 2 {
			text = kind + " another"
		}
		counts[text]++
	}
	var list []Reason
	for text, n := range counts {
		list = append(list, Reason{Text: text, Runs: n})
	}
	slices.SortFunc(list, func(a, b Reason) int { return cmp.Or(b.Runs-a.Runs, cmp.Compare(a.Text, b.Text)) })
	return list
}

// reasonKind is a reason without the run's own value, if it has one: "its
// commit is".
func reasonKind(text string) (string, bool) {
	words := strings.SplitN(text, " ", 4)
	if len(words) == 4 && words[0] == "its" && words[2] == "is" {
		return strings.Join(words[:3], " "), true
	}
	return text, false
}

// others counts the runs that only their origin may have kept from matching, and
// lists those that are under way and may come to match.
func (f *finder) others(searches []*search) (forks int, pending []Run) {
	seen := map[int64]bool{}
	for _, s := range searches {
		for _, r := range s.known {
			_, fork := s.filter.refuse(r)
			switch {
			case seen[r.ID]:
			case fork && f.holds(r) != no:
				seen[r.ID] = true
				forks++
			case s.filter.pending(r):
				seen[r.ID] = true
				pending = append(pending, r)
			}
		}
	}
	slices.SortFunc(pending, newestRun)
	return forks, pending
}

// askNearest gets the names of all artifacts of some runs, for the plan and
// for a suggestion.
func (f *finder) askNearest(ctx context.Context, runs []Run, nf *NotFoundError, plan *Plan) {
	have := make([][]string, len(runs))
	err := each(runs, func(i int, r Run) error {
		all, err := listArtifacts(ctx, f.source, f.repo, Query{RunID: r.ID})
		have[i] = names(all)
		return err
	})
	if err != nil || len(runs) == 0 {
		return
	}
	for i, r := range runs {
		for j := range plan.PassedOver {
			if p := &plan.PassedOver[j]; p.Run.ID == r.ID {
				p.Names = have[i]
			}
		}
	}
	nf.nearest = runs[0]
	nf.suggest(f.req.Select, slices.Concat(have...))
	nf.Have = have[0]
}

// conditions are those of the request in words, as resolved.
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
	say(w != "" && w != AnyWorkflow, "workflow %q", w)
	say(len(res.branches) > 0, "branch %s", either(quoteAll(res.branches)))
	for _, sha := range res.shas {
		say(true, "commit %s", sha)
	}
	say(f.req.PR != 0, "pull request %d", f.req.PR)
	say(len(f.req.Events) > 0, "event %s", either(f.req.Events))
	say(f.req.Actor != "", "actor %s", f.req.Actor)
	say(f.req.RunNumber != 0, "run number %d", f.req.RunNumber)
	say(len(f.req.Conclusions) > 0, "conclusion %s", either(f.req.Conclusions))
	say(!f.notBefore.IsZero(), "created since %s", f.notBefore.UTC().Format("2006-01-02 15:04:05"))
	return list
}

// origin is where the pull request comes from, for a message.
func (p *PullRequest) origin() string {
	if p.HeadRepo == "" {
		return "a fork that was deleted"
	}
	return "the fork " + p.HeadRepo
}

// explain says what a run that was named lacks.
func (c Chooser) explain(ctx context.Context, req Request, run Run, picked Picked) *NotFoundError {
	nf := lacking(req.Select, picked)
	nf.Repo, nf.RunID = run.Repo, run.ID
	if req.Select.serverName() != "" {
		// Only that name was asked for; without the others there is nothing
		// to suggest. The error at hand matters more than one of this call.
		if all, err := listArtifacts(ctx, c.Source, run.Repo, Query{RunID: run.ID}); err == nil {
			nf.Have = names(all)
		}
	}
	nf.suggest(req.Select, nf.Have)
	return nf
}

// names are the artifacts' names, sorted, each once.
func names(list []Artifact) []string {
	var all []string
	for _, a := range list {
		all = append(all, a.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
