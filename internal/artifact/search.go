package artifact

import (
	"context"
	"fmt"
)

// search takes the newest successful run, of the workflow asked for, that
// holds what is asked for. The server's filters only narrow: every condition
// is checked again here. It asks each candidate for its artifacts, newest
// first, so it costs one request a hundred runs and one a candidate.
func (c Chooser) search(ctx context.Context, req Request, repo Repo, plan *Plan) error {
	q := RunQuery{Status: "success"}
	if repo.Equal(req.Own) {
		q.Workflow = req.Workflow
	}
	nf := &NotFoundError{Repo: repo, What: req.Select.String(), Workflow: q.Workflow}
	for run, err := range c.Source.Runs(ctx, repo, q) {
		if err != nil {
			return err
		}
		if nf.Examined >= req.SearchLimit {
			nf.LimitHit = true
			break
		}
		nf.Examined++
		pass := func(reason string) {
			plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: reason})
		}
		switch {
		case run.ID == req.CurrentRun:
			pass("it is the current run")
			continue
		case run.Conclusion != "success":
			pass(fmt.Sprintf("its conclusion is %q, not success", run.Conclusion))
			continue
		case run.FromFork() && !req.AllowForks:
			nf.Forks++
			pass("it comes from a fork, and allow-forks is false")
			continue
		}
		picked, err := c.pick(ctx, req, repo, run.ID)
		if err != nil {
			return err
		}
		if picked.Complete() {
			plan.take(run, picked)
			return nil
		}
		lack := lacking(req.Select, picked)
		nf.Expired = append(nf.Expired, lack.Expired...)
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: lack.reason(), Names: lack.Have})
		if nf.nearest.ID == 0 {
			nf.nearest = run
		}
	}
	return c.finish(ctx, req, repo, nf)
}

// finish adds to an unsuccessful search what helps a person: the names that
// the nearest run had, and whether the current run has what was asked for.
// Both cost a request, which only a failure pays.
func (c Chooser) finish(ctx context.Context, req Request, repo Repo, nf *NotFoundError) error {
	if nf.nearest.ID != 0 {
		names, err := c.names(ctx, repo, nf.nearest.ID)
		if err != nil {
			return err
		}
		nf.suggest(req.Select, names)
	}
	if req.CurrentRun != 0 && repo.Equal(req.Own) {
		picked, err := c.pick(ctx, req, repo, req.CurrentRun)
		if err != nil {
			return err
		}
		nf.InCurrent = picked.Complete()
	}
	return nf
}

// explain says what a run that was named lacks.
func (c Chooser) explain(ctx context.Context, req Request, run Run, picked Picked) *NotFoundError {
	nf := lacking(req.Select, picked)
	nf.Repo, nf.RunID = run.Repo, run.ID
	if req.Select.serverName() != "" {
		// Only that name was asked for; without the others there is nothing
		// to suggest. The error at hand matters more than one of this call.
		if names, err := c.names(ctx, run.Repo, run.ID); err == nil {
			nf.Have = names
		}
	}
	nf.suggest(req.Select, nf.Have)
	return nf
}

func (c Chooser) names(ctx context.Context, repo Repo, run int64) ([]string, error) {
	all, err := c.list(ctx, repo, Query{RunID: run})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
	}
	return names, nil
}
