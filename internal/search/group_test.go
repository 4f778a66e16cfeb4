package search

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Whichever function returns first, the same functions are called, and the same
// error is returned: the most severe one.
func TestGroupIsDeterministic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kinds := []error{errors.New("502"), artifact.ErrNotFound, &NotFoundError{What: "it"}}
		for seed := range uint64(200) {
			r := random{rand.New(rand.NewPCG(seed, 1))}
			n := 1 + r.IntN(60)
			fails := make([]error, n)
			first := n
			for i := range fails {
				if r.chance(5) {
					fails[i] = fmt.Errorf("%d: %w", i, pickOne(r, kinds...))
					first = min(first, i)
				}
			}
			begun := make([]bool, n)
			var under, most int
			step := make(chan struct{}, 1)
			count := func(d int) {
				step <- struct{}{}
				under += d
				most = max(most, under)
				<-step
			}
			delays := make([]time.Duration, n)
			for i := range delays {
				delays[i] = time.Duration(r.IntN(1000)) * time.Millisecond
			}
			var g group
			for i, err := range fails {
				g.Go(func() error {
					count(1)
					begun[i] = true
					time.Sleep(delays[i])
					count(-1)
					return err
				})
			}
			err := g.Wait()
			for i := range begun {
				if want := i < first+maxConcurrent; begun[i] != want {
					t.Fatalf("seed %d: item %d begun: %v; the first to fail is %d of %d", seed, i, begun[i], first, n)
				}
			}
			var want error
			for _, kind := range kinds { // the most severe first
				for _, err := range fails[:min(n, first+maxConcurrent)] {
					if want == nil && err != nil && errors.Is(err, kind) {
						want = err
					}
				}
			}
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Fatalf("seed %d: got %v, want %v", seed, err, want)
			}
			if most > maxConcurrent || first == n && most != min(n, maxConcurrent) {
				t.Fatalf("seed %d: %d of %d at a time", seed, most, n)
			}
		}
	})
}

// Once the job is cancelled, no further function is called.
func TestGroupOfCancelledJob(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls atomic.Int64
	var g group
	for i := range 1000 {
		g.Go(func() error {
			calls.Add(1)
			if i == 0 {
				cancel()
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); !errors.Is(err, context.Canceled) || calls.Load() > maxConcurrent {
		t.Errorf("%v; %d functions were called", err, calls.Load())
	}
}
