package githubapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/artifetch/artifetch/internal/httpx"
)

// maxRefusal bounds the body of an answer that is not a success; what is
// longer is cut.
const maxRefusal = 64 << 10

// tokenSource is an oauth2.TokenSource that honours a context.
type tokenSource func(ctx context.Context) (*oauth2.Token, error)

// shared is what all connections of a Client share.
type shared struct {
	sent    atomic.Int64
	gate    gate
	budget  budget
	visited visited
	kept    *cache // nil: nothing is kept
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
	shared       *shared
}

// finalError is final for Policy.Do, whatever it wraps: it hides its cause
// from errors.Is.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }

// TooLargeError says that an answer holds more than it may.
type TooLargeError struct{ What string }

func (e *TooLargeError) Error() string { return "the answer has " + e.What }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() // each try has its own
	}
	x := exchangeOf(r.Context())
	c := &roundTrip{t: t, r: r, x: x, trouble: t.shared.budget.watch(t.now)}
	defer c.trouble.end()
	err := c.policy().Do(r.Context(), c.attempt)
	if a := x.answer; a != nil && r.Context().Err() == nil {
		x.gaveUp, _ = errors.AsType[*BudgetError](err)
		return a.response(r), nil
	}
	x.answer = nil
	if err == nil {
		err = context.Cause(r.Context()) // it ended right after a good answer
	}
	return nil, err
}

// roundTrip is one request on its way, with all its tries.
type roundTrip struct {
	t       *transport
	r       *http.Request
	x       *exchange
	trouble *trouble
	limits  int       // met in a row
	until   time.Time // of the last one
	limited bool      // the last try met one
	why     error     // the last try failed
}

// policy is the transport's, whose pauses keep to the budgets.
func (c *roundTrip) policy() httpx.Policy {
	p := c.t.policy
	p.Notify = func(why error, _ time.Duration) { c.why = why }
	p.Sleep = func(ctx context.Context, wait time.Duration) error {
		c.trouble.begin()
		left, bound := c.left()
		if c.limited {
			left, bound = c.t.shared.budget.left(c.t.now()), &BudgetError{Limit: runBudget, Run: true}
		} else {
			c.x.spent += wait
		}
		if wait >= left {
			return bound
		}
		return c.t.policy.Pause(ctx, c.why, wait)
	}
	return p
}

// left is how long the call may go on, and the error of the bound.
func (c *roundTrip) left() (time.Duration, *BudgetError) {
	call, run := callBudget-c.x.spent, c.t.shared.budget.left(c.t.now())
	if run < call {
		return run, &BudgetError{Limit: runBudget, Run: true}
	}
	return call, &BudgetError{Limit: callBudget}
}

// giveUp makes the error of a call that has reached a bound: that, and what the
// last try failed with.
func (c *roundTrip) giveUp(bound *BudgetError) error {
	if c.why == nil {
		return &finalError{bound}
	}
	return &finalError{fmt.Errorf("%w: %w", bound, c.why)}
}

// attempt is one try, for the policy.
func (c *roundTrip) attempt(ctx context.Context, try int) error {
	if try > 1 {
		c.t.shared.gate.open(c.until)
	}
	c.x.tries, c.x.answer, c.limited = try, nil, false
	a, err := c.try(ctx)
	if err == nil && a.status == http.StatusOK && a.brokeOff() {
		err = &httpx.TransportError{Err: io.ErrUnexpectedEOF}
	}
	if err != nil {
		return c.t.afterFault(c.r, c.x, err)
	}
	c.x.answer = a
	wait, err := c.t.afterAnswer(c.r, c.x, c.limits)
	if err != nil && isLimit(a) {
		c.limits++
		c.limited = true
		c.until = c.t.now().Add(wait)
		if wait < c.t.shared.budget.left(c.t.now()) {
			c.t.shared.gate.shut(c.until)
		}
	}
	return err
}

func isLimit(a *answer) bool {
	_, ok := limitOf(a)
	return ok
}

// try sends the request once, when no limit holds it back.
func (c *roundTrip) try(ctx context.Context) (*answer, error) {
	if err := c.t.shared.gate.pass(ctx, c.t.policy, c.t.now); err != nil {
		return nil, &finalError{err}
	}
	req, err := c.t.prepare(ctx, c.r, c.x)
	if err != nil {
		return nil, &finalError{err}
	}
	left, bound := c.left()
	if left <= 0 {
		return nil, c.giveUp(bound)
	}
	// Whatever waits below, in net/http too, ends with this context.
	var slow error = &SlowError{After: tryTimeout}
	if left < tryTimeout {
		slow = c.giveUp(bound)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(min(left, tryTimeout), func() { cancel(slow) })
	defer timer.Stop()
	began := c.t.now()
	a, err := c.send(ctx, cancel, req)
	c.x.spent += c.t.now().Sub(began)
	if _, settled := errors.AsType[*finalError](err); err == nil || settled {
		return a, err
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause // which net/http may know by a name of its own only
	}
	return nil, &httpx.TransportError{Err: err} // whatever the transport is
}

// send sends a prepared request and reads the answer whole.
func (c *roundTrip) send(ctx context.Context, cancel context.CancelCauseFunc, req *http.Request) (*answer, error) {
	sent := &sends{total: &c.t.shared.sent}
	req = req.WithContext(httptrace.WithClientTrace(ctx, sent.trace()))
	var kept *answer
	if c.t.shared.kept != nil {
		kept = c.t.shared.kept.condition(req)
	}
	res, err := c.t.base.RoundTrip(req)
	if err == nil {
		sent.answered()
	}
	c.x.doubtful = c.x.doubtful || sent.repeated()
	if err != nil {
		return nil, err
	}
	res.Body = httpx.Watch(res.Body, c.t.idle, cancel)
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header, url: c.r.URL, at: c.t.now()}
	switch {
	case c.x.want == http.StatusFound && a.status/100 == 2:
		// The server sent the artifact instead of a redirect. Do not read it:
		// it may be huge.
	case a.status/100 == 2:
		a.body, err = readAnswer(res)
	default:
		a.body, err = httpx.ReadCapped(res.Body, maxRefusal)
	}
	if err == nil && c.t.shared.kept != nil {
		a = c.t.shared.kept.settle(req, a, kept)
	}
	return a, err
}

// readAnswer reads the body of an answer that is not too large.
func readAnswer(res *http.Response) ([]byte, error) {
	tooLarge := &TooLargeError{What: fmt.Sprintf("more than %d MiB", maxAnswer>>20)}
	if res.ContentLength > maxAnswer {
		return nil, &finalError{tooLarge}
	}
	var c clip
	n, err := io.Copy(&c, io.LimitReader(res.Body, maxAnswer+1))
	if large, ok := errors.AsType[*TooLargeError](err); ok {
		return nil, &finalError{large}
	}
	if n > maxAnswer {
		return nil, &finalError{tooLarge}
	}
	return c.kept.Bytes(), err
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
	if _, ok := errors.AsType[*finalError](err); ok {
		return err
	}
	x.doubtful = true
	if !repeatable(r, x) || !worthRepeating(err) {
		return &finalError{err}
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
	empty := a.status == http.StatusOK && len(a.body) == 0 && r.Method == http.MethodGet && x.want != http.StatusFound
	if !empty && !httpx.TemporaryStatus(a.status) {
		return 0, nil
	}
	x.doubtful = true
	wait, _ := httpx.ParseRetryAfter(a.header, a.at)
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

// worthRepeating reports whether a try that failed with err may succeed next
// time.
func worthRepeating(err error) bool {
	_, slow := errors.AsType[*SlowError](err)
	return slow || httpx.IsTemporary(err)
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
