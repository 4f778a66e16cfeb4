package githubapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/artifetch/artifetch/internal/httpx"
)

// exchange is what became of one call. It travels in the request's context,
// past go-github, so that a call is judged by GitHub's answer as it was:
// go-github tells errors apart by their wording, and remembers limits on its
// own terms.
type exchange struct {
	call
	tries int // of the last request, the first one included
	// spent is the time that the tries and the pauses between them took, the
	// waits for limits apart.
	spent time.Duration
	// gaveUp is the bound that the next try would have passed, or nil.
	gaveUp *BudgetError
	// doubtful tells that a try failed so that it may have had its effect.
	doubtful bool
	answer   *answer // the last one; nil when the last try had none
	nextPage int     // by Link; 0 is the end
	// credential is what the last try was sent with, to be kept out of
	// messages: whatever answers may quote it.
	credential string
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL  // that was asked
	at     time.Time // when it came, by our clock
}

// ahead is how far the server's clock is ahead of ours, to the second; zero
// where its answer has no date.
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

// exchangeOf is never nil, so that the transport needs no second way.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return new(exchange)
}

// location is where a redirect leads, or nil. Its text may be a signed URL
// even if it cannot be parsed, so there is no error that could quote it.
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

// renamed is where to ask again, or nil. GitHub redirects requests for a
// renamed repository with 301, 302 or 307. A method other than GET is kept
// by 307 and 308 only; sent on as a GET, a deletion would pass for done.
// See "Best practices for using the REST API", "Follow redirects".
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

// decode reads the answer's JSON.
func (x *exchange) decode(v wire) error {
	err := json.Unmarshal(x.answer.body, v)
	if err == nil && v.complete() {
		return nil
	}
	e := x.fail(UnexpectedAnswer, err)
	e.Message = "the answer is JSON, but not GitHub's"
	if large, ok := errors.AsType[*TooLargeError](err); ok {
		e.Message = large.Error()
		return e
	}
	if !json.Valid(x.answer.body) {
		e.Message = x.notJSON()
	}
	return e
}

// isJSON tells whether the answer is a JSON object, as all of GitHub's are.
func (a *answer) isJSON() bool {
	return bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n"), []byte("{")) && json.Valid(a.body)
}

// brokeOff reports whether the answer is JSON that ends before its end, which
// no length told: a connection that was closed, or a proxy that went on with
// the part that it had.
func (a *answer) brokeOff() bool {
	text := bytes.TrimLeft(a.body, " \t\r\n")
	if len(text) == 0 || text[0] != '{' && text[0] != '[' || json.Valid(text) {
		return false // the name of a commit is no JSON
	}
	var all json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(&all), io.ErrUnexpectedEOF)
}

// notJSON describes what came instead.
func (x *exchange) notJSON() string {
	a := x.answer
	if len(a.body) == 0 {
		return "the answer is empty"
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || media == "application/json" {
		return "the answer is not JSON"
	}
	text := "the answer is not JSON but " + media
	if strings.HasPrefix(media, "text/") && !x.private {
		// A page's title or first words name the proxy that sent it.
		text += ": " + x.quotable(firstWords(string(a.body)), 120)
	}
	return text
}

// firstWords is a page's title, or else its text.
func firstWords(page string) string {
	if _, rest, ok := strings.Cut(page, "<title>"); ok {
		page, _, _ = strings.Cut(rest, "</title>")
	}
	return strings.Join(strings.Fields(page), " ")
}

// message is GitHub's own text for a failure, fit for a log but for its
// characters, which are GitHub's.
func (x *exchange) message() string {
	if len(x.answer.body) == 0 {
		return ""
	}
	var r github.ErrorResponse
	if json.Unmarshal(x.answer.body, &r) != nil {
		return x.notJSON()
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
	return x.quotable(strings.TrimPrefix(text, "; "), 500)
}

// quotable takes the credential out of a text that is not ours, and cuts it
// to at most limit bytes.
func (x *exchange) quotable(text string, limit int) string {
	if x.credential != "" {
		text = strings.ReplaceAll(text, x.credential, "***")
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

// fail makes the error of this call.
func (x *exchange) fail(kind Kind, err error) *Error {
	e := &Error{
		Kind: kind, Needs: cmp.Or(x.needs, ActionsRead), App: x.asApp, Op: x.op, Repo: x.repo, Subject: x.subject,
		Tries: x.tries, Anonymous: x.credential == "", Err: err,
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

// refused makes the error of an answer that is not the wanted one.
func (x *exchange) refused() error {
	a := x.answer
	e := x.fail(kindOf(a), nil)
	switch {
	case e.Kind == PrimaryLimit:
		e.Reset = resetTime(a.header)
	case e.Kind == SecondaryLimit:
		e.RetryAfter, _ = httpx.ParseRetryAfter(a.header, a.at)
	case e.Kind == UnexpectedAnswer && a.status/100 == 3:
		e.Message = "it redirects to nowhere"
		if u := a.location(); u != nil {
			e.Message = "it redirects to " + x.quotable(httpx.Redact(u.String()), 200)
		}
		return e
	case e.Kind == UnexpectedAnswer && a.status/100 == 2 && x.want == http.StatusFound:
		e.Message = "it is no redirect to the storage"
		return e
	}
	e.Message = x.message()
	return e
}

// unanswered makes the error of a call without an answer.
func (x *exchange) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if cause == ctx.Err() { //nolint:errorlint // is it the very same one, or is there more to tell?
			return fmt.Errorf("%s: %w", x.label(), cause)
		}
		return fmt.Errorf("%s: %w (%w)", x.label(), cause, ctx.Err())
	}
	err = innermost(err)
	if inner, ok := asError(err); ok {
		return inner // of a GitHub App's token
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return x.fail(UnexpectedAnswer, err)
	}
	return x.fail(Network, err)
}
