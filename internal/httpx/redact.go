package httpx

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shown are the query parameters that say what was asked for. All others
// may be part of a signature.
var shown = []string{"page", "per_page", "name", "status", "branch", "event", "actor", "created", "head_sha"}

// Redact makes a URL fit for a log: without user, password and fragment, and
// with the values of all query parameters hidden that are not known to be
// harmless. A signed URL lets whoever reads it fetch the artifact.
func Redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "(a URL that cannot be parsed)"
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	q := u.Query()
	for k := range q {
		if !slices.Contains(shown, k) {
			q[k] = []string{"REDACTED"}
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// RedactError returns err with a text in which all URLs are redacted: that
// of a *url.Error, and those that net/http quotes from a redirect. The
// errors that it wraps are still found by errors.Is and errors.As, but are
// not to be printed one by one.
func RedactError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := urls.ReplaceAllStringFunc(text, redactMatch)
	if clean == text {
		return err
	}
	return &redactedError{clean, err}
}

// urls finds quoted strings, in any of which may be a URL or the relative
// reference of a redirect, and URLs that are not quoted.
var urls = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|https?://[^\s"]+`)

func redactMatch(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return Redact(s)
	}
	raw, err := strconv.Unquote(s)
	if err != nil {
		raw = s[1 : len(s)-1]
	}
	if !strings.Contains(raw, "?") && !strings.Contains(raw, "://") {
		return s
	}
	return strconv.Quote(Redact(raw))
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }
