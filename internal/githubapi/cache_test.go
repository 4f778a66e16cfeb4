package githubapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
)

// Repeating a request costs nothing while the answer has not changed.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{RateLimit: 4}, Auth{})
	c := f.newConditional(t)
	for range 10 {
		if runs, err := allRuns(t.Context(), c, search.RunQuery{}); err != nil || len(runs) != 1 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
	}
	if c.Requests() != 10 || c.Unchanged() != 9 {
		t.Errorf("%d requests, %d unchanged; want 10 and 9", c.Requests(), c.Unchanged())
	}
	f.repo.AddRun(githubsim.Run{Workflow: f.run.Workflow, CreatedAt: time.Now()})
	if runs, err := allRuns(t.Context(), c, search.RunQuery{}); err != nil || len(runs) != 2 {
		t.Errorf("after a change: %d runs, %v", len(runs), err)
	}
	if c.Unchanged() != 9 {
		t.Errorf("%d unchanged after a change", c.Unchanged())
	}
}

// An answer that the cache drops while a conditional request for it is under way still
// serves that request.
func TestCacheForgetsInFlight(t *testing.T) {
	t.Parallel()
	c := new(cache)
	full := func() *answer {
		return &answer{status: http.StatusOK, header: http.Header{"Etag": {"x"}}, body: make([]byte, maxCache*2/3)}
	}
	get := func(url string) (*http.Request, *answer) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r, c.condition(r)
	}
	first, none := get("https://x/a")
	kept := c.settle(first, full(), none)
	again, promised := get("https://x/a")
	other, none := get("https://x/b")
	c.settle(other, full(), none)
	if got := c.settle(again, &answer{status: http.StatusNotModified, header: http.Header{}}, promised); got != kept {
		t.Errorf("the answer is %d with %d bytes", got.status, len(got.body))
	}
	if _, now := get("https://x/a"); now != nil || c.size > maxCache {
		t.Errorf("%d bytes are kept", c.size)
	}
}

// The answers that are kept for conditional requests are bounded, including their heads,
// and the newest ones stay.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	request := func(i int) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://h/%d", i), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	keep := func(i, body, head int) {
		c.settle(request(i), &answer{status: 200, header: http.Header{"Etag": {`"x"`}, "Link": {strings.Repeat("x", head)}}, body: make([]byte, body)}, nil)
	}
	kept := func(i int) bool { return c.condition(request(i)) != nil }
	keep(0, maxCache/2, 0)
	keep(1, maxCache/4, 0)
	keep(2, maxCache/2, 0)
	if kept(0) || !kept(1) || !kept(2) {
		t.Errorf("kept %v %v %v, want the oldest to go", kept(0), kept(1), kept(2))
	}
	keep(1, maxCache/4, 0) // renewed: now 2 is the oldest
	keep(3, maxCache/2, 0)
	if !kept(1) || kept(2) || !kept(3) {
		t.Errorf("kept %v %v %v, want what was renewed to stay", kept(1), kept(2), kept(3))
	}
	keep(4, maxCache+1, 0)
	if kept(4) || !kept(3) {
		t.Error("what is larger than the cache was kept, or drove out the rest")
	}
	for i := range 1000 {
		keep(10+i, 0, 64<<10)
	}
	held := 0
	for _, a := range c.answers {
		held += len(a.body) + len(a.header.Get("Link"))
	}
	if held > maxCache || len(c.oldest) != len(c.answers) || !kept(1009) {
		t.Errorf("%d bytes in %d answers are kept", held, len(c.answers))
	}
}
