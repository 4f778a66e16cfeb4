package search

import (
	"context"
	"errors"
	"time"
)

// Wait says how long, and how, to keep looking.
type Wait struct {
	// For is the longest time to wait; 0 means not to wait.
	For time.Duration
	// Now returns the time, and Pause waits for d or until ctx ends. Both are
	// needed unless For is 0.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Notify is called before each pause. It may be nil.
	Notify func(nf *NotFoundError, pause time.Duration)
}

const (
	// firstPause is the pause before looking again; it grows by half each
	// time, up to maxPause.
	firstPause = 5 * time.Second
	maxPause   = time.Minute
	// grace is how long to keep looking while no run that could match is under way.
	// A run may be about to be queued, and lists lag: lists of artifacts by a
	// minute, even for completed runs.
	grace = 2 * time.Minute
)

// Await looks until something is found, the time is up, or no run that could match
// has been under way for two minutes. It knows of runs under way only if they are
// among the newest hundred of their list. The *NotFoundError then has the time
// waited. Every other error, one of Pause included, ends it at once, and so does a
// *NotFoundError that is Final. The plan is that of the last look.
//
// All looks but the last are brief: their errors are not shown. The last look is an
// extra one, because only after a look it is known that no other will follow.
func Await(ctx context.Context, w Wait, look func(ctx context.Context, brief bool) (*Plan, error)) (*Plan, error) {
	if w.For <= 0 {
		return look(ctx, false)
	}
	plan, err := look(ctx, true)
	start := w.Now()
	alive := start // when something that could match was last under way
	for pause := firstPause; ; pause = min(pause*3/2, maxPause) {
		nf, ok := errors.AsType[*NotFoundError](err)
		if !ok || nf.Final {
			return plan, err
		}
		now := w.Now()
		if len(nf.Pending) > 0 {
			alive = now
		}
		left := min(w.For-now.Sub(start), grace-now.Sub(alive))
		if left <= 0 {
			plan, err = look(ctx, false)
			if nf, ok := errors.AsType[*NotFoundError](err); ok {
				nf.Waited = now.Sub(start)
			}
			return plan, err
		}
		pause = min(pause, left)
		if w.Notify != nil {
			w.Notify(nf, pause)
		}
		if err := w.Pause(ctx, pause); err != nil {
			return plan, err
		}
		plan, err = look(ctx, true)
	}
}
