package githubapi

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
)

// maxPages bounds a list: 100,000 items. As many requests are all that the
// token of a job may send in an hour.
const maxPages = 1000

// PagesError says that a list has no end that could be reached.
type PagesError struct {
	Page int
	// Again reports that the page is the same as the two beside it.
	Again bool
}

func (e *PagesError) Error() string {
	if e.Again {
		return fmt.Sprintf("page %d of the list is the same as two others next to it", e.Page)
	}
	return fmt.Sprintf("the list has more than %d pages", e.Page-1)
}

// visited remembers the pages of lists, to find out lists that go in circles: a
// server that does not know the parameter page, but leads on to the next one,
// gives the first page again and again. Two pages may be the same, because
// something new came in front between them; three may not.
type visited struct {
	mu    sync.Mutex
	pages map[visit]uint64 // fingerprints
}

type visit struct {
	list string // path and query
	page int
}

// maxVisits bounds what is remembered.
const maxVisits = 4 * maxPages

// again notes a page, and reports whether it is one of three neighbours that
// are the same.
func (v *visited) again(list string, page int, mark uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if mark == 0 {
		return false
	}
	if v.pages == nil || len(v.pages) >= maxVisits {
		v.pages = map[visit]uint64{}
	}
	v.pages[visit{list, page}] = mark
	row := 0
	for n := page - 2; n <= page+2; n++ {
		if v.pages[visit{list, n}] != mark {
			row = 0
		} else if row++; row == 3 {
			return true
		}
	}
	return false
}

// fingerprint tells pages apart; that of an empty one is 0.
func fingerprint[W any](items []W) uint64 {
	if len(items) == 0 {
		return 0
	}
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(items) // a hash takes everything, and they came as JSON
	return h.Sum64()
}

// list describes a listing of T, which arrive as W.
type list[W, T any] struct {
	call    call
	path    string
	query   url.Values
	page    int // 0 is the first, which is 1
	perPage int // 0 means search.PerPage
	answer  page[W]
	item    func(*W, artifact.Repo) T
}

// page is an answer that lists items.
type page[W any] interface {
	wire
	items() []W
}

// get asks for one page. Whether there is another one is up to Link, of which
// only the number of the next page counts: a URL in it is never asked.
func (l list[W, T]) get(ctx context.Context, c *restClient) (search.Page[T], error) {
	n := max(l.page, 1)
	if n > maxPages {
		return search.Page[T]{}, (&exchange{call: l.call}).fail(UnexpectedAnswer, &PagesError{Page: n})
	}
	l.query.Set("per_page", strconv.Itoa(perPage(l.perPage)))
	if n > 1 {
		l.query.Set("page", strconv.Itoa(n))
	}
	next, err := c.getPage(ctx, l.call, l.path+"?"+l.query.Encode(), n, l.answer)
	if err != nil {
		return search.Page[T]{}, err
	}
	items := l.answer.items()
	l.query.Del("page")
	if c.visited.again(l.path+"?"+l.query.Encode(), n, fingerprint(items)) {
		return search.Page[T]{}, (&exchange{call: l.call}).fail(UnexpectedAnswer, &PagesError{Page: n, Again: true})
	}
	p := search.Page[T]{Items: make([]T, len(items)), Next: next}
	for i := range items {
		p.Items[i] = l.item(&items[i], l.call.repo)
	}
	return p, nil
}

// getPage gets page n and tells the number of the next one, or 0.
func (c *restClient) getPage(ctx context.Context, what call, path string, n int, v wire) (int, error) {
	x, err := c.do(ctx, what, http.MethodGet, path, nil)
	if err != nil {
		return 0, err
	}
	if err := x.decode(v); err != nil {
		return 0, err
	}
	if x.nextPage != 0 && x.nextPage != n+1 {
		// A redirect that drops the query would give the first page for ever.
		e := x.fail(UnexpectedAnswer, nil)
		e.Message = "after page " + strconv.Itoa(n) + " it leads to page " + strconv.Itoa(x.nextPage)
		return 0, e
	}
	return x.nextPage, nil
}

func perPage(n int) int {
	if n <= 0 {
		return search.PerPage
	}
	return min(n, search.PerPage)
}
