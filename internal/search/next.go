package search

import (
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// next returns the requests to send next, side by side. There are none once nothing that
// the server may still tell can change what is taken, or once nothing helps.
func (s *search) next(w walked) []request {
	if again := s.readAgain(); len(again) > 0 {
		return again
	}
	if s.pathless() {
		return s.open(false, time.Time{})
	}
	todo := s.finder.ask(s.doubtful(w))
	switch {
	case len(w.unsure) > 0:
		return append(todo, s.settle(w.unsure)...)
	case len(w.taken) < s.finder.req.Runs && s.state == reading:
		return append(todo, s.readOn(s.finder.req.Runs-len(w.taken))...)
	}
	return append(todo, s.check(w.taken)...)
}

// readAgain returns requests for pages that have to be read again, as something moved.
func (s *search) readAgain() []request {
	var list []request
	for _, l := range s.facts.lists {
		if len(l.gaps) > 0 {
			list = append(list, s.finder.readArtifacts(l, 1)...)
		}
	}
	if all := s.facts.all; len(all.gaps) > 0 {
		list = append(list, s.readRuns(all, s.finder.allRuns, 1)...)
	}
	for _, l := range s.narrow.lists {
		if len(l.gaps) > 0 {
			list = append(list, s.readRuns(l, s.listRuns, 1)...)
		}
	}
	return list
}

// manyAsked is after how many rounds of asking runs the lists of all names are read, which may show
// that one of them is rare.
const manyAsked = 3

// settle finds out whether runs hold what is asked for: it asks one run, then two, four
// and eight at a time, or reads on in the lists of artifacts where that is expected to
// take fewer requests. As such an estimate may be wrong, a page of each list is read
// beside the runs that are asked. Artifacts that do not name their runs tell only of runs
// that are newer than they are.
func (s *search) settle(unsure []artifact.Run) []request {
	first, all := 0, 0
	var open []*artifactList
	for _, l := range s.facts.lists {
		if !l.done() && (!l.blind || unsure[0].CreatedAt.After(l.latest)) {
			open = append(open, l)
			first += l.pagesTo(unsure[0].CreatedAt)
			all = min(all+l.pagesTo(unsure[len(unsure)-1].CreatedAt), endless)
		}
	}
	s.rounds++
	tells := len(open) > 0 && s.facts.asks <= len(s.facts.lists)
	switch {
	case s.rounds == 1 && tells && first == 1:
		return s.readArtifacts(open, 1)
	case s.rounds == 1:
		return s.finder.ask(unsure[:1])
	case tells && all <= len(unsure):
		return s.readArtifacts(open, all)
	}
	n := min(len(unsure), 1<<min(s.rounds-1, 3))
	todo := append(s.finder.ask(unsure[:n]), s.readArtifacts(open, 1)...)
	if s.rounds > manyAsked {
		todo = append(todo, s.readArtifacts(s.facts.listAll(), 1)...)
	}
	if s.rounds > 2 {
		todo = append(todo, s.seekOwner(unsure[0].CreatedAt)...)
	}
	return todo
}

// seekOwner returns requests for lists of runs that may show which run has artifacts that do not
// name it, and that are newer than a time. The list of all runs may not reach back to that time, or
// it may lack the run if that is newer than all runs that it has.
func (s *search) seekOwner(since time.Time) []request {
	newer := func(t time.Time) bool {
		return slices.ContainsFunc(s.facts.lists, func(l *artifactList) bool { return l.blind && l.latest.After(t) })
	}
	switch all := s.facts.all; {
	case !newer(since):
	case len(s.narrow.lists) == 0 && newer(s.newest()):
		return s.openAny()
	case !all.done() && !since.After(all.frontier()):
		return s.readAll()
	}
	return nil
}

// readArtifacts returns requests for the next pages of lists of artifacts, at most n
// of each.
func (s *search) readArtifacts(lists []*artifactList, n int) []request {
	var list []request
	for _, l := range lists {
		list = append(list, s.finder.readArtifacts(l, min(n, l.ahead()))...)
	}
	return list
}

// few is how many requests about candidates are sent before a narrowed list is read.
const few = 2

// readOn returns the requests that are likely to bring the next run to take.
func (s *search) readOn(wanted int) []request {
	if s.finder.limitMet() {
		s.limited = true // of those examined, the newest counts
		return nil
	}
	if s.filter.number != 0 && !s.filter.workflow.any() && !s.numberSought {
		s.numberSought = true
		return []request{s.seekNumber}
	}
	index := s.facts.index()
	if index != nil && index.glimpsed() && slices.ContainsFunc(s.matching(), func(r artifact.Run) bool { return r.CreatedAt.After(index.frontier()) }) {
		return s.readArtifacts([]*artifactList{index}, 1) // which bears out its order
	}
	open := s.unruled(index)
	narrows, byStatus := s.worthNarrowing()
	unopened := len(s.narrow.lists) == 0 && narrows
	if len(open) > 0 {
		about := s.requestsFor(open)
		switch {
		case len(s.narrow.lists) > 0 && !s.narrow.done() && s.believed() && len(about) > few:
			return s.readNarrowed() // which may show that they do not match
		case index.done(), !unopened:
			return s.lookUp(open, max(wanted, 1+s.lookedUp/2))
		}
	}
	if until := s.blindUntil(); index == nil && !until.IsZero() && until.Before(s.frontier()) && !s.facts.untimely && s.believed() {
		return s.open(byStatus, until) // no later run holds it
	}
	unfinished := s.unfinished()
	switch n := left(unfinished); {
	case unopened && len(open) == 0 && n > 0 && n <= s.finder.untried:
		return s.readArtifacts(unfinished, maxConcurrent)
	case unopened:
		if byStatus {
			return s.openByStatus()
		}
		return s.open(false, time.Time{})
	case index != nil && !index.done() && index.frontier().Before(s.frontier()):
		return s.readArtifacts([]*artifactList{index}, maxConcurrent)
	}
	return append(s.readOnRuns(byStatus), s.readArtifacts(unfinished, 1)...)
}

// unruled lists the candidates that may match although the narrowed lists, as far as they
// were read, do not have them. It lists all candidates where those lists are not believed,
// or where few requests about them settle the search.
func (s *search) unruled(index *artifactList) []candidate {
	if index == nil {
		return nil
	}
	all := s.candidates(index)
	if !s.believed() || index.done() && len(s.requestsFor(all)) <= maxConcurrent {
		return all
	}
	frontier := s.narrow.frontier()
	return slices.DeleteFunc(all, func(c candidate) bool { return c.bound.After(frontier) })
}

// left is how many pages of lists are still to be read.
func left[L interface{ left() int }](lists []L) int {
	n := 0
	for _, l := range lists {
		n = min(n+l.left(), endless)
	}
	return n
}

// unfinished returns the lists of artifacts that name runs and were not read to their end.
func (s *search) unfinished() []*artifactList {
	var list []*artifactList
	for _, l := range s.facts.lists {
		if !l.done() && !l.blind {
			list = append(list, l)
		}
	}
	return list
}

// worthNarrowing reports whether lists that the server narrows reach further back than the
// list of all runs, judging by the runs that are known from that list. byStatus reports
// that the lists have to be narrowed by conclusion for that, because most runs meet the
// conditions and few ended as asked for.
func (s *search) worthNarrowing() (narrows, byStatus bool) {
	meet, fit := 0, 0
	for _, r := range s.facts.all.items {
		if s.filter.examines(r) {
			meet++
			if s.filter.conclusions.admits(r.Conclusion, r.Status) {
				fit++
			}
		}
	}
	conditions := s.filter.queries(false)[0] != (RunQuery{}) && 2*meet <= len(s.facts.all.items)
	byStatus = !conditions && s.filter.narrowsByStatus() && 2*fit <= meet
	return conditions || byStatus, byStatus
}

// mostOfAll is how many pages of all runs are read at most for each hundred runs that
// may be examined, beyond ten.
const mostOfAll = 2

// readOnRuns returns requests for the next pages of runs.
func (s *search) readOnRuns(byStatus bool) []request {
	n := &s.narrow
	switch {
	case len(n.lists) == 0 || !s.believed():
	case !n.byStatus && s.filter.narrowsByStatus() && s.unlikely():
		return s.openByStatus()
	case !n.done():
		return s.readNarrowed()
	case n.cutOff() && !s.facts.untimely:
		return s.open(false, n.frontier()) // GitHub cut the lists off
	}
	if byStatus && !n.byStatus && s.believed() {
		return s.openByStatus()
	}
	if list := s.readAll(); len(list) > 0 || len(n.lists) > 0 || s.filter.queries(false)[0] == (RunQuery{}) {
		return list
	}
	return s.open(false, time.Time{})
}

// mayReadAll reports whether the limit of the search allows further pages of all runs.
func (s *search) mayReadAll() bool {
	return s.facts.all.read <= 10+mostOfAll*s.finder.req.SearchLimit/PerPage
}

// readAll returns requests for the next pages of all runs, as far as the limit allows.
func (s *search) readAll() []request {
	all := s.facts.all
	if !s.mayReadAll() {
		return nil
	}
	return s.readRuns(all, s.finder.allRuns, all.ahead())
}

// unlikely reports whether hardly any run of the narrowed lists ended as asked for.
func (s *search) unlikely() bool {
	read, fit := 0, 0
	for _, l := range s.narrow.lists {
		for _, r := range l.items {
			read++
			if s.filter.conclusions.admits(r.Conclusion, r.Status) {
				fit++
			}
		}
	}
	return 2*fit <= read
}

// openByStatus begins lists narrowed by conclusion. Beside a single such list the next page
// of all runs is read, which may show recent runs that the list lacks.
func (s *search) openByStatus() []request {
	until := s.narrow.frontier()
	if until.Equal(unread) || s.facts.untimely {
		until = time.Time{}
	}
	list := s.open(true, until)
	if len(list) == 1 && len(s.narrow.former) == 0 {
		list = append(list, s.readRuns(s.facts.all, s.finder.allRuns, 1)...)
	}
	return list
}

// blindUntil is the time after which no run holds what is asked for, by lists that
// do not name runs. It is zero if that is not known, or if the word of the lists is not
// enough for a run that was not read yet.
func (s *search) blindUntil() time.Time {
	var until time.Time
	if s.facts.asks == 0 || s.mayEndLate(s.frontier()) {
		return until
	}
	for _, l := range s.facts.lists {
		if !l.blind || !l.done() && l.frontier().Equal(unread) {
			continue
		}
		at := l.latest
		if !l.done() && at.Before(l.frontier()) {
			at = l.frontier() // a later one may be listed further down
		}
		if until.IsZero() || at.Before(until) {
			until = at
		}
	}
	return until
}
