package search

import (
	"context"
	"slices"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/suggest"
)

// newer returns the newer one of two runs, a being none if its ID is 0.
func newer(a, b artifact.Run) artifact.Run {
	if a.ID == 0 || artifact.CompareRuns(b, a) < 0 {
		return b
	}
	return a
}

// others looks through the runs that have what is asked for. It notes the newest that fails
// no condition, the newest that fails only the condition on the conclusion, only the one on
// the workflow, or only these two; and it counts the runs that fail only because of their
// origin.
func (e *NotFoundError) others(searches []*search) {
	forks, unknown := map[int64]bool{}, map[int64]bool{}
	for _, s := range searches {
		for _, r := range s.facts.known {
			if s.facts.holds(r) != yes {
				continue
			}
			switch s.filter.refuse(r) {
			case "":
				e.Overlooked = newer(e.Overlooked, r)
				continue
			case fromUnknown:
				unknown[r.ID] = true
			case fromFork:
				forks[r.ID] = true
			}
			if s.filter.lets(r, func(f *filter) { f.conclusions = oneOf{} }) && !r.UnderWay() {
				e.Failed = newer(e.Failed, r)
			}
			if s.filter.lets(r, func(f *filter) { f.workflow = workflowFilter{} }) {
				e.Elsewhere = newer(e.Elsewhere, r)
			}
			if s.elsewhereAndEnded(r) {
				e.ElsewhereFailed = newer(e.ElsewhereFailed, r)
			}
		}
	}
	e.Forks, e.UnknownOrigin = len(forks), len(unknown)
}

// seekElsewhere looks for the newest run of another workflow that has what is asked for
// and meets all other conditions, where so far only such runs with another conclusion are
// known: it takes the newest run of that workflow that the server lists with the
// conclusion asked for, or the first of them. It sends two requests at most, and reports
// whether it sent any.
func (f *finder) seekElsewhere(ctx context.Context, s *search) bool {
	other := s.endedElsewhere()
	if s.filter.conclusions.any() || other.WorkflowID == 0 {
		return false
	}
	q := RunQuery{
		Workflow: strconv.FormatInt(other.WorkflowID, 10), Branch: s.filter.branch, Status: s.filter.conclusions.list[0], Until: other.CreatedAt,
	}
	p, err := f.source.Runs(ctx, f.repo, q)
	if err != nil {
		return true
	}
	for _, r := range p.Items {
		if !s.filter.lets(r, func(g *filter) { g.workflow = workflowFilter{} }) {
			continue
		}
		switch s.facts.holds(r) {
		case yes:
			f.facts.know(r)
			return true
		case maybe:
			if list, err := listArtifacts(ctx, f.source, f.repo, ArtifactQuery{RunID: r.ID}); err == nil {
				f.facts.know(r)
				f.facts.answered(r.ID, list)
			}
			return true
		}
	}
	return true
}

// endedElsewhere returns the newest known run that has what is asked for, and that fails
// only the conditions on workflow and conclusion. Its ID is 0 if there is none, or if a run
// is known that fails only the condition on the workflow.
func (s *search) endedElsewhere() artifact.Run {
	var newest artifact.Run
	for _, r := range s.facts.known {
		if s.facts.holds(r) != yes || s.filter.workflow.passes(r) {
			continue
		}
		if s.filter.lets(r, func(g *filter) { g.workflow = workflowFilter{} }) {
			return artifact.Run{}
		}
		if s.elsewhereAndEnded(r) {
			newest = newer(newest, r)
		}
	}
	return newest
}

// elsewhereAndEnded reports whether a run has ended, and fails the conditions on workflow
// and conclusion, and no other.
func (s *search) elsewhereAndEnded(r artifact.Run) bool {
	return !s.filter.workflow.passes(r) && !s.filter.conclusions.admits(r.Conclusion, r.Status) && !r.UnderWay() &&
		s.filter.lets(r, func(g *filter) { g.workflow, g.conclusions = workflowFilter{}, oneOf{} })
}

// nearConditions looks for a condition whose value no known run has, while some have one
// that is near to it.
func (e *NotFoundError) nearConditions(f *finder, res resolved, searches []*search) {
	var branches, events, actors []string
	for _, r := range f.facts.known {
		branches, events, actors = append(branches, r.HeadBranch), append(events, r.Event), append(actors, r.Actor)
	}
	for _, s := range searches {
		for _, l := range s.facts.lists {
			for _, list := range l.byRun {
				branches = append(branches, list[0].Run.HeadBranch)
			}
		}
	}
	for _, c := range []struct {
		input         string
		wanted, known []string
	}{{"branch", res.branches, branches}, {"event", f.req.Events, events}, {"actor", []string{f.req.Actor}, actors}} {
		slices.Sort(c.known)
		c.known = slices.Compact(c.known)
		for _, want := range c.wanted[:min(len(c.wanted), maxSuggested)] {
			if _, met := slices.BinarySearch(c.known, want); want != "" && !met && e.Near.Input == "" {
				if near := suggest.Nearest(want, c.known); near != "" {
					e.Near = NearValue{Input: c.input, Value: near}
				}
			}
		}
	}
}
