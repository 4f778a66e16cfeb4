package githubapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

const secret = "ghs_0123456789secret"

// stage is a server that answers request n with step n, and a client whose
// clock moves only when it sleeps.
type stage struct {
	client *Client
	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	seen   []string // method, path and query of each request
}

type step func(w http.ResponseWriter, r *http.Request)

func newStage(t *testing.T, steps ...step) *stage {
	t.Helper()
	s := &stage{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n := len(s.seen)
		s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
		s.mu.Unlock()
		if n >= len(steps) {
			t.Errorf("request %d is one too many: %s", n+1, s.seen[n])
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("request %d came with %q", n+1, got)
		}
		steps[n](w, r)
	}))
	t.Cleanup(srv.Close)
	s.client = s.newClient(t, srv.URL, httpx.Policy{MaxTries: 4})
	return s
}

func (s *stage) newClient(t *testing.T, base string, p httpx.Policy) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := httpx.NewTransport(httpx.TransportOptions{Gzip: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.CloseIdleConnections)
	p.Sleep = func(ctx context.Context, d time.Duration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now, s.slept = s.now.Add(d), append(s.slept, d)
		return ctx.Err()
	}
	c, err := New(Options{BaseURL: u, Auth: Auth{Token: secret}, Transport: tr, Policy: p, Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// stageDate is when the stage's clock begins, as its server's Date.
const stageDate = "Fri, 01 May 2026 12:00:00 GMT"

// says answers with a status, header pairs, and a body.
func says(status int, body string, header ...string) step {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", stageDate)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func drops(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cuts announces more bytes than it sends.
func cuts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "500")
	_, _ = io.WriteString(w, `{"id":`)
}

// limited answers that the limit is used up, until the given time after the stage's
// beginning.
func limited(reset time.Duration) step {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).Add(reset).Unix()
	return says(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(at))
}

var (
	good  = says(200, `{"id":7,"name":"dist"}`)
	noted = says(204, "")
)

func getOne(ctx context.Context, c *Client) error { _, err := c.Artifact(ctx, app, 7); return err }

func getURL(ctx context.Context, c *Client) error { _, err := c.DownloadURL(ctx, app, 7); return err }

func remove(ctx context.Context, c *Client) error { return c.Delete(ctx, app, 7) }

func listAll(ctx context.Context, c *Client) error {
	_, err := allArtifacts(ctx, c, search.ArtifactQuery{})
	return err
}
