package search

import (
	"slices"
	"time"
)

// bearOut returns requests that show whether the list of all runs lacks a run that was just
// created, where no list of artifacts names such a run: a list that a filter narrows may
// have it. Beside it, a second page of all runs shows whether the first one is in order.
func (s *search) bearOut() []request {
	all, unordered := s.facts.all, s.unordered()
	if s.facts.index() != nil || s.finder.limitMet() || !unordered && !s.unexplained() {
		return nil
	}
	var list []request
	switch {
	case len(s.narrow.lists) == 0 && s.filter.queries(false)[0] != (RunQuery{}):
		list = s.open(false, time.Time{})
	case slices.ContainsFunc(s.narrow.lists, (*runList).mayHide):
		list = s.readNext()
	}
	if unordered && all.read == 1 && !all.done() {
		list = append(list, s.readRuns(all, s.finder.allRuns, 1)...)
	}
	return list
}

// unordered reports whether no list of artifacts shows any order, but one names runs.
func (s *search) unordered() bool { return s.facts.index() == nil && len(s.unfinished()) > 0 }

// unexplained reports whether a list of artifacts that does not name runs has an artifact
// that counts, and that was created after all known runs had ended. It is of another run.
func (s *search) unexplained() bool {
	var ended time.Time // when the last of the known runs did
	for _, r := range s.facts.known {
		if r.UpdatedAt.IsZero() {
			return false // it may have ended at any time
		}
		if r.UpdatedAt.After(ended) {
			ended = r.UpdatedAt
		}
	}
	return slices.ContainsFunc(s.facts.lists, func(l *artifactList) bool { return l.blind && l.latest.After(ended) })
}

// maxUnordered bounds how many pages of a list of runs are read only because the list
// shows no order.
const maxUnordered = 10

// mayHide reports whether the list may have the newest run anywhere, as it shows no order,
// and is to be read on for that alone.
func (l *runList) mayHide() bool {
	return !l.done() && l.read < maxUnordered && l.order.frontier().Equal(unread)
}

// readUnordered returns requests for the next pages of the lists that may have the newest
// run that fits anywhere, as they show no order.
func (s *search) readUnordered(oldest time.Time) []request {
	switch all := s.facts.all; {
	case s.certainly(oldest) || s.finder.limitMet() || !all.mayHide():
		return nil
	case s.filter.queries(false)[0] == (RunQuery{}):
		return s.readRuns(s.facts.all, s.finder.allRuns, s.facts.all.ahead())
	case slices.ContainsFunc(s.narrow.lists, (*runList).mayHide):
		return s.readNarrowed()
	}
	return nil
}
