// Package httpx holds what both HTTP clients of artifetch share: one retry
// policy, a watchdog for stalled bodies, the transport, and URL redaction.
// The API client and the storage client are built from it separately, so
// that a token cannot reach the storage.
package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Policy says how often and after what pauses an operation is tried again.
// The zero Policy is ready to use. A Policy is safe for concurrent use when
// its functions are.
type Policy struct {
	// MaxTries counts the first try; 0 means 6.
	MaxTries int
	// Base is the first pause, Max the longest; 0 means 500 ms and 30 s.
	// Pauses in between double, with jitter.
	Base, Max time.Duration
	// Sleep waits for d or until ctx ends; nil is a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Notify is called before each pause; nil is fine.
	Notify func(err error, wait time.Duration)
}

// Pauses gives the policy's pauses, one a call.
func (p Policy) Pauses() func() time.Duration {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = orDefault(p.Base, 500*time.Millisecond)
	b.MaxInterval = orDefault(p.Max, 30*time.Second)
	b.Multiplier = 2
	b.Reset()
	return b.NextBackOff
}

// Tries is MaxTries or its default.
func (p Policy) Tries() int { return orDefault(p.MaxTries, 6) }

// Pause tells Notify of err, then waits for d. It returns the context's
// error when that ends first.
func (p Policy) Pause(ctx context.Context, err error, d time.Duration) error {
	if p.Notify != nil {
		p.Notify(err, d)
	}
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	return sleep(ctx, d)
}

// Do runs op, whose try counts from 1, until it succeeds, fails with an
// error that is not temporary, ctx ends, or the tries are used up. It
// returns the last error.
func (p Policy) Do(ctx context.Context, op func(ctx context.Context, try int) error) error {
	pauses := p.Pauses()
	for try := 1; ; try++ {
		err := op(ctx, try)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case !IsTemporary(err):
			return err
		case try >= p.Tries():
			return fmt.Errorf("after %d tries: %w", try, err)
		}
		if pauseErr := p.Pause(ctx, err, max(pauses(), RetryAfter(err))); pauseErr != nil {
			return errors.Join(pauseErr, err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

type temporaryError struct {
	err   error
	after time.Duration
}

func (e *temporaryError) Error() string { return e.err.Error() }
func (e *temporaryError) Unwrap() error { return e.err }

// Temporary marks err as worth another try, but not before after has
// passed; 0 leaves the pause to the policy.
func Temporary(err error, after time.Duration) error { return &temporaryError{err, after} }

// RetryAfter is the pause that Temporary was told, or 0.
func RetryAfter(err error) time.Duration {
	if t, ok := errors.AsType[*temporaryError](err); ok {
		return t.after
	}
	return 0
}

// IsTemporary tells whether another try may help: err was marked by
// Temporary, or is a fault of the network. A context that ended, a disk
// error or a certificate that is not trusted is not temporary. (Time-outs of
// net/http match context.DeadlineExceeded, so that one is for Do to tell.)
func IsTemporary(err error) bool {
	if _, ok := errors.AsType[*temporaryError](err); ok {
		return true
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*StallError](err); ok {
		return true
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsTemporary || dns.IsTimeout
	}
	for _, fault := range []error{
		io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, http.ErrServerClosed, http.ErrHandlerTimeout,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.EPIPE,
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, fault) {
			return true
		}
	}
	if ne, ok := errors.AsType[net.Error](err); ok {
		return ne.Timeout()
	}
	return false
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
