package artifact

import (
	"context"
	"errors"
	"time"
)

// Wait says how long, and how, to keep looking.
type Wait struct {
	// For is the longest to wait; 0 is not at all.
	For time.Duration
	// Now is the time, and Pause lets some of it pass, unless ctx ends first.
	// Both are needed if For is not 0.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Notify is told before each pause; nil is fine.
	Notify func(nf *NotFoundError, pause time.Duration)
}

const (
	// firstPause is the pause before looking again; it grows by half each
	// time, up to maxPause.
	firstPause = 5 * time.Second
	maxPause   = time.Minute
	// grace is how long to keep looking while no run is under way that could
	// match: a run may be about to be queued, and lists lag behind, those of
	// artifacts by a minute even for runs that are completed.
	grace = 2 * time.Minute
)

// Await looks until something is found, the time is up, or nothing that
// could match has been under way for two minutes; of runs under way it knows
// those that are among the newest hundred of their list. The *NotFoundError
// then says how long was waited. Other errors end it at once, one of Pause
// too, and so does what waiting cannot help. The plan is that of the last
// look.
//
// All looks but the last are brief: nobody reads why they failed. The last
// one is an extra one, since it is known only afterwards that there is no use
// in another.
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
