// Package githubapi is a client of GitHub's REST API. It implements search.Source, and
// downloads and deletes artifacts. It is the only package that imports go-github and oauth2.
//
// go-github builds the requests, sends them, and reads Link headers. The rest is the
// package's own, because of the contract below: go-github judges errors by their
// wording, refuses requests on its own after it has seen a limit, and has result types
// without digest, with strings of any length, and in which null and a missing field are
// the same.
//
// Contract:
//
//   - A token is sent to the scheme, host and port of the API only. Redirects are
//     followed within these only (a renamed repository). The redirect of a download is
//     an answer and never followed. Errors hold no token and no signed URL.
//   - Every failure is an *Error whose Kind follows from the answer, except the end of a
//     context, which is the context's error and cause.
//   - Temporary faults (5xx, broken or stalled connections, limits that end soon) are
//     retried under one httpx.Policy. Every wait ends with the context. While a limit
//     lasts, the Client sends no request.
//   - An answer is read whole, up to a bound, before it is used. One without the fields
//     that the server always sends is a failure, never an empty list.
package githubapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

// Options set up a Client.
type Options struct {
	// BaseURL is https://api.github.com, or https://HOST/api/v3.
	BaseURL *url.URL
	// Auth holds the credentials; the zero Auth is anonymous.
	Auth Auth
	// Transport carries the requests; see httpx.NewTransport.
	Transport http.RoundTripper
	// Policy is for temporary faults.
	Policy httpx.Policy
	// Now returns the time; nil means time.Now.
	Now func() time.Time
	// MaxLimitWait bounds the wait for the reset of a primary limit; 0 means 2
	// minutes. If the limit resets later, the call fails at once.
	MaxLimitWait time.Duration
	// UserAgent is sent with every request; GitHub requires one.
	UserAgent string
	// Conditional keeps answers, up to 32 MiB, so that repeated requests are
	// conditional: while nothing has changed they do not count against the limit.
	Conditional bool
	// Reserve is how many requests of the hour searches leave to others. A search that
	// has sent more than 50 fails with Reserved instead of spending them, if the server
	// says how many are left; 0 lets searches spend all.
	Reserve int
	// Costly is called once when the costs of searches are High, by one of the calls that
	// sent the requests. It may be nil.
	Costly func(Costs)
}

// Client is safe for concurrent use.
type Client struct {
	api    *restClient
	shared *shared
}

var _ search.Source = (*Client)(nil)

// New returns a Client. It sends no request: the token of a GitHub App is created
// before the first call.
func New(o Options) (*Client, error) { return newClient(o, gitHub) }

func newClient(o Options, f *forge) (*Client, error) {
	if o.BaseURL == nil || o.BaseURL.Host == "" || o.BaseURL.Scheme != "https" && o.BaseURL.Scheme != "http" {
		return nil, errors.New("githubapi: the API's base URL is not an http or https URL with a host")
	}
	if o.Transport == nil {
		return nil, errors.New("githubapi: no transport")
	}
	if o.MaxLimitWait == 0 {
		o.MaxLimitWait = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{shared: &shared{forge: f, spending: spending{reserve: o.Reserve, costly: o.Costly}}}
	if o.Conditional {
		c.shared.kept = new(cache)
	}
	token, err := o.Auth.source(o, c.shared)
	if err != nil {
		return nil, err
	}
	c.api = newRESTClient(o, c.shared, token)
	return c, nil
}

// Requests returns how many requests were sent so far, including retries (also by
// net/http), redirects, and requests for a GitHub App's token.
func (c *Client) Requests() int { return int(c.shared.sent.Load()) }

// Costs returns how many requests searches have sent so far.
func (c *Client) Costs() Costs { return c.shared.spending.costs() }

// Unchanged returns how many of these requests were answered with 304, which does not
// count against the rate limit.
func (c *Client) Unchanged() int {
	if c.shared.kept == nil {
		return 0
	}
	return int(c.shared.kept.unchanged.Load())
}

// Ahead returns how far the server's clock is ahead of ours, to the second, by the Date
// of the newest answer; 0 before there is one with a Date.
func (c *Client) Ahead() time.Duration { return time.Duration(c.shared.ahead.Load()) }

// Repository returns an error unless the repository exists and the token can see it.
func (c *Client) Repository(ctx context.Context, repo artifact.Repo) error {
	what := call{op: "get repository", repo: repo, want: http.StatusOK}
	return c.api.get(ctx, what, repoPath(repo, ""), new(wireRepo))
}

// restClient is a go-github client that authenticates as one identity: the token, or
// the App itself.
type restClient struct {
	gh     *github.Client
	shared *shared
}

func newRESTClient(o Options, s *shared, token tokenSource) *restClient {
	gh := github.NewClient(&http.Client{
		Transport: &transport{
			base: o.Transport, origin: origin(o.BaseURL), token: token, policy: o.Policy,
			maxLimitWait: o.MaxLimitWait, idle: idleTimeout, now: o.Now, shared: s,
		},
		CheckRedirect: httpx.StopAtRedirect,
	})
	gh.BaseURL = &url.URL{Scheme: o.BaseURL.Scheme, Host: o.BaseURL.Host, Path: strings.TrimSuffix(o.BaseURL.Path, "/") + "/"}
	gh.UserAgent = o.UserAgent
	return &restClient{gh: gh, shared: s}
}

// call describes an operation.
type call struct {
	op, subject string // as in Error
	artifact    int64  // as in Error
	repo        artifact.Repo
	want        int        // the status of success
	needs       Permission // "" means ActionsRead
	accept      string     // the media type, if not JSON
	asApp       bool       // authenticated as the GitHub App, for its token
	repeatable  bool       // a POST that may be sent twice without harm
	private     bool       // the answer holds a secret
	cost        Cost       // what it counts as in a search
	// names are those of the members that are kept of the answer; nil is all.
	names members
}

// get sends a GET and decodes the JSON of the answer into v.
func (c *restClient) get(ctx context.Context, what call, path string, v wire) error {
	_, err := c.getExchange(ctx, what, path, v)
	return err
}

// getExchange does what get does, and returns the exchange.
func (c *restClient) getExchange(ctx context.Context, what call, path string, v wire) (*exchange, error) {
	what.names = membersOf(reflect.TypeOf(v))
	x, err := c.do(ctx, what, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	return x, x.decode(v)
}

// maxRedirects bounds the redirects of one call.
const maxRedirects = 3

// do sends a request, following the redirects of renamed repositories and retrying
// temporary faults. If err is not nil, only x's account of the tries (tries, doubtful)
// is valid.
func (c *restClient) do(ctx context.Context, what call, method, path string, body any) (x *exchange, err error) {
	x = &exchange{call: what, forge: c.shared.forge}
	for hop := 0; ; hop++ {
		req, err := c.gh.NewRequest(method, path, body)
		if err != nil {
			return x, x.fail(InvalidRequest, httpx.RedactError(err))
		}
		req.Header.Del("X-Github-Api-Version") // go-github's own
		maps.Copy(req.Header, c.shared.forge.header)
		if what.accept != "" {
			req.Header.Set("Accept", what.accept)
		}
		res, err := c.gh.BareDo(withExchange(ctx, x), req)
		if err == nil {
			_ = res.Body.Close() // the exchange holds the answer
			x.nextPage, x.lastPage = res.NextPage, res.LastPage
		}
		switch {
		case x.answer == nil:
			return x, x.unanswered(ctx, err)
		case x.answer.status == what.want:
			return x, nil
		}
		next := x.renamed(method)
		if next == nil || hop == maxRedirects {
			return x, x.refused()
		}
		path = next.String()
	}
}

// repoPath returns a path below a repository's, relative to the API.
func repoPath(r artifact.Repo, format string, args ...any) string {
	return "repos/" + segment(r.Owner) + "/" + segment(r.Name) + fmt.Sprintf(format, args...)
}

// segment escapes a name for use as one segment of a path. "." and ".." need more than
// url.PathEscape does.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

// origin returns scheme, host and port of a URL, in a form that can be compared.
func origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
