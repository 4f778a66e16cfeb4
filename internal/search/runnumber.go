package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// mostSought bounds how many pages of the list of all runs are read to find a number.
const mostSought = 8

// seekNumber looks for the run with the number asked for: first in the list of the
// workflow's runs, then in the list of all runs, because the workflow's list may lag. It
// reads only the list of all runs if all known runs are of the workflow. The search is
// settled when the run was found, or when the list of all runs, in order as far as it was
// read, does not have it where it should be. If lists of artifacts show no order, the list of
// runs may have none either, and an absent run settles nothing.
func (s *search) seekNumber(ctx context.Context) (func(), error) {
	own, all := &numbers{}, &numbers{} // of the workflow's runs, and of all runs
	limit := s.finder.left()
	gone := false
	others := slices.ContainsFunc(s.facts.all.items, func(r artifact.Run) bool { return !s.filter.workflow.passes(r) })
	if others || len(s.facts.all.items) == 0 {
		var err error
		own, err = s.seekIn(ctx, RunQuery{Workflow: s.filter.workflow.query()}, s.listRuns, endless, limit)
		if gone = errors.Is(err, errUnlisted); err != nil && !gone {
			return nil, err
		}
	}
	for _, r := range own.seen {
		s.filter.workflow.learn(r)
	}
	if own.sighting != sighted && len(own.seen) < limit {
		var err error
		if all, err = s.seekIn(ctx, RunQuery{}, s.finder.allRuns, mostSought, limit-len(own.seen)); err != nil {
			return nil, err
		}
	}
	return func() {
		s.narrow.gone = s.narrow.gone || gone
		for _, r := range slices.Concat(own.seen, all.seen) {
			s.show(r)
		}
		s.settled = own.sighting == sighted || all.sighting == sighted || all.sighting == absent && !s.unordered()
		if all.sighting == absent && !s.knowsNumber() && s.mayMiss() {
			s.sought = all
		}
	}, nil
}

// knowsNumber reports whether the run with the number asked for is known.
func (s *search) knowsNumber() bool {
	for _, r := range s.facts.known {
		if r.Number == s.filter.number && s.filter.workflow.passes(r) {
			return true
		}
	}
	return false
}

// checkNumber returns requests that cross-check that no run has the number asked for, where the
// lists of runs do not have it at its place. Candidates may be newer than all runs of the lists.
func (s *search) checkNumber() []request {
	if s.knowsNumber() {
		return nil
	}
	since, beyond := s.below(), s.beyondKnown()
	if beyond {
		if list := s.lookUpHidden(since); len(list) > 0 {
			return list
		}
	}
	if list := s.readForNumber(); len(list) > 0 || !beyond {
		return list
	}
	return s.bearOut(since)
}

// beyondKnown reports whether the number asked for is larger than that of every known run of the
// workflow. The list of all runs may lack such a run, as it was just created.
func (s *search) beyondKnown() bool {
	for _, r := range s.facts.known {
		if r.Number >= s.filter.number && s.filter.workflow.passes(r) {
			return false
		}
	}
	return true
}

// below returns when the newest known run of the workflow with a smaller number than the one
// asked for was created.
func (s *search) below() time.Time {
	var at time.Time
	for _, r := range s.facts.known {
		if r.Number < s.filter.number && r.CreatedAt.After(at) && s.filter.workflow.passes(r) {
			at = r.CreatedAt
		}
	}
	return at
}

// readForNumber returns requests for the rest of the list of all runs if no list has the run with
// the number asked for at its place: the run may be elsewhere. If the rest is long, another list
// is read (readAroundNumber).
func (s *search) readForNumber() []request {
	if s.sought == nil || s.finder.limitMet() {
		return nil
	}
	pages, known := s.sought.unreadPages()
	if !known || len(pages) > maxGap {
		return s.readAroundNumber()
	}
	var list []request
	for _, page := range pages {
		list = append(list, func(ctx context.Context) (func(), error) {
			p, err := s.finder.allRuns(ctx, RunQuery{Page: page, PerPage: s.sought.perPage})
			return func() {
				s.sought.add(page, p)
				for _, r := range p.Items {
					s.show(r)
				}
			}, err
		})
	}
	return list
}

// readAroundNumber returns, once, a request for a page of the workflow's runs that begins at the
// known run with the next larger number. If the page has that run, and one with a smaller number
// than the one asked for, it bears out that there is none in between.
func (s *search) readAroundNumber() []request {
	above := s.nextNumber()
	if s.numberChecked || above.ID == 0 || s.facts.untimely {
		return nil
	}
	s.numberChecked = true
	l := s.finder.newRunList(RunQuery{Workflow: s.filter.workflow.query(), Until: above.CreatedAt})
	return []request{func(ctx context.Context) (func(), error) {
		q := l.query
		q.PerPage = l.perPage
		p, err := s.listRuns(ctx, q)
		if errors.Is(err, errUnlisted) {
			return func() {}, nil
		}
		return func() {
			l.add(1, p)
			for _, r := range p.Items {
				s.filter.workflow.learn(r)
				s.show(r)
			}
			passes := func(r artifact.Run) bool {
				return 0 < r.Number && r.Number < s.filter.number && s.filter.workflow.passes(r)
			}
			if l.seen[above.ID] && !l.untimely && !l.order.disordered() && slices.ContainsFunc(p.Items, passes) {
				s.sought = nil
			}
		}, err
	}}
}

// nextNumber returns the known run of the workflow with the smallest number above the one asked
// for, of those that have a time. Its ID is 0 if there is none.
func (s *search) nextNumber() artifact.Run {
	var next artifact.Run
	for _, r := range s.facts.known {
		if r.Number > s.filter.number && (next.ID == 0 || r.Number < next.Number) && !r.CreatedAt.IsZero() && s.filter.workflow.passes(r) {
			next = r
		}
	}
	return next
}

// numberDoubts returns the doubt, if one is left, that the run with the number asked for is out of
// its place, or that the list of all runs lacks it. No other run has the number.
func (s *search) numberDoubts() []Doubt {
	if s.beyondKnown() {
		if list := s.newestDoubts(s.below()); len(list) > 0 {
			return list
		}
	}
	if s.sought == nil || s.knowsNumber() {
		return nil
	}
	if pages, known := s.sought.unreadPages(); known && len(pages) == 0 {
		return nil
	}
	return []Doubt{{Reason: fmt.Sprintf("run number %d was looked for only where the lists of runs should have it", s.filter.number)}}
}

// seekIn looks for the number in a list, of which it reads at most so many pages, and looks at
// no more runs than the limit allows. Beside an error it returns what was read before.
func (s *search) seekIn(ctx context.Context, q RunQuery, get func(context.Context, RunQuery) (Page[artifact.Run], error), pages, limit int) (*numbers, error) {
	n := &numbers{
		want: s.filter.number, workflow: s.filter.workflow, perPage: s.finder.pageSize(),
		lo: 1, hi: endless, pages: map[int][]artifact.Run{},
	}
	q.PerPage = n.perPage
	q.Page = s.guess(n, q)
	for ; pages > 0 && q.Page != 0; pages-- {
		p, err := get(ctx, q)
		if err != nil {
			return n, err
		}
		within := min(len(p.Items), limit-len(n.seen))
		cut := within < len(p.Items)
		p.Items = p.Items[:within]
		n.seen = append(n.seen, p.Items...)
		switch {
		case n.add(q.Page, p):
			n.sighting = sighted
			return n, nil
		case cut, !n.orderly(), len(n.seen) >= limit:
			return n, nil
		}
		q.Page = n.next(q.Page)
	}
	if q.Page == 0 {
		n.sighting = absent
	}
	return n, nil
}

// guess returns the page to read first, or 0 if no page can have the run. The first page
// of the list of all runs is known. Where it shows that no page has the run, a second page
// bears that out, unless the artifacts do.
func (s *search) guess(n *numbers, q RunQuery) int {
	all := s.facts.all
	if q.Workflow == "" && all.read == 1 && n.perPage == all.perPage {
		n.add(1, Page[artifact.Run]{Items: all.items, Next: all.next, Last: all.last})
		page := 1
		if n.orderly() {
			page = n.next(1)
		}
		if page == 0 && s.mayMiss() {
			return all.next
		}
		return page
	}
	for _, r := range all.items {
		if r.Number > 0 && s.filter.workflow.passes(r) {
			return max(1, 1+(r.Number-n.want)/n.perPage)
		}
	}
	return 1
}

// mayMiss reports whether the run asked for may be listed further down than it should be: no
// list of artifacts goes back to the runs with smaller numbers, or one names an unknown run that
// is newer than they are.
func (s *search) mayMiss() bool {
	index := s.facts.index()
	if index == nil {
		return true
	}
	since := s.below()
	return !index.done() && !since.After(index.frontier()) ||
		slices.ContainsFunc(s.candidates(index), func(c candidate) bool { return !c.bound.Before(since) })
}
