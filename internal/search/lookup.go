package search

import (
	"context"
	"slices"

	"github.com/artifetch/artifetch/internal/artifact"
)

// lookUp returns up to n requests that show what the newest candidates are, and whether
// they match. A page of all runs shows several where they lie close together, and a page
// of failed runs where many failed. Others are fetched by their ids. No answer is taken
// for a proof that a run does not exist: what is not on a page stays a candidate.
func (s *search) lookUp(list []candidate, n int) []request {
	if len(list) == 0 || n <= 0 {
		return nil
	}
	all := s.requestsFor(list)
	if len(all) > few && s.failuresHelp() {
		s.lookedUp++
		return []request{s.readFailures(list)}
	}
	all = all[:min(len(all), n, maxConcurrent)]
	s.lookedUp += len(all)
	var todo []request
	next := 0
	for _, l := range all {
		switch l.how {
		case byNextPage:
			next++
		case byPage:
			todo = append(todo, s.readAround(l.about))
		case byID:
			todo = append(todo, s.fetch(l.about[0].ref.ID))
		}
	}
	return append(todo, s.readRuns(s.facts.all, s.finder.allRuns, next)...)
}

// lookUpRequest is a request about candidates.
type lookUpRequest struct {
	about []candidate
	how   lookUpWay
}

// lookUpWay is what a request about candidates asks for.
type lookUpWay int

const (
	// byID is the run of the only candidate.
	byID lookUpWay = iota
	// byPage is a page of all runs, from the time of the first candidate on.
	byPage
	// byNextPage is the next page of the list of all runs.
	byNextPage
)

// requestsFor returns the requests that show what candidates are. Those that the list of
// all runs does not have as far as it was read, because they are older than their
// artifacts, new or hidden, take a request each. The others take no more than the pages of
// that list that are left to read up to the last of them, where they are many, or cannot be
// asked for by time.
func (s *search) requestsFor(list []candidate) []lookUpRequest {
	all := s.facts.all
	from := all.frontier()
	if from.Equal(unread) && len(list) > few && !all.done() && !all.order.disordered() {
		return []lookUpRequest{{about: list, how: byNextPage}} // so far they are all of one time
	}
	single, further := s.split(list)
	var todo []lookUpRequest
	for i := range single {
		todo = append(todo, lookUpRequest{about: single[i : i+1]})
	}
	if len(further) == 0 {
		return todo
	}
	others := s.requestsFurther(further)
	many := len(others) > maxChecks || s.facts.untimely || from.Equal(unread)
	if pages := all.pagesTo(further[len(further)-1].bound); many && pages < len(others) {
		others = slices.Repeat([]lookUpRequest{{about: further, how: byNextPage}}, pages)
	}
	return append(todo, others...)
}

// split returns the candidates that the list of all runs does not have where they should be,
// and the candidates whose place in it was not read.
func (s *search) split(list []candidate) (single, further []candidate) {
	from := s.facts.all.frontier()
	for _, c := range list {
		if s.facts.unlisted[c.ref.ID] || c.bound.After(from) || s.facts.all.done() {
			single = append(single, c)
		} else {
			further = append(further, c)
		}
	}
	return single, further
}

// requestsFurther returns the requests about candidates further down the list of all runs.
func (s *search) requestsFurther(list []candidate) []lookUpRequest {
	var todo []lookUpRequest
	all := s.facts.all
	from, span := all.frontier(), all.span()
	ahead := 0
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && list[i].bound.Sub(list[end].bound) < span {
			end++
		}
		l := lookUpRequest{about: list[i:end]}
		switch near := from.Sub(list[i].bound); {
		case near >= 0 && near < span && ahead < all.left():
			l.how = byNextPage
			ahead++
			from = from.Add(-2 * span)
		case near >= 0 && len(l.about) > 1 && !s.facts.untimely:
			l.how = byPage
		default:
			l.about, end = list[i:i+1], i+1
		}
		todo = append(todo, l)
		i = end
	}
	return todo
}

// fetch fetches a run by its id.
func (s *search) fetch(id int64) request {
	return func(ctx context.Context) (func(), error) {
		r, err := s.finder.source.Run(ctx, s.finder.repo, id)
		if missing(err) {
			return func() { s.facts.forget(id) }, nil
		}
		return func() { s.show(r) }, err
	}
}

// show takes in a candidate's run. It counts as examined as one of a list would.
func (s *search) show(r artifact.Run) {
	s.facts.know(r)
	if s.filter.examines(r) && s.mayExamine(r) {
		s.facts.examined[r.ID] = true
	}
}

// readAround reads a page of all runs from the time of the first candidate on.
func (s *search) readAround(list []candidate) request {
	l := s.finder.newRunList(RunQuery{Until: list[0].bound})
	return s.readCandidates(l, list)
}

// failuresHelp reports whether a list of failed runs would rule out candidates.
func (s *search) failuresHelp() bool {
	return !s.failuresListed && !s.facts.untimely && !s.filter.conclusions.admits(artifact.Failure, artifact.Completed)
}

// readFailures finds out which candidates failed. If at most a hundred runs failed, one
// page has them all, however far apart they are.
func (s *search) readFailures(list []candidate) request {
	s.failuresListed = true
	q := s.filter.queries(false)[0]
	q.Event, q.Status, q.Until = "", artifact.Failure, list[0].bound
	return s.readCandidates(s.finder.newRunList(q), list)
}

// readCandidates reads a list's first page, and takes in the candidates that it has; other
// runs, too, where the limit is far.
func (s *search) readCandidates(l *runList, list []candidate) request {
	return func(ctx context.Context) (func(), error) {
		p, err := s.finder.source.Runs(ctx, s.finder.repo, l.query)
		if missing(err) {
			p, err = Page[artifact.Run]{}, nil
		}
		return func() {
			l.add(1, p)
			// Not even the first candidate, which was created by then, nor any older run.
			empty := l.query.Status == "" && len(p.Items) == 0
			s.facts.untimely = s.facts.untimely || l.untimely || empty
			runs := map[int64]artifact.Run{}
			for _, r := range p.Items {
				runs[r.ID] = r
				if s.finder.left() > 2*PerPage { // others do not count before it is their turn
					s.show(r)
				}
			}
			for i, c := range list {
				if r, there := runs[c.ref.ID]; there {
					s.show(r)
				} else if l.query.Status == "" && !empty && (i == 0 || c.bound.After(l.frontier())) {
					s.facts.unlisted[c.ref.ID] = true
				}
			}
		}, err
	}
}
