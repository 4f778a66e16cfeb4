package httpx

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/lazy"
)

// shown are the query parameters whose values may be logged: the ones that
// artifetch itself sends. Any other may be part of a signature.
var shown = []string{"page", "per_page", "name", "status", "branch", "event", "actor", "created", "head_sha"}

// unparsed stands for text that is not a URL: none of it is shown.
const unparsed = "(a URL that cannot be parsed)"

// Redact returns a URL fit for a log: without user, password and fragment, and
// with the values of unknown query parameters hidden, because anyone who reads a
// signed URL can fetch the artifact. A text with what may be a user and a password
// where URLs have none, such as "user:pass@host", is not shown at all.
func Redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Opaque != "" || u.Host == "" && strings.Contains(u.Path, "@") || userInfo().MatchString(u.Path) {
		return unparsed
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

// RedactError returns err with all URLs in its text redacted: the URL of a
// *url.Error, and the URLs that net/http quotes from a redirect. errors.Is and
// errors.As still find the wrapped errors, whose own text is not redacted.
func RedactError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := text
	if bad, ok := errors.AsType[*url.Error](err); ok && bad.Op == "parse" {
		clean = strings.ReplaceAll(clean, bad.Error(), "parse "+strconv.Quote(unparsed))
	}
	clean = badURL().ReplaceAllString(clean, "parse "+strconv.Quote(unparsed))
	clean = urls().ReplaceAllStringFunc(clean, redactMatch)
	clean = userInfo().ReplaceAllString(clean, "")
	if clean == text {
		return err
	}
	return &redactedError{clean, err}
}

var (
	// urls finds unquoted URLs, and quoted strings: any of them may hold a URL
	// or the relative reference of a redirect.
	urls = lazy.Regexp(`"(?:[^"\\]|\\.)*"|[A-Za-z][A-Za-z0-9+.-]*://[^\s"]+`)
	// badURL finds the error of package url for a URL with a user that it cannot
	// parse: after the URL it quotes the wrong part, which may be part of the
	// password.
	badURL = lazy.Regexp(`parse "(?:[^"\\]|\\.)*@(?:[^"\\]|\\.)*": (?:invalid [a-z ]*(?:"(?:[^"\\]|\\.)*"(?: (?:after|in) [a-z ]*)?)?|[a-z ]*)`)
	// userInfo finds a user and a password without a scheme before them.
	userInfo = lazy.Regexp(`[^\s/:@"'<>(){}\[\],]+:[^\s/@"'<>]+@|//[^\s/@"'<>]+@`)
)

func redactMatch(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return Redact(s)
	}
	raw, err := strconv.Unquote(s)
	if err != nil {
		raw = s[1 : len(s)-1]
	}
	plain := raw
	if decoded, err := url.PathUnescape(raw); err == nil {
		plain = decoded
	}
	if !strings.Contains(raw, "?") && !strings.Contains(raw, "//") && !userInfo().MatchString(plain) {
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
