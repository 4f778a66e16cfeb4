package httpx

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is 31 years: longer than any caller waits, and short enough to be
// added to any time.
const maxRetryAfter = 1_000_000_000 * time.Second

// ParseRetryAfter reads Retry-After in both its forms, seconds and a date
// (RFC 9110, section 10.2.3), and reports whether the header has one of them.
// A date is compared with the server's own Date, because clocks differ, or with
// now if the server sends none. A date in the past means no wait.
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
