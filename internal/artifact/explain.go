package artifact

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
				if why, names := s.why(r); why != "" {
					rows[r.ID] = PassedOver{Run: r, Reason: why, Names: names}
				}
			}
		}
		if index := s.index(); index != nil {
			for _, c := range index.candidates() {
				why := s.filter.refuseRef(c.ref)
				if _, known := s.known[c.ref.ID]; !known && why != "" {
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
	return Run{
		ID: c.ref.ID, Repo: repo, RepoID: c.ref.RepoID, HeadRepoID: c.ref.HeadRepoID,
		HeadBranch: c.ref.HeadBranch, HeadSHA: c.ref.HeadSHA, CreatedAt: c.bound,
	}
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
	nf := &NotFoundError{Repo: f.repo, What: f.req.Select.String(), Where: f.conditions(res)}
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
	nf.Examined = len(f.met)
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
		nf.InCurrent = err == nil && f.req.Select.Pick(current, f.req.Gone).Complete()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nf
}

// reasons counts why runs were passed over, the most frequent first.
func reasons(passed []PassedOver) []Reason {
	counts := map[string]int{}
	for _, p := range passed {
		counts[p.Reason]++
	}
	var list []Reason
	for text, n := range counts {
		list = append(list, Reason{Text: text, Runs: n})
	}
	slices.SortFunc(list, func(a, b Reason) int { return cmp.Or(b.Runs-a.Runs, cmp.Compare(a.Text, b.Text)) })
	return list
}

// others counts the runs that only their origin kept from matching, and
// lists those that are under way and may come to match.
func (f *finder) others(searches []*search) (forks int, pending []Run) {
	seen := map[int64]bool{}
	for _, s := range searches {
		for _, r := range s.known {
			_, fork := s.filter.refuse(r)
			switch {
			case seen[r.ID]:
			case fork:
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
	if w == "" && res.workflow != (workflowFilter{}) {
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
