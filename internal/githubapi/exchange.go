package githubapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/words"
)

// exchange is the outcome of a call. The request's context carries it past go-github to
// the transport and back, so that the call is judged by the server's own answer.
type exchange struct {
	call
	forge *forge
	tries int // of the last request
	// spent is the time of tries and of the pauses between them, without waits for
	// limits.
	spent time.Duration
	// gaveUp is the budget that the next try would have exceeded, or nil.
	gaveUp *BudgetError
	// doubtful reports that a failed try may have had its effect.
	doubtful bool
	answer   *answer // of the last try; nil if it had none
	nextPage int     // from the Link header; 0 at the end
	lastPage int     // the same; 0 if it does not say, and at the end
	// credential is the token of the last try, which messages must not show: answers
	// may quote it.
	credential string
}

// answer is a response with its whole body.
type answer struct {
	status int
	header http.Header
	body   []byte    // of a success, what clip kept of it
	fault  error     // why the body is not JSON, as far as clip found out
	url    *url.URL  // of the request
	at     time.Time // when it arrived, by our clock
	limit  *limit    // nil unless the answer reports a rate limit
}

// ahead returns how far the server's clock is ahead of ours, to the second; zero if the
// answer has no date.
func (a *answer) ahead() time.Duration {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil || a.at.IsZero() {
		return 0
	}
	return date.Sub(a.at.Truncate(time.Second))
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	x.answer = nil
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the context's exchange. If there is none, it returns a new exchange,
// which is then lost.
func exchangeOf(ctx context.Context, f *forge) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{forge: f}
}

// location returns the target of a redirect, or nil. It returns no error: that could
// quote a signed URL that cannot be parsed.
func (a *answer) location() *url.URL {
	loc := a.header.Get("Location")
	if loc == "" {
		return nil
	}
	u, err := a.url.Parse(loc)
	if err != nil || u.Host == "" {
		return nil
	}
	return u
}

// renamed returns the URL of a renamed repository to ask instead, or nil. GitHub
// redirects with 301, 302 or 307. Only 307 and 308 keep methods other than GET: a
// deletion that became a GET would pass for done. See "Best practices for using the
// REST API", "Follow redirects".
func (x *exchange) renamed(method string) *url.URL {
	switch x.answer.status {
	case http.StatusFound:
		if x.want == http.StatusFound || method != http.MethodGet {
			return nil
		}
	case http.StatusMovedPermanently:
		if method != http.MethodGet {
			return nil
		}
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	if u := x.answer.location(); u != nil && u.User == nil && origin(u) == origin(x.answer.url) {
		return u
	}
	return nil
}

// decode decodes the answer's JSON into v.
func (x *exchange) decode(v wire) error {
	err := x.answer.fault
	if err == nil {
		err = unmarshal(x.answer.body, v)
	}
	if err == nil && v.complete() {
		return nil
	}
	e := x.fail(UnexpectedAnswer, err)
	e.Message = "the answer is JSON, but not " + x.forge.name + "'s"
	if large, ok := errors.AsType[*TooLargeError](err); ok {
		e.Message = large.Error()
		return e
	}
	if x.answer.fault != nil || !validJSON(x.answer.body) {
		e.Message = x.notJSON()
	}
	return e
}

// isJSON reports whether the answer is a JSON object, as all answers of the API are.
func (a *answer) isJSON() bool {
	return bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n"), []byte("{")) && validJSON(a.body)
}

// brokeOff reports whether the answer is the beginning of a JSON text, although its
// length seems right: the connection was closed early, or a proxy passed on a part.
func (a *answer) brokeOff() bool {
	return a.fault == io.ErrUnexpectedEOF && a.body[0] != '"' //nolint:errorlint // clip's own
}

// notJSON describes an answer that is not JSON.
func (x *exchange) notJSON() string {
	a := x.answer
	if len(a.body) == 0 {
		return "the answer is empty"
	}
	if coding := a.header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") { // net/http expands gzip
		return "the answer is encoded as " + x.quotable(coding, 40) + ", which was not asked for"
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || media == "application/json" {
		return "the answer is not JSON"
	}
	text := "the answer is not JSON but " + media
	if strings.HasPrefix(media, "text/") && !x.private {
		// The title or the first words of a page name the proxy that sent it.
		text += ": " + x.quotable(firstWords(string(a.body)), 120)
	}
	return text
}

// firstWords returns the title of a page, or else its text.
func firstWords(page string) string {
	if _, rest, ok := strings.Cut(page, "<title>"); ok {
		page, _, _ = strings.Cut(rest, "</title>")
	}
	return strings.Join(strings.Fields(page), " ")
}

// message returns the server's own text for a failure. It may hold any character.
func (x *exchange) message() string {
	if len(x.answer.body) == 0 {
		return ""
	}
	text, ok := x.forge.message(x.answer.body)
	if !ok {
		return x.notJSON()
	}
	return x.quotable(text, 500)
}

// quotable removes the credential from a text of the server, and cuts it to at most
// limit bytes.
func (x *exchange) quotable(text string, limit int) string {
	if x.credential != "" {
		text = strings.ReplaceAll(text, x.credential, "***")
	}
	return words.Cut(strings.ToValidUTF8(text, "\uFFFD"), limit)
}

// fail returns the call's error.
func (x *exchange) fail(kind Kind, err error) *Error {
	e := &Error{
		Kind: kind, Server: x.forge.name, Needs: cmp.Or(x.needs, ActionsRead), App: x.asApp, Op: x.op, Repo: x.repo, Subject: x.subject, Artifact: x.artifact,
		Tries: x.tries, Anonymous: x.tries > 0 && x.credential == "", Err: err,
	}
	if x.answer != nil {
		e.Status = x.answer.status
		e.Ahead = x.answer.ahead()
	}
	if err == nil && x.gaveUp != nil {
		e.Err = x.gaveUp
	}
	return e
}

// refused returns the error of an answer that is not a success.
func (x *exchange) refused() error {
	a := x.answer
	e := x.fail(kindOf(a), nil)
	switch {
	case a.limit != nil:
		e.Reset, e.RetryAfter = a.limit.reset, a.limit.pause
	case e.Kind == UnexpectedAnswer && a.status/100 == 3:
		e.Message = "its redirect has no valid target"
		if u := a.location(); u != nil {
			e.Message = "it redirects to " + x.quotable(httpx.Redact(u.String()), 200)
		}
		return e
	case e.Kind == UnexpectedAnswer && a.status/100 == 2 && x.want == http.StatusFound:
		e.Message = "it does not redirect to the storage"
		return e
	}
	e.Message = x.message()
	return e
}

// unanswered returns the error of a call without an answer.
func (x *exchange) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if cause == ctx.Err() { //nolint:errorlint // the same value: the cause says no more
			return fmt.Errorf("%s: %w", x.label(), cause)
		}
		return fmt.Errorf("%s: %w (%w)", x.label(), cause, ctx.Err())
	}
	err = innermost(err)
	if inner, ok := asError(err); ok {
		return inner // of the call for a GitHub App's token
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return x.fail(UnexpectedAnswer, err)
	}
	if _, ok := errors.AsType[*ReserveError](err); ok {
		return x.fail(Reserved, err)
	}
	return x.fail(Network, err)
}
