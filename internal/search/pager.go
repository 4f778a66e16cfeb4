package search

import (
	"context"

	"github.com/artifetch/artifetch/internal/artifact"
)

// request asks the server for something. It returns what takes the answer in.
type request func(ctx context.Context) (take func(), err error)

// send sends requests side by side. The answers are taken in one after the other, in
// the order of the requests, so that the outcome does not depend on which comes first.
func send(ctx context.Context, list []request) error {
	takes := make([]func(), len(list))
	var g group
	for i, ask := range list {
		g.Go(func() (err error) {
			takes[i], err = ask(ctx)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, take := range takes {
		take()
	}
	return nil
}

// pager is which pages of a list were read, and which to read next.
//
// Lists move while they are read. Where items are deleted, the first items of a page move
// to pages before it, and may be on none of them as they were read. The total tells: where
// a page has a smaller one than the page before it, as many pages before it as the deleted
// items filled are read again, and then the page itself. What is added in front of a list
// appears on two pages, and counts once. But of pages that are read side by side, one may
// be answered before an item is added, and the page before it after that; then, too, its
// total is smaller.
type pager struct {
	next   int // the page to read next; 0 at the end
	last   int // the last page, or 0 where the server does not tell
	read   int // how many pages were read
	places int // how many items these had; an item on two pages counts twice
	top    int // the page that was read last, pages read again aside
	total  int // of that page
	size   int // how many items a page has
	gaps   []gap
	spent  int // how many pages were read again
}

// gap is where items may be missing because others were deleted.
type gap struct {
	page  int // the one after the gap
	again int // the page to read again next
	total int // of the page before it, when that was read first
	gone  int // how many items are known to have been deleted since
}

// endless is a number of pages beyond that of every list.
const endless = 1 << 30

// mostAgain bounds how often pages of a list are read again beyond one time each.
const mostAgain = 10

// done reports whether the list was read to its end.
func (p *pager) done() bool { return p.next == 0 && len(p.gaps) == 0 }

// left is how many pages are still to be read, as far as that is known.
func (p *pager) left() int {
	switch {
	case p.done():
		return 0
	case p.next == 0:
		return len(p.gaps) // at least
	case p.last < p.next:
		return endless
	}
	return p.last - p.next + 1
}

// ahead is how many pages to read side by side: as many as were read before, so that
// no more are read in vain than are of use.
func (p *pager) ahead() int {
	if p.last < p.next || p.total == 0 || p.spent > 0 {
		return 1 // where the list ends, or whether it moves, is not known; or it does
	}
	return max(1, min(p.read, p.left(), maxConcurrent))
}

// take returns the numbers of the pages to read next, at most n, or those to read again.
func (p *pager) take(n int) []int {
	if len(p.gaps) > 0 {
		return []int{p.gaps[0].again}
	}
	var list []int
	for i := range n {
		if p.next != 0 && (i == 0 || p.next+i <= p.last) {
			list = append(list, p.next+i)
		}
	}
	return list
}

// note notes a page that was read, and how many items it has. Pages are noted in their
// order.
func (p *pager) note(page, items, next, last, total int) {
	p.size = max(p.size, items)
	if len(p.gaps) > 0 && p.gaps[0].again == page {
		p.noteAgain(total)
		if page == p.top {
			p.next, p.last, p.total = next, last, total
		}
		return
	}
	gone := p.total - total
	if total == 0 {
		gone = 0 // the server does not tell
		if items == 0 {
			gone = min(p.total, p.size)
		}
	}
	if page > 1 && gone > 0 && p.mayReadAgain() {
		p.gaps = append(p.gaps, gap{page: page, again: p.back(page, gone), total: p.total, gone: gone})
	}
	p.read++
	p.places += items
	p.next, p.last, p.total, p.top = next, last, total, page
}

// noteAgain notes the total of a page that was read again. If still more items were
// deleted, pages further back may have to be read again.
func (p *pager) noteAgain(total int) {
	p.spent++
	g := &p.gaps[0]
	page := g.again
	g.again++
	if gone := g.total - total; total > 0 && gone > g.gone {
		g.gone = gone
		if back := p.back(g.page, gone); back < page && p.mayReadAgain() {
			g.again = back
		}
	}
	if g.again > g.page {
		p.gaps = p.gaps[1:]
	}
}

// back returns the first page to read again if so many items were deleted in front of a page.
func (p *pager) back(page, gone int) int {
	return max(1, page-(gone+p.size-1)/max(p.size, 1))
}

func (p *pager) mayReadAgain() bool { return p.spent < p.read+mostAgain }

// listArtifacts reads a list of artifacts to its end. Each artifact is returned once.
func listArtifacts(ctx context.Context, source artifactSource, repo artifact.Repo, q ArtifactQuery) ([]artifact.Artifact, error) {
	var all []artifact.Artifact
	seen := map[int64]bool{}
	p := pager{next: 1}
	for !p.done() {
		var list []request
		n := p.ahead()
		if n > 1 {
			n = maxConcurrent // all of it is of use
		}
		for _, number := range p.take(n) {
			list = append(list, func(ctx context.Context) (func(), error) {
				q := q
				q.Page = number
				page, err := source.Artifacts(ctx, repo, q)
				return func() {
					p.note(number, len(page.Items), page.Next, page.Last, page.Total)
					for _, a := range page.Items {
						if !seen[a.ID] {
							seen[a.ID] = true
							all = append(all, a)
						}
					}
				}, err
			})
		}
		if err := send(ctx, list); err != nil {
			return nil, err
		}
	}
	return all, nil
}
