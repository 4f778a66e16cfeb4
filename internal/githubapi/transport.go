package githubapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/artifetch/artifetch/internal/httpx"
)

const (
	// idleTimeout is how long an answer's body may bring nothing.
	idleTimeout = 30 * time.Second
	// maxAnswer bounds an answer. A page of 100 runs has about 2 MB.
	maxAnswer = 32 << 20
	// maxRefusal bounds the body of an answer that is not a success; what is
	// longer is cut.
	maxRefusal = 64 << 10
)

// tokenSource is an oauth2.TokenSource that honours a context.
type tokenSource func(ctx context.Context) (*oauth2.Token, error)

// state is what all connections of a Client share.
type state struct {
	sent atomic.Int64
	gate gate
	kept *cache // nil: nothing is kept
}

// transport authorizes requests to the API's origin and sends them again
// after faults that pass. It reads answers whole, so that a broken body is
// such a fault too, and leaves them in the request's exchange.
type transport struct {
	base         http.RoundTripper
	origin       string
	token        tokenSource // nil: nobody
	policy       httpx.Policy
	maxLimitWait time.Duration
	idle         time.Duration
	now          func() time.Time
	notify       func(Event)
	state        *state
}

// settledError is final for Policy.Do, whatever it wraps: it hides its cause
// from errors.Is.
type settledError struct{ err error }

func (e *settledError) Error() string { return e.err.Error() }

// tooLargeError says that an answer was not read to its end.
type tooLargeError struct{}

func (*tooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB", maxAnswer>>20)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() // each try has its own
	}
	ctx, x := r.Context(), exchangeOf(r.Context())
	policy := t.policy
	policy.Notify = func(why error, wait time.Duration) { t.tell(x, why, wait) }
	var limits int      // met in a row
	var until time.Time // of the last one
	err := policy.Do(ctx, func(ctx context.Context, try int) error {
		if try > 1 {
			t.state.gate.open(until)
		}
		x.tries, x.answer = try, nil
		a, err := t.try(ctx, r, x)
		if err != nil {
			return t.afterFault(r, x, err)
		}
		x.answer = a
		var wait time.Duration
		if wait, err = t.afterAnswer(r, x, limits); err != nil && isLimit(a) {
			limits++
			until = t.now().Add(wait)
			t.state.gate.shut(until)
		}
		return err
	})
	if a := x.answer; a != nil && ctx.Err() == nil {
		return a.response(r), nil
	}
	x.answer = nil
	if err == nil {
		err = context.Cause(ctx) // it ended right after a good answer
	}
	return nil, err
}

func isLimit(a *answer) bool {
	_, ok := limitOf(a)
	return ok
}

// tell is of a wait before another try.
func (t *transport) tell(x *exchange, why error, wait time.Duration) {
	if t.policy.Notify != nil {
		t.policy.Notify(why, wait)
	}
	if t.notify != nil {
		t.notify(Event{Op: x.op, Subject: x.subject, Repo: x.repo, Why: why, Wait: wait})
	}
}

// try sends the request once.
func (t *transport) try(ctx context.Context, r *http.Request, x *exchange) (*answer, error) {
	if err := t.state.gate.pass(ctx, t.policy, t.now); err != nil {
		return nil, &settledError{err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := t.prepare(ctx, r, x)
	if err != nil {
		return nil, &settledError{err}
	}
	t.state.sent.Add(1)
	var kept *answer
	if t.state.kept != nil {
		kept = t.state.kept.condition(req)
	}
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = httpx.Watch(res.Body, t.idle, cancel)
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header, url: r.URL}
	switch {
	case x.want == http.StatusFound && a.status/100 == 2:
		// Somebody sends the artifact itself, which may be of any size.
	case a.status/100 == 2:
		a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
		if len(a.body) > maxAnswer {
			return nil, &settledError{&tooLargeError{}}
		}
	default:
		a.body, err = httpx.ReadCapped(res.Body, maxRefusal)
	}
	if err == nil && t.state.kept != nil {
		a = t.state.kept.settle(req, a, kept)
	}
	return a, err
}

// prepare makes the request of one try: with a body of its own, and with the
// token if it goes to the API.
func (t *transport) prepare(ctx context.Context, r *http.Request, x *exchange) (*http.Request, error) {
	req := r.Clone(ctx)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	req.Header.Del("Authorization")
	x.credential = ""
	if t.token == nil || origin(r.URL) != t.origin {
		return req, nil
	}
	tok, err := t.token(ctx)
	if err != nil {
		return nil, err
	}
	x.credential = tok.AccessToken
	tok.SetAuthHeader(req)
	return req, nil
}

// afterFault decides on a try that has no answer.
func (t *transport) afterFault(r *http.Request, x *exchange, err error) error {
	if _, ok := errors.AsType[*settledError](err); ok {
		return err
	}
	x.doubtful = true
	if !repeatable(r, x) || !httpx.IsTemporary(err) && !isStreamReset(err) {
		return &settledError{err}
	}
	return httpx.Temporary(err, 0)
}

// afterAnswer decides on a try that has one: nil when this is the one to go
// on with, else why and when to try again.
func (t *transport) afterAnswer(r *http.Request, x *exchange, limits int) (time.Duration, error) {
	a := x.answer
	if kind, ok := limitOf(a); ok {
		// What was refused had no effect: any method may be repeated.
		wait, worth := t.limitWait(kind, a, limits)
		if !worth {
			return 0, nil
		}
		return wait, httpx.Temporary(x.refused(), wait)
	}
	if a.status < 500 || a.status == http.StatusNotImplemented {
		return 0, nil
	}
	x.doubtful = true
	wait, _ := retryAfter(a.header)
	if !repeatable(r, x) || wait > t.maxLimitWait {
		return 0, nil
	}
	return wait, httpx.Temporary(x.refused(), wait)
}

// repeatable tells whether the request may be sent again although it may
// have been obeyed (RFC 9110, section 9.2.2).
func repeatable(r *http.Request, x *exchange) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || x.repeatable
}

// streamResetError has the fields of golang.org/x/net/http2.StreamError: net/http
// keeps its own copy of that type to itself, but lets errors.As fill in any
// type of this shape (https://go.dev/issue/53896).
type streamResetError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamResetError) Error() string { return fmt.Sprintf("http2 stream %d was reset", e.StreamID) }

// isStreamReset tells a broken HTTP/2 stream, which is to HTTP/2 what a
// connection reset is to HTTP/1.
func isStreamReset(err error) bool {
	_, ok := errors.AsType[streamResetError](err)
	return ok
}

// response is the answer as go-github gets to see it: without limits, of
// which it would keep a memory and refuse requests on its own.
func (a *answer) response(r *http.Request) *http.Response {
	h := a.header.Clone()
	for _, k := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After"} {
		h.Del(k)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}
}
