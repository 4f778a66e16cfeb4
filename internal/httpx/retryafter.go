package httpx

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is 31 years: more than any caller waits, and little enough to
// be added to a time.
const maxRetryAfter = 1_000_000_000 * time.Second

// ParseRetryAfter reads Retry-After in both its forms, seconds and a date
// (RFC 9110, section 10.2.3), and reports whether the header has one of them.
// A date counts from the server's own Date, which makes up for clocks that
// differ; now stands in where the server sends none. A date that has passed
// is no wait.
func ParseRetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), maxRetryAfter), true
}
