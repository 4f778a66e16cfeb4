package githubapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
)

// Kind is what went wrong, as far as it can be acted on.
type Kind int

// The kinds of errors.
const (
	// Network means no answer, or none that arrived whole.
	Network Kind = iota
	// BadToken is a 401: the token is wrong or has expired, or there is none
	// (see Error.Anonymous) where one is needed.
	BadToken
	// NoPermission is a 403 that is no limit, or a GitHub App that is not
	// installed or not granted what was asked of it.
	NoPermission
	// NotFound is a 404, and matches artifact.ErrNotFound. It also stands
	// for what the token may not see.
	NotFound
	// Gone is a 410: the artifact has expired. It matches artifact.ErrExpired.
	Gone
	// PrimaryLimit means that the hour's requests are spent; see Error.Reset.
	PrimaryLimit
	// SecondaryLimit means too much at once; see Error.RetryAfter.
	SecondaryLimit
	// InvalidRequest is any other 4xx.
	InvalidRequest
	// ServerError is a 5xx.
	ServerError
	// UnexpectedAnswer is none that GitHub gives: a proxy's page, a wrong URL.
	UnexpectedAnswer
)

// String names the kind, for logs and tests.
func (k Kind) String() string {
	names := [...]string{
		"network", "bad token", "no permission", "not found", "gone", "primary limit",
		"secondary limit", "invalid request", "server error", "unexpected answer",
	}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k]
}

// Permission is what a call takes, as the permissions of a workflow's job spell
// it. Source: https://docs.github.com/rest, each call's "fine-grained access tokens".
type Permission string

// The permissions that calls take; all but a few take ActionsRead.
const (
	ActionsRead      Permission = "actions: read"
	ActionsWrite     Permission = "actions: write"
	ContentsRead     Permission = "contents: read"
	PullRequestsRead Permission = "pull-requests: read"
)

// Error is a failed call of the API.
type Error struct {
	Kind Kind
	// Needs is the permission that the call takes.
	Needs Permission
	// App reports that the call was made as a GitHub App, for its token.
	App     bool
	Op      string // such as "list artifacts"
	Repo    artifact.Repo
	Subject string // such as "artifact 42"; may be empty
	Status  int    // 0 without an answer
	// Message is GitHub's own text as it is, or says what came instead. It
	// may hold any character; its length is bounded.
	Message string
	// Reset is when a primary limit ends; zero where GitHub does not say.
	Reset time.Time
	// RetryAfter is the pause that a secondary limit asks for, or 0.
	RetryAfter time.Duration
	// Tries is how often the request was sent.
	Tries int
	// Anonymous reports that it was sent without a token.
	Anonymous bool
	// Ahead is how far the server's clock is ahead of ours, or 0.
	Ahead time.Duration
	// Err is the cause where there is no answer, or none that can be read.
	Err error
}

// Error says what was asked and what came. Advice is added by others.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(label(e.Op, e.Subject, e.Repo))
	b.WriteString(": ")
	switch e.Kind {
	case PrimaryLimit:
		b.WriteString("the rate limit is used up")
		if !e.Reset.IsZero() {
			fmt.Fprintf(&b, " until %s", e.Reset.UTC().Format(time.DateTime+" MST"))
		}
	case SecondaryLimit:
		b.WriteString("GitHub limits how much is asked at once")
		if e.RetryAfter > 0 {
			fmt.Fprintf(&b, " and asks for a pause of %s", e.RetryAfter)
		}
	default:
		if e.Status == 0 {
			if e.Kind == Network {
				b.WriteString("no answer: ")
			}
			fmt.Fprint(&b, e.Err)
			return b.String()
		}
		fmt.Fprintf(&b, "GitHub answered %s", strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Tries > 1 {
		fmt.Fprintf(&b, " (tried %d times)", e.Tries)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if gaveUp, ok := errors.AsType[*BudgetError](e.Err); ok {
		fmt.Fprintf(&b, "; %v", gaveUp)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes a NotFound error match artifact.ErrNotFound, and a Gone error
// artifact.ErrExpired.
func (e *Error) Is(target error) bool {
	return target == artifact.ErrNotFound && e.Kind == NotFound || target == artifact.ErrExpired && e.Kind == Gone
}

// asError finds the *Error in err.
func asError(err error) (*Error, bool) { return errors.AsType[*Error](err) }

func (c call) label() string { return label(c.op, c.subject, c.repo) }

func label(op, subject string, repo artifact.Repo) string {
	if subject != "" {
		op += " (" + subject + ")"
	}
	if repo != (artifact.Repo{}) {
		op += " of " + repo.String()
	}
	return op
}

// innermost takes off what net/http and the transport have wrapped around
// the cause: the URL, which the label makes up for, and finalError.
func innermost(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if s, ok := errors.AsType[*finalError](err); ok {
		err = s.err
	}
	return httpx.RedactError(err)
}

// kindOf classifies an answer that is not the wanted one.
func kindOf(a *answer) Kind {
	switch limit, limited := limitOf(a); {
	case limited:
		return limit
	case a.status >= 500, a.status == http.StatusRequestTimeout:
		return ServerError
	case a.status < 400, len(a.body) > 0 && !a.isJSON():
		// GitHub refuses in JSON. A proxy's page of any status says nothing
		// of tokens or repositories.
		return UnexpectedAnswer
	}
	switch a.status {
	case http.StatusUnauthorized:
		return BadToken
	case http.StatusForbidden:
		return NoPermission
	case http.StatusNotFound:
		return NotFound
	case http.StatusGone:
		return Gone
	}
	return InvalidRequest
}
