package search

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/artifetch/artifetch/internal/artifact"
)

// inNamed chooses in one repository. It is taken for the current run's own repository if it
// has the same name.
func (c Chooser) inNamed(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) (err error) {
	own := repo.Equal(req.Own)
	if own && req.CurrentFirst && req.CurrentRun != 0 {
		if req.currentLacks, err = c.byCurrent(ctx, req, repo, plan); err != nil {
			return err
		}
	}
	req.Runs -= len(plan.Runs)
	if req.Runs == 0 {
		return nil
	}
	if req.Trigger != 0 && own {
		return c.byTrigger(ctx, req, repo, plan)
	}
	err = c.search(ctx, req, repo, plan)
	if !slices.ContainsFunc(plan.Runs, func(r artifact.Run) bool { return r.ID == req.CurrentRun }) {
		return err
	}
	plan.PassedOver = slices.DeleteFunc(plan.PassedOver, func(p PassedOver) bool { return p.Run.ID == req.CurrentRun })
	if nf, ok := errors.AsType[*NotFoundError](err); ok {
		plan.LimitHit = nf.LimitHit
		return nil // fewer runs than asked for are enough
	}
	return err
}

// byCurrent takes what is asked for of the current run. Where the run lacks some of
// it, which is no error, it returns what is wrong with the run.
func (c Chooser) byCurrent(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) (lacks string, err error) {
	picked, err := c.pick(ctx, req, repo, req.CurrentRun)
	switch {
	case err == nil && !picked.Complete():
		return lacking(req.Select, picked).reason(), nil
	case err == nil:
		var run artifact.Run
		if run, err = c.Source.Run(ctx, repo, req.CurrentRun); err == nil {
			plan.take(run, picked)
			return "", nil
		}
	}
	if missing(err) {
		return "", nil // the run is gone; the search shows whether the repository is, too
	}
	return "", err
}

// takeCurrent takes the current run if its own list lacked what is asked for, but the
// repository's lists have it; it reports whether it did. If the run was taken before, it adds
// what only the repository's lists have.
func (f *finder) takeCurrent(ctx context.Context, plan *Plan) (bool, error) {
	if len(plan.Runs) > 0 {
		run := plan.Runs[0]
		own := slices.Clone(plan.Superseded)
		for _, item := range plan.Items {
			own = append(own, item.Artifact)
		}
		f.facts.answered(run.ID, own)
		*plan = Plan{}
		plan.take(run, f.facts.pick(run))
		return false, nil
	}
	picked := f.facts.pick(artifact.Run{ID: f.req.CurrentRun})
	if f.req.currentLacks == "" || !picked.Complete() {
		return false, nil
	}
	run, err := f.source.Run(ctx, f.repo, f.req.CurrentRun)
	switch {
	case missing(err):
		return false, nil
	case err == nil:
		plan.take(run, picked)
	}
	return err == nil, err
}

// currentRun finds out whether the current run, which a search leaves out, holds what is
// asked for.
type currentRun struct {
	finder *finder
	asked  func() bool // asks the run, once
}

func (f *finder) newCurrentRun(ctx context.Context) currentRun {
	return currentRun{finder: f, asked: sync.OnceValue(func() bool {
		return f.listIsComplete(ctx, ArtifactQuery{RunID: f.req.CurrentRun, Name: f.req.Select.OnlyName()})
	})}
}

// maxCurrentPages bounds the pages that are read to find out whether the current run holds
// what is asked for: the answer is only used for a hint.
const maxCurrentPages = 10

// listIsComplete reads a list until it holds what is asked for. It reports false where
// it does not, and where that cannot be known.
func (f *finder) listIsComplete(ctx context.Context, q ArtifactQuery) bool {
	var all []artifact.Artifact
	for q.Page = 1; q.Page != 0 && q.Page <= maxCurrentPages; {
		p, err := f.source.Artifacts(ctx, f.repo, q)
		if err != nil {
			return false
		}
		all = append(all, p.Items...)
		if f.facts.picker.Pick(all).Complete() {
			return true
		}
		q.Page = p.Next
	}
	return false
}

// exists reports whether there is a current run that has not been looked at.
func (c currentRun) exists() bool {
	req := c.finder.req
	return req.CurrentRun != 0 && !req.CurrentFirst && c.finder.own()
}

// begin asks the run side by side with what follows, if the request wants that. The
// function that it returns waits for the answer.
func (c currentRun) begin() (wait func()) {
	if !c.exists() || !c.finder.req.AskCurrent {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.asked()
	}()
	return func() { <-done }
}

// holds reports whether the run is known to hold what is asked for: by the lists that
// the search has read, or by its own, if the request wants that.
func (c currentRun) holds() bool {
	return c.exists() && (c.finder.facts.pick(artifact.Run{ID: c.finder.req.CurrentRun}).Complete() || c.finder.req.AskCurrent && c.asked())
}
