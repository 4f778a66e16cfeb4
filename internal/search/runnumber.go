package search

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// numbers finds the page of a list that has the run with a certain number. The runs
// of a workflow are numbered as they are created, and listed newest first, so a page
// bounds how far away the number is, and one or two pages find it. But runs of about
// the same time may be listed in any order, and a page may end between them.
type numbers struct {
	want     int
	workflow workflowFilter
	perPage  int
	// lo and hi are the first and the last page that can have the run.
	lo, hi int
	end    int // the last page there is, where known
	pages  map[int][]artifact.Run
}

// farthest is beyond the last page of every list.
const farthest = 1 << 30

// seekNumber looks for the run with the number asked for. When it was found, the search is
// settled. Where the pages show that there is none, candidates may still be it, as the
// list may lack some runs. A list that is cut off, or in another order, shows nothing.
func (s *search) seekNumber(ctx context.Context) (func(), error) {
	n := numbers{
		want: s.filter.number, workflow: s.filter.workflow, perPage: s.finder.pageSize(),
		lo: 1, hi: farthest, pages: map[int][]artifact.Run{},
	}
	q := RunQuery{Workflow: s.filter.workflow.query(), PerPage: n.perPage}
	var seen []artifact.Run
	left, read := s.finder.left(), false
	outcome := func(settled, absent bool) func() {
		return func() {
			for _, r := range seen {
				s.filter.workflow.learn(r)
				s.show(r)
			}
			s.settled, s.absent = settled, absent
			if absent && read {
				s.number = s.finder.newRunList(RunQuery{Workflow: q.Workflow})
				s.number.add(1, Page[artifact.Run]{Items: seen})
				s.number.meets = func(artifact.Run) bool { return false } // it has gaps
				s.facts.narrowed = append(s.facts.narrowed, s.number)
			}
		}
	}
	for q.Page = s.guess(&n, q); ; {
		if q.Page == 0 {
			return outcome(false, n.end == 0 || n.lo <= n.end || !q.filtered() || n.end*n.perPage < s.finder.mostFiltered), nil
		}
		read = true
		p, err := s.listRuns(ctx, q)
		if errors.Is(err, errUnlisted) {
			return func() { s.narrow.gone = true }, nil
		}
		if err != nil {
			return nil, err
		}
		within := min(len(p.Items), left-len(seen)) // the limit lets these be looked at
		cut := within < len(p.Items)
		p.Items = p.Items[:within]
		seen = append(seen, p.Items...)
		switch {
		case n.add(q.Page, p):
			return outcome(true, false), nil
		case cut, !n.orderly(), len(seen) >= left:
			return outcome(false, false), nil
		}
		q.Page = n.next(q.Page)
	}
}

// numbered lists the candidates that may have the number asked for, although the lists of
// their workflow lack it: at most a few, of those that were created last before a run with
// a higher number.
func (s *search) numbered() []candidate {
	list := slices.DeleteFunc(s.hidden(time.Time{}), func(c candidate) bool {
		for _, r := range s.facts.known {
			if r.Number > 0 && r.Number < s.filter.number && r.CreatedAt.After(c.bound) && s.filter.workflow.passes(r) {
				return true // numbers rise
			}
		}
		return false
	})
	return list[max(0, len(list)-few):]
}

// guess returns the page to read first, or 0 if no page can have the run. Where all runs
// of the repository meet the query, their first page is that of the list.
func (s *search) guess(n *numbers, q RunQuery) int {
	all := s.facts.all
	if all.read == 1 && n.perPage == all.perPage && !slices.ContainsFunc(all.items, func(r artifact.Run) bool { return !s.filter.meets(r, q) }) {
		n.add(1, Page[artifact.Run]{Items: all.items, Next: all.next})
		if !n.orderly() {
			return 1
		}
		return n.next(1)
	}
	for _, r := range all.items {
		if r.Number > 0 && s.filter.workflow.passes(r) {
			return max(1, 1+(r.Number-n.want)/n.perPage)
		}
	}
	return 1
}

// add adds a page and reports whether the run is on it. If not, the page narrows
// the range of pages that can have it.
func (n *numbers) add(page int, p Page[artifact.Run]) bool {
	n.pages[page] = p.Items
	if p.Next == 0 {
		n.hi = min(n.hi, page)
		n.end = page
	}
	if len(p.Items) == 0 {
		n.hi = min(n.hi, page-1)
		return false
	}
	newest, oldest := slices.MinFunc(p.Items, artifact.CompareRuns), slices.MaxFunc(p.Items, artifact.CompareRuns)
	for _, r := range p.Items {
		switch {
		case r.Number == n.want && n.workflow.passes(r):
			return true
		case r.Number < n.want && r.CreatedAt.After(oldest.CreatedAt.Add(runSlack)):
			n.hi = min(n.hi, page-1) // the run asked for is newer than r, and r than the end of the page
		case r.Number > n.want && r.CreatedAt.Before(newest.CreatedAt.Add(-runSlack)):
			n.lo = max(n.lo, page+1)
		}
	}
	return false
}

// orderly reports whether the pages are in the order of time, and numbered in that
// order. Runs of other workflows are not, and runs without a time or a number may
// not be.
func (n *numbers) orderly() bool {
	var all []artifact.Run
	for _, page := range slices.Sorted(maps.Keys(n.pages)) {
		all = append(all, n.pages[page]...)
	}
	oldest := unread
	for _, r := range all {
		if r.CreatedAt.IsZero() || r.Number <= 0 || r.CreatedAt.After(oldest.Add(runSlack)) || !n.workflow.passes(r) {
			return false
		}
		oldest = minTime(oldest, r.CreatedAt)
	}
	slices.SortFunc(all, func(a, b artifact.Run) int { return cmp.Compare(b.Number, a.Number) })
	oldest = unread
	for _, r := range all {
		if r.CreatedAt.After(oldest.Add(runSlack)) {
			return false
		}
		oldest = minTime(oldest, r.CreatedAt)
	}
	return true
}

// next returns the page to read after this one, or 0 if no page can have the run.
func (n *numbers) next(page int) int {
	guess := n.lo + (n.hi-n.lo)/2
	if items := n.pages[page]; len(items) > 0 {
		// Numbers may be missing, so this is the largest distance.
		switch first, last := items[0].Number, items[len(items)-1].Number; {
		case n.want < last:
			guess = page + 1 + (last-n.want-1)/n.perPage
		case n.want > first:
			guess = page - 1 - (n.want-first-1)/n.perPage
		default:
			guess = page + 1
		}
	}
	guess = min(max(guess, n.lo), n.hi)
	// The nearest page that was not read.
	for d := 0; guess+d <= n.hi || guess-d >= n.lo; d++ {
		for _, p := range []int{guess + d, guess - d} {
			if _, read := n.pages[p]; !read && n.lo <= p && p <= n.hi {
				return p
			}
		}
	}
	return 0
}
