package githubapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
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

// maxRefusal is where the body of an answer that is not a success is cut, in bytes.
const maxRefusal = 64 << 10

// tokenSource is an oauth2.TokenSource that honours a context.
type tokenSource func(ctx context.Context) (*oauth2.Token, error)

// shared is the state that all REST clients of a Client share.
type shared struct {
	forge    *forge
	sent     atomic.Int64
	ahead    atomic.Int64 // a time.Duration: how far the server's clock is ahead of ours
	gate     gate
	budget   budget
	visited  visited
	spending spending
	kept     *cache // nil unless Options.Conditional is set
	// uncompressed is set once an answer was not the gzip that it was said to be, as behind
	// a proxy that expands answers, or sends its own. No more are asked for then.
	uncompressed atomic.Bool
}

// transport authorizes requests to the API's origin and retries them after temporary
// faults. It reads answers whole, so that a broken body is such a fault, too, and
// stores them in the request's exchange.
type transport struct {
	base         http.RoundTripper
	origin       string
	token        tokenSource // nil: anonymous
	policy       httpx.Policy
	maxLimitWait time.Duration
	idle         time.Duration
	now          func() time.Time
	shared       *shared
}

// serverNow returns the time by the server's clock, as far as known.
func (t *transport) serverNow() time.Time {
	return t.now().Add(time.Duration(t.shared.ahead.Load()))
}

// finalError makes Policy.Do give up, whatever err is: it hides err from errors.Is and
// errors.As.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }

// TooLargeError means that an answer exceeds a bound.
type TooLargeError struct{ What string }

func (e *TooLargeError) Error() string { return "the answer has " + e.What }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close() // each try has its own
	}
	x := exchangeOf(r.Context(), t.shared.forge)
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

// roundTrip is one request with all its tries.
type roundTrip struct {
	t       *transport
	r       *http.Request
	x       *exchange
	trouble *trouble
	limits  int       // the number of rate limits in a row
	until   time.Time // when the wait for the last one ends
	limited bool      // the last try met a rate limit
	why     error     // why the last try failed
}

// policy returns the transport's policy with pauses that keep to the budgets.
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

// left returns how much time the call has left, and the error of that budget.
func (c *roundTrip) left() (time.Duration, *BudgetError) {
	call, run := callBudget-c.x.spent, c.t.shared.budget.left(c.t.now())
	if run < call {
		return run, &BudgetError{Limit: runBudget, Run: true}
	}
	return call, &BudgetError{Limit: callBudget}
}

// giveUp returns the error of a call that has used up a budget.
func (c *roundTrip) giveUp(bound *BudgetError) error {
	if c.why == nil {
		return &finalError{bound}
	}
	return &finalError{fmt.Errorf("%w: %w", bound, c.why)}
}

// attempt is one try under the policy.
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
	if err != nil && a.limit != nil {
		c.limits++
		c.limited = true
		c.until = c.t.now().Add(wait)
		if wait < c.t.shared.budget.left(c.t.now()) {
			c.t.shared.gate.shut(c.until)
		}
	}
	return err
}

// try sends the request once, after any limit has ended, unless that would spend what a
// search leaves to others.
func (c *roundTrip) try(ctx context.Context) (*answer, error) {
	if err := c.t.shared.gate.pass(ctx, c.t.policy, c.t.now); err != nil {
		return nil, &finalError{err}
	}
	req, err := c.t.prepare(ctx, c.r, c.x)
	if err != nil {
		return nil, &finalError{err}
	}
	var kept *answer
	if c.t.shared.kept != nil {
		kept = c.t.shared.kept.condition(req)
	}
	if err := c.t.shared.spending.begin(ctx, c.x.cost, kept != nil, c.t.serverNow); err != nil {
		return nil, &finalError{err}
	}
	sent := &sends{total: &c.t.shared.sent}
	a, err := c.tryInTime(ctx, req, sent)
	c.spend(a, sent, kept != nil)
	if err == nil && c.t.shared.kept != nil {
		a = c.t.shared.kept.settle(req, a, kept)
	}
	return a, err
}

// spend accounts for a try; a is its answer, or nil.
func (c *roundTrip) spend(a *answer, sent *sends, conditional bool) {
	n := sent.count()
	var said *allowance
	if a != nil {
		if conditional && a.status == http.StatusNotModified {
			n = max(n-1, 0)
		}
		if !c.x.asApp { // the App has a limit of its own
			said = c.t.shared.forge.allowance(a.header)
		}
	}
	c.t.shared.spending.end(c.x.cost, n, said)
}

// tryInTime sends a prepared request once, within the budgets.
func (c *roundTrip) tryInTime(ctx context.Context, req *http.Request, sent *sends) (*answer, error) {
	left, bound := c.left()
	if left <= 0 {
		return nil, c.giveUp(bound)
	}
	// Every wait below, also in net/http, ends with this context.
	var slow error = &SlowError{After: tryTimeout}
	if left < tryTimeout {
		slow = c.giveUp(bound)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	most := min(left, tryTimeout)
	timer := time.AfterFunc(most, func() { cancel(slow) })
	defer timer.Stop()
	began := c.t.now()
	a, err := c.send(ctx, cancel, req, sent)
	took := c.t.now().Sub(began)
	c.x.spent += took
	if _, settled := errors.AsType[*finalError](err); err == nil || settled {
		return a, err
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause // net/http may have another error for it
	}
	if took >= most {
		return nil, slow // net/http's own timer went off at the same time
	}
	return nil, &httpx.TransportError{Err: err} // also for transports that are not httpx's
}

// send sends a prepared request and reads the answer whole.
func (c *roundTrip) send(ctx context.Context, cancel context.CancelCauseFunc, req *http.Request, sent *sends) (*answer, error) {
	req = req.WithContext(httptrace.WithClientTrace(ctx, sent.trace()))
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
	c.t.shared.ahead.Store(int64(a.ahead()))
	switch {
	case c.x.want == http.StatusFound && a.status/100 == 2:
		// The server sent the artifact instead of a redirect. Do not read it:
		// it may be huge.
	case a.status/100 == 2:
		err = a.read(res, c.x.names)
	default:
		a.body, err = httpx.ReadCapped(res.Body, maxRefusal)
	}
	if isDamagedGzip(err) {
		c.t.shared.uncompressed.Store(true)
	}
	a.limit = c.t.shared.forge.limit(a)
	return a, err
}

// isDamagedGzip reports whether an answer could not be read because it is no gzip, or a
// damaged one, although its head says that it is compressed so.
func isDamagedGzip(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// read reads the body of an answer that is not too large, and keeps of JSON the members
// with these names; nil keeps all.
func (a *answer) read(res *http.Response, names members) (err error) {
	if res.ContentLength > maxAnswer {
		return &finalError{&TooLargeError{What: fmt.Sprintf("more than %d MiB", maxAnswer>>20)}}
	}
	c := clip{names: names, repeats: newRepeats()}
	a.fault, err = c.read(res.Body)
	a.body = c.kept
	if large, ok := errors.AsType[*TooLargeError](err); ok {
		return &finalError{large}
	}
	return err
}

// prepare returns the request of one try: with a body of its own, and with a token if
// it goes to the API.
func (t *transport) prepare(ctx context.Context, r *http.Request, x *exchange) (*http.Request, error) {
	req := r.Clone(ctx)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		req.Body = body
	}
	if t.shared.uncompressed.Load() {
		req.Header.Set("Accept-Encoding", "identity") // net/http then expands nothing
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

// afterFault returns the error of a try without an answer, marked for the policy.
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

// afterAnswer returns nil if the answer is final, else the pause and the reason for
// another try.
func (t *transport) afterAnswer(r *http.Request, x *exchange, limits int) (time.Duration, error) {
	a := x.answer
	if a.limit != nil {
		// A refused request had no effect: any method may be repeated.
		wait, worth := t.limitWait(a, limits)
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

// repeatable reports whether the request may be sent again although the server may
// have carried it out (RFC 9110, section 9.2.2).
func repeatable(r *http.Request, x *exchange) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodDelete || x.repeatable
}

// worthRepeating reports whether a try that failed with err may succeed next
// time.
func worthRepeating(err error) bool {
	_, slow := errors.AsType[*SlowError](err)
	return slow || httpx.IsTemporary(err)
}

// response returns the answer for go-github: without the headers of limits, which would
// make it refuse further requests on its own.
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
