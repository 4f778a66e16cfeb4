package githubapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
)

// list describes a listing of T, which arrive as W.
type list[W, T any] struct {
	call    call
	path    string
	query   url.Values
	page    int // 0 is the first, which is 1
	perPage int // 0 means artifact.PerPage
	answer  page[W]
	item    func(*W, artifact.Repo) T
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

// get asks for one page, and tells by Link whether there is another.
func (l list[W, T]) get(ctx context.Context, c *conn) (artifact.Page[T], error) {
	n := max(l.page, 1)
	l.query.Set("per_page", strconv.Itoa(perPage(l.perPage)))
	if n > 1 {
		l.query.Set("page", strconv.Itoa(n))
	}
	next, err := c.getPage(ctx, l.call, l.path+"?"+l.query.Encode(), n, l.answer)
	if err != nil {
		return artifact.Page[T]{}, err
	}
	items := l.answer.items()
	p := artifact.Page[T]{Items: make([]T, len(items)), Next: next}
	for i := range items {
		p.Items[i] = l.item(&items[i], l.call.repo)
	}
	return p, nil
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
		return artifact.PerPage
	}
	return min(n, artifact.PerPage)
}
