// Package githubapi asks GitHub's REST API, over go-github, what artifetch
// wants to know: it is an artifact.Source, and knows how to download and
// delete artifacts. It alone imports go-github and oauth2.
//
// Contract: a token goes to the API host only. Every failure is an *Error
// with a Kind. Faults that pass (5xx, broken connections, rate limits that
// reset soon) are waited out under one Policy; waits end with the context.
package githubapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v60/github"
	"golang.org/x/oauth2"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
)

// Options say which API to ask, as whom, and how patiently.
type Options struct {
	// BaseURL is https://api.github.com, or https://HOST/api/v3.
	BaseURL *url.URL
	// Auth is who asks; the zero Auth is nobody.
	Auth Auth
	// Transport carries the requests.
	Transport http.RoundTripper
	// Policy is for faults that pass.
	Policy httpx.Policy
	// MaxLimitWait is the longest wait for a rate limit; 0 means 2 minutes.
	MaxLimitWait time.Duration
	// Now is the time; nil is time.Now.
	Now       func() time.Time
	UserAgent string
}

// Client is safe for concurrent use.
type Client struct {
	gh   *github.Client
	sent *atomic.Int64
}

var _ artifact.Source = (*Client)(nil)

// New makes a client. It sends nothing, except that a GitHub App asks for
// its token with the first request.
func New(o Options) (*Client, error) {
	if o.MaxLimitWait == 0 {
		o.MaxLimitWait = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{sent: new(atomic.Int64)}
	patient := &patientTransport{base: o.Transport, policy: o.Policy, maxWait: o.MaxLimitWait, now: o.Now, sent: c.sent}
	source, err := o.Auth.source(o, patient)
	if err != nil {
		return nil, err
	}
	c.gh = newGitHub(o, &authTransport{base: patient, host: o.BaseURL.Host, scheme: o.BaseURL.Scheme, source: source})
	return c, nil
}

func newGitHub(o Options, transport http.RoundTripper) *github.Client {
	gh := github.NewClient(&http.Client{Transport: transport, CheckRedirect: checkRedirect})
	base := *o.BaseURL
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	gh.BaseURL = &base
	gh.UserAgent = o.UserAgent
	return gh
}

// Requests tells how many requests were sent so far, repeated ones included.
func (c *Client) Requests() int { return int(c.sent.Load()) }

// authTransport adds the token to requests to the API's own host, and to no
// others.
type authTransport struct {
	base         http.RoundTripper
	scheme, host string
	source       oauth2.TokenSource // nil: nobody
}

func (t *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.source == nil || r.URL.Host != t.host || r.URL.Scheme != t.scheme {
		return t.base.RoundTrip(r)
	}
	tok, err := t.source.Token()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	tok.SetAuthHeader(r)
	return t.base.RoundTrip(r)
}

// checkRedirect follows a repository that was renamed (301, 307, 308) within
// the API's host. The 302 of a download is the answer itself, as is any
// redirect to another host.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.Response.StatusCode == http.StatusFound || req.URL.Host != first.Host || req.URL.Scheme != first.Scheme || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// call is one operation, for messages.
type call struct {
	op, subject string
	repo        artifact.Repo
}

// do sends a request and decodes a 2xx answer into v, which may be nil.
func (c *Client) do(ctx context.Context, what call, method, path string, v any) (*github.Response, error) {
	req, err := c.gh.NewRequest(method, path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what.op, err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	res, err := c.gh.Do(ctx, req, v)
	if err != nil {
		return res, newError(what, res, err)
	}
	return res, nil
}

func repoPath(r artifact.Repo, format string, args ...any) string {
	return fmt.Sprintf("repos/%s/%s", url.PathEscape(r.Owner), url.PathEscape(r.Name)) + fmt.Sprintf(format, args...)
}

// pages yields the items of a list, page by page as they are consumed, and
// follows Link to the end.
func pages[T any](ctx context.Context, c *Client, what call, path string, q url.Values, perPage int, items func(*listing) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if perPage == 0 {
			perPage = 100
		}
		q.Set("per_page", fmt.Sprint(perPage))
		for page := 1; page != 0; {
			if page > 1 {
				q.Set("page", fmt.Sprint(page))
			}
			var list listing
			res, err := c.do(ctx, what, http.MethodGet, path+"?"+q.Encode(), &list)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range items(&list) {
				if !yield(item, nil) {
					return
				}
			}
			page = res.NextPage
		}
	}
}

// listing is the answer to a list of either kind.
type listing struct {
	Artifacts []wireArtifact `json:"artifacts"`
	Runs      []wireRun      `json:"workflow_runs"`
}

// Repository fails unless the repository exists and the token may see it.
func (c *Client) Repository(ctx context.Context, repo artifact.Repo) error {
	_, err := c.do(ctx, call{op: "get repository", repo: repo}, http.MethodGet, repoPath(repo, ""), nil)
	return err
}

// asError finds the *Error in err.
func asError(err error) (*Error, bool) { return errors.AsType[*Error](err) }
