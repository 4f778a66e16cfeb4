package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
	"golang.org/x/oauth2"

	"github.com/artifetch/artifetch/internal/artifact"
)

// tokenMargin is how long before its end an installation token is replaced.
// It covers clocks that differ, and a request under way.
const tokenMargin = time.Minute

// Auth holds the credentials. App takes precedence over Token; the zero Auth
// is anonymous.
type Auth struct {
	Token string
	App   *App
}

// String keeps secrets out of formatted text.
func (a Auth) String() string {
	switch {
	case a.App != nil:
		return a.App.String()
	case a.Token != "":
		return "token ***"
	}
	return "anonymous"
}

// GoString does so for %#v.
func (a Auth) GoString() string { return a.String() }

// App is a GitHub App that is installed on the owner of Repos. All of them
// have to have one owner, because an installation belongs to one.
type App struct {
	ID         string // App id or client id
	PrivateKey []byte // PEM
	// Repos and Write restrict the token: to these repositories, with
	// Actions read or write.
	Repos []artifact.Repo
	Write bool
	// Contents and PullRequests ask for read access to these, too: to resolve
	// tags, branches and abbreviated SHAs, or the number of a pull request.
	Contents, PullRequests bool
	// OnToken is told every installation token before it is used, so that it
	// can be masked; nil is fine.
	OnToken func(token string)
}

// String keeps the private key out of formatted text.
func (a *App) String() string { return "GitHub App " + a.ID }

// GoString does so for %#v.
func (a *App) GoString() string { return a.String() }

// source returns nil for anonymous access.
func (a Auth) source(o Options, s *shared) (tokenSource, error) {
	switch {
	case a.App != nil:
		return newAppSource(o, s, *a.App)
	case a.Token != "":
		if i := strings.IndexFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
			return nil, errors.New("the token holds a character that no token has, such as a space or a line break")
		}
		static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: a.Token})
		return func(context.Context) (*oauth2.Token, error) { return static.Token() }, nil
	}
	return nil, nil //nolint:nilnil // anonymous requests have no tokens
}

// appSource keeps an installation token, and gets it, or another one, when a
// request needs it. The request's context ends the waiting.
type appSource struct {
	app App
	jwt *restClient // the API, asked as the App itself
	now func() time.Time
	// ahead is how far the API's clock is ahead of ours, as far as known.
	ahead time.Duration
	busy  chan struct{} // of one: a lock that a context can give up on

	installation int64
	current      *oauth2.Token
}

func newAppSource(o Options, s *shared, app App) (tokenSource, error) {
	if len(app.Repos) == 0 {
		return nil, errors.New("a GitHub App needs repositories to ask a token for")
	}
	for _, r := range app.Repos {
		if !strings.EqualFold(r.Owner, app.Repos[0].Owner) {
			return nil, fmt.Errorf("a GitHub App's token is good for one owner, and %s and %s have two", app.Repos[0], r)
		}
	}
	sign, err := newSigner(app.ID, app.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App's id and private key: %w", err)
	}
	if app.OnToken == nil {
		app.OnToken = func(string) {}
	}
	a := &appSource{app: app, now: o.Now, busy: make(chan struct{}, 1)}
	a.jwt = newRESTClient(o, s, func(context.Context) (*oauth2.Token, error) {
		jwt, err := sign.token(a.now().Add(a.ahead))
		return &oauth2.Token{AccessToken: jwt}, err
	})
	return a.token, nil
}

// token returns one that is good for a while.
func (a *appSource) token(ctx context.Context) (*oauth2.Token, error) {
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if a.current != nil && a.current.Expiry.Sub(a.now()) > tokenMargin {
		return a.current, nil
	}
	tok, err := a.renew(ctx)
	if e, ok := asError(err); ok && e.Kind == BadToken && (e.Ahead-a.ahead).Abs() > maxClockError {
		// A JSON Web Token is good for minutes. The answer has told how far
		// our clock is off: one by GitHub's may do.
		a.ahead = e.Ahead
		tok, err = a.renew(ctx)
	}
	if err != nil {
		return nil, err
	}
	a.app.OnToken(tok.AccessToken)
	a.current = tok
	return tok, nil
}

// maxClockError is how far clocks may differ without being the reason why a
// JSON Web Token is refused.
const maxClockError = 30 * time.Second

// renew gets a token.
func (a *appSource) renew(ctx context.Context) (*oauth2.Token, error) {
	if a.installation == 0 {
		id, err := a.find(ctx)
		if err != nil {
			return nil, err
		}
		a.installation = id
	}
	return a.create(ctx)
}

type wireInstallation struct {
	ID int64 `json:"id"`
}

func (w *wireInstallation) complete() bool { return w.ID != 0 }

// find asks for the App's installation on the repositories' owner.
func (a *appSource) find(ctx context.Context) (int64, error) {
	repo := a.app.Repos[0]
	what := call{op: "find the GitHub App's installation", asApp: true, repo: repo, want: http.StatusOK}
	var w wireInstallation
	if err := a.jwt.get(ctx, what, repoPath(repo, "/installation"), &w); err != nil {
		return 0, notGranted(err)
	}
	return w.ID, nil
}

type wireToken struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (w *wireToken) complete() bool { return w.Token != "" && !w.ExpiresAt.IsZero() }

// create asks for a token that can do no more than it has to.
func (a *appSource) create(ctx context.Context) (*oauth2.Token, error) {
	access := "read"
	if a.app.Write {
		access = "write"
	}
	permissions := &github.InstallationPermissions{Actions: &access}
	if a.app.Contents {
		permissions.Contents = github.String("read")
	}
	if a.app.PullRequests {
		permissions.PullRequests = github.String("read")
	}
	opts := github.InstallationTokenOptions{Permissions: permissions}
	seen := map[string]bool{}
	for _, r := range a.app.Repos {
		if name := strings.ToLower(r.Name); !seen[name] {
			seen[name] = true
			opts.Repositories = append(opts.Repositories, r.Name)
		}
	}
	// A token that got lost on its way is never used and expires.
	what := call{op: "get an installation token", asApp: true, repo: a.app.Repos[0], want: http.StatusCreated, repeatable: true, private: true}
	x, err := a.jwt.do(ctx, what, http.MethodPost, fmt.Sprintf("app/installations/%d/access_tokens", a.installation), &opts)
	if err != nil {
		return nil, notGranted(err)
	}
	var w wireToken
	if err := x.decode(&w); err != nil {
		return nil, err
	}
	// Its end by our clock: GitHub's may be another.
	return &oauth2.Token{AccessToken: w.Token, TokenType: "Bearer", Expiry: w.ExpiresAt.Add(-x.answer.ahead())}, nil
}

// notGranted makes a NoPermission of what GitHub answers when an App is not
// installed on a repository (404), or is asked for what it was not granted
// (422). It must not pass for an artifact or a run that is not there.
func notGranted(err error) error {
	if e, ok := asError(err); ok && (e.Kind == NotFound || e.Kind == InvalidRequest) {
		e.Kind = NoPermission
	}
	return err
}
