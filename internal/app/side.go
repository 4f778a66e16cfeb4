package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// autoConcurrency is how many artifacts, and connections to the storage,
	// there are side by side at most unless the input concurrency says
	// otherwise: enough to hide latency.
	autoConcurrency = 64
	// firstConcurrency is how many artifacts there are at first: where answers
	// come at once, the cores are busy with fewer, and each further one costs
	// a connection and memory.
	firstConcurrency = 16
	// patience is how long all may go on without one that is done before there
	// are twice as many.
	patience = 25 * time.Millisecond
)

// sideBySide does all of 0 to n-1, at first few of them at a time, and twice
// as many, up to most, whenever none was done for a while. The first failure,
// or the end of ctx, ends the context of all and is the error.
func sideBySide(ctx context.Context, n, few, most int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{}, n)
	limit, running := min(few, most), 0
	for i := range n {
		for running == limit && limit < most {
			select {
			case <-done:
				running--
			case <-time.After(patience):
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
