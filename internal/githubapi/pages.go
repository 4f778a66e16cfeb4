package githubapi

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
)

// maxPerPage is GitHub's.
const maxPerPage = 100

// list describes a listing of T, which arrive as W.
type list[W, T any] struct {
	call    call
	path    string
	query   url.Values
	perPage int // 0 means maxPerPage
	page    func() page[W]
	item    func(*W, artifact.Repo) T
	id      func(T) int64
	keep    func(T) bool // nil: all
}

// page is an answer that lists items.
type page[W any] interface {
	wire
	items() []W
}

// whole tells whether a list is there and all its items are.
func whole[W any, P interface {
	*W
	wire
}](list *[]W) bool {
	return list != nil && !slices.ContainsFunc(*list, func(w W) bool { return !P(&w).complete() })
}

// all yields the items, page by page as they are consumed, and follows Link
// to the end. What moves to the next page while a list is read, because
// something new came in front, is yielded once.
func (l list[W, T]) all(ctx context.Context, c *conn) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		q := maps.Clone(l.query)
		q.Set("per_page", strconv.Itoa(perPage(l.perPage)))
		seen := map[int64]bool{}
		for n := 1; n != 0; {
			if n > 1 {
				q.Set("page", strconv.Itoa(n))
			}
			p := l.page()
			next, err := c.getPage(ctx, l.call, l.path+"?"+q.Encode(), n, p)
			if err != nil {
				yield(zero, err)
				return
			}
			items := p.items()
			for i := range items {
				v := l.item(&items[i], l.call.repo)
				id := l.id(v)
				if seen[id] || l.keep != nil && !l.keep(v) {
					continue
				}
				seen[id] = true
				if !yield(v, nil) {
					return
				}
			}
			n = next
		}
	}
}

// getPage gets page n and tells the number of the next one, or 0.
func (c *conn) getPage(ctx context.Context, what call, path string, n int, v wire) (int, error) {
	x, err := c.do(ctx, what, http.MethodGet, path, nil)
	if err != nil {
		return 0, err
	}
	if err := x.decode(v); err != nil {
		return 0, err
	}
	if x.nextPage != 0 && x.nextPage <= n {
		// A redirect that drops the query would give the first page for ever.
		e := x.fail(UnexpectedAnswer, nil)
		e.Message = "after page " + strconv.Itoa(n) + " it leads to page " + strconv.Itoa(x.nextPage)
		return 0, e
	}
	return x.nextPage, nil
}

func perPage(n int) int {
	if n <= 0 {
		return maxPerPage
	}
	return min(n, maxPerPage)
}
