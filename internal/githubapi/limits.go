package githubapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// minSecondaryWait is the pause after a secondary limit that names none.
// Source: GitHub's "Best practices for using the REST API".
const minSecondaryWait = time.Minute

// patientTransport sends a request again after faults that pass and after
// rate limits that end soon. Only methods without side effects of their own
// are repeated.
type patientTransport struct {
	base    http.RoundTripper
	policy  httpx.Policy
	maxWait time.Duration
	now     func() time.Time
	sent    *atomic.Int64
}

type triesKey struct{}

// withTries has the tries of the request counted in n.
func withTries(ctx context.Context, n *int) context.Context {
	return context.WithValue(ctx, triesKey{}, n)
}

func (t *patientTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	tries, _ := r.Context().Value(triesKey{}).(*int)
	if tries == nil {
		tries = new(int)
	}
	pauses := t.policy.Pauses()
	for *tries = 1; ; *tries++ {
		t.sent.Add(1)
		res, err := t.base.RoundTrip(r)
		wait, why := t.passing(res, err)
		if why == nil || *tries >= t.policy.Tries() || r.Method != http.MethodGet && r.Method != http.MethodDelete {
			hideRate(res)
			return res, err
		}
		if wait == 0 {
			wait = pauses()
		}
		if wait > t.maxWait {
			return res, err
		}
		if res != nil {
			// Read to the end so that the connection can be used again.
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
			_ = res.Body.Close()
		}
		if err := t.policy.Pause(r.Context(), why, wait); err != nil {
			return nil, err
		}
	}
}

// passing tells why another try may help, if it may, and after what wait; 0
// leaves that to the policy.
func (t *patientTransport) passing(res *http.Response, err error) (wait time.Duration, why error) {
	if err != nil {
		if !httpx.IsTemporary(err) {
			err = nil
		}
		return 0, err
	}
	switch {
	case isPrimaryLimit(res):
		wait = max(resetTime(res.Header).Sub(t.now()), 0) + time.Second
		return wait, fmt.Errorf("the rate limit is used up, it resets in %s", wait.Round(time.Second))
	case isSecondaryLimit(res, peek(res)):
		wait = retryAfter(res.Header)
		if wait == 0 {
			wait = minSecondaryWait
		}
		return wait, fmt.Errorf("GitHub asks for a pause of %s", wait)
	case res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented:
		return 0, fmt.Errorf("GitHub answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	return 0, nil
}

// hideRate keeps go-github from refusing the next request on its own after
// an answer that spent the last one of the hour: waiting is decided here.
func hideRate(res *http.Response) {
	if res != nil && res.StatusCode < 400 {
		res.Header.Del("X-Ratelimit-Reset")
	}
}

func isPrimaryLimit(res *http.Response) bool {
	return (res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusTooManyRequests) &&
		res.Header.Get("X-Ratelimit-Remaining") == "0" && res.Header.Get("Retry-After") == ""
}

// isSecondaryLimit goes by the headers first. The text is the only sign
// where GitHub sends none.
func isSecondaryLimit(res *http.Response, message string) bool {
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return res.Header.Get("Retry-After") != "" || strings.Contains(message, "secondary rate limit")
	}
	return false
}

// peek reads the beginning of a 403's body and puts it back.
func peek(res *http.Response) string {
	if res.StatusCode != http.StatusForbidden {
		return ""
	}
	head, _ := httpx.ReadCapped(res.Body, 8<<10) // a broken body is met again by its reader
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), res.Body), res.Body}
	return string(head)
}

func resetTime(h http.Header) time.Time {
	s, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(s, 0)
}

// retryAfter reads Retry-After in seconds, the form that GitHub uses.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}
