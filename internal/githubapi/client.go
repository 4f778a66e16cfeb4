// Package githubapi asks GitHub's REST API, over go-github, what artifetch
// wants to know: it is an search.Source, and knows how to download and
// delete artifacts. It alone imports go-github and oauth2.
//
// Contract:
//
//   - A token goes to the API's own scheme, host and port, and nowhere else.
//     Redirects are followed within these only (a renamed repository); the
//     redirect of a download is an answer and is never followed. No token,
//     and no signed URL, is part of an error.
//   - Every failure is an *Error with a Kind, told from the answer itself,
//     except that of a context, which is the context's error and cause.
//   - Faults that pass (5xx, broken or stalled connections, limits that end
//     soon) are waited out under one httpx.Policy; every wait ends with the
//     context. A limit stops all requests of the Client until it ends.
//   - An answer is read whole before it is looked at, up to a bound, and one
//     that lacks what GitHub always sends is a failure, never "nothing there".
package githubapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

// Options say which API to ask, as whom, and how patiently.
type Options struct {
	// BaseURL is https://api.github.com, or https://HOST/api/v3.
	BaseURL *url.URL
	// Auth is who asks; the zero Auth is nobody.
	Auth Auth
	// Transport carries the requests; see httpx.NewTransport.
	Transport http.RoundTripper
	// Policy is for faults that pass.
	Policy httpx.Policy
	// Now is the time; nil is time.Now.
	Now func() time.Time
	// MaxLimitWait is the longest wait for a primary limit's reset; 0 means
	// 2 minutes. One that resets later fails at once.
	MaxLimitWait time.Duration
	// UserAgent is sent with every request; GitHub wants one.
	UserAgent string
	// Conditional keeps answers, up to 32 MiB, to make a request that is sent
	// again conditional: it costs nothing while nothing has changed.
	Conditional bool
}

// Client is safe for concurrent use.
type Client struct {
	api    *restClient
	shared *shared
}

var _ search.Source = (*Client)(nil)

// New makes a client. It sends nothing; a GitHub App asks for its token with
// the first request.
func New(o Options) (*Client, error) {
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
	c := &Client{shared: new(shared)}
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

// Requests is how many requests were sent so far: repeated ones (also those
// that net/http repeats by itself), redirects and those for a GitHub App's
// token included.
func (c *Client) Requests() int { return int(c.shared.sent.Load()) }

// Unchanged is how many of them GitHub answered with 304, which costs
// nothing.
func (c *Client) Unchanged() int {
	if c.shared.kept == nil {
		return 0
	}
	return int(c.shared.kept.unchanged.Load())
}

// Repository fails unless the repository exists and the token may see it.
func (c *Client) Repository(ctx context.Context, repo artifact.Repo) error {
	what := call{op: "get repository", repo: repo, want: http.StatusOK}
	return c.api.get(ctx, what, repoPath(repo, ""), new(wireRepo))
}

// restClient is a go-github client that authenticates as one identity: the token, or
// the App itself.
type restClient struct {
	gh      *github.Client
	visited *visited
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
	return &restClient{gh: gh, visited: &s.visited}
}

// call is one operation: for messages, and the status that is its success.
type call struct {
	op, subject string
	repo        artifact.Repo
	want        int
	needs       Permission // empty is ActionsRead
	accept      string     // the media type, if it is not JSON
	asApp       bool       // made as a GitHub App, for its token
	// repeatable marks a POST that may be sent twice without harm.
	repeatable bool
	// private marks a call whose answer holds a secret.
	private bool
}

// get sends a GET whose answer is the JSON of v.
func (c *restClient) get(ctx context.Context, what call, path string, v wire) error {
	x, err := c.do(ctx, what, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return x.decode(v)
}

// maxRedirects is how often an answer may send on to another place.
const maxRedirects = 3

// do sends the request, following renames and retrying what passes. When err
// is not nil, only what x knows of the tries (tries, doubtful) is valid.
func (c *restClient) do(ctx context.Context, what call, method, path string, body any) (x *exchange, err error) {
	x = &exchange{call: what}
	for hop := 0; ; hop++ {
		req, err := c.gh.NewRequest(method, path, body)
		if err != nil {
			return x, x.fail(InvalidRequest, httpx.RedactError(err))
		}
		req.Header.Set("Accept", cmp.Or(what.accept, "application/vnd.github+json"))
		req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
		res, err := c.gh.BareDo(withExchange(ctx, x), req)
		if err == nil {
			_ = res.Body.Close() // the exchange has the answer already
			x.nextPage = res.NextPage
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

// repoPath is the path of something of a repository, relative to the API.
func repoPath(r artifact.Repo, format string, args ...any) string {
	return "repos/" + segment(r.Owner) + "/" + segment(r.Name) + fmt.Sprintf(format, args...)
}

// segment escapes a name to be one segment of a path, which "." and ".." are
// not even when all their special characters are escaped.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

// origin is what two URLs have in common when they lead to the same server.
func origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
