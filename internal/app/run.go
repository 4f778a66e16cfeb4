package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/choice"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// task does something with the artifacts that were chosen: the result's Items.
type task func(s *staging, ctx context.Context, res *report.Result) error

// run chooses the artifacts, does the task, and deletes the artifacts if the input delete
// is set.
func (j *job) run(ctx context.Context, do task) *report.Result {
	res := &report.Result{Destination: j.dest, DryRun: j.cfg.DryRun}
	start := j.now()
	err := j.attempt(ctx, res, do)
	res.Took = j.now().Sub(start)
	if ctx.Err() != nil && !res.Published {
		// What failed after the job was cancelled failed because of that. Only changes
		// that could not be undone are worth adding.
		err = errors.Join(append([]error{fmt.Errorf("stopped: %w", context.Cause(ctx))}, undoErrors(err)...)...)
	}
	if err != nil && !res.Published {
		res.Found, res.Items, res.Runs = false, nil, nil
	}
	// Finding nothing does not satisfy expect-digest, whatever the policy.
	lenient := j.cfg.IfNoArtifactFound != config.Fail && len(j.cfg.ExpectDigests) == 0
	if nothingFound(err) && (j.cfg.DryRun || lenient) {
		res.NotFound, err = err, nil
		res.Warn = j.cfg.IfNoArtifactFound == config.Warn && !j.cfg.DryRun
	}
	res.Err = err
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

// attempt does what run does, without its policies for errors.
func (j *job) attempt(ctx context.Context, res *report.Result, do task) error {
	if err := j.obtain(ctx, res, do); err != nil || j.cfg.DryRun {
		return err
	}
	return j.delete(ctx, res.Items, res.Places.Lost)
}

// obtain chooses, and does the task. If an artifact has expired after all, it does both
// again.
func (j *job) obtain(ctx context.Context, res *report.Result, do task) (err error) {
	s := j.newStaging()
	defer func() { err = errors.Join(err, s.close()) }()
	early, end := context.WithCancel(ctx)
	defer end() // ends requests for URLs that turned out not to be needed
	choices := j.choices(early, s.engine)
	for {
		plan, err := choices.Next(ctx)
		if plan != nil {
			res.PassedOver, res.Doubts = plan.PassedOver, plan.Doubts
		}
		if err != nil {
			return err
		}
		res.Runs = plan.Runs
		items := j.share(plan.Items)
		j.log.Plan(plan, items)
		res.Explained = true
		if res.Items, err = s.engine.Items(items, plan.Items); err != nil {
			return err
		}
		err = do(s, ctx, res)
		expired, ok := errors.AsType[*transfer.ExpiredError](err)
		if !ok || j.cfg.Shard.Count != 0 {
			// With a shard it is a failure: the other jobs split the artifacts
			// as they were listed.
			return err
		}
		// Listings lag behind: the next candidate may still be there.
		j.log.Expired(expired)
		if err := choices.Without(ctx, expired.ID, res.Items); err != nil {
			return err
		}
	}
}

// choices answers what the inputs ask for. Until ctx ends, URLs may be asked for before a
// choice is final.
func (j *job) choices(ctx context.Context, engine *transfer.Engine) *choice.Choices {
	quiet := j.policy
	quiet.Notify = nil
	opt := choice.Options{
		Server: j.api, Request: j.request, Wait: j.cfg.Wait, Now: j.now, Notify: j.log.Wait, Expired: engine.Expired,
		Pause: func(ctx context.Context, d time.Duration) error { return quiet.Pause(ctx, nil, d) },
	}
	if !j.cfg.DryRun && j.cfg.Shard.Count == 0 {
		opt.Early = func(a artifact.Artifact) { engine.Early(ctx, a) }
	}
	return choice.New(opt)
}

// share returns this job's part of the items.
func (j *job) share(items []artifact.Item) []artifact.Item {
	s := j.cfg.Shard
	if s.Count == 0 {
		return items
	}
	mine := artifact.Shard(items, s.Index, s.Count)
	j.log.Shard(len(mine), len(items))
	return mine
}

// nothingFound reports whether the input if-no-artifact-found decides about err.
func nothingFound(err error) bool {
	_, noArtifact := errors.AsType[*search.NotFoundError](err)
	_, noFiles := errors.AsType[*transfer.NoFilesError](err)
	_, noFile := errors.AsType[*transfer.NoFileError](err)
	return noArtifact || noFiles || noFile
}
