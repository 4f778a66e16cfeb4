// Package search finds the runs and the artifacts that a Request asks for. It does no I/O
// of its own: it asks through Source, and makes every choice itself, from the answers.
//
// The server's filters may return too much, so results are filtered again here. They may
// also drop matches, lists may lag, and no order is documented: so no single list proves
// that there is no newer run. The comment of the type search says what is believed, what
// is read, and what that costs.
package search

import (
	"context"
	"errors"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Page is a part of a list, in the server's order.
type Page[T any] struct {
	Items []T
	// Next is the number of the next page, or 0 at the end.
	Next int
	// Last is the number of the last page, and Total how many items the list has in
	// all; 0 where the server does not say.
	Last, Total int
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

// ArtifactQuery narrows a list of artifacts; zero fields do not. Old servers ignore
// the name.
type ArtifactQuery struct {
	RunID   int64  // of one run instead of the repository
	Name    string // exact
	PerPage int    // 0 means PerPage
	Page    int    // 0 means the first, which is 1
}

// Source asks the server. Its methods may be called concurrently. Their errors match
// artifact.ErrNotFound if something does not exist, and artifact.ErrExpired if it does not
// exist any more.
type Source interface {
	runSource
	artifactSource
	refSource
}

// missing reports whether an error says that something does not exist, or not any more.
func missing(err error) bool {
	return errors.Is(err, artifact.ErrNotFound) || errors.Is(err, artifact.ErrExpired)
}

// runSource asks for workflow runs.
type runSource interface {
	Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error)
	Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error)
	Workflows(ctx context.Context, repo artifact.Repo) ([]artifact.Workflow, error)
}

// artifactSource asks for artifacts.
type artifactSource interface {
	Artifact(ctx context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error)
	Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error)
}

// refSource asks for the things by which inputs name runs.
type refSource interface {
	PullRequest(ctx context.Context, repo artifact.Repo, number int) (artifact.PullRequest, error)
	// Commit resolves an abbreviated SHA, "heads/…" or "tags/…" to a full SHA.
	Commit(ctx context.Context, repo artifact.Repo, ref string) (string, error)
	// Branch fails with ErrNotFound unless there is a branch of this name.
	Branch(ctx context.Context, repo artifact.Repo, name string) error
}
