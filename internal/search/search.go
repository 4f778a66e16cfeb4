package search

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// search finds the newest runs that pass a filter and hold what is asked for.
//
// What the server says is not all true. Its list of all runs is right, but may lack a
// run that was just created. Lists of runs that a filter narrows come from a search
// index, and may be weeks old, lack single runs or be empty. The lists of the repository's
// artifacts lag behind those of single runs, and no order is documented. So every run is
// judged by its own fields, and no list alone proves that there is no newer run.
//
// A search reads up to three kinds of lists, each as far as it has to:
//
//	all runs       the first page always
//	artifacts      of the repository, by name where names are given; the first page always
//	narrowed runs  by what the filter asks for, where the others do not settle the choice
//
// How far back a list was read is its frontier (order). As no artifact is older than its
// run, a list of artifacts shows of every run created since its frontier whether it holds
// what is asked for; the runs that it names and that are not known yet are candidates.
//
// A search is a loop of rounds. Each round walks the known runs that pass the filter,
// newest first, and takes those that hold what is asked for, up to one that may not be
// the newest of the rest. Then it sends all requests, side by side, that the first of
// these cases asks for:
//
//	pages moved while they were read       those pages again (pager)
//	what a run holds is not known          ask the run, then more of them at a time, or
//	                                       read artifacts on if that takes fewer requests
//	runs are missing                       look candidates up, or read the lists on that
//	                                       are likely to bring the next run (readOn)
//	there are enough, or no more           cross-check the choice (check)
//
// The cross-check looks up every candidate that may be newer than the oldest run taken,
// by its id or on a page of all runs. It looks for the newest run that fits where none is
// known, and closes a gap that only narrowed lists cover, if one page is likely to do so.
// A run that ended less than ten minutes ago is asked for its own list before it is passed
// over, and so is the newest one passed over where nothing is asked for by name, or where
// the word of the artifacts rests on the order of one page (doubts).
//
// A narrowed list that lacks a run which it should have proves nothing any more. One that
// another list bears out is believed, but never one by conclusion. What is left open is a
// Doubt of the Plan.
//
// What a search costs, in requests, besides those for what has to be resolved first
// (a workflow's display name, a tag or an abbreviated SHA, a pull request, ref), which are
// sent beside the first; TestCosts of package app holds this table to it:
//
//	the newest run holds it: by name, pattern or all           2
//	the newest run holds all of n names, up to 3; of more      1+n; 5
//	few runs hold it, the newest is any number of runs back    3
//	the same, and k newer ones that do not count:
//	    of forks, other branches or commits                    3
//	    at most a page apart from it                           3
//	    failed, and up to 100 runs did                         4
//	    otherwise: cancelled, of other workflows               3 + k to 3 + 1.5k
//	all runs hold it, of a branch or commit that is rare       4
//	all runs hold it, but the newest 5,000 failed              5
//	a run number, any number of runs back                      4
//	no run holds it, and up to 6 to explain that               2
//
// In no shape of repository it is more than twice the pages of the lists that have to be
// read, plus ten: as many pages are read ahead as were read before, and a run is asked
// only as long as the pages that would tell are more.
type search struct {
	finder *finder
	facts  *facts // of the finder
	filter filter

	state  state
	narrow narrowed
	// limited is set once the limit kept a run from being examined, or reading from
	// going on. Then what is older than cut was not examined in its turn.
	limited bool
	cut     time.Time
	// settled is set once the run with the number asked for is known, or known not to
	// exist.
	settled bool
	// exhausted is set once there is nothing left to ask that is likely to bring a match.
	exhausted bool

	// Requests that are sent at most once.
	numberSought   bool
	failuresListed bool
	gapClosed      bool
	looked         bool // for the newest run that fits

	// The more requests of a kind were sent, the more are sent at a time.
	rounds   int // of asking runs for their artifacts
	lookedUp int // requests about candidates
	checks   int // of these, the ones after a choice
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

// find returns the newest runs that match, newest first, at most as many as the
// request asks for.
func (s *search) find(ctx context.Context) ([]artifact.Run, error) {
	known := slices.SortedFunc(maps.Values(s.facts.known), artifact.CompareRuns)
	s.examine(known, true)
	if s.finder.limitMet() {
		s.limited = true
	}
	for {
		s.state = s.progress()
		w := s.walk()
		todo := s.next(w)
		if len(todo) == 0 && (s.state != reading || len(w.taken) == s.finder.req.Runs) {
			return w.taken, nil
		}
		s.exhausted = s.exhausted || len(todo) == 0
		if err := send(ctx, todo); err != nil {
			return nil, err
		}
		for _, l := range append([]*runList{s.facts.all}, s.narrow.lists...) {
			s.examine(l.items, !l.order.disordered())
		}
	}
}

// walked is what a walk through the known runs shows.
type walked struct {
	taken []artifact.Run
	// unsure are runs of which it is not known what they hold.
	unsure []artifact.Run
	// denied are runs that hold nothing asked for by the word of a list that is not
	// enough.
	denied []artifact.Run
}

// walk goes through the runs that pass the filter, newest first, and takes those that
// hold what is asked for. It stops at a run that may not be the newest of the rest.
func (s *search) walk() walked {
	var w walked
	certain := s.certainty()
	for i, r := range s.matching() {
		if len(w.taken) >= s.finder.req.Runs || !certain(r) {
			break
		}
		switch holds := s.facts.holds(r); {
		case holds == maybe:
			w.unsure = append(w.unsure, r)
		case holds == no:
			if _, asked := s.facts.asked[r.ID]; !asked && s.doubts(r, i == len(w.taken)) {
				w.denied = append(w.denied, r)
			}
		case len(w.unsure) > 0:
			return w
		default:
			w.taken = append(w.taken, r)
		}
	}
	return w
}

// certainty returns a function that reports whether all runs that match and are newer
// than r are known.
func (s *search) certainty() func(r artifact.Run) bool {
	frontier := s.frontier()
	index := s.facts.index()
	var newest time.Time // of the candidates
	if index != nil {
		if list := s.candidates(index); len(list) > 0 {
			newest = list[0].bound
		}
	}
	return func(r artifact.Run) bool {
		switch {
		case s.state == limited && !s.cut.IsZero():
			return r.CreatedAt.IsZero() || !r.CreatedAt.Before(s.cut)
		case s.state != reading, r.CreatedAt.After(frontier):
			return true
		}
		return index != nil && index.knows(r.CreatedAt) && r.CreatedAt.After(newest)
	}
}

// frontier returns the time after which the lists of runs have all runs that match.
func (s *search) frontier() time.Time {
	f := s.facts.all.frontier()
	if s.believed() {
		f = minTime(f, s.narrow.frontier())
	}
	return f
}

// progress returns the state of the search.
func (s *search) progress() state {
	switch {
	case s.limited:
		return limited
	case s.settled, s.exhausted, s.proven():
		return complete
	}
	return reading
}

// proven reports whether no other run can match, because all runs that hold what is
// asked for are known, or the others are too old.
func (s *search) proven() bool {
	if f := s.frontier(); f.IsZero() || f.Before(s.filter.notBefore) {
		return true
	}
	for _, l := range s.facts.lists {
		if l.blind && l.done() && l.latest.IsZero() {
			return true
		}
	}
	index := s.facts.index()
	return index != nil && index.done() && len(s.candidates(index)) == 0
}

// matching lists the examined runs that pass the filter, newest first.
func (s *search) matching() []artifact.Run {
	var list []artifact.Run
	for id := range s.facts.examined {
		if r := s.facts.known[id]; !s.facts.deleted[id] && s.passes(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, artifact.CompareRuns)
	return list
}

func (s *search) passes(r artifact.Run) bool {
	why, _ := s.filter.refuse(r)
	return why == ""
}

// examine examines runs in the order given, as far as the limit allows. ordered reports
// whether that is from the newest to the oldest.
func (s *search) examine(runs []artifact.Run, ordered bool) {
	oldest := unread
	for _, r := range runs {
		if !s.filter.examines(r) {
			continue
		}
		if !s.facts.examined[r.ID] {
			if s.finder.limitMet() {
				s.limited = true
				if ordered && oldest.Before(unread) {
					s.cut = oldest
				}
				return
			}
			s.facts.examined[r.ID] = true
		}
		if !r.CreatedAt.IsZero() {
			oldest = minTime(oldest, r.CreatedAt)
		}
	}
}

// candidates lists the runs of a list of artifacts that may match and are not known yet.
func (s *search) candidates(l *artifactList) []candidate {
	return slices.DeleteFunc(l.candidates(), func(c candidate) bool {
		_, known := s.facts.known[c.ref.ID]
		return known || s.filter.refuseRef(c.ref) != "" || c.bound.Before(s.filter.notBefore) || s.facts.deleted[c.ref.ID] || !s.facts.mayHold(c.ref.ID)
	})
}
