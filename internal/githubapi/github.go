package githubapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/artifetch/artifetch/internal/httpx"
)

// gitHub is github.com, GitHub Enterprise Cloud and GitHub Enterprise Server.
var gitHub = &forge{
	name: "GitHub",
	header: http.Header{
		"Accept":               {"application/vnd.github+json"},
		"X-Github-Api-Version": {"2022-11-28"},
	},
	sha:       "application/vnd.github.sha",
	perPage:   "per_page",
	until:     gitHubUntil,
	limit:     gitHubLimit,
	allowance: gitHubAllowance,
	message:   gitHubMessage,
}

// gitHubUntil returns a date range. Source: GitHub Docs, "Understanding the search
// syntax", "Query for dates".
func gitHubUntil(t time.Time) string { return "<=" + t.UTC().Format("2006-01-02T15:04:05Z") }

// gitHubLimit goes by the headers first, in the order in which GitHub wants clients to
// obey them ("Rate limits for the REST API", "Exceeding the rate limit"), and by the
// text of answers without such headers.
func gitHubLimit(a *answer) *limit {
	if a.status != http.StatusForbidden && a.status != http.StatusTooManyRequests {
		return nil
	}
	primary := &limit{kind: PrimaryLimit, reset: gitHubReset(a.header)}
	secondary := &limit{kind: SecondaryLimit}
	secondary.pause, secondary.asks = httpx.ParseRetryAfter(a.header, a.at)
	has := func(text string) bool { return bytes.Contains(a.body, []byte(text)) }
	switch {
	case a.header.Get("Retry-After") != "":
		return secondary
	case a.header.Get("X-Ratelimit-Remaining") == "0":
		return primary
	case has("secondary rate limit"), has("secondary-rate-limits"), has("abuse detection"):
		return secondary
	case has("API rate limit exceeded"):
		return primary
	case a.status == http.StatusTooManyRequests:
		return secondary
	}
	return nil
}

// gitHubAllowance reads the headers of the limit "core", which all requests here count
// against. Source: GitHub Docs, "Rate limits for the REST API", "Checking the status of
// your rate limit".
func gitHubAllowance(h http.Header) *allowance {
	left, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	reset := gitHubReset(h)
	if resource := h.Get("X-Ratelimit-Resource"); err != nil || left < 0 || reset.IsZero() || resource != "" && resource != "core" {
		return nil
	}
	return &allowance{left: left, reset: reset}
}

// gitHubReset reads X-RateLimit-Reset, in seconds since 1970; zero if it is missing.
func gitHubReset(h http.Header) time.Time {
	s, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || s <= 0 {
		return time.Time{}
	}
	// Late enough for any clock, and early enough to be subtracted and printed.
	return time.Unix(min(s, 253402300799), 0) // 9999-12-31
}

// gitHubMessage returns the message and the details of GitHub's JSON.
func gitHubMessage(body []byte) (string, bool) {
	var r github.ErrorResponse
	if json.Unmarshal(body, &r) != nil {
		return "", false
	}
	text := r.Message
	for _, e := range r.Errors {
		detail := e.Message
		if detail == "" && e.Field != "" {
			detail = fmt.Sprintf("%s: %s", e.Field, e.Code)
		}
		if detail != "" {
			text += "; " + detail
		}
	}
	return strings.TrimPrefix(text, "; "), true
}
