package httpx

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// openingTimeout is how long requests wait for the first connection to a server. A
// connection that takes longer has lost a packet.
const openingTimeout = time.Second

// opening makes requests to a server wait for the first connection to it: all of them can
// use that one if it is of HTTP/2. Otherwise net/http opens one for each, and closes all
// but one. The zero opening is ready for use, by several goroutines.
type opening struct {
	mu    sync.Mutex
	known map[string]chan struct{} // by server; closed once there is an outcome
}

// enter waits if the first request to the server has no connection yet. settled says
// whether the request that it is called for got one; further calls do nothing.
func (o *opening) enter(r *http.Request) (settled func(connected bool)) {
	if r.URL.Scheme != "https" {
		return func(bool) {} // HTTP/1.1
	}
	o.mu.Lock()
	outcome, known := o.known[r.URL.Host]
	if !known {
		if o.known == nil {
			o.known = map[string]chan struct{}{}
		}
		outcome = make(chan struct{})
		o.known[r.URL.Host] = outcome
	}
	o.mu.Unlock()
	if known {
		wait(r.Context(), outcome)
		return func(bool) {}
	}
	var once sync.Once
	return func(connected bool) {
		once.Do(func() {
			if !connected { // those that wait try on their own, a later request is the first again
				o.mu.Lock()
				delete(o.known, r.URL.Host)
				o.mu.Unlock()
			}
			close(outcome)
		})
	}
}

func wait(ctx context.Context, outcome <-chan struct{}) {
	select {
	case <-outcome:
		return
	default:
	}
	timer := time.NewTimer(openingTimeout)
	defer timer.Stop()
	select {
	case <-outcome:
	case <-timer.C:
	case <-ctx.Done():
	}
}
