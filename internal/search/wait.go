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
	// grace is how long to keep looking at a run after it is over, and for an id that
	// the server does not know: what the server says may be as much behind.
	grace = time.Minute
)

// Await looks until something is found, or the time is up. It ends early only for what
// waiting cannot change: a *NotFoundError that is Final, one that has been Settled for
// a minute, and every other error, one of Pause included. If it waited, the
// *NotFoundError has the time waited. The plan is that of the last look.
//
// All looks but the last are brief: their errors are not shown. The last look is an
// extra one, because only after a look it is known that no other will follow.
func Await(ctx context.Context, w Wait, look func(ctx context.Context, brief bool) (*Plan, error)) (*Plan, error) {
	if w.For <= 0 {
		return look(ctx, false)
	}
	plan, err := look(ctx, true)
	start := w.Now()
	var settled settling
	for pause := firstPause; ; pause = min(pause*3/2, maxPause) {
		nf, ok := errors.AsType[*NotFoundError](err)
		if !ok || nf.Final {
			return plan, err
		}
		now := w.Now()
		left := w.For - now.Sub(start)
		if nf.Settled {
			left = min(left, grace-now.Sub(settled.since(nf, now)))
		}
		settled.saw(nf)
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

// settling remembers since when runs have been over, and ids unknown.
type settling struct {
	times map[int64]time.Time // by run; of all unknown ids it is 0
	open  map[int64]bool      // runs that were not over when they were looked at
}

// since returns since when what nf says has been settled, by our clock. When a run was
// over at the first look, the server's word counts. When it ended later, the first look
// that found it over counts, as the server may set no time when a run ends.
func (s *settling) since(nf *NotFoundError, now time.Time) time.Time {
	since, known := s.times[nf.RunID]
	if known {
		return since
	}
	if s.times == nil {
		s.times = map[int64]time.Time{}
	}
	since = now
	if !s.open[nf.RunID] {
		since = now.Add(-nf.SettledFor)
	}
	s.times[nf.RunID] = since
	return since
}

// saw takes note of a run that is not over: it may have been started again.
func (s *settling) saw(nf *NotFoundError) {
	if nf.Settled {
		return
	}
	if s.open == nil {
		s.open = map[int64]bool{}
	}
	s.open[nf.RunID] = true
	delete(s.times, nf.RunID)
}
