package artifact

import (
	"context"
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
//	        close together: jump to the page that has them
//	        one or two:     ask for the newest
//	        more:           read which runs failed, then ask for the newest others
//	    it names none, or one that is to be met soon: read on in the list of runs, by the server's status now,
//	        from where the artifact list proves nothing
//
// The first two pages of runs are never narrowed by status, because that
// filter of GitHub's lags behind, by weeks at times; further down it skips, and
// what the artifact list names is looked at in spite of it. Where it was
// believed nevertheless, the plan says so. Orders are not believed but checked: a
// list of runs that is not newest first is read to its end before anything is
// taken from it; from a list of artifacts that is not, no absence is concluded
// before its end.
//
// What a search costs, in requests, besides one each for what has to be
// resolved first (a workflow's display name, a tag or an abbreviated SHA, a
// pull request, ref); TestCosts of package app holds this table to it:
//
//	the newest run holds it: by name, pattern or all           2
//	the newest run holds all of n names, up to 3; of more      1+n; 5
//	few runs hold it, the newest is any number of runs back    3
//	the same, and the next of three or more is far from it     4
//	the same, and k newer ones that do not count:
//	    of forks, other branches or commits                    3
//	    at most a page apart from it                           3
//	    k = 1, no third one holds it                           4
//	    failed, and up to 100 runs did                         4
//	    otherwise: cancelled, of other workflows               4 + k to 4 + 1.5k
//	all runs hold it, of a branch or commit that is rare       3
//	all runs hold it, but the newest 5,000 failed              5
//	a run number, any number of runs back                      4
//	no run holds it, and up to 6 to explain that               2
//
// Four cannot be had always: each newer run that holds it has to be shown not
// to count, an answer has a hundred runs that follow each other in some list,
// and of what the artifact list says of a run no filter but branch, commit
// and origin can be told. For failed ones there is such a list, of failures;
// others are looked up, half as many at a time as have been, so that for many
// the rounds are few.
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
	lookedUp  int  // candidates that were asked for

	failuresRead bool
	// checkedTo is how far back runs were looked at, or their absence proven,
	// without the server's filter by status, since that was used; zero before.
	checkedTo time.Time
}

// maxChecks is how many runs are asked for at a time.
const maxChecks = 8

// Conclusions and statuses that mean something here.
const (
	failure   = "failure"
	completed = "completed"
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
			err = s.readOn(ctx, s.req.Runs-len(taken))
		default:
			hidden, open := s.hidden(taken), s.unsettled(taken)
			switch {
			case len(hidden) > 0:
				err = s.lookUp(ctx, hidden)
			case len(open) > 0:
				err = s.check(ctx, open)
			default:
				return taken, nil
			}
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
		return r.CreatedAt.IsZero() || !r.CreatedAt.Before(s.runs.oldest) // an older one was not examined in its turn
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
		if !l.blind || !l.done() && !l.ordered {
			continue
		}
		latest := l.latest
		if !l.done() && latest.Before(l.frontier()) {
			latest = l.frontier() // a later one may be listed further down
		}
		if until.IsZero() || latest.Before(until) {
			until = latest
		}
	}
	return until
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
