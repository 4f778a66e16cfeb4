package githubapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
)

// wireRun has the fields that artifetch uses of GitHub's schema "workflow-run". Fields
// that are null, such as conclusion and actor, or missing, are zero.
type wireRun struct {
	asked        int64     // the id asked for; 0 in a list
	ID           int64     `json:"id"`
	Name         text      `json:"name"`
	WorkflowID   int64     `json:"workflow_id"`
	Path         text      `json:"path"`
	RunNumber    int       `json:"run_number"`
	RunAttempt   int       `json:"run_attempt"`
	DisplayTitle text      `json:"display_title"`
	Event        text      `json:"event"`
	Status       text      `json:"status"`
	Conclusion   text      `json:"conclusion"`
	HeadBranch   text      `json:"head_branch"`
	HeadSHA      text      `json:"head_sha"`
	HTMLURL      text      `json:"html_url"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	RunStartedAt time.Time `json:"run_started_at"`
	StartedAt    time.Time `json:"started_at"` // Gitea's name for run_started_at
	Actor        struct {
		Login text `json:"login"`
	} `json:"actor"`
	Repository     wireRepo           `json:"repository"`
	HeadRepository nullable[wireRepo] `json:"head_repository"`
}

func (w *wireRun) complete() bool { return w.ID != 0 && cmp.Or(w.asked, w.ID) == w.ID }

func (w *wireRun) id() int64 { return w.ID }

type wireRepo struct {
	ID       int64 `json:"id"`
	FullName text  `json:"full_name"`
}

func (w *wireRepo) complete() bool { return w.ID != 0 }

func (w *wireRun) run(repo artifact.Repo) artifact.Run {
	head := w.HeadRepository
	return artifact.Run{
		ID: w.ID, Repo: repo, RepoID: w.Repository.ID, RepoName: w.Repository.FullName.String(), HeadRepo: head.v.FullName.String(), HeadRepoID: head.v.ID, HeadRepoDeleted: head.null,
		Workflow: w.Name.String(), WorkflowID: w.WorkflowID, WorkflowPath: artifact.WorkflowPath(w.Path.String()), Number: w.RunNumber, Attempt: w.RunAttempt,
		Title: w.DisplayTitle.String(), Event: w.Event.String(), Actor: w.Actor.Login.String(), Status: w.Status.String(), Conclusion: w.Conclusion.String(),
		HeadBranch: w.HeadBranch.String(), HeadSHA: w.HeadSHA.String(), URL: w.HTMLURL.String(), CreatedAt: known(w.CreatedAt), UpdatedAt: known(w.UpdatedAt),
		StartedAt: cmp.Or(known(w.RunStartedAt), known(w.StartedAt)),
	}
}

type runPage struct {
	Total int             `json:"total_count"`
	Items listOf[wireRun] `json:"workflow_runs"`
}

func (p *runPage) complete() bool   { return whole(p.Items) }
func (p *runPage) items() []wireRun { return p.Items.items }
func (p *runPage) total() int       { return p.Total }

// Run returns a run.
func (c *Client) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	what := call{op: "get", cost: SingleRuns, subject: subject("run", id), repo: repo, want: http.StatusOK}
	w := wireRun{asked: id}
	if err := c.api.get(ctx, what, repoPath(repo, "/actions/runs/%d", id), &w); err != nil {
		return artifact.Run{}, err
	}
	return w.run(repo), nil
}

// Runs returns a page of the runs of a repository, or of one of its workflows. With any
// filter GitHub lists at most 1,000 runs, and its filters are not reliable.
func (c *Client) Runs(ctx context.Context, repo artifact.Repo, q search.RunQuery) (search.Page[artifact.Run], error) {
	l := list[wireRun, artifact.Run]{
		call:    call{op: "list runs", cost: RunPages, repo: repo, want: http.StatusOK},
		path:    repoPath(repo, "/actions/runs"),
		query:   url.Values{},
		page:    q.Page,
		perPage: q.PerPage,
		answer:  new(runPage),
		item:    (*wireRun).run,
		id:      (*wireRun).id,
	}
	if q.Workflow != "" {
		l.call.op, l.call.subject = "list runs of", fmt.Sprintf("workflow %q", q.Workflow)
		l.path = repoPath(repo, "/actions/workflows/%s/runs", segment(q.Workflow))
	}
	created := ""
	if !q.Until.IsZero() {
		created = c.shared.forge.until(q.Until)
	}
	for k, v := range map[string]string{
		"branch": q.Branch, "event": q.Event, "actor": q.Actor, "status": q.Status, "head_sha": q.HeadSHA, "created": created,
	} {
		if v != "" {
			l.query.Set(k, v)
		}
	}
	return l.get(ctx, c.api)
}

type wireWorkflow struct {
	ID    int64 `json:"id"`
	Name  text  `json:"name"`
	Path  text  `json:"path"`
	State text  `json:"state"`
}

func (w *wireWorkflow) complete() bool { return w.ID != 0 }

func (w *wireWorkflow) id() int64 { return w.ID }

func (w *wireWorkflow) workflow(artifact.Repo) artifact.Workflow {
	return artifact.Workflow{ID: w.ID, Name: w.Name.String(), Path: w.Path.String(), Active: w.State == "active"}
}

type workflowPage struct {
	Total int                  `json:"total_count"`
	Items listOf[wireWorkflow] `json:"workflows"`
}

func (p *workflowPage) complete() bool        { return whole(p.Items) }
func (p *workflowPage) items() []wireWorkflow { return p.Items.items }
func (p *workflowPage) total() int            { return p.Total }

// Workflows returns the workflows of a repository.
func (c *Client) Workflows(ctx context.Context, repo artifact.Repo) ([]artifact.Workflow, error) {
	var all []artifact.Workflow
	for n := 1; n != 0; {
		p, err := list[wireWorkflow, artifact.Workflow]{
			call:   call{op: "list workflows", cost: Names, repo: repo, want: http.StatusOK},
			path:   repoPath(repo, "/actions/workflows"),
			query:  url.Values{},
			page:   n,
			answer: new(workflowPage),
			item:   (*wireWorkflow).workflow,
			id:     (*wireWorkflow).id,
		}.get(ctx, c.api)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		n = p.Next
	}
	return all, nil
}
