package artifact

import (
	"context"
	"errors"
	"slices"
	"time"
)

// The search joins two lists that GitHub gives newest first: the artifacts
// of the repository (by name, where one is given) and the runs that pass the
// filters. An artifact is never older than its run, so
//
//   - of a run created after the artifact list's frontier it is known without
//     another request whether it holds what is asked for;
//   - between two frontiers only the runs that the artifact list names can
//     match, so the list of runs may jump right to the next of them.
//
// It goes like this:
//
//	read the first page of both lists, side by side
//	until enough runs are taken, nothing else can match, or the limit is met:
//	    walk the runs that pass the filters, newest first
//	        holds what is asked for: take it
//	        lacks it:                pass over it
//	        not known:               ask the run itself; 1, 2, 4, 8 runs at a time,
//	                                 or the next page of artifacts where that tells more
//	        older than what is proven to be the newest: stop, and go on reading
//	    the artifact list names runs that were not met yet:
//	        ask for the newest, or else jump to the next
//	    it names none, or one that is to be met soon: read on in the list of runs, by the server's status now,
//	        from where the artifact list proves nothing
//
// The first page of runs is never narrowed by status, because that filter of
// GitHub's lags behind; further down it only skips. Orders are not believed
// but checked: a list of runs that is not newest first is read to its end
// before anything is taken from it; from a list of artifacts that is not, no
// absence is concluded before its end.
//
// What a search costs, in requests, besides one each for what has to be
// resolved first (a workflow's display name, a tag or an abbreviated SHA, a
// pull request, ref); TestCosts of package app holds this table to it:
//
//	the newest run holds it: by name, pattern or all           2
//	the newest run holds all of n names, up to 3; of more      1+n; 5
//	few runs hold it, the newest is any number of runs back    3
//	the same, but that one failed                              4
//	all runs hold it, of a branch or commit that is rare       3
//	all runs hold it, but the newest 5,000 failed              4
//	a run number, any number of runs back                      4
//	no run holds it, and up to 4 to explain that               2
//
// The worst case are names that runs of other workflows have all the time
// and the right ones never: a request for every run examined, of which
// search-limit is the bound, and one for every hundred. Where the others are
// up to 100 for each of ours it is less: the pages of the artifact list.
type search struct {
	*finder
	filter filter

	runs *runList
	// exhausted: there are no other runs, or the limit does not let them be
	// looked at.
	exhausted bool
	limitHit  bool
	undated   bool // the server does not narrow by time
	sought    bool // a number was looked for in its own way
	checks    int  // rounds of asking runs for their artifacts
	lookups   int  // rounds of asking for candidates
}

const (
	// maxChecks is how many runs are asked for their artifacts at a time.
	maxChecks = 8
	// maxStale is how many candidates are asked for one by one because they
	// may be older than they look.
	maxStale = 4
)

// find gives the newest runs that match, newest first, up to as many as are
// asked for.
func (s *search) find(ctx context.Context) ([]Run, error) {
	s.runs = s.newRunList(s.filter.query())
	if s.limitMet() {
		s.limitHit, s.exhausted = true, true
	} else if err := s.begin(ctx); err != nil {
		return nil, err
	}
	for {
		taken, unsure := s.walk()
		var err error
		switch {
		case len(unsure) > 0:
			err = s.resolve(ctx, unsure)
		case len(taken) < s.req.Runs && !s.exhausted:
			err = s.readOn(ctx)
		default:
			open := s.unsettled(taken)
			if len(open) == 0 {
				return taken, nil
			}
			err = s.check(ctx, open)
		}
		if err != nil {
			return nil, err
		}
	}
}

// begin reads the first pages.
func (s *search) begin(ctx context.Context) error {
	calls := []func() error{func() error { return s.readRuns(ctx) }}
	for _, l := range s.lists {
		if l.next == 1 {
			calls = append(calls, func() error { return s.readArtifacts(ctx, l) })
		}
	}
	return together(calls...)
}

// walk goes through the runs that pass the filter, newest first, and takes
// those that hold what is asked for. It stops at one that might not be the
// newest that is left. If it is not known of a run whether to take it, that
// run and such that follow are returned.
func (s *search) walk() (taken, unsure []Run) {
	for _, r := range s.matching() {
		if len(taken) >= s.req.Runs || !s.certain(r) {
			break
		}
		switch holds := s.holds(r); {
		case holds == maybe:
			unsure = append(unsure, r)
		case holds == yes && len(unsure) == 0:
			taken = append(taken, r)
		case holds == yes:
			return taken, unsure
		}
	}
	return taken, unsure
}

// certain tells whether every run that is newer, matches and holds something
// is known.
func (s *search) certain(r Run) bool {
	switch {
	case s.limitHit && s.runs.ordered:
		return !r.CreatedAt.Before(s.runs.oldest) // what is older was not examined in its turn
	case s.exhausted, r.CreatedAt.After(s.runs.frontier()):
		return true
	}
	index := s.index()
	if index == nil || !index.knows(r.CreatedAt) {
		return false
	}
	return !slices.ContainsFunc(s.candidates(index), func(c candidate) bool { return !c.bound.Before(r.CreatedAt) })
}

// resolve finds out whether runs hold what is asked for: one, then two, then
// four of them at a time, or by more of the artifact list where that is
// expected to settle more of them.
func (s *search) resolve(ctx context.Context, unsure []Run) error {
	if l := s.index(); l != nil && !l.done() && len(s.lists) == 1 && s.checks > 0 {
		for i, r := range unsure {
			if l.pagesTo(r.CreatedAt) <= int64(i) {
				return s.readArtifacts(ctx, l)
			}
		}
	}
	n := min(len(unsure), 1<<min(s.checks, 8), maxChecks)
	s.checks++
	return s.check(ctx, unsure[:n])
}

// readOn gets to know more runs: those that the artifact list names, or the
// next page.
func (s *search) readOn(ctx context.Context) error {
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
	candidates := s.candidates(index)
	var fresh, stale []candidate
	for _, c := range candidates {
		if c.bound.After(s.runs.frontier()) {
			stale = append(stale, c) // it would have been met, were it not older than this
		} else {
			fresh = append(fresh, c)
		}
	}
	switch {
	case !s.runs.ordered, len(stale) > maxStale, len(fresh) > 0 && s.runs.nearly(fresh[0].bound):
		// The next page is as good as any other way.
	case len(fresh) > 0 && (s.lookups == 0 || len(candidates) <= 2 || len(stale) > 0):
		return s.lookUp(ctx, append(stale, fresh[0]))
	case len(stale) > 0:
		return s.lookUp(ctx, stale)
	case len(fresh) > 0:
		// Without regard to the status, so that it is met whatever it is.
		on = RunQuery{Until: fresh[0].bound}
		if !index.done() && on.Until.Before(index.frontier()) {
			on.Until = index.frontier() // others may be named further down
		}
	default:
		on.Until = index.frontier() // nothing is named between here and there
	}
	return s.nextRuns(ctx, on)
}

// proven tells whether no other run can match: all that hold something are
// known, or the rest is too old.
func (s *search) proven(index *artifactList) bool {
	if s.runs.ordered && s.runs.frontier().Before(s.filter.notBefore) {
		return true
	}
	for _, l := range s.lists {
		if l.blind && l.done() && l.latest.IsZero() {
			return true
		}
	}
	return index != nil && index.done() && len(s.candidates(index)) == 0
}

func (s *search) limitMet() bool { return s.left() <= 0 }

// left is how many more runs may be examined. The current one is no
// candidate and does not count.
func (s *search) left() int {
	n := s.req.SearchLimit - len(s.met)
	if s.met[s.req.CurrentRun] {
		n++
	}
	return n
}

// blindUntil is the time after which no run holds what is asked for, where
// lists do not tell which runs do; zero if that is not known.
func (s *search) blindUntil() time.Time {
	var until time.Time
	for _, l := range s.lists {
		if l.blind && (l.done() || l.ordered) && (until.IsZero() || l.latest.Before(until)) {
			until = l.latest
		}
	}
	return until
}

// lookUp gets the runs of candidates.
func (s *search) lookUp(ctx context.Context, list []candidate) error {
	s.lookups++
	list = list[:min(len(list), s.left())]
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
	}
	return s.readRuns(ctx)
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

// pageSize is how many runs to ask for at a time: one may be the current run.
func (s *search) pageSize() int { return min(PerPage, s.req.SearchLimit+1) }

// meet makes a run known, and counts it as examined.
func (s *search) meet(r Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[r.ID] = r
	s.met[r.ID] = true
}

// matching lists the known runs that pass the filter, newest first.
func (s *search) matching() []Run {
	var list []Run
	for _, r := range s.known {
		if why, _ := s.filter.refuse(r); why == "" {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, newestRun)
	return list
}

// candidates lists the runs that the index names and that may match, but are
// not known yet.
func (s *search) candidates(index *artifactList) []candidate {
	return slices.DeleteFunc(index.candidates(), func(c candidate) bool {
		_, known := s.known[c.ref.ID]
		return known || s.filter.refuseRef(c.ref) != "" || c.bound.Before(s.filter.notBefore) || s.gone[c.ref.ID] || !s.mayHold(c.ref.ID)
	})
}
