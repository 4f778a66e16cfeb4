package githubapi

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/go-github/v60/github"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
)

// Kind is what went wrong, as far as somebody can act on it.
type Kind int

// The kinds of errors.
const (
	Network          Kind = iota // no answer
	BadToken                     // 401
	NoPermission                 // 403
	NotFound                     // 404; matches artifact.ErrNotFound
	Gone                         // 410
	PrimaryLimit                 // the hour's requests are spent; see Reset
	SecondaryLimit               // too much at once; see RetryAfter
	InvalidRequest               // another 4xx
	ServerError                  // 5xx
	UnexpectedAnswer             // none that GitHub gives: a proxy's page, a wrong URL
)

// Error is a failed request to the API.
type Error struct {
	Kind    Kind
	Op      string // such as "list artifacts"
	Repo    artifact.Repo
	Subject string // such as "artifact 42"; may be empty
	Status  int    // 0 without an answer
	// Message is GitHub's own text, or the body's beginning: not ours.
	Message string
	// Reset is when a primary limit ends.
	Reset time.Time
	// RetryAfter is the pause that a secondary limit asked for.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		fmt.Fprintf(&b, " (%s)", e.Subject)
	}
	if e.Repo != (artifact.Repo{}) {
		fmt.Fprintf(&b, " of %s", e.Repo)
	}
	b.WriteString(": ")
	switch e.Kind {
	case PrimaryLimit:
		fmt.Fprintf(&b, "the rate limit is used up until %s", e.Reset.UTC().Format("15:04:05 MST"))
	case SecondaryLimit:
		fmt.Fprintf(&b, "GitHub limits how much is asked at once")
	case Network:
		fmt.Fprintf(&b, "no answer: %v", e.Err)
		return b.String()
	default:
		fmt.Fprintf(&b, "GitHub answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes a NotFound error match artifact.ErrNotFound.
func (e *Error) Is(target error) bool { return target == artifact.ErrNotFound && e.Kind == NotFound }

// newError classifies a failure by the answer itself: go-github's own error
// types depend on wording and leave out downloads.
func newError(what call, res *github.Response, err error) error {
	if inner, ok := asError(err); ok {
		return inner // from a GitHub App's token
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && res == nil {
		return fmt.Errorf("%s: %w", what.op, err)
	}
	e := &Error{Op: what.op, Repo: what.repo, Subject: what.subject, Err: httpx.RedactError(err)}
	if res == nil || res.Response == nil {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			e.Kind = Network
		}
		return e
	}
	e.Status = res.StatusCode
	e.Message = serverMessage(err)
	e.Kind = kindOf(res.Response, e.Message)
	switch e.Kind {
	case PrimaryLimit:
		e.Reset = resetTime(res.Header)
	case SecondaryLimit:
		e.RetryAfter = retryAfter(res.Header)
	}
	return e
}

// serverMessage is GitHub's text, cut to a length fit for a log.
func serverMessage(err error) string {
	const most = 500
	text := ""
	if r, ok := errors.AsType[*github.ErrorResponse](err); ok {
		text = r.Message
	} else if r, ok := errors.AsType[*github.RateLimitError](err); ok {
		text = r.Message
	} else if r, ok := errors.AsType[*github.AbuseRateLimitError](err); ok {
		text = r.Message
	} else if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		text = "the answer is not JSON"
	}
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, string(utf8.RuneError))
}

func kindOf(res *http.Response, message string) Kind {
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized:
		return BadToken
	case isPrimaryLimit(res):
		return PrimaryLimit
	case isSecondaryLimit(res, message):
		return SecondaryLimit
	case status == http.StatusForbidden:
		return NoPermission
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusGone:
		return Gone
	case status >= 500:
		return ServerError
	case status >= 400:
		return InvalidRequest
	}
	return UnexpectedAnswer
}
