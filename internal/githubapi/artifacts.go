package githubapi

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
)

// wireArtifact has the fields that artifetch uses of GitHub's schema "artifact". GHES
// 3.8 has neither digest nor workflow_run.
type wireArtifact struct {
	asked       int64     // the id asked for; 0 in a list
	ID          int64     `json:"id"`
	Name        text      `json:"name"`
	SizeInBytes int64     `json:"size_in_bytes"`
	Digest      text      `json:"digest"` // null where the uploader gave none
	Expired     bool      `json:"expired"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	WorkflowRun *struct {
		ID               int64           `json:"id"`
		RepositoryID     int64           `json:"repository_id"`
		HeadRepositoryID nullable[int64] `json:"head_repository_id"`
		HeadBranch       text            `json:"head_branch"`
		HeadSHA          text            `json:"head_sha"`
	} `json:"workflow_run"`
}

func (w *wireArtifact) complete() bool { return w.ID != 0 && cmp.Or(w.asked, w.ID) == w.ID }

func (w *wireArtifact) id() int64 { return w.ID }

func (w *wireArtifact) artifact(repo artifact.Repo) artifact.Artifact {
	a := artifact.Artifact{
		ID: w.ID, Repo: repo, Name: w.Name.String(), Size: w.SizeInBytes, Digest: w.Digest.String(),
		Expired: w.Expired, CreatedAt: known(w.CreatedAt), ExpiresAt: known(w.ExpiresAt),
	}
	if r := w.WorkflowRun; r != nil && r.ID != 0 {
		a.Run = &artifact.RunRef{
			ID: r.ID, RepoID: r.RepositoryID, HeadRepoID: r.HeadRepositoryID.v, HeadRepoDeleted: r.HeadRepositoryID.null,
			HeadBranch: r.HeadBranch.String(), HeadSHA: r.HeadSHA.String(),
		}
	}
	return a
}

type artifactPage struct {
	Total int                  `json:"total_count"`
	Items listOf[wireArtifact] `json:"artifacts"`
}

func (p *artifactPage) complete() bool        { return whole(p.Items) }
func (p *artifactPage) items() []wireArtifact { return p.Items.items }
func (p *artifactPage) total() int            { return p.Total }

// Artifacts returns a page of the artifacts of a repository or of one of its runs,
// expired ones included, in the server's order, which is not documented.
func (c *Client) Artifacts(ctx context.Context, repo artifact.Repo, q search.ArtifactQuery) (search.Page[artifact.Artifact], error) {
	l := list[wireArtifact, artifact.Artifact]{
		call:    call{op: "list artifacts", cost: ArtifactPages, repo: repo, want: http.StatusOK},
		path:    repoPath(repo, "/actions/artifacts"),
		query:   url.Values{},
		page:    q.Page,
		perPage: q.PerPage,
		answer:  new(artifactPage),
		item:    (*wireArtifact).artifact,
		id:      (*wireArtifact).id,
	}
	switch {
	case q.RunID != 0:
		l.call.cost = OwnLists
		l.call.op, l.call.subject = "list artifacts of", subject("run", q.RunID)
		l.path = repoPath(repo, "/actions/runs/%d/artifacts", q.RunID)
	case q.Name != "":
		l.call.cost = NamedPages
	}
	if q.Name != "" {
		l.query.Set("name", q.Name)
	}
	return l.get(ctx, c.api)
}

// Artifact returns an artifact, also an expired one.
func (c *Client) Artifact(ctx context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	what := call{op: "get", cost: Names, subject: subject("artifact", id), artifact: id, repo: repo, want: http.StatusOK}
	w := wireArtifact{asked: id}
	if err := c.api.get(ctx, what, artifactPath(repo, id), &w); err != nil {
		return artifact.Artifact{}, err
	}
	return w.artifact(repo), nil
}

// DownloadURL returns the signed URL of an artifact's bytes in the storage: the target of
// the redirect that GitHub answers with. The URL is valid for a minute, and allows
// anyone to fetch the artifact: keep it out of logs, and use it with a client that has
// no token.
func (c *Client) DownloadURL(ctx context.Context, repo artifact.Repo, id int64) (*url.URL, error) {
	what := call{op: "download", subject: subject("artifact", id), artifact: id, repo: repo, want: http.StatusFound}
	x, err := c.api.do(ctx, what, http.MethodGet, artifactPath(repo, id)+"/zip", nil)
	if err != nil {
		return nil, err
	}
	u := x.answer.location()
	if u != nil && (u.Scheme == "https" || u.Scheme == x.answer.url.Scheme) {
		return u, nil
	}
	e := x.fail(UnexpectedAnswer, nil)
	e.Message = "its redirect has no valid target"
	if u != nil {
		// Without a digest, TLS alone protects the bytes.
		e.Message = "it redirects away from https"
	}
	return nil, e
}

// Delete deletes an artifact. A 404 counts as success if a try before may have deleted
// the artifact.
func (c *Client) Delete(ctx context.Context, repo artifact.Repo, id int64) error {
	what := call{op: "delete", needs: ActionsWrite, subject: subject("artifact", id), artifact: id, repo: repo, want: http.StatusNoContent}
	x, err := c.api.do(ctx, what, http.MethodDelete, artifactPath(repo, id), nil)
	if e, ok := asError(err); ok && e.Kind == NotFound && x.doubtful {
		return nil
	}
	return err
}

func artifactPath(repo artifact.Repo, id int64) string {
	return repoPath(repo, "/actions/artifacts/%d", id)
}

func subject(kind string, id int64) string { return kind + " " + strconv.FormatInt(id, 10) }
