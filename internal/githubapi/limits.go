package githubapi

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const (
	// unknownLimitWait is the first pause after a limit that does not say
	// when it ends; it doubles each time. Source: "Rate limits for the REST
	// API", "Exceeding the rate limit".
	unknownLimitWait = time.Minute
	// maxSecondaryWait is the longest single pause for a secondary limit.
	// GitHub asks for a minute as a rule; a job should not sit out an hour
	// that some server in between asks for.
	maxSecondaryWait = 10 * time.Minute
)

// limitOf tells whether an answer is a rate limit and which. Headers go
// first, in the order in which GitHub wants them obeyed ("Rate limits for the
// REST API", "Exceeding the rate limit"). The text is the only sign where
// there are none.
func limitOf(a *answer) (Kind, bool) {
	if a.status != http.StatusForbidden && a.status != http.StatusTooManyRequests {
		return 0, false
	}
	has := func(text string) bool { return bytes.Contains(a.body, []byte(text)) }
	switch {
	case a.header.Get("Retry-After") != "":
		return SecondaryLimit, true
	case a.header.Get("X-Ratelimit-Remaining") == "0":
		return PrimaryLimit, true
	case has("secondary rate limit"), has("secondary-rate-limits"), has("abuse detection"):
		return SecondaryLimit, true
	case has("API rate limit exceeded"):
		return PrimaryLimit, true
	}
	return SecondaryLimit, a.status == http.StatusTooManyRequests
}

// limitWait is how long to wait after the nth limit in a row, counted from
// 0, and whether to wait at all.
func (t *transport) limitWait(kind Kind, a *answer, nth int) (time.Duration, bool) {
	unknown := unknownLimitWait << min(nth, 10)
	if kind == PrimaryLimit {
		reset := resetTime(a.header)
		if reset.IsZero() {
			return unknown, unknown <= t.maxLimitWait
		}
		// By the server's clock, which told it. Ours may differ by hours.
		left := reset.Sub(a.at.Add(a.ahead()))
		// Resets are told in whole seconds.
		return max(left, 0) + time.Second, left <= t.maxLimitWait
	}
	wait, told := httpx.ParseRetryAfter(a.header, a.at)
	if !told {
		wait = unknown
	}
	return wait, wait <= maxSecondaryWait
}

// resetTime reads X-RateLimit-Reset, which is in seconds since 1970; zero
// where it is missing.
func resetTime(h http.Header) time.Time {
	s, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || s <= 0 {
		return time.Time{}
	}
	// Far enough for any clock, and near enough to be subtracted and printed.
	return time.Unix(min(s, 253402300799), 0) // 9999-12-31
}

// gate holds back all requests of a Client while a limit lasts: GitHub bars
// clients that go on asking. See "Best practices for using the REST API",
// "Handle rate limit errors appropriately". The zero gate is open.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

// shut closes the gate until then, unless it is shut for longer.
func (g *gate) shut(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.until) {
		g.until = until
	}
}

// open ends what shut with the same time began.
func (g *gate) open(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until.Equal(until) {
		g.until = time.Time{}
	}
}

// pass waits until the gate is open: if somebody else met a limit meanwhile,
// longer than it was shut for at first. Whoever met the limit has told of the
// wait already.
func (g *gate) pass(ctx context.Context, p httpx.Policy, now func() time.Time) error {
	p.Notify = nil
	for {
		g.mu.Lock()
		until := g.until
		g.mu.Unlock()
		left := until.Sub(now())
		if until.IsZero() || left <= 0 {
			return nil
		}
		if err := p.Pause(ctx, nil, left); err != nil {
			return err
		}
		g.open(until)
	}
}
