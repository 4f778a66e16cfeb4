package transfer

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/unpack"
)

// earlyAge is how old a URL may be that was asked for early. GitHub's live for a minute, of
// which fetch uses the first 45 s after it got one.
const earlyAge = 10 * time.Second

// early holds URLs that were asked for before a Fetch needs them. The zero early is ready
// for use.
type early struct {
	mu   sync.Mutex
	urls map[int64]*asked // by the artifact's id
}

// asked is a request for a URL.
type asked struct {
	at   time.Time
	done chan struct{} // closed once there is an outcome
	url  *url.URL
	err  error
}

// Early asks for the URL of an artifact that Fetch is about to bring, side by side with
// what the caller still has to find out. Fetch uses the URL for its first request, unless
// the URL is old by then. Early does nothing if Options.Expect or the artifact's name may
// make Items or Fetch fail before they ask the Origin. The request ends with ctx.
func (e *Engine) Early(ctx context.Context, a artifact.Artifact) {
	if len(e.opt.Expect) > 0 || unpack.CheckName(a.Name) != nil {
		return
	}
	req := &asked{at: time.Now(), done: make(chan struct{})}
	e.early.mu.Lock()
	defer e.early.mu.Unlock()
	if e.early.urls[a.ID] != nil {
		return
	}
	if e.early.urls == nil {
		e.early.urls = map[int64]*asked{}
	}
	e.early.urls[a.ID] = req
	go func() {
		defer close(req.done)
		req.url, req.err = e.askOrigin(ctx, a)
	}()
}

// take waits for the URL of an artifact that was asked for early. It gives each outcome
// once; there is false if there is none, or an old one.
func (s *early) take(ctx context.Context, id int64) (u *url.URL, there bool, err error) {
	s.mu.Lock()
	req := s.urls[id]
	delete(s.urls, id)
	s.mu.Unlock()
	if req == nil {
		return nil, false, nil
	}
	select {
	case <-req.done:
	case <-ctx.Done():
		return nil, true, context.Cause(ctx)
	}
	return req.url, req.err != nil || time.Since(req.at) < earlyAge, req.err
}
