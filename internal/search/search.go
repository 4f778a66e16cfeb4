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
// # What is believed
//
// The server's list of all runs is right, but may lack a run that was just created. Lists
// of runs that a filter narrows come from a search index: they may be weeks old, lack
// single runs, or be empty. Lists of the repository's artifacts lag behind those of single
// runs. No order is documented. So every run is judged by its own fields, and no list
// alone proves that there is no newer run. A page of artifacts that is in order may still
// be in front of one that has a newer artifact: it proves nothing before another page
// bears it out.
//
// # What is read
//
// A search reads up to three kinds of lists, each only as far as it has to:
//
//	all runs       the first page always
//	artifacts      of the repository, by name if names are given; the first page always
//	narrowed runs  by what the filter asks for; only if the other two do not settle the
//	               choice (narrowed)
//
// The frontier of a list is the time after which all of it was read (order). No artifact
// is older than its run. So a list of artifacts shows, of every run created after its
// frontier, whether the run holds what is asked for, once a second page or the end of the
// list bears the order out. A run that it names and that is not known yet is a candidate.
//
// # How it goes on
//
// A search is a loop of rounds. A round walks through the known runs that pass the filter,
// newest first, and takes those that hold what is asked for; it stops at a run that may
// not be the newest of the rest (walk). Then it sends, side by side, the requests of the
// first case that applies (next):
//
//	pages moved during the reading      fetch these pages again (pager)
//	runs do not tell their workflow     read the workflow's own list of runs (pathless)
//	it is not known what a run holds    ask one run, then more at a time, or read on in the
//	                                    artifacts if that takes fewer requests (settle)
//	runs are missing                    look candidates up, or read on in the lists that are
//	                                    likely to bring the next run (readOn)
//	there are enough, or no more        cross-check the choice (check)
//
// The cross-check looks up the candidates that may be newer than the oldest run taken, by
// their ids or on pages of all runs (lookUpHidden). It reads on in the lists of runs to find
// the newest run that fits if nothing is asked for by name, and if runs of the last day are
// not known, as one of them may have ended so lately that lists of artifacts lack what it
// has (seekNewest).
//
// Where the artifacts that were read do not show whether the list of all runs lacks a newer run,
// more is read that may show it (bearOut). That is so if artifacts are in no order, if they do not
// name their runs, if their list is empty while a run has some, and if the pages read do not reach
// back to the newest run. If up to five more pages are likely to reach that far, they are read.
// Otherwise a narrowed list is read, which may have such a run. Of a list of runs that is in no
// order, up to ten pages are read: the newest may be on any of them (readUnordered).
//
// Where only narrowed lists show that there is no newer run, up to five pages of artifacts or
// runs are read that are likely to show it, too (closeGap). Where they show that there is no other
// run, a control list shows whether the filter is fresh (control), and the rest of a list of
// artifacts proves it if it is short (readRest). Where fewer runs are taken than asked for, both
// are checked: that there is no other run, and that there is none newer than the last one taken.
// Where that one is too far back, it is shown at least that there is none newer than one of the
// runs before it.
//
// Where no list has a run number where it should be, up to five pages more of all runs are read,
// or, if more are left, one of the workflow's runs of about that time (readForNumber). If no known
// run has so large a number, the list of all runs may lack the run, as it was just created. Then
// candidates are looked up first, and other lists have to bear out that there is no such run
// (checkNumber).
//
// A run that is under way, or that ended less than ten minutes ago, is asked for its own
// list before it is passed over. So is the newest run passed over, if nothing is asked for
// by name, and any run, once lists of artifacts were found to be wrong (doubtful). A run
// taken is asked for its own list, too, if it ended that lately, or if only one page of
// artifacts was read; but not if it is in its first attempt and names are asked for, as an
// attempt makes only one artifact of a name (unsettled).
//
// A narrowed list that lacks a run which it should have proves nothing any more, nor do
// others with the same parameters (believed). Otherwise it proves something if one of
// them has a run that a list has which no filter narrows; but never if it is narrowed by
// conclusion (vouched). What is left open becomes a Doubt of the Plan. A single run that a
// list lacks, more than five pages back, stays unseen if the list is borne out. So does one that
// the list of a preferred branch or commit lacks, if that leaves no run to take and more than one
// page of all runs is left: a control list bears out that list, and the next branch is tried.
//
// # What it costs
//
// In requests, without those that resolve what the request names (a workflow's display
// name, a tag, an abbreviated SHA, a pull request, ref), which are sent beside the first.
// TestCosts and TestCostsOfCandidates of package app hold this table to it:
//
//	the newest run holds it: by name                           2
//	the same, by pattern or all                                3
//	the newest run holds all of n names, up to 3; of more      1+n; 5
//	few runs hold it, the newest is any number of runs back    3
//	the same, and k newer ones that do not count:
//	    of forks, of other branches or commits                 3
//	    others, at most a page apart from it                   3
//	    failed, and no more than 100 runs did                  4
//	    otherwise: cancelled, of other workflows               4 + k
//	all runs hold it, of a branch or commit that is rare       4
//	the same, less than 600 runs back                          up to 9
//	all runs hold it, but the newest 5,000 failed              5
//	a run number, any number of runs back                      4
//	one of these, after a preferred branch that never ran      2 more
//	a run that ended less than ten minutes ago                 1 more
//	no run holds it, and up to 6 to explain that               2
//
// In no repository is it more than twice the pages of the lists that have to be
// read, plus ten: no more pages are read ahead than were read before, and runs are asked
// one by one only if that takes fewer requests than the pages that would tell.
type search struct {
	finder *finder
	facts  *facts // of the finder
	filter filter

	state  state
	narrow narrowed
	// limited is set once the limit kept a run from being examined, or the search from
	// reading on. Runs older than cut were then not examined in their turn. The limit is for
	// the newest: a run that is newer than an examined one is examined, whatever the limit.
	limited bool
	cut     time.Time
	// settled is set once a run number was looked for in the lists of runs: the run is known, or
	// is not where they should have it. If it is not, sought has the pages of all runs that
	// were read for it, unless lists of artifacts show, too, that there is no such run.
	settled bool
	sought  *numbers
	// told is what learnt returned when the search ended; -1 before.
	told int
	// exhausted is set once there is nothing left to ask that is likely to bring a match.
	exhausted bool

	// Requests that are sent at most once.
	numberSought   bool
	numberChecked  bool
	failuresListed bool

	// newer is the cross-check that no run was overlooked that is newer than one of the runs
	// taken, and others the one that there are no other runs to take.
	newer, others crossCheck

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
	// complete: no other run can match, or nothing is left to ask that may show one.
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
			s.told = s.learnt()
			if len(w.taken) < s.finder.req.Runs && s.leavesOut() {
				s.state = limited
			}
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

// learnt returns a number that grows with all that the server tells and that may change what the
// search finds.
func (s *search) learnt() int { return s.facts.size() + len(s.filter.workflow.own.ids) }

// walked is what a walk through the known runs shows.
type walked struct {
	taken []artifact.Run
	// unsure are runs of which it is not known what they hold.
	unsure []artifact.Run
	// denied are runs that lack what is asked for according to lists that may be wrong: lists
	// that may lag behind the run, or that were found to be wrong. first reports whether
	// denied[0] is the newest run passed over, which is asked in any case, as nothing is asked
	// for by name.
	denied []artifact.Run
	first  bool
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
			_, asked := s.facts.asked[r.ID]
			newest := i == len(w.taken) && s.facts.asks == 0
			if !asked && (newest || s.facts.faulty || s.late(r)) {
				w.denied = append(w.denied, r)
				w.first = w.first || newest
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
	cut := s.cut
	if reach := s.reach(); reach.After(cut) {
		cut = reach
	}
	return func(r artifact.Run) bool {
		switch {
		case s.state == limited && !cut.IsZero():
			if r.CreatedAt.IsZero() || !r.CreatedAt.Before(cut) {
				return true
			}
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

// reach returns how far back the lists of runs were read, whatever their order: the list of all
// runs, or all of the narrowed lists if these reach further back.
func (s *search) reach() time.Time {
	var narrowed time.Time
	for _, l := range s.narrow.lists {
		if at := l.reach(); at.After(narrowed) {
			narrowed = at
		}
	}
	if all := s.facts.all.reach(); len(s.narrow.lists) == 0 || all.Before(narrowed) {
		return all
	}
	return narrowed
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

func (s *search) passes(r artifact.Run) bool { return s.filter.refuse(r) == "" }

// examine examines runs in the order given, as far as the limit allows. ordered reports
// whether that is from the newest to the oldest.
func (s *search) examine(runs []artifact.Run, ordered bool) {
	oldest := unread
	for _, r := range runs {
		if !s.filter.examines(r) {
			continue
		}
		if !s.mayExamine(r) {
			s.limited = true
			if ordered && oldest.Before(unread) {
				s.cut = oldest
			}
			return
		}
		s.facts.examined[r.ID] = true
		if !r.CreatedAt.IsZero() {
			oldest = minTime(oldest, r.CreatedAt)
		}
	}
}

// mayExamine reports whether the limit lets a run be examined. The limit is for the newest
// runs, so one that is newer than another that was examined for this search always may be.
func (s *search) mayExamine(r artifact.Run) bool {
	if s.facts.examined[r.ID] || !s.finder.limitMet() {
		return true
	}
	for id := range s.facts.examined {
		if o := s.facts.known[id]; s.filter.examines(o) && artifact.CompareRuns(r, o) < 0 {
			return true
		}
	}
	return false
}

// leavesOut reports whether the limit keeps a run from being taken, or may do so as it ends
// the reading of all runs.
func (s *search) leavesOut() bool {
	if s.exhausted && !s.facts.all.done() && !s.mayReadAll() && !s.proven() {
		return true
	}
	for id, r := range s.facts.known {
		if !s.facts.examined[id] && !s.facts.deleted[id] && s.passes(r) && s.facts.holds(r) != no {
			return true
		}
	}
	return false
}

// candidates lists the runs of a list of artifacts that may match and are not known yet. A
// run that another list shows to lack something is one as long as it may have just ended.
func (s *search) candidates(l *artifactList) []candidate {
	return slices.DeleteFunc(l.candidates(), func(c candidate) bool {
		_, known := s.facts.known[c.ref.ID]
		return known || s.filter.refuseRef(c.ref) != "" || c.bound.Before(s.filter.notBefore) || s.facts.deleted[c.ref.ID] ||
			!s.facts.mayHold(c.ref.ID) && !s.mayEndLate(c.bound)
	})
}
