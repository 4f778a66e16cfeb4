package search

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// world is a Source in memory, which filters and cuts lists as GitHub does. Lists keep
// their order, unless mixRuns and mixArtifacts are set.
type world struct {
	runs      []artifact.Run // newest first
	artifacts []artifact.Artifact
	workflows []artifact.Workflow
	pulls     []artifact.PullRequest
	commits   map[string]string // ref → SHA
	branches  []string
	gone      []int64 // runs that were deleted, though their artifacts are listed
	pathless  bool    // runs do not say their workflow's path
	untimed   bool    // some runs do not say when they were created
	blind     bool    // artifacts do not name their run
	noFilters bool    // the server ignores all filters of runs
	noNames   bool    // and of artifacts
	// lag is how long before the newest run a run was created that the filter by
	// status knows; 0 is none.
	lag     time.Duration
	perPage int // fewer than asked for; 0 is no limit
	most    int // runs listed with a filter; 0 is 1,000
	// mixRuns and mixArtifacts change the order of a list, the same way each time.
	mixRuns      func(list []artifact.Run, perPage int) []artifact.Run
	mixArtifacts func(list []artifact.Artifact, perPage int) []artifact.Artifact

	mu    sync.Mutex
	calls []string
}

func (w *world) call(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (w *world) Run(_ context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	w.call("run %d", id)
	for _, r := range w.runs {
		if r.Repo == repo && r.ID == id && !slices.Contains(w.gone, id) {
			return w.shown([]artifact.Run{r})[0], nil
		}
	}
	return artifact.Run{}, fmt.Errorf("run %d of %s: %w", id, repo, artifact.ErrNotFound)
}

func (w *world) Runs(_ context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	w.call("runs %s%s %s", q.Workflow, q.Branch, q.Status)
	if _, err := strconv.Atoi(q.Workflow); q.Workflow != "" && err != nil && len(w.workflows) > 0 &&
		!slices.ContainsFunc(w.workflows, func(f artifact.Workflow) bool { return path.Base(f.Path) == q.Workflow }) {
		return Page[artifact.Run]{}, fmt.Errorf("workflow %q: %w", q.Workflow, artifact.ErrNotFound)
	}
	var list []artifact.Run
	for _, r := range w.runs {
		if r.Repo != repo || slices.Contains(w.gone, r.ID) || q.Workflow != "" && path.Base(r.WorkflowPath) != q.Workflow && fmt.Sprint(r.WorkflowID) != q.Workflow {
			continue
		}
		if w.lag > 0 && q.Status != "" && r.CreatedAt.After(w.now().Add(-time.Hour-w.lag)) {
			continue
		}
		if w.noFilters || passes(r, q) {
			list = append(list, r)
		}
	}
	if w.noFilters || q.Branch+q.Event+q.Actor+q.Status+q.HeadSHA == "" && q.Until.IsZero() {
		return w.cutRuns(list, q, len(list)), nil
	}
	return w.cutRuns(list, q, cmp.Or(w.most, mostFiltered)), nil
}

func (w *world) cutRuns(list []artifact.Run, q RunQuery, most int) Page[artifact.Run] {
	if w.mixRuns != nil {
		list = w.mixRuns(list, w.per(q.PerPage))
	}
	return cut(w.shown(list), q.Page, w.per(q.PerPage), most)
}

// shown returns runs as the server sends them.
func (w *world) shown(list []artifact.Run) []artifact.Run {
	list = slices.Clone(list)
	for i := range list {
		if w.pathless {
			list[i].WorkflowPath = ""
		}
	}
	return list
}

// per is how many items a page has.
func (w *world) per(asked int) int {
	asked = cmp.Or(asked, PerPage)
	if w.perPage > 0 {
		return min(asked, w.perPage)
	}
	return asked
}

func passes(r artifact.Run, q RunQuery) bool {
	return cmp.Or(q.Branch, r.HeadBranch) == r.HeadBranch && cmp.Or(q.Event, r.Event) == r.Event &&
		strings.EqualFold(cmp.Or(q.Actor, r.Actor), r.Actor) && cmp.Or(q.HeadSHA, r.HeadSHA) == r.HeadSHA &&
		(q.Status == "" || q.Status == r.Status || q.Status == r.Conclusion) &&
		(q.Until.IsZero() || !r.CreatedAt.After(q.Until))
}

func (w *world) Artifacts(_ context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	w.call("artifacts %d %s", q.RunID, q.Name)
	var list []artifact.Artifact
	for _, a := range w.artifacts {
		if a.Repo != repo || q.RunID != 0 && a.Run.ID != q.RunID || q.Name != "" && a.Name != q.Name && !w.noNames {
			continue
		}
		if w.blind {
			a.Run = nil
		}
		list = append(list, a)
	}
	if w.mixArtifacts != nil {
		list = w.mixArtifacts(list, w.per(q.PerPage))
	}
	return cut(list, q.Page, w.per(q.PerPage), len(list)), nil
}

func (w *world) Artifact(_ context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	w.call("artifact %d", id)
	for _, a := range w.artifacts {
		if a.Repo == repo && a.ID == id {
			return a, nil
		}
	}
	return artifact.Artifact{}, fmt.Errorf("artifact %d of %s: %w", id, repo, artifact.ErrNotFound)
}

func (w *world) Workflows(context.Context, artifact.Repo) ([]artifact.Workflow, error) {
	w.call("workflows")
	return w.workflows, nil
}

func (w *world) PullRequest(_ context.Context, _ artifact.Repo, number int) (artifact.PullRequest, error) {
	w.call("pull %d", number)
	for _, p := range w.pulls {
		if p.Number == number {
			return p, nil
		}
	}
	return artifact.PullRequest{}, fmt.Errorf("pull request %d: %w", number, artifact.ErrNotFound)
}

func (w *world) Commit(_ context.Context, _ artifact.Repo, ref string) (string, error) {
	w.call("commit %s", ref)
	if sha, ok := w.commits[ref]; ok {
		return sha, nil
	}
	return "", fmt.Errorf("commit %q: %w", ref, artifact.ErrNotFound)
}

func (w *world) Branch(_ context.Context, _ artifact.Repo, name string) error {
	w.call("branch %s", name)
	if slices.Contains(w.branches, name) {
		return nil
	}
	return fmt.Errorf("branch %q: %w", name, artifact.ErrNotFound)
}

// cut returns a page of a list that ends after most items.
func cut[T any](list []T, page, perPage, most int) Page[T] {
	list = list[:min(len(list), most)]
	page = max(page, 1)
	from, to := min((page-1)*perPage, len(list)), min(page*perPage, len(list))
	p := Page[T]{Items: list[from:to]}
	if to < len(list) {
		p.Next = page + 1
	}
	return p
}

// run adds a successful run of CI in app, id minutes after the epoch.
func (w *world) run(id int64, change ...func(*artifact.Run)) {
	r := artifact.Run{
		ID: id, Repo: app, RepoID: 1, HeadRepo: "octo/app", HeadRepoID: 1, Workflow: "CI",
		WorkflowPath: ".github/workflows/ci.yml", Status: "completed", Conclusion: "success",
		CreatedAt: epoch.Add(time.Duration(id) * time.Minute),
	}
	for _, c := range change {
		c(&r)
	}
	w.runs = append([]artifact.Run{r}, w.runs...)
}

// artifact adds one to a run, id minutes after the epoch.
func (w *world) artifact(id, run int64, name string, change ...func(*artifact.Artifact)) {
	a := artifact.Artifact{ID: id, Repo: app, Name: name, CreatedAt: epoch.Add(time.Duration(id) * time.Minute), Run: &artifact.RunRef{ID: run, RepoID: 1, HeadRepoID: 1}}
	for _, r := range w.runs {
		if r.ID == run {
			a.Repo = r.Repo
		}
	}
	for _, c := range change {
		c(&a)
	}
	w.artifacts = append(w.artifacts, a)
}

// workflow is an active workflow.
func workflow(id int64, name, file string) artifact.Workflow {
	return artifact.Workflow{ID: id, Name: name, Path: ".github/workflows/" + file, Active: true}
}

func in(repo artifact.Repo, id int64) func(*artifact.Run) {
	return func(r *artifact.Run) { r.Repo, r.RepoID, r.HeadRepoID = repo, id, id }
}
func fork(r *artifact.Run)         { r.HeadRepo, r.HeadRepoID = "evil/app", 666 }
func deleted(r *artifact.Run)      { r.HeadRepo, r.HeadRepoID, r.HeadRepoDeleted = "", 0, true }
func headless(r *artifact.Run)     { r.HeadRepo, r.HeadRepoID = "", 0 }
func failed(r *artifact.Run)       { r.Conclusion = "failure" }
func expired(a *artifact.Artifact) { a.Expired, a.ExpiresAt = true, epoch.AddDate(0, 3, 0) }
