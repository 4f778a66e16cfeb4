package githubapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/lazy"
)

// wirePull has the fields that artifetch uses of GitHub's schema "pull-request". The
// head's repository is null if it was deleted.
type wirePull struct {
	Number int `json:"number"`
	Head   struct {
		Ref  text               `json:"ref"`
		SHA  text               `json:"sha"`
		Repo nullable[wireRepo] `json:"repo"`
	} `json:"head"`
	Base struct {
		Repo wireRepo `json:"repo"`
	} `json:"base"`
}

func (w *wirePull) complete() bool {
	return w.Number != 0 && w.Head.SHA != "" && w.Base.Repo.complete()
}

// PullRequest returns a pull request.
func (c *Client) PullRequest(ctx context.Context, repo artifact.Repo, number int) (artifact.PullRequest, error) {
	what := call{op: "get", cost: Names, needs: PullRequestsRead, subject: subject("pull request", int64(number)), repo: repo, want: http.StatusOK}
	var w wirePull
	if err := c.api.get(ctx, what, repoPath(repo, "/pulls/%d", number), &w); err != nil {
		return artifact.PullRequest{}, err
	}
	return artifact.PullRequest{
		Number: w.Number, RepoID: w.Base.Repo.ID, HeadSHA: strings.ToLower(w.Head.SHA.String()), HeadBranch: w.Head.Ref.String(),
		HeadRepo: w.Head.Repo.v.FullName.String(), HeadRepoID: w.Head.Repo.v.ID, HeadRepoDeleted: w.Head.Repo.null,
	}, nil
}

// wireSHA is an answer in the media type forge.sha.
var wireSHA = lazy.Regexp(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit returns the full SHA of a commit, given an abbreviated SHA, "heads/…" or
// "tags/…". Annotated tags are followed. Source: GitHub's REST reference, "Get a
// commit".
func (c *Client) Commit(ctx context.Context, repo artifact.Repo, ref string) (string, error) {
	name, _ := strings.CutPrefix(ref, "tags/")
	what := call{op: "get", cost: Names, needs: ContentsRead, subject: fmt.Sprintf("commit %q", name), repo: repo, want: http.StatusOK, accept: c.shared.forge.sha}
	x, err := c.api.do(ctx, what, http.MethodGet, repoPath(repo, "/commits/%s", segments(ref)), nil)
	if e, ok := asError(err); ok && (e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict) {
		// "No commit found for SHA"; a repository without any commit.
		e.Kind = NotFound
	}
	if err != nil {
		return "", err
	}
	sha := strings.TrimSpace(string(x.answer.body))
	if !wireSHA().MatchString(sha) {
		e := x.fail(UnexpectedAnswer, nil)
		e.Message = "the answer is not a SHA"
		return "", e
	}
	return sha, nil
}

type wireBranch struct {
	Name text `json:"name"`
}

func (w *wireBranch) complete() bool { return w.Name != "" }

// Branch returns a NotFound *Error unless there is a branch of this name.
func (c *Client) Branch(ctx context.Context, repo artifact.Repo, name string) error {
	what := call{op: "get", cost: Names, needs: ContentsRead, subject: fmt.Sprintf("branch %q", name), repo: repo, want: http.StatusOK}
	var w wireBranch
	err := c.api.get(ctx, what, repoPath(repo, "/branches/%s", segments(name)), &w)
	if err == nil && w.Name.String() != name {
		// GitHub redirects from a branch's former name.
		return &Error{Kind: NotFound, Server: c.shared.forge.name, Needs: what.needs, Op: what.op, Repo: repo, Subject: what.subject,
			Status: http.StatusNotFound, Tries: 1, Message: fmt.Sprintf("it is called %q now", w.Name)}
	}
	return err
}

// segments escapes a name for use in a path. Slashes stay, as GitHub requires.
func segments(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = segment(p)
	}
	return strings.Join(parts, "/")
}
