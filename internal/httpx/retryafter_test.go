package httpx

import (
	"net/http"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := map[string]struct {
		value, date string
		want        time.Duration
		told        bool
	}{
		"nothing":                     {"", "", 0, false},
		"nothing, and a Date":         {"", at(0), 0, false},
		"seconds":                     {"7", at(-time.Hour), 7 * time.Second, true},
		"no seconds":                  {"0", "", 0, true},
		"negative seconds":            {"-7", "", 0, false},
		"seconds with a sign":         {"+7", "", 0, false},
		"part of a second":            {"1.5", "", 0, false},
		"words":                       {"soon", "", 0, false},
		"most seconds":                {"9223372036854775807", "", maxRetryAfter, true},
		"more than any integer":       {"99999999999999999999", "", 0, false},
		"a date":                      {at(5 * time.Second), at(0), 5 * time.Second, true},
		"the server is an hour ahead": {at(time.Hour + 5*time.Second), at(time.Hour), 5 * time.Second, true},
		"the server is an hour late":  {at(5*time.Second - time.Hour), at(-time.Hour), 5 * time.Second, true},
		"no Date":                     {at(5 * time.Second), "", 5 * time.Second, true},
		"a Date that is none":         {at(5 * time.Second), "today", 5 * time.Second, true},
		"a date that has passed":      {at(-time.Minute), at(0), 0, true},
		"passed here, not there":      {at(-time.Minute), at(-2 * time.Minute), time.Minute, true},
		"the last year":               {"Fri, 31 Dec 9999 23:59:59 GMT", at(0), maxRetryAfter, true},
		"RFC 850":                     {"Sunday, 01-Mar-26 12:00:05 GMT", at(0), 5 * time.Second, true},
	}
	for name, tt := range tests {
		h := http.Header{}
		for k, v := range map[string]string{"Retry-After": tt.value, "Date": tt.date} {
			if v != "" {
				h.Set(k, v)
			}
		}
		if got, told := ParseRetryAfter(h, now); got != tt.want || told != tt.told {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, told, tt.want, tt.told)
		}
	}
}
