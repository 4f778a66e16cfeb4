// Package httpx holds what both HTTP clients of artifetch share: one retry
// policy, a watchdog for stalled bodies, the transport, and URL redaction.
// The API client and the storage client are built from it separately, so
// that a token cannot reach the storage.
//
// Only temporary faults are tried again: faults of the network (see IsTemporary)
// and what the caller marks with Temporary, such as a 503. A full disk, an
// untrusted certificate and a cancelled job fail at once, with their own error.
package httpx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/artifetch/artifetch/internal/sleep"
)

// Policy says how often, and after which pauses, an operation is tried again.
// The zero Policy is ready to use. A Policy is safe for concurrent use if its
// functions are.
type Policy struct {
	// MaxTries counts the first try; 0 means 6.
	MaxTries int
	// Base is the first pause, Max the longest; 0 means 500 ms and 30 s.
	// Pauses in between double, and jitter changes each by up to a half,
	// but makes none longer than Max.
	Base, Max time.Duration
	// First, unless it is 0, is a pause before that of Base, for faults that are
	// over at once. Jitter changes it in the same way.
	First time.Duration
	// Sleep waits for d or until ctx ends; nil is a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Notify is called before each pause; nil is fine.
	Notify func(err error, wait time.Duration)
}

// pauses returns a function that returns the policy's pauses, one a call.
func (p Policy) pauses() func() time.Duration {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = cmp.Or(p.Base, 500*time.Millisecond)
	b.MaxInterval = cmp.Or(p.Max, 30*time.Second)
	b.Multiplier = 2
	b.Reset()
	first := p.First
	return func() time.Duration {
		if wait := first; wait > 0 {
			first = 0
			return wait/2 + rand.N(wait) //nolint:gosec // jitter
		}
		return min(b.NextBackOff(), b.MaxInterval)
	}
}

// tries returns MaxTries or its default.
func (p Policy) tries() int { return cmp.Or(p.MaxTries, 6) }

// Pause calls Notify with err, then waits for d. If ctx ends first, Pause returns
// its cause.
func (p Policy) Pause(ctx context.Context, err error, d time.Duration) error {
	if p.Notify != nil {
		p.Notify(err, d)
	}
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	return sleep.For(ctx, d)
}

// Attempts counts the failed tries of one operation:
//
//	attempts := policy.Attempts()
//	for {
//		err := try(ctx)
//		if err == nil {
//			return nil
//		}
//		if err := attempts.Again(ctx, err); err != nil {
//			return err
//		}
//	}
//
// It is not safe for concurrent use.
type Attempts struct {
	policy Policy
	pauses func() time.Duration
	failed int
	first  error // of the tries since Attempts or Renew
}

// Attempts returns a counter for one operation.
func (p Policy) Attempts() *Attempts { return &Attempts{policy: p, pauses: p.pauses()} }

// Again is called after a try that failed with err. It waits, and returns nil
// when the next try may begin. Otherwise it returns the operation's error: err
// itself if another try cannot help, the cause of ctx's end and err, or, with the
// tries used up, err and the first try's error if that reads differently.
func (a *Attempts) Again(ctx context.Context, err error) error {
	a.failed++
	if a.first == nil {
		a.first = err
	}
	switch {
	case ctx.Err() != nil:
		return ended(context.Cause(ctx), err)
	case !IsTemporary(err):
		return err
	case a.failed >= a.policy.tries() && wording(a.first) != wording(err):
		return fmt.Errorf("after %d tries: %w (the first time: %w)", a.failed, err, a.first)
	case a.failed >= a.policy.tries():
		return fmt.Errorf("after %d tries: %w", a.failed, err)
	}
	wait := max(a.pauses(), RetryAfter(err))
	if stop := a.policy.Pause(ctx, err, wait); stop != nil {
		return ended(stop, err)
	}
	return nil
}

// Last reports whether no try follows the next one that fails.
func (a *Attempts) Last() bool { return a.failed+1 >= a.policy.tries() }

// Renew forgets the tries so far, because the operation made progress.
func (a *Attempts) Renew() { *a = *a.policy.Attempts() }

// Do runs op until it succeeds or Again returns an error. try counts from 1.
func (p Policy) Do(ctx context.Context, op func(ctx context.Context, try int) error) error {
	attempts := p.Attempts()
	for try := 1; ; try++ {
		err := op(ctx, try)
		if err == nil {
			return nil
		}
		if err := attempts.Again(ctx, err); err != nil {
			return err
		}
	}
}

// wording returns the text of err without digits: numbers of bytes and seconds differ
// between tries that fail for the same reason.
func wording(err error) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, err.Error())
}

// ended returns the error of an operation that failed with err when cause stopped it.
func ended(cause, err error) error {
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}
