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

func TestGitHubUntil(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 2, 0, 0, 999, time.FixedZone("", 3600))
	if got := gitHubUntil(at); got != "<=2026-05-01T01:00:00Z" {
		t.Error(got)
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
