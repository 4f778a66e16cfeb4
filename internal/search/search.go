package search

import (
	"context"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// search finds the newest runs that pass a filter and hold what is asked for.
//
// It reads two lists of the repository, both newest first: runs, and artifacts (by
// name, where one is given). How far back a list was read is its frontier. As no
// artifact is older than its run, the artifact list shows of every run created since
// its frontier whether it holds what is asked for. So of these runs only those that the
// artifact list names, the candidates, have to be fetched.
//
//  1. Read the first page of both lists, side by side.
//  2. Walk the known runs that pass the filter, newest first. Take those that hold
//     what is asked for, until there are enough, and stop where a newer run may still
//     turn up. Where it is not known what runs hold, ask 1, 2, 4, then 8 of them at a
//     time for their artifacts, or read the next page of artifacts if it is likely to
//     settle more.
//  3. If runs are missing, send the request that is likely to bring the next one,
//     as the table says, and go on with step 2. End when there are enough runs, no
//     other run can match, or the limit on examined runs is met.
//
// The next request depends on the candidates:
//
//	none, or the next page has one   the next page of runs, from where the artifact
//	                                 list proves nothing
//	several, close together          the page of runs that has them
//	one or two, far apart            the newest, by its id
//	more, far apart                  once, a page of failed runs, to rule many out;
//	                                 then the newest, by their ids
//
// What the server says is checked. A list that turns out not to be newest first is
// read to its end before it proves anything. The filter by status misses recent runs,
// of weeks at times, so the first two pages of runs are read without it, and candidates
// are fetched all the same. Where the result still relies on that filter, Plan.ByStatus
// says so.
//
// What a search costs, in requests, besides one each for what has to be resolved
// first (a workflow's display name, a tag or an abbreviated SHA, a pull request,
// ref); TestCosts of package app holds this table to it:
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
// The worst case is a name that every run of other workflows has, and no run of the
// right one: a request for every run examined, which search-limit bounds, and one
// for every hundred. With up to 100 runs of other workflows for each run of the right
// one, it is the pages of the artifact list.
type search struct {
	finder *finder
	facts  *facts // of the finder
	filter filter

	runs  *runList
	state state

	// ignoresUntil is set once the server has listed a run that is newer than was
	// asked for: it does not narrow lists by time.
	ignoresUntil bool
	byStatus     statusTrust

	// Requests that are sent at most once.
	numberSought   bool
	failuresListed bool

	// The more requests of a kind were sent, the more are sent at a time.
	rounds   int // of asking runs for their artifacts
	lookedUp int // candidates
}

// state is how far a search has come.
type state int

const (
	// reading: other runs may match.
	reading state = iota
	// complete: no other run can match.
	complete
	// limited: other runs may match, but as many were examined as the limit allows.
	limited
)

// maxAsked bounds how many runs are asked for at a time.
const maxAsked = 8

// find returns the newest runs that match, newest first, at most as many as the
// request asks for.
func (s *search) find(ctx context.Context) ([]artifact.Run, error) {
	s.runs = s.finder.newRunList(s.filter.query())
	if s.finder.limitMet() {
		s.state = limited
	} else if err := s.begin(ctx); err != nil {
		return nil, err
	}
	for {
		taken, unsure := s.walk()
		var err error
		switch {
		case len(unsure) > 0:
			err = s.settle(ctx, unsure)
		case len(taken) < s.finder.req.Runs && s.state == reading:
			err = s.readOn(ctx, s.finder.req.Runs-len(taken))
		default:
			hidden, open := s.hidden(taken), s.facts.unsettled(taken)
			switch {
			case len(hidden) > 0:
				err = s.lookUp(ctx, hidden)
			case len(open) > 0:
				err = s.finder.ask(ctx, open)
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
	for _, l := range s.facts.lists {
		if l.next == 1 {
			g.Go(func() error { return s.finder.readArtifacts(ctx, l) })
		}
	}
	return g.Wait()
}

// walk goes through the runs that pass the filter, newest first, and takes those
// that hold what is asked for. It stops at a run that may not be the newest of the
// rest. unsure are the runs of which it is not known what they hold.
func (s *search) walk() (taken, unsure []artifact.Run) {
	for _, r := range s.matching() {
		if len(taken) >= s.finder.req.Runs || !s.certain(r) {
			break
		}
		switch holds := s.facts.holds(r); {
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

// certain reports whether all runs that match and are newer than r are known.
func (s *search) certain(r artifact.Run) bool {
	switch {
	case s.state == limited && s.runs.ordered:
		return r.CreatedAt.IsZero() || !r.CreatedAt.Before(s.runs.oldest) // an older one was not examined in its turn
	case s.state != reading, r.CreatedAt.After(s.runs.frontier()):
		return true
	}
	index := s.facts.index()
	if index == nil || !index.knows(r.CreatedAt) {
		return false
	}
	return !slices.ContainsFunc(s.candidates(index), func(c candidate) bool { return !c.bound.Before(r.CreatedAt) })
}

// settle finds out whether runs hold what is asked for. It asks one run, then two,
// then four at a time, or reads on in the artifact list where that is expected to
// settle more of them.
func (s *search) settle(ctx context.Context, unsure []artifact.Run) error {
	if l := s.facts.index(); l != nil && !l.done() && len(s.facts.lists) == 1 && s.rounds > 0 {
		for i, r := range unsure {
			if l.pagesTo(r.CreatedAt) <= int64(i) {
				return s.finder.readArtifacts(ctx, l)
			}
		}
	}
	n := min(len(unsure), 1<<min(s.rounds, 8), maxAsked)
	s.rounds++
	return s.finder.ask(ctx, unsure[:n])
}

// proven reports whether no other run can match, because all runs that hold what is
// asked for are known, or the others are too old.
func (s *search) proven(index *artifactList) bool {
	if s.runs.ordered && s.runs.frontier().Before(s.filter.notBefore) {
		return true
	}
	for _, l := range s.facts.lists {
		if l.blind && l.done() && l.latest.IsZero() {
			return true
		}
	}
	return index != nil && index.done() && len(s.candidates(index)) == 0
}

// blindUntil is the time after which no run holds what is asked for, by lists that
// do not name runs. It is zero if that is not known.
func (s *search) blindUntil() time.Time {
	var until time.Time
	for _, l := range s.facts.lists {
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

// matching lists the known runs that pass the filter, newest first.
func (s *search) matching() []artifact.Run {
	var list []artifact.Run
	for _, r := range s.facts.known {
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
		_, known := s.facts.known[c.ref.ID]
		return known || s.filter.refuseRef(c.ref) != "" || c.bound.Before(s.filter.notBefore) || s.facts.deleted[c.ref.ID] || !s.facts.mayHold(c.ref.ID)
	})
}
