package githubapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
	githubauth "github.com/jferrl/go-githubauth"
	"golang.org/x/oauth2"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Auth is who asks: a Token, or a GitHub App, or nobody.
type Auth struct {
	Token string
	App   *App
}

// App is a GitHub App that is installed on the owner of Repos. All of them
// have to have one owner, because an installation belongs to one.
type App struct {
	ID         string // App id or client id
	PrivateKey []byte // PEM
	// Repos and Write restrict the token: to these repositories, with
	// Actions read or write.
	Repos []artifact.Repo
	Write bool
	// OnToken is told every installation token, so that it can be masked.
	OnToken func(token string)
}

// source is nil for nobody.
func (a Auth) source(o Options, transport http.RoundTripper) (oauth2.TokenSource, error) {
	switch {
	case a.App != nil:
		return newAppSource(o, *a.App, transport)
	case a.Token != "":
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: a.Token}), nil
	}
	return nil, nil //nolint:nilnil // nobody has no tokens
}

// appSource asks for an installation token when the first one is needed,
// and again before it expires.
type appSource struct {
	app App
	gh  *github.Client // as the App itself
	now func() time.Time

	mu           sync.Mutex
	installation int64
	token        *oauth2.Token
}

func newAppSource(o Options, app App, transport http.RoundTripper) (oauth2.TokenSource, error) {
	for _, r := range app.Repos {
		if r.Owner != app.Repos[0].Owner {
			return nil, fmt.Errorf("a GitHub App's token is good for one owner, and %s and %s have two", app.Repos[0], r)
		}
	}
	jwt, err := githubauth.NewApplicationTokenSource(app.ID, app.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App's private key: %w", err)
	}
	auth := &authTransport{base: transport, scheme: o.BaseURL.Scheme, host: o.BaseURL.Host, source: jwt}
	return &appSource{app: app, gh: newGitHub(o, auth), now: o.Now}, nil
}

// Token returns an installation token that is good for a minute more at
// least. Its errors are *Error.
func (s *appSource) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && s.token.Expiry.Sub(s.now()) > time.Minute {
		return s.token, nil
	}
	// oauth2.TokenSource has no context; the transport's time-outs bound this.
	ctx := context.Background()
	repo := s.app.Repos[0]
	if s.installation == 0 {
		in, res, err := s.gh.Apps.FindRepositoryInstallation(ctx, repo.Owner, repo.Name)
		if err != nil {
			return nil, newError(call{op: "find the GitHub App's installation", repo: repo}, res, err)
		}
		s.installation = in.GetID()
	}
	access := "read"
	if s.app.Write {
		access = "write"
	}
	opts := &github.InstallationTokenOptions{Permissions: &github.InstallationPermissions{Actions: &access}}
	for _, r := range s.app.Repos {
		opts.Repositories = append(opts.Repositories, r.Name)
	}
	tok, res, err := s.gh.Apps.CreateInstallationToken(ctx, s.installation, opts)
	if err != nil {
		return nil, newError(call{op: "get an installation token", repo: repo}, res, err)
	}
	s.token = &oauth2.Token{AccessToken: tok.GetToken(), Expiry: tok.GetExpiresAt().Time}
	if s.app.OnToken != nil {
		s.app.OnToken(s.token.AccessToken)
	}
	return s.token, nil
}
