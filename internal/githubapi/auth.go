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
	"golang.org/x/sync/semaphore"

	"github.com/artifetch/artifetch/internal/artifact"
)

// tokenMargin is how long before its expiry an installation token is replaced. It
// covers clocks that differ, and the time of a request.
const tokenMargin = time.Minute

// Auth holds the credentials. App takes precedence over Token; the zero Auth
// is anonymous.
type Auth struct {
	Token string
	App   *App
}

// String describes the credentials without the secret.
func (a Auth) String() string {
	switch {
	case a.App != nil:
		return a.App.String()
	case a.Token != "":
		return "token ***"
	}
	return "anonymous"
}

// GoString does the same for %#v.
func (a Auth) GoString() string { return a.String() }

// App is a GitHub App that is installed on the owner of Repos. All of Repos must have
// the same owner: an installation belongs to one.
type App struct {
	ID         string // App id or client id
	PrivateKey []byte // PEM
	// The token is restricted to Repos, and to Actions read or, if Write is set,
	// Actions write.
	Repos []artifact.Repo
	Write bool
	// Contents and PullRequests add read access to these, to resolve tags, branches
	// and abbreviated SHAs, or the number of a pull request.
	Contents, PullRequests bool
	// OnToken is called with each installation token before its use, to mask it;
	// it may be nil.
	OnToken func(token string)
}

// String names the App without its private key.
func (a *App) String() string { return "GitHub App " + a.ID }

// GoString does the same for %#v.
func (a *App) GoString() string { return a.String() }

// source returns nil for anonymous access.
func (a Auth) source(o Options, s *shared) (tokenSource, error) {
	switch {
	case a.App != nil:
		return newAppSource(o, s, *a.App)
	case a.Token != "":
		if i := strings.IndexFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
			return nil, errors.New("the token has a character that tokens cannot have, such as a space or a line break")
		}
		static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: a.Token})
		return func(context.Context) (*oauth2.Token, error) { return static.Token() }, nil
	}
	return nil, nil //nolint:nilnil // anonymous requests have no tokens
}

// appSource returns installation tokens. It keeps the current one, and creates another
// if a request needs it. Waits end with the request's context.
type appSource struct {
	app App
	jwt *restClient // authenticates as the App itself
	now func() time.Time
	// ahead is how far the API's clock is ahead of ours, or 0 if unknown.
	ahead time.Duration
	lock  *semaphore.Weighted // of one: waiting for it ends with a context

	installation int64
	current      *oauth2.Token
}

func newAppSource(o Options, s *shared, app App) (tokenSource, error) {
	if len(app.Repos) == 0 {
		return nil, errors.New("a GitHub App's token needs at least one repository")
	}
	for _, r := range app.Repos {
		if !strings.EqualFold(r.Owner, app.Repos[0].Owner) {
			return nil, fmt.Errorf("a GitHub App's token is for one owner, but %s and %s have different owners", app.Repos[0], r)
		}
	}
	sign, err := newSigner(app.ID, app.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("the GitHub App's id and private key: %w", err)
	}
	if app.OnToken == nil {
		app.OnToken = func(string) {}
	}
	a := &appSource{app: app, now: o.Now, lock: semaphore.NewWeighted(1)}
	a.jwt = newRESTClient(o, s, func(context.Context) (*oauth2.Token, error) {
		jwt, err := sign.token(a.now().Add(a.ahead))
		return &oauth2.Token{AccessToken: jwt}, err
	})
	return a.token, nil
}

// token returns a token that is valid for at least tokenMargin.
func (a *appSource) token(ctx context.Context) (*oauth2.Token, error) {
	if a.lock.Acquire(ctx, 1) != nil {
		return nil, context.Cause(ctx)
	}
	defer a.lock.Release(1)
	if a.current != nil && a.current.Expiry.Sub(a.now()) > tokenMargin {
		return a.current, nil
	}
	tok, err := a.renew(ctx)
	if e, ok := asError(err); ok && e.Kind == BadToken && (e.Ahead-a.ahead).Abs() > maxClockError {
		// A JSON Web Token is valid for minutes, and the answer shows that our
		// clock is wrong by more. Try again by GitHub's clock.
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

// maxClockError is the largest difference of clocks that cannot be the reason why a JSON
// Web Token was refused.
const maxClockError = 30 * time.Second

// renew finds the installation, if it is not known, and creates a token.
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

// find returns the id of the App's installation on the repositories' owner.
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

// create creates a token with the least permissions.
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
	// Repeating is harmless: a token whose answer was lost is not used, and expires.
	what := call{op: "get an installation token", asApp: true, repo: a.app.Repos[0], want: http.StatusCreated, repeatable: true, private: true}
	x, err := a.jwt.do(ctx, what, http.MethodPost, fmt.Sprintf("app/installations/%d/access_tokens", a.installation), &opts)
	if err != nil {
		return nil, notGranted(err)
	}
	var w wireToken
	if err := x.decode(&w); err != nil {
		return nil, err
	}
	// The expiry by our clock, which may differ from GitHub's.
	return &oauth2.Token{AccessToken: w.Token, TokenType: "Bearer", Expiry: w.ExpiresAt.Add(-x.answer.ahead())}, nil
}

// notGranted turns GitHub's answers for an App that is not installed on a repository
// (404) or lacks a permission (422) into NoPermission. They must not pass for a missing
// artifact or run.
func notGranted(err error) error {
	if e, ok := asError(err); ok && (e.Kind == NotFound || e.Kind == InvalidRequest) {
		e.Kind = NoPermission
	}
	return err
}
