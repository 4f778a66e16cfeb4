package githubapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
)

const (
	sha1 = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
	sha2 = "a94a8fe0000000000000000000000000000000ff"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	f.repo.AddCommit(sha1)
	f.repo.AddCommit(sha2)
	f.repo.AddBranch("feature/x y#", sha1)
	f.repo.AddTag("v1.0/rc", sha2)
	f.repo.AddAnnotatedTag("v1.0", sha1)
	tests := map[string]struct {
		do   func(context.Context) (string, error)
		want string // the result, or "not found"
	}{
		"abbreviation":           {func(ctx context.Context) (string, error) { return f.client.Commit(ctx, app, "a94a8fe5") }, sha1},
		"ambiguous abbreviation": {func(ctx context.Context) (string, error) { return f.client.Commit(ctx, app, "a94a8fe") }, "not found"},
		"tag":                    {func(ctx context.Context) (string, error) { return f.client.Commit(ctx, app, "tags/v1.0/rc") }, sha2},
		"annotated tag":          {func(ctx context.Context) (string, error) { return f.client.Commit(ctx, app, "tags/v1.0") }, sha1},
		"no tag":                 {func(ctx context.Context) (string, error) { return f.client.Commit(ctx, app, "tags/v9") }, "not found"},
		"branch":                 {func(ctx context.Context) (string, error) { return "", f.client.Branch(ctx, app, "feature/x y#") }, ""},
		"no branch":              {func(ctx context.Context) (string, error) { return "", f.client.Branch(ctx, app, "feature") }, "not found"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.do(t.Context())
			if errors.Is(err, artifact.ErrNotFound) {
				got, err = "not found", nil
			}
			if err != nil || got != tt.want {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	fork := f.AddFork("evil/app")
	f.repo.AddPull(githubsim.Pull{Number: 1, HeadBranch: "fix", HeadSHA: sha1})
	f.repo.AddPull(githubsim.Pull{Number: 2, HeadBranch: "main", HeadSHA: sha2, HeadRepo: fork})
	f.repo.AddPull(githubsim.Pull{Number: 3, HeadBranch: "main", HeadSHA: sha2, HeadRepoDeleted: true})
	for number, want := range map[int]artifact.PullRequest{
		1: {Number: 1, RepoID: f.repo.ID, HeadSHA: sha1, HeadBranch: "fix", HeadRepo: "octo/app", HeadRepoID: f.repo.ID},
		2: {Number: 2, RepoID: f.repo.ID, HeadSHA: sha2, HeadBranch: "main", HeadRepo: "evil/app", HeadRepoID: fork.ID},
		3: {Number: 3, RepoID: f.repo.ID, HeadSHA: sha2, HeadBranch: "main", HeadRepoDeleted: true},
	} {
		got, err := f.client.PullRequest(t.Context(), app, number)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || got.Origin().Foreign() != (number != 1) {
			t.Errorf("%d: %v\n%s", number, err, diff)
		}
	}
	if _, err := f.client.PullRequest(t.Context(), app, 9); !errors.Is(err, artifact.ErrNotFound) || !strings.Contains(err.Error(), "pull request 9") {
		t.Errorf("no such pull request: %v", err)
	}
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	for range 120 {
		f.repo.AddWorkflow("Old", ".github/workflows/old.yml").Disabled = true
	}
	all, err := f.client.Workflows(t.Context(), app)
	if err != nil || len(all) != 121 || !all[0].Active || all[0].Name != "CI" || all[1].Active || all[1].Path != ".github/workflows/old.yml" {
		t.Errorf("%d workflows, %v, %+v", len(all), err, all[:2])
	}
}

// Repeating a request costs nothing while the answer has not changed.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{RateLimit: 4}, Auth{})
	c := f.newConditional(t)
	for range 10 {
		if runs, err := allRuns(t.Context(), c, search.RunQuery{}); err != nil || len(runs) != 1 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
	}
	if c.Requests() != 10 || c.Unchanged() != 9 {
		t.Errorf("%d requests, %d unchanged; want 10 and 9", c.Requests(), c.Unchanged())
	}
	f.repo.AddRun(githubsim.Run{Workflow: f.run.Workflow, CreatedAt: time.Now()})
	if runs, err := allRuns(t.Context(), c, search.RunQuery{}); err != nil || len(runs) != 2 {
		t.Errorf("after a change: %d runs, %v", len(runs), err)
	}
	if c.Unchanged() != 9 {
		t.Errorf("%d unchanged after a change", c.Unchanged())
	}
}

func TestGitHubUntil(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 2, 0, 0, 999, time.FixedZone("", 3600))
	if got := gitHubUntil(at); got != "<=2026-05-01T01:00:00Z" {
		t.Error(got)
	}
}

// An answer that the cache drops while a conditional request for it is under way still
// serves that request.
func TestCacheForgetsInFlight(t *testing.T) {
	t.Parallel()
	c := new(cache)
	full := func() *answer {
		return &answer{status: http.StatusOK, header: http.Header{"Etag": {"x"}}, body: make([]byte, maxCache*2/3)}
	}
	get := func(url string) (*http.Request, *answer) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r, c.condition(r)
	}
	first, none := get("https://x/a")
	kept := c.settle(first, full(), none)
	again, promised := get("https://x/a")
	other, none := get("https://x/b")
	c.settle(other, full(), none)
	if got := c.settle(again, &answer{status: http.StatusNotModified, header: http.Header{}}, promised); got != kept {
		t.Errorf("the answer is %d with %d bytes", got.status, len(got.body))
	}
	if _, now := get("https://x/a"); now != nil || c.size > maxCache {
		t.Errorf("%d bytes are kept", c.size)
	}
}

// Each error says which permission its call needs.
func TestErrorNeeds(t *testing.T) {
	t.Parallel()
	for want, do := range map[Permission][]func(context.Context, *Client) error{
		ActionsRead: {
			func(ctx context.Context, c *Client) error { _, err := c.Run(ctx, app, 1); return err },
			func(ctx context.Context, c *Client) error { _, err := c.DownloadURL(ctx, app, 1); return err },
			func(ctx context.Context, c *Client) error { return c.Repository(ctx, app) },
		},
		ActionsWrite: {func(ctx context.Context, c *Client) error { return c.Delete(ctx, app, 1) }},
		ContentsRead: {
			func(ctx context.Context, c *Client) error { _, err := c.Commit(ctx, app, "heads/x"); return err },
			func(ctx context.Context, c *Client) error { return c.Branch(ctx, app, "x") },
		},
		PullRequestsRead: {func(ctx context.Context, c *Client) error { _, err := c.PullRequest(ctx, app, 1); return err }},
	} {
		for i, call := range do {
			f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
			f.Fault(githubsim.Fault{Host: githubsim.API, Times: -1, Status: http.StatusForbidden, Body: `{"message":"no"}`})
			e, ok := errors.AsType[*Error](call(t.Context(), f.client))
			if !ok || e.Kind != NoPermission || e.Needs != want || e.App {
				t.Errorf("%s, call %d: %+v", want, i, e)
			}
		}
	}
}
