package transfer

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// AutoConcurrency bounds artifacts, and connections to the storage, that are
	// under way at a time where Options.Concurrency does not: enough to hide
	// latency.
	AutoConcurrency = 64
	// firstConcurrency is how many artifacts are under way at first: where
	// answers come at once they keep the cores busy, and each further one costs a
	// connection and memory.
	firstConcurrency = 16
	// rampDelay is how long none may be done before the limit doubles.
	rampDelay = 25 * time.Millisecond
)

// forEach calls do for 0 to n-1 and waits for all calls. At most few of them run at
// a time at first; the limit doubles, up to most, whenever none returned for
// rampDelay. It returns the first error, which cancels the context of the others, or
// the cause of ctx's end.
func forEach(ctx context.Context, n, few, most int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{}, n)
	limit, running := min(few, most), 0
	for i := range n {
		for running == limit && limit < most {
			select {
			case <-done:
				running--
			case <-time.After(rampDelay):
				limit = min(2*limit, most)
			}
		}
		if running == limit {
			<-done
			running--
		}
		running++
		g.Go(func() error {
			defer func() { done <- struct{}{} }()
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return do(ctx, i)
		})
	}
	return g.Wait()
}
