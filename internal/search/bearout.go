package search

import (
	"slices"
	"time"
)

// bearOut returns requests that show whether the list of all runs lacks a run that was just
// created, if the artifacts that were read do not show it. They ask for more pages of artifacts,
// which may name the run, or else for a list that a filter narrows. If that list is wrong, artifacts
// that do not name their runs may still show that no run is missing. If artifacts are in no order,
// a second page of all runs shows whether the list of all runs is.
//
// It does so whatever the limit of the search: a run that is newer than one that was examined counts.
func (s *search) bearOut(oldest time.Time) []request {
	all, unordered := s.facts.all, s.unordered()
	if !s.unborne(oldest) {
		return nil
	}
	if list := s.readToNewest(); len(list) > 0 {
		return list
	}
	var list []request
	switch {
	case len(s.narrow.lists) == 0:
		list = s.openAny()
	case slices.ContainsFunc(s.narrow.lists, func(l *runList) bool { return l.read < maxUnordered && s.mayHaveNewer(l) }):
		list = s.readNext()
	case s.contradicted():
		list = s.readArtifacts(s.glimpses(), 1)
	}
	if unordered && all.read == 1 && !all.done() {
		list = append(list, s.readRuns(all, s.finder.allRuns, 1)...)
	}
	return list
}

// readToNewest returns requests for the pages of artifacts that are likely to reach back to the
// newest run of the list of all runs, if they are few. A list that shows no order has to be read
// to its end.
func (s *search) readToNewest() []request {
	list := s.facts.index()
	if open := s.unfinished(); list == nil && len(open) > 0 {
		list = shortest(open)
	}
	if list == nil {
		return nil
	}
	pages := list.pagesTo(s.newest())
	if list.read+pages > 1+maxGap {
		return nil
	}
	return s.readArtifacts([]*artifactList{list}, pages)
}

// unborne reports whether the lists of artifacts, as far as they were read, do not show whether
// the list of all runs lacks a run that was created since a time.
func (s *search) unborne(since time.Time) bool {
	if index := s.facts.index(); index != nil {
		// Pages that reach back to the newest run have all that later runs made.
		f := index.frontier()
		return !index.done() && !since.After(f) && !s.newest().After(f)
	}
	return s.unordered() || !s.accounted(since)
}

// newest returns when the newest run of the list of all runs was created.
func (s *search) newest() time.Time {
	var newest time.Time
	for _, r := range s.facts.all.items {
		if r.CreatedAt.After(newest) {
			newest = r.CreatedAt
		}
	}
	return newest
}

// mayHaveNewer reports whether the unread rest of a narrowed list may have runs that are at least
// as new as the newest run of the list of all runs.
func (s *search) mayHaveNewer(l *runList) bool {
	return !l.done() && !l.frontier().Before(s.newest())
}

// unordered reports whether no list of artifacts shows any order, but one names runs.
func (s *search) unordered() bool { return s.facts.index() == nil && len(s.unfinished()) > 0 }

// openAny begins lists that the server narrows by what the filter has, or else by time.
func (s *search) openAny() []request {
	switch {
	case s.filter.queries(false)[0] != (RunQuery{}):
		return s.open(false, time.Time{})
	case s.filter.narrowsByStatus():
		return s.open(true, time.Time{})
	}
	return s.open(false, s.finder.now)
}

// glimpses returns the lists of artifacts that do not name their runs and of which only one page
// was read: a second page shows whether they are in order.
func (s *search) glimpses() []*artifactList {
	var list []*artifactList
	for _, l := range s.facts.lists {
		if l.blind && l.glimpsed() {
			list = append(list, l)
		}
	}
	return list
}

// accounted reports whether a list of artifacts that do not name their runs shows which of the
// runs created since a time hold what is asked for: all artifacts since then that count are on the
// own lists of runs that were asked.
func (s *search) accounted(since time.Time) bool {
	return slices.ContainsFunc(s.facts.lists, func(l *artifactList) bool { return l.blind && l.knows(since) && l.latest.Before(since) })
}

// maxUnordered bounds how many pages of a list of runs are read only because the list
// shows no order.
const maxUnordered = 10

// mayHide reports whether the list shows no order, so that the newest run may be on any of its
// unread pages, and whether it may be read on for that alone.
func (l *runList) mayHide() bool {
	return !l.done() && l.read < maxUnordered && l.order.frontier().Equal(unread)
}

// readUnordered returns requests for the next pages of lists of runs that show no order: the
// newest run that fits may be on any page.
func (s *search) readUnordered(oldest time.Time) []request {
	switch all := s.facts.all; {
	case s.certainly(oldest) || !all.mayHide():
		return nil
	case s.filter.queries(false)[0] == (RunQuery{}):
		return s.readRuns(s.facts.all, s.finder.allRuns, s.facts.all.ahead())
	case slices.ContainsFunc(s.narrow.lists, (*runList).mayHide):
		return s.readNarrowed()
	}
	return nil
}
