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

// opening makes requests to a server wait for the first connection to it: if the connection
// speaks HTTP/2, all of them can share it. Without the wait, net/http would open a connection
// for each request, and close all but one. The zero opening is ready for use. It is safe for
// concurrent use.
type opening struct {
	mu    sync.Mutex
	known map[string]chan struct{} // by server; closed once the first connection is there or failed
}

// enter waits while the first request to the server has no connection yet. The caller calls
// settled once its own request has a connection or has failed to get one; further calls do
// nothing.
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
			if !connected { // waiting requests connect on their own; the next one is the first again
				o.mu.Lock()
				delete(o.known, r.URL.Host)
				o.mu.Unlock()
			}
			close(outcome)
		})
	}
}

// wait waits for the outcome, but not for longer than openingTimeout.
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
