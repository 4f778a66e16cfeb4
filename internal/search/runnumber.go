package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	last   int                    // the last page of the list, or 0 where the server does not tell
	pages  map[int][]artifact.Run // the runs of the workflow
	mixed  bool                   // a page has runs, of any workflow, out of their order
}

// farthest is beyond the last page of every list.
const farthest = 1 << 30

// mostSought bounds how many pages of the list of all runs are read to find a number.
const mostSought = 8

// seekNumber looks for the run with the number asked for: first in the list of the
// workflow's runs, then in the list of all runs, because the workflow's list may lag. It
// reads only the list of all runs if all known runs are of the workflow. The search is
// settled when the run was found, or when the list of all runs, in order as far as it was
// read, does not have it where it should be: not where a list of artifacts shows no order,
// and the run may be out of its place, too.
func (s *search) seekNumber(ctx context.Context) (func(), error) {
	var seen []artifact.Run
	var sought *numbers
	var found, absent, gone bool
	var err error
	if slices.ContainsFunc(s.facts.all.items, func(r artifact.Run) bool { return !s.filter.workflow.passes(r) }) || len(s.facts.all.items) == 0 {
		_, found, _, err = s.seekIn(ctx, RunQuery{Workflow: s.filter.workflow.query()}, s.listRuns, farthest, &seen)
		if gone = errors.Is(err, errUnlisted); err != nil && !gone {
			return nil, err
		}
	}
	for _, r := range seen {
		s.filter.workflow.learn(r)
	}
	if !found && len(seen) < s.finder.left() {
		if sought, found, absent, err = s.seekIn(ctx, RunQuery{}, s.finder.allRuns, mostSought, &seen); err != nil {
			return nil, err
		}
	}
	return func() {
		s.narrow.gone = s.narrow.gone || gone
		for _, r := range seen {
			s.show(r)
		}
		s.settled = found || absent && !s.unordered()
		if absent && !s.knowsNumber() && s.mayMiss() {
			s.sought = sought
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

// unread returns the pages of the list that were not read, as far as the server tells how
// many there are, and reports whether it does.
func (n *numbers) unread() (pages []int, known bool) {
	for page := 1; page <= n.last; page++ {
		if _, read := n.pages[page]; !read {
			pages = append(pages, page)
		}
	}
	return pages, n.last > 0
}

// readForNumber returns requests for the rest of the list of all runs if no list has the run with
// the number asked for at its place: the run may be elsewhere. If the rest is long, another list
// is read (readAroundNumber).
func (s *search) readForNumber() []request {
	if s.sought == nil || s.finder.limitMet() {
		return nil
	}
	pages, known := s.sought.unread()
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
	if pages, known := s.sought.unread(); known && len(pages) == 0 {
		return nil
	}
	return []Doubt{{Reason: fmt.Sprintf("run number %d was looked for only where the lists of runs should have it", s.filter.number)}}
}

// seekIn looks for the number in a list, of which it reads at most so many pages, and adds
// the runs of the pages to seen. found reports that it found the run; absent, that the list,
// in order as far as it was read, does not have the run where it should be.
func (s *search) seekIn(ctx context.Context, q RunQuery, get func(context.Context, RunQuery) (Page[artifact.Run], error), most int, seen *[]artifact.Run) (n *numbers, found, absent bool, err error) {
	n = &numbers{
		want: s.filter.number, workflow: s.filter.workflow, perPage: s.finder.pageSize(),
		lo: 1, hi: farthest, pages: map[int][]artifact.Run{},
	}
	q.PerPage = n.perPage
	left := s.finder.left()
	q.Page = s.guess(n, q)
	for ; most > 0 && q.Page != 0; most-- {
		p, err := get(ctx, q)
		if err != nil {
			return nil, false, false, err
		}
		within := min(len(p.Items), left-len(*seen)) // the limit lets these be looked at
		cut := within < len(p.Items)
		p.Items = p.Items[:within]
		*seen = append(*seen, p.Items...)
		switch {
		case n.add(q.Page, p):
			return n, true, false, nil
		case cut, !n.orderly(), len(*seen) >= left:
			return n, false, false, nil
		}
		q.Page = n.next(q.Page)
	}
	return n, false, q.Page == 0, nil
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

// mayMiss reports whether the run asked for may be listed further down than it should be: it
// is newer than those with smaller numbers, and no list of artifacts goes as far back, or
// one names a run of that time that is not known.
func (s *search) mayMiss() bool {
	index := s.facts.index()
	if index == nil {
		return true
	}
	since := s.below()
	return !index.done() && !since.After(index.frontier()) ||
		slices.ContainsFunc(s.candidates(index), func(c candidate) bool { return !c.bound.Before(since) })
}

// add adds a page and reports whether the run is on it. If not, the page narrows
// the range of pages that can have it.
func (n *numbers) add(page int, p Page[artifact.Run]) bool {
	n.pages[page] = slices.DeleteFunc(slices.Clone(p.Items), func(r artifact.Run) bool { return !n.workflow.passes(r) })
	if p.Next == 0 {
		n.hi, n.last = min(n.hi, page), page
	} else if p.Last > 0 {
		n.hi, n.last = min(n.hi, p.Last), p.Last
	}
	if len(p.Items) == 0 {
		n.hi = min(n.hi, page-1)
		return false
	}
	newest, oldest := slices.MinFunc(p.Items, artifact.CompareRuns), slices.MaxFunc(p.Items, artifact.CompareRuns)
	least := unread
	for _, r := range p.Items {
		n.mixed = n.mixed || r.CreatedAt.After(least.Add(runSlack))
		least = minTime(least, r.CreatedAt)
		switch {
		case !n.workflow.passes(r):
		case r.Number == n.want:
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
// order. Runs without a time or a number may not be.
func (n *numbers) orderly() bool {
	if n.mixed {
		return false
	}
	var all []artifact.Run
	for _, page := range slices.Sorted(maps.Keys(n.pages)) {
		all = append(all, n.pages[page]...)
	}
	oldest := unread
	for _, r := range all {
		if r.CreatedAt.IsZero() || r.Number <= 0 || r.CreatedAt.After(oldest.Add(runSlack)) {
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
			guess = page + 1 + (last-n.want-1)/len(items)
		case n.want > first:
			guess = page - 1 - (n.want-first-1)/len(items)
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
