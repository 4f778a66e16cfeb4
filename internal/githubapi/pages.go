package githubapi

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"sync"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
)

// maxPages bounds a list to 100,000 items. A job's token may send no more than that many
// requests in an hour.
const maxPages = 1000

// PagesError means that a list does not end.
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

// visited remembers the pages of lists and detects lists that never end: a server that
// ignores the parameter page, but links to a next page, returns the first page for
// ever. Two neighbours may be the same, if new items came in front between the two
// requests; three may not.
type visited struct {
	mu    sync.Mutex
	pages map[visit]uint64 // fingerprints
}

type visit struct {
	list string // path and query
	page int
}

// maxVisits bounds the number of pages that are remembered.
const maxVisits = 4 * maxPages

// again notes a page and reports whether it is one of three neighbours that are the
// same.
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

// fingerprint returns a hash of the ids of a page's items, or 0 for an empty page.
func fingerprint(ids []int64) uint64 {
	if len(ids) == 0 {
		return 0
	}
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, ids) // a hash does not fail
	return h.Sum64()
}

// list is a request for a page of T. The answer has items of type W.
type list[W, T any] struct {
	call    call
	path    string
	query   url.Values
	page    int // 0 is the first, which is 1
	perPage int // 0 means search.PerPage
	answer  page[W]
	item    func(*W, artifact.Repo) T
	id      func(*W) int64
}

// page is an answer with a list of items.
type page[W any] interface {
	wire
	items() []W
	total() int
}

// get returns one page. The Link header says whether there is a next page, its number
// and that of the last page; its URLs are never used.
func (l list[W, T]) get(ctx context.Context, c *restClient) (search.Page[T], error) {
	n := max(l.page, 1)
	if n > maxPages {
		return search.Page[T]{}, (&exchange{call: l.call, forge: c.shared.forge}).fail(UnexpectedAnswer, &PagesError{Page: n})
	}
	l.query.Set(c.shared.forge.perPage, strconv.Itoa(perPage(l.perPage)))
	if n > 1 {
		l.query.Set("page", strconv.Itoa(n))
	}
	x, err := c.getPage(ctx, l.call, l.path+"?"+l.query.Encode(), n, l.answer)
	if err != nil {
		return search.Page[T]{}, err
	}
	items := l.answer.items()
	ids := make([]int64, len(items))
	for i := range items {
		ids[i] = l.id(&items[i])
	}
	l.query.Del("page")
	if c.shared.visited.again(l.path+"?"+l.query.Encode(), n, fingerprint(ids)) {
		again := &PagesError{Page: n, Again: true}
		e := x.fail(UnexpectedAnswer, again)
		e.Message = again.Error()
		return search.Page[T]{}, e
	}
	p := search.Page[T]{Items: make([]T, len(items)), Next: x.nextPage, Last: x.lastPage, Total: l.answer.total()}
	if p.Next == 0 {
		p.Last = n
	}
	for i := range items {
		p.Items[i] = l.item(&items[i], l.call.repo)
	}
	return p, nil
}

// getPage decodes page n into v. The exchange that it returns has the next page's number.
func (c *restClient) getPage(ctx context.Context, what call, path string, n int, v wire) (*exchange, error) {
	x, err := c.getExchange(ctx, what, path, v)
	if err != nil {
		return nil, err
	}
	if x.nextPage != 0 && x.nextPage != n+1 {
		// A redirect that drops the query would return the first page for ever.
		e := x.fail(UnexpectedAnswer, nil)
		e.Message = fmt.Sprintf("page %d links to page %d as the next one", n, x.nextPage)
		return nil, e
	}
	return x, nil
}

func perPage(n int) int {
	if n <= 0 {
		return search.PerPage
	}
	return min(n, search.PerPage)
}
