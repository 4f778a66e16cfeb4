package search

import (
	"cmp"
	"maps"
	"slices"

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

	seen     []artifact.Run // the runs of the pages, as far as the limit lets them be looked at
	sighting sighting
}

// sighting is what the pages that were read show of the run with the number. Its zero value says
// that the run may be on other pages.
type sighting int

const (
	// sighted: a page has it.
	sighted sighting = iota + 1
	// absent: the list, in order as far as it was read, does not have it where it should be.
	absent
)

// unreadPages returns the pages of the list that were not read, as far as the server tells how
// many there are, and reports whether it does.
func (n *numbers) unreadPages() (pages []int, known bool) {
	for page := 1; page <= n.last; page++ {
		if _, read := n.pages[page]; !read {
			pages = append(pages, page)
		}
	}
	return pages, n.last > 0
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
