package transfer

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestForEach(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		n         int
		few, most int
		each      time.Duration // that one of them takes
		peak      int64
		took      time.Duration
	}{
		{"none", 0, 2, 8, time.Second, 0, 0},
		{"fewer than a few", 2, 4, 8, time.Second, 2, time.Second},
		{"quick ones stay few", 8, 2, 8, rampDelay - 1, 2, 4 * (rampDelay - 1)},
		{"slow ones become more", 30, 2, 8, 10 * rampDelay, 8, 42 * rampDelay},
		{"no more than most", 9, 3, 4, 10 * rampDelay, 4, 30 * rampDelay},
		{"a fixed number", 8, 2, 2, 10 * rampDelay, 2, 40 * rampDelay},
		{"a few are more than most", 8, 16, 4, time.Second, 4, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running, peak atomic.Int64
				did := make([]int32, tc.n)
				start := time.Now()
				err := forEach(t.Context(), tc.n, tc.few, tc.most, func(_ context.Context, i int) error {
					now := running.Add(1)
					for old := peak.Load(); now > old && !peak.CompareAndSwap(old, now); old = peak.Load() {
					}
					time.Sleep(tc.each)
					running.Add(-1)
					atomic.AddInt32(&did[i], 1)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if i := slices.IndexFunc(did, func(n int32) bool { return n != 1 }); i >= 0 {
					t.Errorf("%d was done %d times", i, did[i])
				}
				if peak.Load() != tc.peak {
					t.Errorf("%d at a time, want %d", peak.Load(), tc.peak)
				}
				if took := time.Since(start); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
			})
		})
	}
}

func TestForEachFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var begun atomic.Int64
		start := time.Now()
		err := forEach(t.Context(), 100, 2, 4, func(ctx context.Context, i int) error {
			begun.Add(1)
			if i == 1 {
				return broken
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			return context.Cause(ctx)
		})
		if !errors.Is(err, broken) || time.Since(start) != 0 || begun.Load() > 3 {
			t.Errorf("%v after %v and %d, want the failure of the second at once", err, time.Since(start), begun.Load())
		}
	})
}

func TestForEachEnds(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	did := 0
	err := forEach(ctx, 3, 1, 1, func(context.Context, int) error {
		did++
		cancel(stopped)
		return nil
	})
	if !errors.Is(err, stopped) || did != 1 {
		t.Errorf("%v after %d, want the cause after the first", err, did)
	}
}
