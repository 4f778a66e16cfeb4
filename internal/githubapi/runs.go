package githubapi

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// wireRun is what artifetch reads of GitHub's schema "workflow-run".
type wireRun struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	WorkflowID   int64     `json:"workflow_id"`
	Path         string    `json:"path"`
	RunNumber    int       `json:"run_number"`
	RunAttempt   int       `json:"run_attempt"`
	DisplayTitle string    `json:"display_title"`
	Event        string    `json:"event"`
	Status       string    `json:"status"`
	Conclusion   string    `json:"conclusion"`
	HeadBranch   string    `json:"head_branch"`
	HeadSHA      string    `json:"head_sha"`
	HTMLURL      string    `json:"html_url"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	Actor        struct {
		Login string `json:"login"`
	} `json:"actor"`
	Repository     wireRepo `json:"repository"`
	HeadRepository wireRepo `json:"head_repository"` // null when it was deleted
}

type wireRepo struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
}

func (w *wireRun) run(repo artifact.Repo) artifact.Run {
	path, _, _ := strings.Cut(w.Path, "@") // of reusable workflows: path@ref
	return artifact.Run{
		ID: w.ID, Repo: repo, RepoID: w.Repository.ID, HeadRepo: w.HeadRepository.FullName, HeadRepoID: w.HeadRepository.ID,
		Workflow: w.Name, WorkflowID: w.WorkflowID, WorkflowPath: path, Number: w.RunNumber, Attempt: w.RunAttempt,
		Title: w.DisplayTitle, Event: w.Event, Actor: w.Actor.Login, Status: w.Status, Conclusion: w.Conclusion,
		HeadBranch: w.HeadBranch, HeadSHA: w.HeadSHA, URL: w.HTMLURL, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
}

// Run gets one run.
func (c *Client) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	what := call{op: "get run", repo: repo, subject: fmt.Sprintf("run %d", id)}
	var w wireRun
	if _, err := c.do(ctx, what, http.MethodGet, repoPath(repo, "/actions/runs/%d", id), &w); err != nil {
		return artifact.Run{}, err
	}
	return w.run(repo), nil
}

// Runs lists the runs of a repository, or of one of its workflows. With any
// filter GitHub gives 1,000 at most.
func (c *Client) Runs(ctx context.Context, repo artifact.Repo, q artifact.RunQuery) iter.Seq2[artifact.Run, error] {
	what := call{op: "list runs", repo: repo}
	path := repoPath(repo, "/actions/runs")
	if q.Workflow != "" {
		what.subject = fmt.Sprintf("workflow %q", q.Workflow)
		path = repoPath(repo, "/actions/workflows/%s/runs", url.PathEscape(q.Workflow))
	}
	params := url.Values{}
	for k, v := range map[string]string{
		"branch": q.Branch, "event": q.Event, "actor": q.Actor, "status": q.Status, "head_sha": q.HeadSHA, "created": q.Created,
	} {
		if v != "" {
			params.Set(k, v)
		}
	}
	return pages(ctx, c, what, path, params, q.PerPage, func(l *listing) []artifact.Run {
		list := make([]artifact.Run, len(l.Runs))
		for i := range l.Runs {
			list[i] = l.Runs[i].run(repo)
		}
		return list
	})
}
