package search

import (
	"context"

	"github.com/artifetch/artifetch/internal/artifact"
)

const (
	// maxStale bounds how many candidates are fetched one by one because they may
	// be older than their artifacts.
	maxStale = 4
	// few candidates are fetched one by one before anything else is tried.
	few = 2
)

// readOn sends the request that is likely to bring the next run to take: for
// candidates of the artifact list, or for a page of runs. It sends none once no
// other run can match, or the limit is met.
func (s *search) readOn(ctx context.Context, wanted int) error {
	index := s.facts.index()
	switch {
	case s.proven(index):
		s.state = complete
		return nil
	case s.finder.limitMet():
		s.state = limited // of those examined, the newest counts
		return nil
	}
	if s.filter.number != 0 && !s.filter.workflow.any() && !s.numberSought && s.runs.ordered {
		s.numberSought = true
		settled, err := s.seekNumber(ctx)
		if settled {
			s.state = complete
		}
		return err
	}
	on := RunQuery{Status: s.filter.status()}
	if index == nil {
		on.Until = s.blindUntil()
		return s.nextRuns(ctx, on)
	}
	var fresh, stale []candidate
	for _, c := range s.candidates(index) {
		if c.bound.After(s.runs.frontier()) {
			stale = append(stale, c) // the list of runs does not have it up to here: it is older than its bound
		} else {
			fresh = append(fresh, c)
		}
	}
	// Fetch the newest candidates first, and more at a time the more have been
	// fetched.
	next := fresh[:min(len(fresh), max(wanted, 1+s.lookedUp/2), maxAsked)]
	switch {
	case !s.runs.ordered, len(stale) > maxStale, len(fresh) > 0 && !index.done() && s.runs.nextReaches(fresh[0].bound):
		// The next page is likely to have the next candidates.
	case len(stale) > 0:
		return s.lookUp(ctx, append(stale, next...))
	case len(fresh) > 1 && s.runs.spans(fresh[0].bound, fresh[1].bound):
		// One page has several candidates. It is not narrowed by status, so that
		// it has them whatever their conclusion.
		on = RunQuery{}
		if !s.runs.nextReaches(fresh[0].bound) {
			on.Until = fresh[0].bound
			if !index.done() && on.Until.Before(index.frontier()) {
				on.Until = index.frontier() // further pages of artifacts may name newer candidates
			}
		}
	case len(fresh) > few && s.failuresHelp():
		return s.readFailures(ctx, fresh)
	case len(fresh) > 0:
		return s.lookUp(ctx, next)
	default:
		on.Until = index.frontier() // there are no candidates before that
	}
	return s.nextRuns(ctx, on)
}

// failuresHelp reports whether a list of failed runs would rule out candidates.
func (s *search) failuresHelp() bool {
	wanted := s.filter.conclusions
	return !s.failuresListed && !s.ignoresUntil && !wanted.admits(artifact.Failure, artifact.Completed)
}

// readFailures finds out which candidates failed. If at most a hundred runs
// failed, one page has them all, however far apart they are. The server's filter
// need not be trusted: a run that it leaves out stays a candidate.
func (s *search) readFailures(ctx context.Context, among []candidate) error {
	s.failuresListed = true
	q := s.filter.query()
	q.Status, q.Until = artifact.Failure, among[0].bound
	p, err := s.finder.source.Runs(ctx, s.finder.repo, q)
	if err != nil {
		return err
	}
	wanted := map[int64]bool{}
	for _, c := range among {
		wanted[c.ref.ID] = true
	}
	for _, r := range p.Items {
		if !s.finder.limitMet() && wanted[r.ID] {
			s.facts.examine(r)
		}
	}
	return nil
}

// lookUp fetches the runs of candidates, as far as the limit allows.
func (s *search) lookUp(ctx context.Context, list []candidate) error {
	ids := make([]int64, min(len(list), s.finder.left()))
	for i := range ids {
		ids[i] = list[i].ref.ID
	}
	s.lookedUp += len(ids)
	return s.finder.lookUp(ctx, ids)
}

// nextRuns reads the next page of runs: from on.Until, where that is further back
// than the list was read, and narrowed by on.Status from the second page on.
func (s *search) nextRuns(ctx context.Context, on RunQuery) error {
	frontier := s.runs.frontier()
	jump := !on.Until.IsZero() && on.Until.Before(frontier)
	narrow := on.Status != "" && s.runs.query.Status == ""
	if s.runs.ordered && !s.ignoresUntil && (jump || narrow || s.runs.capped()) {
		q := s.filter.query()
		q.Status = on.Status
		switch {
		case jump:
			q.Until = on.Until
		case frontier.Before(unread):
			q.Until = frontier
		}
		s.runs = s.finder.newRunList(q)
		if narrow && !s.byStatus.used {
			return s.narrow(ctx)
		}
	}
	return s.readRuns(ctx)
}

// readRuns reads a page of runs. Runs beyond the limit are dropped, and nothing is
// read after them.
func (s *search) readRuns(ctx context.Context) error {
	q := s.runs.query
	q.Page, q.PerPage = s.runs.next, s.finder.pageSize()
	p, err := s.finder.source.Runs(ctx, s.finder.repo, q)
	if err != nil {
		return err
	}
	for i, r := range p.Items {
		if !s.facts.examined[r.ID] && s.finder.limitMet() {
			p.Items, s.state = p.Items[:i], limited
			break
		}
		s.filter.workflow.learn(r)
		s.facts.examine(r)
		s.ignoresUntil = s.ignoresUntil || !q.Until.IsZero() && r.CreatedAt.After(q.Until)
	}
	s.runs.add(p)
	if s.state == reading && s.runs.done() && (s.ignoresUntil || !s.runs.capped()) {
		s.state = complete
	}
	return nil
}
