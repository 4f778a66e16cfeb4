package transfer

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// AutoConcurrency bounds the artifacts, and the connections to the storage, that are
	// under way at a time, if Options.Concurrency is 0. It is enough to hide latency.
	AutoConcurrency = 64
	// firstConcurrency is how many artifacts are under way at first. If answers come at
	// once, these keep the cores busy, and more of them would only cost connections and
	// memory.
	firstConcurrency = 16
	// rampDelay is the time after which the limit doubles if no artifact was done in it.
	rampDelay = 25 * time.Millisecond
)

// forEach calls do for 0 to n-1 and waits for all calls. At first no more than few calls
// run at a time; the limit doubles, up to most, whenever no call returned for rampDelay.
// It returns the first error, which cancels the context of the others, or the cause of
// ctx's end.
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
