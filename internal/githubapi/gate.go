package githubapi

import (
	"context"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// gate holds back all requests of a Client while a rate limit lasts: GitHub bars
// clients that keep asking ("Best practices for using the REST API", "Handle rate limit
// errors appropriately"). The zero gate is open.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

// shut closes the gate until then, unless it is shut for longer.
func (g *gate) shut(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.until) {
		g.until = until
	}
}

// open opens the gate if it is shut until then, not longer.
func (g *gate) open(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until.Equal(until) {
		g.until = time.Time{}
	}
}

// pass waits until the gate is open, also if another call shuts it for longer
// meanwhile. It does not notify the policy: the call that met the limit did.
func (g *gate) pass(ctx context.Context, p httpx.Policy, now func() time.Time) error {
	p.Notify = nil
	for {
		g.mu.Lock()
		until := g.until
		g.mu.Unlock()
		left := until.Sub(now())
		if until.IsZero() || left <= 0 {
			return nil
		}
		if err := p.Pause(ctx, nil, left); err != nil {
			return err
		}
		g.open(until)
	}
}
