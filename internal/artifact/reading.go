package artifact

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// maxStale is how many candidates are asked for one by one because they
	// may be older than they look.
	maxStale = 4
	// few candidates are asked for one by one before anything else.
	few = 2
)

// readOn gets to know more runs: those that the artifact list names, or the
// next page.
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
			stale = append(stale, c) // it would have been met, were it not older than this
		} else {
			fresh = append(fresh, c)
		}
	}
	// The newest of the fresh ones are needed in any case; with every one that
	// does not count, more of them are asked for at a time.
	next := fresh[:min(len(fresh), max(wanted, 1+s.lookedUp/2), maxChecks)]
	switch {
	case !s.runs.ordered, len(stale) > maxStale, len(fresh) > 0 && !index.done() && s.runs.nearly(fresh[0].bound):
		// The next page is as good as any other way.
	case len(stale) > 0:
		return s.lookUp(ctx, append(stale, next...))
	case len(fresh) > 1 && s.runs.spans(fresh[0].bound, fresh[1].bound):
		// A page has several of them. Without regard to the status, so that
		// they are met whatever they are.
		on = RunQuery{}
		if !s.runs.nearly(fresh[0].bound) {
			on.Until = fresh[0].bound
			if !index.done() && on.Until.Before(index.frontier()) {
				on.Until = index.frontier() // others may be named further down
			}
		}
	case len(fresh) > few && s.failuresTell():
		return s.readFailures(ctx, fresh)
	case len(fresh) > 0:
		return s.lookUp(ctx, next)
	default:
		on.Until = index.frontier() // nothing is named between here and there
	}
	return s.nextRuns(ctx, on)
}

// failuresTell tells whether a list of the runs that failed would be news, and
// such that these do not count.
func (s *search) failuresTell() bool {
	wanted := s.filter.conclusions
	return !s.failuresRead && !s.undated && !wanted.admits(failure, completed)
}

// readFailures finds out which candidates failed. However far apart these
// are, one page has all of them if no more than a hundred runs failed. It
// needs no trust in the server's filter: what it leaves out stays a candidate.
func (s *search) readFailures(ctx context.Context, among []candidate) error {
	s.failuresRead = true
	q := s.filter.query()
	q.Status, q.Until = failure, among[0].bound
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

// lookUp gets the runs of candidates.
func (s *search) lookUp(ctx context.Context, list []candidate) error {
	list = list[:min(len(list), s.left())]
	s.lookedUp += len(list)
	return each(list, func(_ int, c candidate) error {
		r, err := s.source.Run(ctx, s.repo, c.ref.ID)
		if errors.Is(err, ErrNotFound) {
			s.forget(c.ref.ID)
			return nil
		}
		if err == nil {
			s.meet(r)
		}
		return err
	})
}

// nextRuns reads the next page of runs: further down if on says so, and from
// the second on narrowed by status.
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

// narrow reads the first page that the server's filter by status makes, and
// beside it the page without: that filter is known to miss runs for weeks, and
// no list tells of all that it may hide.
func (s *search) narrow(ctx context.Context) error {
	all := s.runs.query
	all.Status, all.PerPage = "", s.pageSize()
	s.checkedTo = s.runs.start()
	if s.left() < 2*all.PerPage {
		return s.readRuns(ctx)
	}
	var checked Page[Run]
	err := together(
		func() error { return s.readRuns(ctx) },
		func() (err error) {
			checked, err = s.source.Runs(ctx, s.repo, all)
			return err
		})
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

// hidden are the candidates that a list narrowed by status may have left out
// although they are newer than the runs taken. Where they are many, they are
// runs of other workflows as a rule.
func (s *search) hidden(taken []Run) []candidate {
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

// trusted tells whether the runs taken rest on the word of the server's filter
// by status that no newer one counts, or that none does.
func (s *search) trusted(taken []Run) bool {
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

// readRuns reads a page of runs. Those beyond the limit are as if they had
// not come, and nothing is read after them.
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
