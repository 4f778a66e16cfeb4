package search

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Wait says how long, and how, to keep looking.
type Wait struct {
	// For is the longest time to wait; 0 means not to wait.
	For time.Duration
	// Now returns the time, and Pause waits for d or until ctx ends. Both are
	// needed unless For is 0.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Passing reports whether an error other than a *NotFoundError may be gone at the
	// next look; nil is never.
	Passing func(error) bool
	// Notify is called before each pause, with the error of the look before it. It may be
	// nil.
	Notify func(err error, pause time.Duration)
}

const (
	// firstPause is the pause before looking again; it grows by half each
	// time, up to maxPause.
	firstPause = 5 * time.Second
	maxPause   = time.Minute
	// grace is how long to keep looking at a run after it is over, and for an id that the
	// server does not know: the server's answers may lag by that much.
	grace = time.Minute
)

// Await looks until something is found, or the time is up. It ends early only for what
// waiting cannot change: a *NotFoundError that is Final, one that has been Settled for
// a minute, and every other error that is not Passing, one of Pause included. If it waited, the
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
		if ok && nf.Final || !ok && (w.Passing == nil || !w.Passing(err)) {
			return plan, err
		}
		now := w.Now()
		left := w.For - now.Sub(start)
		if ok {
			left = min(left, settled.left(nf, now))
		}
		if left <= 0 {
			plan, err = look(ctx, false)
			if nf, ok := errors.AsType[*NotFoundError](err); ok {
				nf.Waited = now.Sub(start)
			}
			return plan, err
		}
		pause = min(pause, left)
		if w.Notify != nil {
			w.Notify(err, pause)
		}
		if err := w.Pause(ctx, pause); err != nil {
			return plan, err
		}
		plan, err = look(ctx, true)
	}
}

// settling remembers since when each look has ended with the same settled lack: of a run that
// is over, or of an id that the server does not know.
type settling struct {
	lack  lack           // the zero lack is none
	since time.Time      // when it was settled
	open  map[int64]bool // runs that were not over when they were looked at
}

// lack is what a *NotFoundError says is missing, and where.
type lack struct {
	repo artifact.Repo
	run  int64
	what string
}

// left returns how long it is worth waiting for what nf says, as far as that depends on
// whether it is settled. If a run was over at the first look, it has been over as long as
// the server says. If it ended later, the time of the first look that found it over counts,
// because the server may not say when a run ended.
func (s *settling) left(nf *NotFoundError, now time.Time) time.Duration {
	if s.open == nil {
		s.open = map[int64]bool{}
	}
	if !nf.Settled {
		s.open[nf.RunID] = true
		s.lack = lack{} // a run may have been started again
		return math.MaxInt64
	}
	if found := (lack{nf.Repo, nf.RunID, nf.What}); found != s.lack {
		s.lack, s.since = found, now
		if !s.open[nf.RunID] {
			s.since = now.Add(-nf.SettledFor)
		}
	}
	return grace - now.Sub(s.since)
}
