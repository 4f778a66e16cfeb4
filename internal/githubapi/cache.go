package githubapi

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// maxCache bounds the size of all kept answers, heads included, in bytes.
const maxCache = 32 << 20

// cache keeps answers by URL, so that repeated requests can be conditional: an authorized
// 304 does not count against the rate limit. Source: GitHub Docs, "Best practices for
// using the REST API", "Use conditional requests if appropriate".
type cache struct {
	unchanged atomic.Int64

	mu      sync.Mutex
	answers map[string]*answer
	oldest  []string // keys, in the order in which they were added
	size    int
}

// condition makes a request conditional if its answer is kept, and returns that answer.
func (c *cache) condition(r *http.Request) *answer {
	if r.Method != http.MethodGet {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.answers[cacheKey(r)]
	if kept != nil {
		r.Header.Set("If-None-Match", kept.header.Get("ETag"))
	}
	return kept
}

// settle returns kept for a 304, else a, which it keeps if it may.
func (c *cache) settle(r *http.Request, a, kept *answer) *answer {
	if a.status == http.StatusNotModified && kept != nil {
		c.unchanged.Add(1)
		return kept
	}
	if r.Method != http.MethodGet || a.status != http.StatusOK || a.header.Get("ETag") == "" || a.weight() > maxCache {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = map[string]*answer{}
	}
	c.drop(cacheKey(r))
	for c.size+a.weight() > maxCache {
		c.drop(c.oldest[0])
	}
	c.answers[cacheKey(r)] = a
	c.oldest = append(c.oldest, cacheKey(r))
	c.size += a.weight()
	return a
}

// weight returns about how many bytes of memory an answer takes.
func (a *answer) weight() int {
	const overhead = 1 << 10
	n := overhead + len(a.body)
	for k, values := range a.header {
		n += len(k)
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// drop removes an answer, if it is kept.
func (c *cache) drop(key string) {
	if old := c.answers[key]; old != nil {
		c.size -= old.weight()
		delete(c.answers, key)
		c.oldest = slices.DeleteFunc(c.oldest, func(k string) bool { return k == key })
	}
}

func cacheKey(r *http.Request) string { return r.Header.Get("Accept") + " " + r.URL.String() }
