package search

import (
	"context"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
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
// The first two pages of runs are never narrowed by status, because GitHub's filter
// by status lags, by weeks at times. Further pages are, and candidates from the
// artifact list are fetched all the same. Where the result relies on the filter, the
// plan says so. Orders are verified: a list of runs that is not newest first is read
// to its end before anything is taken from it, and an artifact is missing from an
// unordered list only once that was read to its end.
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
// The bound of four requests does not always hold: every newer run that has the
// artifact must be ruled out, one page covers 100 consecutive runs of a list, and
// the artifact list only has a run's branch, commit and origin. Failed runs are
// ruled out by a list of failures. Other runs are fetched one by one, half as many
// at a time as were fetched before, so that there are few rounds for many runs.
//
// The worst case is a name that every run of other workflows has and no run of the
// right one: a request for every run examined, bounded by search-limit, and one for
// every hundred. With up to 100 runs of other workflows for each of the right one it
// is less: the pages of the artifact list.
type search struct {
	*finder
	filter filter

	runs *runList
	// exhausted is set when there are no other runs, or none that the limit allows.
	exhausted bool
	limitHit  bool
	undated   bool // the server does not narrow by time
	sought    bool // seekNumber was tried
	checks    int  // rounds of asking runs for their artifacts
	lookedUp  int  // candidates that were fetched

	failuresRead bool
	// checkedTo is how far back all runs are known without the server's filter by
	// status. It is zero before that filter is used.
	checkedTo time.Time
}

// maxChecks bounds how many runs are asked for at a time.
const maxChecks = 8

// find returns the newest runs that match, newest first, at most as many as the
// request asks for.
func (s *search) find(ctx context.Context) ([]artifact.Run, error) {
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
	var g group
	g.Go(func() error { return s.readRuns(ctx) })
	for _, l := range s.lists {
		if l.next == 1 {
			g.Go(func() error { return s.readArtifacts(ctx, l) })
		}
	}
	return g.Wait()
}

// walk goes through the runs that pass the filter, newest first, and takes the
// ones that hold what is asked for. It stops at a run that may not be the newest of
// the rest. unsure are runs of which it is not known whether to take them.
func (s *search) walk() (taken, unsure []artifact.Run) {
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

// certain reports whether every newer run that matches and holds something is
// known.
func (s *search) certain(r artifact.Run) bool {
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

// resolve finds out whether runs hold what is asked for. It asks one run, then two,
// then four at a time, or reads on in the artifact list where that is expected to
// settle more of them.
func (s *search) resolve(ctx context.Context, unsure []artifact.Run) error {
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

// proven reports whether no other run can match: all that hold something are
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

// left is how many more runs may be examined. The current run does not count.
func (s *search) left() int {
	n := s.req.SearchLimit - len(s.met)
	if s.met[s.req.CurrentRun] {
		n++
	}
	return n
}

// blindUntil is the time after which no run holds what is asked for, by lists that
// do not name runs. It is zero if that is not known.
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

// pageSize is how many runs to ask for at a time: one more than the limit, as one
// may be the current run.
func (s *search) pageSize() int { return min(PerPage, s.req.SearchLimit+1) }

// meet makes a run known, and counts it as examined.
func (s *search) meet(r artifact.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[r.ID] = r
	s.met[r.ID] = true
}

// matching lists the known runs that pass the filter, newest first.
func (s *search) matching() []artifact.Run {
	var list []artifact.Run
	for _, r := range s.known {
		if why, _ := s.filter.refuse(r); why == "" {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, artifact.CompareRuns)
	return list
}

// candidates lists the runs of the index that may match and are not known yet.
func (s *search) candidates(index *artifactList) []candidate {
	return slices.DeleteFunc(index.candidates(), func(c candidate) bool {
		_, known := s.known[c.ref.ID]
		return known || s.filter.refuseRef(c.ref) != "" || c.bound.Before(s.filter.notBefore) || s.gone[c.ref.ID] || !s.mayHold(c.ref.ID)
	})
}
