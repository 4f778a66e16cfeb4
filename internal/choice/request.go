// Package choice is between the inputs and the search: it makes the question for package
// search out of a Config and of what the runner says (NewRequest), and gets it answered as
// often as a run needs it (Choices).
//
// Contract:
//
//   - What the inputs do not need of the runner may be wrong, or not there.
//   - All choices of a run together wait no longer than the input wait allows.
//   - A repository that the token may not see is never taken for a run that does not exist.
//   - An artifact that turned out to have expired is not chosen again. However many of them
//     there are, choosing again costs requests in proportion to their number.
package choice

import (
	"path"
	"slices"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
)

// NewRequest returns what the inputs ask for in a run. Its error says what is wrong with
// the runner's variables, or with the event that triggered the run, if the inputs need it.
func NewRequest(cfg *config.Config, runner actions.Context) (search.Request, error) {
	req := search.Request{
		RunIDs:        slices.Clone(cfg.RunIDs),
		ArtifactIDs:   cfg.ArtifactIDs,
		RunRepos:      cfg.RunRepos,
		ArtifactRepos: cfg.ArtifactRepos,
		Merge:         cfg.MergeMultiple,
		Select:        artifact.Selector{Names: cfg.Names, Patterns: cfg.Patterns, Regexp: cfg.NameRegex},
		Workflow:      cfg.Workflow,
		Branches:      cfg.Branches,
		Commit:        cfg.Commit,
		PR:            cfg.PR,
		Ref:           cfg.Ref,
		Events:        cfg.Events,
		Actor:         cfg.Actor,
		Conclusions:   cfg.Conclusions,
		RunNumber:     cfg.RunNumber,
		MaxAge:        cfg.MaxAge,
		Runs:          cfg.Runs,
		AllowForks:    cfg.AllowForks,
		SearchLimit:   cfg.SearchLimit,
		Waiting:       cfg.Wait > 0,
		Gone:          map[int64]bool{},
		Repos:         slices.Clone(cfg.Repositories),

		// If an input says that a search is meant, the warning that the current run has the
		// artifacts, too, is not worth a request.
		AskCurrent:         !cfg.Searches(),
		CurrentFirst:       cfg.CurrentFirst,
		OwnID:              runner.RepositoryID,
		CurrentWorkflow:    workflowFile(runner.WorkflowRef),
		CurrentWorkflowRef: runner.WorkflowRef,
	}
	req.Own, _ = artifact.ParseRepo(runner.Repository) // empty outside of Actions
	if cfg.ByID() {
		// These conditions choose nothing: a run named by id is taken even if it does not
		// meet them. The log then warns, because that may be a mistake.
		over := cfg.Overruled()
		req.Events, req.Actor, req.Conclusions, req.RunNumber, req.MaxAge = over.Events, over.Actor, over.Conclusions, over.RunNumber, over.MaxAge
	}
	var err error
	if req.CurrentRun, err = runner.RunID(); err != nil && (cfg.RunCurrent || !cfg.ByID()) {
		return req, err
	}
	if cfg.RunCurrent && !slices.Contains(req.RunIDs, req.CurrentRun) {
		req.RunIDs = append(req.RunIDs, req.CurrentRun)
	}
	req.Trigger, err = trigger(cfg, runner, req)
	return req, err
}

// trigger returns the run that triggered this one, if it may be the run to take from.
func trigger(cfg *config.Config, runner actions.Context, req search.Request) (int64, error) {
	if runner.EventName != "workflow_run" || cfg.ByID() || cfg.Searches() {
		return 0, nil
	}
	id, err := runner.Trigger()
	if id <= 0 {
		id = search.UnknownTrigger
	}
	if !slices.ContainsFunc(req.Repos, req.Own.Equal) {
		return id, nil // only a former name of the current repository can need the trigger: no reason to fail
	}
	return id, err
}

// workflowFile returns the file name in GITHUB_WORKFLOW_REF, which looks like
// owner/name/.github/workflows/ci.yml@refs/heads/main.
func workflowFile(ref string) string {
	if file := artifact.WorkflowPath(ref); file != "" {
		return path.Base(file)
	}
	return ""
}
