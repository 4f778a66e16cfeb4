package githubapi

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// wireArtifact is GitHub's schema "artifact", with the digest that go-github
// v60 does not know.
type wireArtifact struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	SizeInBytes int64     `json:"size_in_bytes"`
	Digest      *string   `json:"digest"`
	Expired     bool      `json:"expired"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	WorkflowRun *struct {
		ID               int64  `json:"id"`
		RepositoryID     int64  `json:"repository_id"`
		HeadRepositoryID int64  `json:"head_repository_id"`
		HeadBranch       string `json:"head_branch"`
		HeadSHA          string `json:"head_sha"`
	} `json:"workflow_run"`
}

func (w *wireArtifact) artifact(repo artifact.Repo) artifact.Artifact {
	a := artifact.Artifact{
		ID: w.ID, Repo: repo, Name: w.Name, Size: w.SizeInBytes, Expired: w.Expired, CreatedAt: w.CreatedAt, ExpiresAt: w.ExpiresAt,
	}
	if w.Digest != nil {
		a.Digest = *w.Digest
	}
	if r := w.WorkflowRun; r != nil {
		a.Run = &artifact.RunRef{ID: r.ID, RepoID: r.RepositoryID, HeadRepoID: r.HeadRepositoryID, HeadBranch: r.HeadBranch, HeadSHA: r.HeadSHA}
	}
	return a
}

// Artifacts lists the artifacts of a repository or of one of its runs.
// Servers that ignore the name are made up for here.
func (c *Client) Artifacts(ctx context.Context, repo artifact.Repo, q artifact.Query) iter.Seq2[artifact.Artifact, error] {
	what := call{op: "list artifacts", repo: repo}
	path := repoPath(repo, "/actions/artifacts")
	if q.RunID != 0 {
		what.subject = fmt.Sprintf("run %d", q.RunID)
		path = repoPath(repo, "/actions/runs/%d/artifacts", q.RunID)
	}
	params := url.Values{}
	if q.Name != "" {
		params.Set("name", q.Name)
	}
	return pages(ctx, c, what, path, params, q.PerPage, func(l *listing) []artifact.Artifact {
		var list []artifact.Artifact
		for i := range l.Artifacts {
			if q.Name == "" || l.Artifacts[i].Name == q.Name {
				list = append(list, l.Artifacts[i].artifact(repo))
			}
		}
		return list
	})
}

func artifactCall(op string, repo artifact.Repo, id int64) (call, string) {
	return call{op: op, repo: repo, subject: fmt.Sprintf("artifact %d", id)}, repoPath(repo, "/actions/artifacts/%d", id)
}

// Artifact gets one artifact.
func (c *Client) Artifact(ctx context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	what, path := artifactCall("get artifact", repo, id)
	var w wireArtifact
	if _, err := c.do(ctx, what, http.MethodGet, path, &w); err != nil {
		return artifact.Artifact{}, err
	}
	return w.artifact(repo), nil
}

// Download returns the storage's signed URL of an artifact, which is good
// for a minute and must be kept out of logs. GitHub answers with a redirect;
// it is not followed here, so that the token stays with the API.
func (c *Client) Download(ctx context.Context, repo artifact.Repo, id int64) (*url.URL, error) {
	what, path := artifactCall("download artifact", repo, id)
	res, err := c.do(ctx, what, http.MethodGet, path+"/zip", nil)
	if res == nil || res.StatusCode != http.StatusFound {
		if err == nil {
			err = &Error{Kind: UnexpectedAnswer, Op: what.op, Repo: repo, Subject: what.subject, Status: res.StatusCode, Message: "it is no redirect to the storage"}
		}
		return nil, err
	}
	u, err := res.Location()
	if err != nil {
		return nil, &Error{Kind: UnexpectedAnswer, Op: what.op, Repo: repo, Subject: what.subject, Status: res.StatusCode, Message: "it redirects to nowhere"}
	}
	return u, nil
}

// Delete deletes an artifact. One that is gone when the request had to be
// repeated counts as deleted.
func (c *Client) Delete(ctx context.Context, repo artifact.Repo, id int64) error {
	what, path := artifactCall("delete artifact", repo, id)
	var tries int
	_, err := c.do(withTries(ctx, &tries), what, http.MethodDelete, path, nil)
	if e, ok := asError(err); ok && e.Kind == NotFound && tries > 1 {
		return nil
	}
	return err
}
