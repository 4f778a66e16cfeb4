package githubapi

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

var app = artifact.Repo{Owner: "octo", Name: "app"}

// fixture is a simulator with one repository, and a client for it whose
// pauses are noted and not waited for.
type fixture struct {
	*githubsim.Sim
	repo   *githubsim.Repo
	run    *githubsim.Run
	client *Client
	pauses []time.Duration
}

func newFixture(t *testing.T, opt githubsim.Options, auth Auth) *fixture {
	t.Helper()
	f := &fixture{Sim: githubsim.New(opt)}
	t.Cleanup(f.Close)
	f.repo = f.AddRepo("octo/app")
	f.run = f.repo.AddRun(githubsim.Run{Workflow: f.repo.AddWorkflow("CI", ".github/workflows/ci.yml")})
	f.AddToken("tok", "octo/app", githubsim.Write)
	f.client = f.newClient(t, f.APIURL, auth)
	return f
}

func (f *fixture) newClient(t *testing.T, base string, auth Auth) *Client {
	t.Helper()
	return f.newWith(t, base, Options{Auth: auth})
}

// newConditional is a client that keeps answers.
func (f *fixture) newConditional(t *testing.T) *Client {
	t.Helper()
	return f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Conditional: true})
}

func (f *fixture) newWith(t *testing.T, base string, o Options) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := httpx.NewTransport(httpx.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	o.BaseURL, o.Transport, o.UserAgent = u, transport, "artifetch/test"
	o.Policy = httpx.Policy{MaxTries: 3, Sleep: func(_ context.Context, d time.Duration) error { f.pauses = append(f.pauses, d); return nil }}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect reads a list to its end.
func collect[T any](get func(page int) (search.Page[T], error)) ([]T, error) {
	var all []T
	for n := 1; n != 0; {
		p, err := get(n)
		if err != nil {
			return all, err
		}
		all = append(all, p.Items...)
		n = p.Next
	}
	return all, nil
}

func allArtifacts(ctx context.Context, c *Client, q search.ArtifactQuery) ([]artifact.Artifact, error) {
	return collect(func(page int) (search.Page[artifact.Artifact], error) {
		q.Page = page
		return c.Artifacts(ctx, app, q)
	})
}

func allRuns(ctx context.Context, c *Client, q search.RunQuery) ([]artifact.Run, error) {
	return collect(func(page int) (search.Page[artifact.Run], error) {
		q.Page = page
		return c.Runs(ctx, app, q)
	})
}

func get(ctx context.Context, f *fixture) error {
	_, err := f.client.Run(ctx, app, f.run.ID)
	return err
}

func download(ctx context.Context, f *fixture) error {
	_, err := f.client.DownloadURL(ctx, app, 42)
	return err
}

func del(ctx context.Context, f *fixture) error { return f.client.Delete(ctx, app, 1) }
