package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// job is one run of artifetch: what was asked for and what it works with.
type job struct {
	cfg     *config.Config
	log     *actions.Log
	runner  actions.Context
	api     *githubapi.Client
	storage *http.Client
	policy  httpx.Policy
	idle    time.Duration
	now     func() time.Time
	free    func() (int64, error) // nil asks the stage
	dest    workspace.Destination
	chown   bool
	agent   string // User-Agent
	current int64  // the current run's id, 0 outside of Actions
	trigger int64  // the run that a workflow_run event is about, where it may be what is wanted
}

// result is what became of it. It is filled in as far as the job got.
type result struct {
	dest       workspace.Destination
	items      []transfer.Item
	lost       []workspace.Lost // what of each item is not in the destination, once published
	runs       []artifact.Run
	passedOver []search.PassedOver
	explained  bool  // the log has passedOver already
	notFound   error // nothing found, and the policy does not call that a failure
	warn       bool  // but wants a warning
	found      bool
	dryRun     bool
	published  bool
	took       time.Duration
	err        error
}

// run chooses, fetches, publishes and deletes, in this order.
func (j *job) run(ctx context.Context) *result {
	res := &result{dest: j.dest, dryRun: j.cfg.DryRun}
	start := j.now()
	err := j.attempt(ctx, res)
	res.took = j.now().Sub(start)
	if ctx.Err() != nil && !res.published {
		// What was under way when the job was cancelled failed because of it, but
		// for what could not be undone.
		err = errors.Join(append([]error{fmt.Errorf("stopped: %w", context.Cause(ctx))}, undoErrors(err)...)...)
	}
	if err != nil && !res.published {
		res.found, res.items, res.runs = false, nil, nil
	}
	if nothingFound(err) && (j.cfg.DryRun || j.cfg.IfNoArtifactFound != config.Fail) {
		res.notFound, err = err, nil
		res.warn = j.cfg.IfNoArtifactFound == config.Warn && !j.cfg.DryRun
	}
	res.err = err
	return res
}

// undoErrors finds every *workspace.UndoError in err.
func undoErrors(err error) []error {
	switch e := err.(type) { //nolint:errorlint // it takes err apart itself
	case *workspace.UndoError:
		return []error{e}
	case interface{ Unwrap() error }:
		return undoErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []error
		for _, err := range e.Unwrap() {
			all = append(all, undoErrors(err)...)
		}
		return all
	}
	return nil
}

// attempt is run without the policies for its errors.
func (j *job) attempt(ctx context.Context, res *result) error {
	if err := j.obtain(ctx, res); err != nil || j.cfg.DryRun {
		return err
	}
	return j.delete(ctx, res)
}

// obtain chooses, fetches and publishes; in a dry run, it chooses and lists.
func (j *job) obtain(ctx context.Context, res *result) (err error) {
	c, engine := j.newChoices(), j.newEngine()
	var s *staging // made when there is something to fetch
	defer func() {
		if s != nil {
			err = errors.Join(err, s.stage.Close())
		}
	}()
	for {
		plan, err := c.next(ctx)
		if plan != nil {
			res.passedOver = plan.PassedOver
		}
		if err != nil {
			return err
		}
		res.runs = plan.Runs
		items := j.share(plan.Items)
		j.logPlan(plan, items)
		res.explained = true
		if res.items, err = engine.Items(items); err != nil {
			return err
		}
		if j.cfg.DryRun {
			res.found = true
			err = j.list(ctx, engine, res.items)
		} else {
			if s == nil {
				if s, err = j.openStage(ctx); err != nil {
					return err
				}
			}
			err = j.fetchAndPublish(ctx, engine, s, res)
		}
		expired, ok := errors.AsType[*transfer.ExpiredError](err)
		if !ok || j.cfg.Shard.Count != 0 {
			// With a shard it is a failure: the other jobs split the artifacts
			// as they were listed.
			return err
		}
		// Listings lag behind: the next candidate may still be there.
		j.log.Infof("%v; choosing again without it", expired)
		if err := c.without(ctx, engine, expired.ID, res.items); err != nil {
			return err
		}
	}
}

// list logs which files the input files chooses.
func (j *job) list(ctx context.Context, engine *transfer.Engine, items []transfer.Item) error {
	lists, err := engine.List(ctx, items)
	for i, list := range lists {
		j.logFiles(&items[i], list)
	}
	return err
}

// choose chooses. It waits up to atMost for something to choose from.
func (j *job) choose(ctx context.Context, req search.Request, atMost time.Duration) (*search.Plan, error) {
	chooser := search.Chooser{Source: j.api, Now: j.now}
	quiet := j.policy
	quiet.Notify = nil
	wait := search.Wait{
		For: atMost, Now: j.now, Notify: j.logWait,
		Pause: func(ctx context.Context, d time.Duration) error { return quiet.Pause(ctx, nil, d) },
	}
	return search.Await(ctx, wait, func(ctx context.Context, brief bool) (*search.Plan, error) {
		req.Brief = brief
		plan, err := chooser.Choose(ctx, req)
		if err != nil {
			err = j.tellApart(ctx, err)
		}
		return plan, err
	})
}

// share is this job's part of the items.
func (j *job) share(items []artifact.Item) []artifact.Item {
	s := j.cfg.Shard
	if s.Count == 0 {
		return items
	}
	mine := artifact.Shard(items, s.Index, s.Count)
	j.log.Infof("shard %d/%d: %d of %s", s.Index, s.Count, len(mine), words.Count(len(items), "artifact"))
	return mine
}

func (j *job) request() search.Request {
	req := search.Request{
		RunIDs:      slices.Clone(j.cfg.RunIDs),
		ArtifactIDs: j.cfg.ArtifactIDs,
		Select:      artifact.Selector{Names: j.cfg.Names, Patterns: j.cfg.Patterns, Regexp: j.cfg.NameRegex},
		Workflow:    j.cfg.Workflow,
		Branches:    j.cfg.Branches,
		Commit:      j.cfg.Commit,
		PR:          j.cfg.PR,
		Ref:         j.cfg.Ref,
		Events:      j.cfg.Events,
		Actor:       j.cfg.Actor,
		Conclusions: j.cfg.Conclusions,
		RunNumber:   j.cfg.RunNumber,
		MaxAge:      j.cfg.MaxAge,
		Runs:        j.cfg.Runs,
		AllowForks:  j.cfg.AllowForks,
		SearchLimit: j.cfg.SearchLimit,
		Gone:        map[int64]bool{},
		Repos:       repos(j.cfg),

		CurrentRun:      j.current,
		CurrentWorkflow: workflowFile(j.runner.WorkflowRef),
	}
	req.Own, _ = artifact.ParseRepo(j.runner.Repository) // empty outside of Actions
	if j.cfg.RunCurrent {
		req.RunIDs = append(req.RunIDs, j.current)
	}
	req.Trigger = j.trigger
	return req
}

// nothingFound tells the errors that if-no-artifact-found is about.
func nothingFound(err error) bool {
	_, noArtifact := errors.AsType[*search.NotFoundError](err)
	_, noFiles := errors.AsType[*transfer.NoFilesError](err)
	return noArtifact || noFiles
}

// tellApart reads a 404. GitHub gives the same one for a run that is not
// there and for a repository that the token may not see; only the first of
// these is "nothing found", and a policy of ignoring it must not hide the
// second.
func (j *job) tellApart(ctx context.Context, err error) error {
	api, ok := errors.AsType[*githubapi.Error](err)
	if !ok || api.Kind != githubapi.NotFound || api.Subject == "" {
		return err
	}
	if repoErr := j.api.Repository(ctx, api.Repo); repoErr != nil {
		return repoErr
	}
	return &search.NotFoundError{Repo: api.Repo, What: api.Subject, Permission: string(api.Needs), Final: true}
}
