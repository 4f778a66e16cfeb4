package search

import (
	"cmp"
	"context"
	"errors"
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
	perPage   int     // fewer than asked for; 0 is no limit
	most      int     // runs listed with a filter; 0 is 1,000
	// mixRuns and mixArtifacts change the order of a list, the same way each time.
	mixRuns      func(list []artifact.Run, perPage int) []artifact.Run
	mixArtifacts func(list []artifact.Artifact, perPage int) []artifact.Artifact
	clock        time.Time // the time; zero is an hour after the newest run
	lies         lies
	// enough is after how many calls all that follow fail; 0 is never.
	enough int

	mu    sync.Mutex
	calls []string
	// top are the runs of the first pages of all runs, before anything changes.
	top map[int64]bool
	// told are the runs, and the artifacts with their runs, that answers had.
	toldRuns, toldArtifacts map[int64]bool
}

// heard notes what an answer has.
func (w *world) heard(runs []artifact.Run, artifacts []artifact.Artifact) {
	if w.toldRuns == nil {
		w.toldRuns, w.toldArtifacts = map[int64]bool{}, map[int64]bool{}
	}
	for _, r := range runs {
		w.toldRuns[r.ID] = true
	}
	for _, a := range artifacts {
		w.toldArtifacts[a.ID] = a.Run != nil
	}
}

// errEndless ends a search that asks again and again.
var errEndless = errors.New("the search does not end")

func (w *world) call(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.enough > 0 && len(w.calls) >= w.enough {
		return errEndless
	}
	w.calls = append(w.calls, strings.TrimSpace(fmt.Sprintf(format, args...)))
	return nil
}

func (w *world) Run(_ context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	if err := w.call("run %d", id); err != nil {
		return artifact.Run{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lies.lost[id] {
		return artifact.Run{}, w.lies.vanished("run %d of %s", id, repo)
	}
	for _, r := range w.runs {
		if r.Repo == current(repo) && r.ID == id && !slices.Contains(w.gone, id) {
			w.heard([]artifact.Run{r}, nil)
			return w.shown([]artifact.Run{r}, repo)[0], nil
		}
	}
	return artifact.Run{}, fmt.Errorf("run %d of %s: %w", id, repo, artifact.ErrNotFound)
}

func (w *world) Runs(_ context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	if err := w.call("runs %s", spell(q)); err != nil {
		return Page[artifact.Run]{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.shifted("runs")
	if w.lies.unnamed && strings.HasSuffix(q.Workflow, ".yml") {
		return Page[artifact.Run]{}, fmt.Errorf("workflow %q: %w", q.Workflow, artifact.ErrNotFound)
	}
	if _, err := strconv.Atoi(q.Workflow); q.Workflow != "" && err != nil && len(w.workflows) > 0 &&
		!slices.ContainsFunc(w.workflows, func(f artifact.Workflow) bool { return path.Base(f.Path) == q.Workflow }) {
		return Page[artifact.Run]{}, fmt.Errorf("workflow %q: %w", q.Workflow, artifact.ErrNotFound)
	}
	var list []artifact.Run
	narrowed := parameters(q)
	for _, r := range w.runs {
		if w.lies.hides(narrowed, r.ID) || r.Repo != current(repo) || slices.Contains(w.gone, r.ID) || q.Workflow != "" && path.Base(r.WorkflowPath) != q.Workflow && fmt.Sprint(r.WorkflowID) != q.Workflow {
			continue
		}
		if w.noFilters || passes(r, q) {
			list = append(list, r)
		}
	}
	if w.noFilters || q.Branch+q.Event+q.Actor+q.Status+q.HeadSHA == "" && q.Until.IsZero() {
		return w.cutRuns(list, repo, q, len(list)), nil
	}
	return w.cutRuns(list, repo, q, cmp.Or(w.most, mostFiltered)), nil
}

func (w *world) cutRuns(list []artifact.Run, repo artifact.Repo, q RunQuery, most int) Page[artifact.Run] {
	if w.mixRuns != nil {
		list = w.mixRuns(list, w.per(q.PerPage))
	}
	p := cut(w.shown(list, repo), q.Page, w.per(q.PerPage), most)
	w.heard(p.Items, nil)
	return p
}

// shown returns runs as the server sends them for a repository of this name.
func (w *world) shown(list []artifact.Run, repo artifact.Repo) []artifact.Run {
	list = slices.Clone(list)
	for i := range list {
		list[i].Repo = repo
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
	if err := w.call("artifacts %d %s %d", q.RunID, q.Name, q.Page); err != nil {
		return Page[artifact.Artifact]{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.RunID == 0 {
		defer w.shifted("artifacts")
	} else if w.lies.emptied[q.RunID] {
		return Page[artifact.Artifact]{}, w.lies.vanished("artifacts of run %d of %s", q.RunID, repo)
	}
	var list []artifact.Artifact
	for _, a := range w.artifacts {
		if q.RunID == 0 && w.lies.silent[q.Name] {
			break
		}
		if a.Repo != current(repo) || q.RunID != 0 && (a.Run.ID != q.RunID || w.lies.unowned[a.ID]) || q.RunID == 0 && w.lies.late[a.Run.ID] && !w.lies.shown[a.ID] || q.Name != "" && a.Name != q.Name && !w.noNames {
			continue
		}
		if w.blind {
			a.Run = nil
		}
		a.Repo = repo
		list = append(list, a)
	}
	if w.mixArtifacts != nil {
		list = w.mixArtifacts(list, w.per(q.PerPage))
	}
	p := cut(list, q.Page, w.per(q.PerPage), len(list))
	w.heard(nil, p.Items)
	return p, nil
}

func (w *world) Artifact(_ context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	if err := w.call("artifact %d", id); err != nil {
		return artifact.Artifact{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.artifacts {
		if a.Repo == current(repo) && a.ID == id && !w.lies.refused[id] {
			if w.blind {
				a.Run = nil
			}
			a.Repo = repo
			return a, nil
		}
	}
	if w.lies.refused[id] {
		return artifact.Artifact{}, w.lies.vanished("artifact %d of %s", id, repo)
	}
	return artifact.Artifact{}, fmt.Errorf("artifact %d of %s: %w", id, repo, artifact.ErrNotFound)
}

func (w *world) Workflows(context.Context, artifact.Repo) ([]artifact.Workflow, error) {
	return w.workflows, w.call("workflows")
}

func (w *world) PullRequest(_ context.Context, _ artifact.Repo, number int) (artifact.PullRequest, error) {
	if err := w.call("pull %d", number); err != nil {
		return artifact.PullRequest{}, err
	}
	for _, p := range w.pulls {
		if p.Number == number {
			return p, nil
		}
	}
	return artifact.PullRequest{}, fmt.Errorf("pull request %d: %w", number, artifact.ErrNotFound)
}

func (w *world) Commit(_ context.Context, _ artifact.Repo, ref string) (string, error) {
	if err := w.call("commit %s", ref); err != nil {
		return "", err
	}
	if sha, ok := w.commits[ref]; ok {
		return sha, nil
	}
	return "", fmt.Errorf("commit %q: %w", ref, artifact.ErrNotFound)
}

func (w *world) Branch(_ context.Context, _ artifact.Repo, name string) error {
	if err := w.call("branch %s", name); err != nil {
		return err
	}
	if slices.Contains(w.branches, name) {
		return nil
	}
	return fmt.Errorf("branch %q: %w", name, artifact.ErrNotFound)
}

// spell writes a query down for a person.
func spell(q RunQuery) string {
	var b strings.Builder
	for _, part := range []string{q.Workflow, q.Branch, q.Event, q.Actor, q.Status, q.HeadSHA[:min(len(q.HeadSHA), 7)]} {
		if part != "" {
			b.WriteString(part + " ")
		}
	}
	if !q.Until.IsZero() {
		b.WriteString("until " + q.Until.Format(time.TimeOnly) + " ")
	}
	if q.Page > 1 {
		fmt.Fprintf(&b, "page %d", q.Page)
	}
	return b.String()
}

// cut returns a page of a list that ends after most items.
func cut[T any](list []T, page, perPage, most int) Page[T] {
	list = list[:min(len(list), most)]
	page = max(page, 1)
	from, to := min((page-1)*perPage, len(list)), min(page*perPage, len(list))
	p := Page[T]{Items: list[from:to], Last: max(1, (len(list)+perPage-1)/perPage), Total: len(list)}
	if to < len(list) {
		p.Next = page + 1
	}
	return p
}

// run adds a successful run of CI in app, id minutes after the epoch.
func (w *world) run(id int64, change ...func(*artifact.Run)) {
	r := artifact.Run{
		ID: id, Repo: app, RepoID: 1, HeadRepo: "octo/app", HeadRepoID: 1, Workflow: "CI",
		WorkflowPath: ".github/workflows/ci.yml", Status: "completed", Conclusion: "success", Attempt: 1,
		CreatedAt: epoch.Add(time.Duration(id) * time.Minute),
	}
	for _, c := range change {
		c(&r)
	}
	w.runs = slices.Insert(w.runs, 0, r)
}

// artifact adds one to a run, id minutes after the epoch.
func (w *world) artifact(id, run int64, name string, change ...func(*artifact.Artifact)) {
	a := artifact.Artifact{ID: id, Repo: app, Name: name, CreatedAt: epoch.Add(time.Duration(id) * time.Minute), Run: &artifact.RunRef{ID: run, RepoID: 1, HeadRepoID: 1}}
	if i := slices.IndexFunc(w.runs, func(r artifact.Run) bool { return r.ID == run }); i >= 0 {
		a.Repo = w.runs[i].Repo
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
