// Package artifact holds what artifetch knows of runs and artifacts, and
// chooses among them. It does no I/O of its own: it asks through Source, and
// makes every choice itself, from the answers.
//
// A filter of the server may return too much, so results are filtered again
// here. It is assumed not to drop matches, except the filter by status, which
// lags for recent runs. The order of a list is verified, not assumed.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotFound matches (with errors.Is) a Source's error for something that
// does not exist, or that the token may not see.
var ErrNotFound = errors.New("not found")

// Repo names a repository.
type Repo struct {
	Owner, Name string
}

// ParseRepo reads "owner/name".
func ParseRepo(s string) (Repo, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return Repo{}, fmt.Errorf("%q is not owner/name", s)
	}
	return Repo{Owner: owner, Name: name}, nil
}

// String is "owner/name".
func (r Repo) String() string { return r.Owner + "/" + r.Name }

// Equal compares as GitHub does: without regard to case.
func (r Repo) Equal(o Repo) bool {
	return strings.EqualFold(r.Owner, o.Owner) && strings.EqualFold(r.Name, o.Name)
}

// Run is a workflow run, with the fields of GitHub's REST schema
// "workflow-run" that artifetch looks at. What a server does not tell is zero:
// a zero field means unknown, never a value.
type Run struct {
	ID     int64
	Repo   Repo
	RepoID int64
	// HeadRepo and HeadRepoID name the repository that the commit came from.
	// They are empty where that was deleted, and where the server does not tell.
	HeadRepo        string
	HeadRepoID      int64
	HeadRepoDeleted bool

	Workflow     string // the workflow's name
	WorkflowID   int64
	WorkflowPath string // .github/workflows/ci.yml, without @ref

	Number, Attempt      int
	Title                string
	Event, Actor         string
	Status, Conclusion   string
	HeadBranch, HeadSHA  string
	URL                  string // html_url
	CreatedAt, UpdatedAt time.Time
	StartedAt            time.Time // of the newest attempt

	// Stub is set where only an artifact's listing tells of the run. Its
	// CreatedAt is then the latest time at which it may have been created.
	Stub bool
}

// Label is the workflow's name and the run's number in it, as far as the server
// tells them.
func (r Run) Label() string {
	if r.Number == 0 {
		return r.Workflow
	}
	return fmt.Sprintf("%s #%d", r.Workflow, r.Number)
}

// begun is when the run was created. Where the server does not tell, it is when
// the newest attempt started, or else when the run last changed: it was not
// created later than that.
func (r Run) begun() time.Time {
	for _, t := range []time.Time{r.CreatedAt, r.StartedAt} {
		if !t.IsZero() {
			return t
		}
	}
	return r.UpdatedAt
}

// Artifact is one artifact of a run.
type Artifact struct {
	ID   int64
	Repo Repo
	Name string
	// Size is size_in_bytes: of the zip for artifacts of upload-artifact v4
	// and later, of the raw files for older ones. Only good for display and
	// for sharing out work, never for checks.
	Size int64
	// Digest is "sha256:<hex>" over the stored bytes, or empty.
	Digest               string
	Expired              bool
	CreatedAt, ExpiresAt time.Time
	// Run is what the listing says of the run; nil on servers that do not
	// say (GHES 3.8).
	Run *RunRef
}

// RunRef is the part of a run that GitHub repeats in an artifact.
type RunRef struct {
	ID                  int64
	RepoID, HeadRepoID  int64
	HeadRepoDeleted     bool
	HeadBranch, HeadSHA string
}

// Workflow is a workflow of a repository.
type Workflow struct {
	ID         int64
	Name, Path string
	// Active is false for one that was disabled or deleted.
	Active bool
}

// PullRequest is where a pull request's commits come from.
type PullRequest struct {
	Number              int
	RepoID              int64
	HeadSHA, HeadBranch string
	// HeadRepo and HeadRepoID are empty where that repository was deleted, and
	// where the server does not tell.
	HeadRepo        string
	HeadRepoID      int64
	HeadRepoDeleted bool
}

// Page is a part of a list, in the server's order.
type Page[T any] struct {
	Items []T
	// Next is the number of the next page, or 0 at the end.
	Next int
}

// PerPage is the largest number of items on a page, and the default.
const PerPage = 100

// RunQuery narrows a list of runs; zero fields do not. It is a hint to the
// server: what comes back is checked again here.
type RunQuery struct {
	// Workflow is a file name or numeric id; empty lists the runs of all.
	Workflow string
	Branch   string
	Event    string
	Actor    string
	Status   string // a status or a conclusion
	HeadSHA  string
	// Until bounds created_at, inclusively, in whole seconds.
	Until time.Time

	PerPage int // 0 means PerPage
	Page    int // 0 means the first, which is 1
}

// filtered reports whether GitHub cuts the list off after its first 1,000 runs.
// The workflow is part of the path, not a filter.
func (q RunQuery) filtered() bool {
	return q.Branch != "" || q.Event != "" || q.Actor != "" || q.Status != "" || q.HeadSHA != "" || !q.Until.IsZero()
}

// Query narrows a list of artifacts; zero fields do not. Old servers ignore
// the name.
type Query struct {
	RunID   int64  // of one run instead of the repository
	Name    string // exact
	PerPage int    // 0 means PerPage
	Page    int    // 0 means the first, which is 1
}

// Source asks GitHub. Its methods may be called concurrently, and their errors
// match ErrNotFound where something does not exist.
type Source interface {
	runSource
	artifactSource
	refSource
}

// runSource asks for workflow runs.
type runSource interface {
	Run(ctx context.Context, repo Repo, id int64) (Run, error)
	Runs(ctx context.Context, repo Repo, q RunQuery) (Page[Run], error)
	Workflows(ctx context.Context, repo Repo) ([]Workflow, error)
}

// artifactSource asks for artifacts.
type artifactSource interface {
	Artifact(ctx context.Context, repo Repo, id int64) (Artifact, error)
	Artifacts(ctx context.Context, repo Repo, q Query) (Page[Artifact], error)
}

// refSource asks for what inputs name runs by.
type refSource interface {
	PullRequest(ctx context.Context, repo Repo, number int) (PullRequest, error)
	// Commit resolves an abbreviated SHA, "heads/…" or "tags/…" to a full SHA.
	Commit(ctx context.Context, repo Repo, ref string) (string, error)
	// Branch fails with ErrNotFound unless there is a branch of this name.
	Branch(ctx context.Context, repo Repo, name string) error
}
