package githubapi

import (
	"net/http"
	"sync"
	"sync/atomic"
)

// maxCache bounds what answers are kept, in bytes.
const maxCache = 32 << 20

// cache keeps answers by the URL they answer, so that asking again is a
// conditional request: an authorized 304 does not count against the rate
// limit. Source: GitHub Docs, "Best practices for using the REST API", "Use
// conditional requests if appropriate".
type cache struct {
	unchanged atomic.Int64

	mu      sync.Mutex
	answers map[string]*answer
	size    int
}

// condition makes a request conditional if there is an answer to keep.
func (c *cache) condition(r *http.Request) {
	if a := c.get(r); a != nil {
		r.Header.Set("If-None-Match", a.header.Get("ETag"))
	}
}

// settle keeps a new answer, and gives the one kept for a 304.
func (c *cache) settle(r *http.Request, a *answer) *answer {
	if a.status == http.StatusNotModified {
		if kept := c.get(r); kept != nil {
			c.unchanged.Add(1)
			return kept
		}
		return a
	}
	if r.Method != http.MethodGet || a.status != http.StatusOK || a.header.Get("ETag") == "" || len(a.body) > maxCache {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.answers[cacheKey(r)]; old != nil {
		c.size -= len(old.body)
	}
	if c.answers == nil || c.size+len(a.body) > maxCache {
		c.answers, c.size = map[string]*answer{}, 0
	}
	c.answers[cacheKey(r)] = a
	c.size += len(a.body)
	return a
}

func (c *cache) get(r *http.Request) *answer {
	if r.Method != http.MethodGet {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers[cacheKey(r)]
}

func cacheKey(r *http.Request) string { return r.Header.Get("Accept") + " " + r.URL.String() }
