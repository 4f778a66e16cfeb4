// Package artifact is the domain: workflow runs and their artifacts, where a
// run's commit comes from, which artifacts of a run are asked for (Selector), and
// how they are shared out among jobs (Shard). It does no I/O.
//
// A field that the server leaves out is zero, and zero means unknown. Values do not
// change after they were made, so they are safe for concurrent use.
package artifact

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/lazy"
)

// ErrNotFound matches (with errors.Is) the error for something that does not
// exist on the server, or that the token may not see.
var ErrNotFound = errors.New("not found")

// ErrExpired matches (with errors.Is) the error for an artifact that the server lists but
// no longer has.
var ErrExpired = errors.New("expired")

// A conclusion and a status of runs. Source: GitHub's REST schema "workflow-run".
const (
	Failure   = "failure"
	Completed = "completed"
)

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

// String returns "owner/name".
func (r Repo) String() string { return r.Owner + "/" + r.Name }

// Equal compares as GitHub does: without regard to case.
func (r Repo) Equal(o Repo) bool { return r.Fold() == o.Fold() }

// Fold returns the name in lower case, which is the same for names that are Equal.
func (r Repo) Fold() Repo { return Repo{strings.ToLower(r.Owner), strings.ToLower(r.Name)} }

// workflowPath matches the path of a workflow's file and a ref after it. File and ref may hold
// at signs.
var workflowPath = lazy.Regexp(`^(.*?\.ya?ml)(?:@.*)?$`)

// WorkflowPath returns the path of a workflow from a text in which a ref may follow it:
// .github/workflows/ci.yml@refs/heads/main. The workflows that GitHub itself runs have paths
// without an extension.
func WorkflowPath(text string) string {
	if m := workflowPath().FindStringSubmatch(text); m != nil {
		return m[1]
	}
	path, _, _ := strings.Cut(text, "@")
	return path
}

// Run is a workflow run, with the fields of GitHub's REST schema "workflow-run" that
// artifetch looks at. A field that the server leaves out is zero: zero means unknown,
// never a value.
type Run struct {
	ID     int64
	Repo   Repo
	RepoID int64
	// RepoName is what the server calls the repository. Repo may be a former name of it.
	RepoName string
	// HeadRepo and HeadRepoID name the repository that the commit came from. They are
	// empty if that repository was deleted, or if the server does not say.
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

	// Stub is set if the run is known only from an artifact's listing. CreatedAt is then the
	// latest time at which the run can have been created.
	Stub bool
}

// Label returns the workflow's name and the run's number in it, as far as the server
// tells them.
func (r Run) Label() string {
	if r.Number == 0 {
		return r.Workflow
	}
	return fmt.Sprintf("%s #%d", r.Workflow, r.Number)
}

// Begun returns when the run was created. If the server does not say, it returns when
// the newest attempt started, or else when the run last changed: the run cannot have been
// created later.
func (r Run) Begun() time.Time {
	for _, t := range []time.Time{r.CreatedAt, r.StartedAt} {
		if !t.IsZero() {
			return t
		}
	}
	return r.UpdatedAt
}

// UnderWay reports whether the run is known not to be completed.
func (r Run) UnderWay() bool { return r.Status != "" && r.Status != Completed }

// Artifact is one artifact of a run.
type Artifact struct {
	ID   int64
	Repo Repo
	Name string
	// Size is size_in_bytes: of the zip for artifacts of upload-artifact v4 and later, of
	// the raw files for older ones. It serves for display and for sharing out work, never
	// for checks.
	Size int64
	// Digest is "sha256:<hex>" over the stored bytes, or empty.
	Digest               string
	Expired              bool
	CreatedAt, ExpiresAt time.Time
	// Run is what the listing says of the run; nil if the server does not name the run
	// (GHES 3.8).
	Run *RunRef
}

// RunRef is the part of a run that GitHub repeats in an artifact.
type RunRef struct {
	ID                  int64
	RepoID, HeadRepoID  int64
	HeadRepoDeleted     bool
	HeadBranch, HeadSHA string
}

// Stub returns what an artifact's listing says of its run. The run's number is not known.
func (ref *RunRef) Stub(repo Repo) Run {
	return Run{
		ID: ref.ID, Repo: repo, RepoID: ref.RepoID, HeadRepoID: ref.HeadRepoID, HeadRepoDeleted: ref.HeadRepoDeleted,
		HeadBranch: ref.HeadBranch, HeadSHA: ref.HeadSHA, Stub: true,
	}
}

// Item is an artifact to take, and the run it came from.
type Item struct {
	Artifact Artifact
	// Run has no ID if the server does not say which run made the artifact (GHES 3.8,
	// artifacts named by id).
	Run Run
}

// Workflow is a workflow of a repository.
type Workflow struct {
	ID         int64
	Name, Path string
	// Active is false for a workflow that was disabled or deleted.
	Active bool
}

// PullRequest is where a pull request's commits come from.
type PullRequest struct {
	Number              int
	RepoID              int64
	HeadSHA, HeadBranch string
	// HeadRepo and HeadRepoID are empty if that repository was deleted, or if the server
	// does not say.
	HeadRepo        string
	HeadRepoID      int64
	HeadRepoDeleted bool
}
