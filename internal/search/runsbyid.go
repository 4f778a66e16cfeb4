package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/artifetch/artifetch/internal/artifact"
)

// byRunID looks for every run in every repository where it may be, because an id does
// not tell which repository has it.
func (c Chooser) byRunID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.RunIDs
	var open error // what a run lacks that may still get it
	for at, repo := range req.Repos {
		here, elsewhere := split(missing, req.RunRepos, repo)
		plans := make([]Plan, len(here))
		absent, err := req.lookIn(at, here, func(i int, id int64) error {
			run, err := c.takeByID(ctx, req, repo, id, &plans[i])
			if errors.Is(err, artifact.ErrExpired) { // a 410: it was there
				err = &NotFoundError{Repo: repo, What: fmt.Sprintf("run %d", id), Final: true}
			}
			return c.settled(req, run, err)
		})
		for i := range plans {
			plan.add(&plans[i])
		}
		nf, ok := errors.AsType[*NotFoundError](err)
		switch {
		case ok && !nf.Settled && !nf.Final:
			open = cmp.Or(open, err) // ids that no repository has are worse
		case err != nil:
			return plan, err
		case len(absent) == len(here):
			return plan, &NotFoundError{Repo: repo, What: withIDs("run", req.RunIDs), Settled: true}
		}
		missing = slices.Concat(absent, elsewhere)
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: withIDs("run", missing), Settled: true}
	}
	if open != nil {
		return plan, open
	}
	plan.Unmet = c.unmet(req, plan.Runs)
	return plan, nil
}

// takeByID adds what is asked for of a run to the plan. If the run is expected to be in the
// repository, its artifacts are listed side by side with the request for the run; but not
// if there are many ids, because requests for wrong ids are in vain.
func (c Chooser) takeByID(ctx context.Context, req Request, repo artifact.Repo, id int64, plan *Plan) (artifact.Run, error) {
	_, told := req.RunRepos[id]
	if len(req.RunIDs) > 1 { // where one is missing, nothing is taken
		c.Early = nil
	}
	early := (told || len(req.Repos) == 1) && len(req.RunIDs) <= maxConcurrent/2
	pick, end := c.picking(ctx, req, repo, id, early)
	defer end()
	run, err := c.Source.Run(ctx, repo, id)
	if err != nil {
		return run, err
	}
	return run, c.takeRun(ctx, req, run, pick, plan)
}

// picking returns pick, which returns the artifacts of a run that are asked for, and end,
// which the caller has to call. If early is set, the artifacts are listed at once, while
// the caller does something else; but not during a wait, in which the run is looked at
// repeatedly.
func (c Chooser) picking(ctx context.Context, req Request, repo artifact.Repo, id int64, early bool) (pick func() (artifact.Picked, error), end func()) {
	if !early || req.Waiting {
		return func() (artifact.Picked, error) { return c.pick(ctx, req, repo, id) }, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var picked artifact.Picked
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if picked, err = c.pick(ctx, req, repo, id); err == nil && picked.Complete() && c.Early != nil {
			c.Early(picked.Artifacts[0])
		}
	}()
	return func() (artifact.Picked, error) { <-done; return picked, err }, func() { cancel(); <-done }
}

// settled marks the error for a run that lacks something if the run is over, and so will not
// get more artifacts. The current run is never over.
func (c Chooser) settled(req Request, run artifact.Run, err error) error {
	nf, ok := errors.AsType[*NotFoundError](err)
	if ok && run.Status == artifact.Completed && run.ID != req.CurrentRun {
		nf.Settled = true
		if !run.UpdatedAt.IsZero() {
			nf.SettledFor = max(c.now().Sub(run.UpdatedAt), 0)
		}
	}
	return err
}
