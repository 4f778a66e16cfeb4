package githubapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
)

// Kind classifies failures by what can be done about them.
type Kind int

// The kinds of errors.
const (
	// Network means that no answer arrived, or not all of it.
	Network Kind = iota
	// BadToken is a 401: the token is wrong or expired, or there is none although
	// the call needs one (see Error.Anonymous).
	BadToken
	// NoPermission is a 403 that is not a limit, or a GitHub App that is not
	// installed or lacks a permission.
	NoPermission
	// NotFound is a 404, also for a thing that the token cannot see. It matches
	// artifact.ErrNotFound.
	NotFound
	// Gone is a 410: the artifact has expired. It matches artifact.ErrExpired.
	Gone
	// PrimaryLimit means that the requests of this hour are used up; see Error.Reset.
	PrimaryLimit
	// Reserved means that a search did not send the request, to leave the last ones of
	// the hour to others; Err is a *ReserveError.
	Reserved
	// SecondaryLimit means too many requests at once; see Error.RetryAfter.
	SecondaryLimit
	// InvalidRequest is any other 4xx.
	InvalidRequest
	// ServerError is a 5xx.
	ServerError
	// UnexpectedAnswer is an answer that the API never gives: the page of a proxy,
	// or of another server.
	UnexpectedAnswer
)

// String returns the kind's name, for logs and tests.
func (k Kind) String() string {
	names := [...]string{
		"network", "bad token", "no permission", "not found", "gone", "primary limit",
		"reserved", "secondary limit", "invalid request", "server error", "unexpected answer",
	}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k]
}

// Permission is a permission of a token, spelled as in a job's permissions. Source:
// https://docs.github.com/rest, the fine-grained access tokens of each call.
type Permission string

// The permissions that calls need. Most need ActionsRead.
const (
	ActionsRead      Permission = "actions: read"
	ActionsWrite     Permission = "actions: write"
	ContentsRead     Permission = "contents: read"
	PullRequestsRead Permission = "pull-requests: read"
)

// Error is a failed call of the API.
type Error struct {
	Kind Kind
	// Server is the server's name in messages, such as GitHub.
	Server string
	// Needs is the permission that the call needs.
	Needs Permission
	// App reports that the call was made as a GitHub App, for its token.
	App bool
	// Op is what the call does, such as "delete" or "list artifacts", and Subject what it
	// does that to, such as "artifact 42", or empty.
	Op, Subject string
	// Artifact is the ID of the artifact that the call is about, or 0.
	Artifact int64
	Repo     artifact.Repo
	Status   int // 0 without an answer
	// Message is the server's own text, or describes an unexpected answer. It may
	// hold any character; its length is bounded.
	Message string
	// Reset is when a primary limit ends; zero if unknown.
	Reset time.Time
	// RetryAfter is the pause that a secondary limit asks for; 0 if unknown.
	RetryAfter time.Duration
	// Tries is how many times the request was sent.
	Tries int
	// Anonymous reports that the request was sent without a token.
	Anonymous bool
	// Ahead is how far the server's clock is ahead of ours; 0 if unknown.
	Ahead time.Duration
	// Err is the cause if there is no answer, or none that can be read.
	Err error
}

// Error returns the operation and the failure. Advice is up to the caller.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(label(e.Op, e.Subject, e.Repo))
	b.WriteString(": ")
	server := cmp.Or(e.Server, "the server")
	switch e.Kind {
	case PrimaryLimit:
		b.WriteString("the rate limit is used up")
		if !e.Reset.IsZero() {
			fmt.Fprintf(&b, " until %s", e.Reset.UTC().Format(time.DateTime+" MST"))
		}
	case SecondaryLimit:
		b.WriteString("the secondary rate limit is exceeded")
		if e.RetryAfter > 0 {
			fmt.Fprintf(&b, "; %s asks for a pause of %s", server, e.RetryAfter)
		}
	default:
		if e.Status == 0 {
			if e.Kind == Network {
				b.WriteString("no answer: ")
			}
			fmt.Fprint(&b, e.Err)
			return b.String()
		}
		fmt.Fprintf(&b, "%s answered %s", server, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Tries > 1 {
		fmt.Fprintf(&b, " (tried %d times)", e.Tries)
	}
	if e.Message != "" && !strings.EqualFold(strings.TrimSuffix(e.Message, "."), http.StatusText(e.Status)) { // else it is there already
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if gaveUp, ok := errors.AsType[*BudgetError](e.Err); ok {
		fmt.Fprintf(&b, "; %v", gaveUp)
	}
	return b.String()
}

// Unwrap returns Err.
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
		op += " " + subject
	}
	if repo != (artifact.Repo{}) {
		op += " of " + repo.String()
	}
	return op
}

// innermost returns the cause in an error of net/http, whose URL the label makes
// redundant, and in a finalError.
func innermost(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if s, ok := errors.AsType[*finalError](err); ok {
		err = s.err
	}
	return httpx.RedactError(err)
}

// kindOf classifies an answer that is not a success.
func kindOf(a *answer) Kind {
	switch {
	case a.limit != nil:
		return a.limit.kind
	case a.status >= 500, a.status == http.StatusRequestTimeout:
		return ServerError
	case a.status < 400, len(a.body) > 0 && !a.isJSON():
		// The API refuses in JSON. Whatever its status, the page of a proxy says
		// nothing about tokens or repositories.
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
