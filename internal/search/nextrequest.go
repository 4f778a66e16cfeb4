package search

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

const (
	// maxStale bounds how many candidates are fetched one by one because they may
	// be older than their artifacts.
	maxStale = 4
	// few candidates are fetched one by one before anything else is tried.
	few = 2
)

// readOn fetches more runs: candidates from the artifact list, or the next page.
func (s *search) readOn(ctx context.Context, wanted int) error {
	index := s.index()
	switch {
	case s.proven(index):
		s.exhausted = true
		return nil
	case s.limitMet():
		s.limitHit, s.exhausted = true, true // of those examined, the newest counts
		return nil
	}
	if s.filter.number != 0 && !s.filter.workflow.any() && !s.sought && s.runs.ordered {
		s.sought = true
		found, err := s.seekNumber(ctx)
		s.exhausted = found
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
			stale = append(stale, c) // it was not listed up to here, so it is older than its bound
		} else {
			fresh = append(fresh, c)
		}
	}
	// Fetch the newest candidates first, and more at a time the more have been
	// fetched.
	next := fresh[:min(len(fresh), max(wanted, 1+s.lookedUp/2), maxChecks)]
	switch {
	case !s.runs.ordered, len(stale) > maxStale, len(fresh) > 0 && !index.done() && s.runs.nearly(fresh[0].bound):
		// The next page is likely to have them.
	case len(stale) > 0:
		return s.lookUp(ctx, append(stale, next...))
	case len(fresh) > 1 && s.runs.spans(fresh[0].bound, fresh[1].bound):
		// One page has several candidates. It is not narrowed by status, so that
		// it has them whatever their conclusion.
		on = RunQuery{}
		if !s.runs.nearly(fresh[0].bound) {
			on.Until = fresh[0].bound
			if !index.done() && on.Until.Before(index.frontier()) {
				on.Until = index.frontier() // further pages of artifacts may name newer candidates
			}
		}
	case len(fresh) > few && s.failuresTell():
		return s.readFailures(ctx, fresh)
	case len(fresh) > 0:
		return s.lookUp(ctx, next)
	default:
		on.Until = index.frontier() // there are no candidates before that
	}
	return s.nextRuns(ctx, on)
}

// failuresTell reports whether a list of failed runs would rule out candidates.
func (s *search) failuresTell() bool {
	wanted := s.filter.conclusions
	return !s.failuresRead && !s.undated && !wanted.admits(artifact.Failure, artifact.Completed)
}

// readFailures finds out which candidates failed. If at most a hundred runs
// failed, one page has them all, however far apart they are. The server's filter
// need not be trusted: a run that it leaves out stays a candidate.
func (s *search) readFailures(ctx context.Context, among []candidate) error {
	s.failuresRead = true
	q := s.filter.query()
	q.Status, q.Until = artifact.Failure, among[0].bound
	p, err := s.source.Runs(ctx, s.repo, q)
	if err != nil {
		return err
	}
	wanted := map[int64]bool{}
	for _, c := range among {
		wanted[c.ref.ID] = true
	}
	for _, r := range p.Items {
		if !s.limitMet() && wanted[r.ID] {
			s.meet(r)
		}
	}
	return nil
}

// lookUp fetches the runs of candidates.
func (s *search) lookUp(ctx context.Context, list []candidate) error {
	list = list[:min(len(list), s.left())]
	s.lookedUp += len(list)
	var g group
	for _, c := range list {
		g.Go(func() error {
			r, err := s.source.Run(ctx, s.repo, c.ref.ID)
			if errors.Is(err, artifact.ErrNotFound) {
				s.forget(c.ref.ID)
				return nil
			}
			if err == nil {
				s.meet(r)
			}
			return err
		})
	}
	return g.Wait()
}

// nextRuns reads the next page of runs, skipping to on.Until where that is further
// back. From the second page on it is narrowed by on.Status.
func (s *search) nextRuns(ctx context.Context, on RunQuery) error {
	frontier := s.runs.frontier()
	jump := !on.Until.IsZero() && on.Until.Before(frontier)
	narrow := on.Status != "" && s.runs.query.Status == ""
	if s.runs.ordered && !s.undated && (jump || narrow || s.runs.capped()) {
		q := s.filter.query()
		q.Status = on.Status
		switch {
		case jump:
			q.Until = on.Until
		case frontier.Before(unread):
			q.Until = frontier
		}
		s.runs = s.newRunList(q)
		if narrow && s.checkedTo.IsZero() {
			return s.narrow(ctx)
		}
	}
	return s.readRuns(ctx)
}

// narrow reads the first page that is filtered by status on the server, and beside
// it the same page unfiltered: the filter misses runs for weeks, and no other list
// shows all that it may hide.
func (s *search) narrow(ctx context.Context) error {
	all := s.runs.query
	all.Status, all.PerPage = "", s.pageSize()
	s.checkedTo = s.runs.start()
	if s.left() < 2*all.PerPage {
		return s.readRuns(ctx)
	}
	var checked Page[artifact.Run]
	var g group
	g.Go(func() error { return s.readRuns(ctx) })
	g.Go(func() (err error) {
		checked, err = s.source.Runs(ctx, s.repo, all)
		return err
	})
	err := g.Wait()
	l := s.newRunList(all)
	l.add(checked)
	for _, r := range checked.Items {
		if !s.limitMet() {
			s.meet(r)
		}
	}
	s.checkedTo = l.frontier()
	if l.done() {
		s.checkedTo = time.Time{}.Add(1)
	}
	return err
}

// hidden returns the candidates that may be newer than the runs taken and that a
// list narrowed by status may have left out. If there are more than maxStale, it
// returns none: they are runs of other workflows as a rule.
func (s *search) hidden(taken []artifact.Run) []candidate {
	index := s.index()
	if s.checkedTo.IsZero() || index == nil || s.limitMet() {
		return nil
	}
	list := slices.DeleteFunc(s.candidates(index), func(c candidate) bool {
		return len(taken) == s.req.Runs && c.bound.Before(taken[len(taken)-1].CreatedAt)
	})
	if len(list) > maxStale {
		return nil
	}
	return list
}

// trusted reports whether the result relies on the server's filter by status: that
// no run counts that is newer than the runs taken, or that none counts at all.
func (s *search) trusted(taken []artifact.Run) bool {
	var oldest time.Time
	if len(taken) == s.req.Runs {
		oldest = taken[len(taken)-1].CreatedAt
	}
	if s.checkedTo.IsZero() || !oldest.Before(s.checkedTo) {
		return false
	}
	index := s.index()
	return index == nil || !index.knows(oldest) || len(s.candidates(index)) > maxStale
}

// readRuns reads a page of runs. Runs beyond the limit are dropped, and nothing is
// read after them.
func (s *search) readRuns(ctx context.Context) error {
	q := s.runs.query
	q.Page, q.PerPage = s.runs.next, s.pageSize()
	p, err := s.source.Runs(ctx, s.repo, q)
	if err != nil {
		return err
	}
	for i, r := range p.Items {
		if !s.met[r.ID] && s.limitMet() {
			p.Items, s.limitHit = p.Items[:i], true
			break
		}
		s.filter.workflow.learn(r)
		s.meet(r)
		s.undated = s.undated || !q.Until.IsZero() && r.CreatedAt.After(q.Until)
	}
	s.runs.add(p)
	s.exhausted = s.limitHit || s.runs.done() && (s.undated || !s.runs.capped())
	return nil
}
