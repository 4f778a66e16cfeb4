package artifact

import (
	"context"
	"slices"
)

// seekNumber goes for the one run that has the number asked for. The runs of
// a workflow are numbered in the order in which they were created, so the
// list says how far away a number is at most, and a page or two find it. It
// tells whether that worked out: not if the list is in another order.
func (s *search) seekNumber(ctx context.Context) (bool, error) {
	q := s.filter.query()
	q.PerPage = min(PerPage, s.req.SearchLimit)
	above := s.lowest() // the lowest number known to be too high
	if s.filter.number >= above {
		return true, nil // it would have been met
	}
	for lo, hi := 2, 1<<30; lo <= hi; {
		if s.limitMet() {
			return false, nil
		}
		q.Page = min(lo+(above-s.filter.number-1)/q.PerPage, hi)
		p, err := s.source.Runs(ctx, s.repo, q)
		if err != nil {
			return false, err
		}
		if !slices.IsSortedFunc(p.Items, func(a, b Run) int { return b.Number - a.Number }) {
			return false, nil
		}
		if len(p.Items) == 0 {
			hi = q.Page - 1
			above = s.filter.number + 1 + (hi-lo)/2*q.PerPage // half-way
			continue
		}
		for _, r := range p.Items[:min(len(p.Items), s.left())] {
			s.meet(r)
		}
		first, last := p.Items[0].Number, p.Items[len(p.Items)-1].Number
		switch {
		case s.filter.number > first:
			hi = q.Page - 1
			above = s.filter.number + 1 + max(hi-lo-(s.filter.number-first)/q.PerPage, 0)*q.PerPage
		case s.filter.number < last && p.Next != 0:
			lo, above = q.Page+1, last
		default:
			// The end of the list, unless it is only where GitHub cuts it off.
			return s.filter.number >= last || !q.filtered() || q.Page*q.PerPage < s.mostFiltered, nil
		}
	}
	return true, nil
}

// lowest is the lowest number among the runs that the list has given.
func (s *search) lowest() int {
	lowest := 1 << 30
	for id := range s.runs.seen {
		if s.filter.workflow.passes(s.known[id]) {
			lowest = min(lowest, s.known[id].Number)
		}
	}
	return lowest
}
