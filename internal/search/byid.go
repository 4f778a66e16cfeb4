package search

import (
	"context"
	"errors"
	"fmt"

	"github.com/artifetch/artifetch/internal/artifact"
)

// byRunID looks for every run in every repository, because an id does not tell which
// repository has it.
func (c Chooser) byRunID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.RunIDs
	for at, repo := range req.Repos {
		plans := make([]Plan, len(missing))
		absent, err := req.lookIn(at, missing, func(i int, id int64) error {
			run, err := c.Source.Run(ctx, repo, id)
			if err != nil {
				return err
			}
			return c.settled(req, run, c.takeRun(ctx, req, run, &plans[i]))
		})
		for i := range plans {
			plan.add(&plans[i])
		}
		switch {
		case err != nil:
			return plan, err
		case len(absent) == len(missing):
			return plan, &NotFoundError{Repo: repo, What: "any of the runs " + idList(req.RunIDs), Settled: true}
		}
		missing = absent
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "the run " + idList(missing), Settled: true}
	}
	return plan, nil
}

// settled adds to the error for a run that lacks something that the run is over: it will
// not have more. The current run is never over.
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

// byArtifactID looks for every artifact in every repository. Their runs are fetched
// for the outputs only, so a run that was deleted is no reason to fail.
func (c Chooser) byArtifactID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.ArtifactIDs
	anyName := artifact.Selector{}.Picker(req.Gone) // names do not matter here
	for at, repo := range req.Repos {
		found := make([]artifact.Artifact, len(missing))
		absent, err := req.lookIn(at, missing, func(i int, id int64) error {
			a, err := c.Source.Artifact(ctx, repo, id)
			if err == nil && anyName.Judge(a) == artifact.Gone {
				err = &NotFoundError{Repo: repo, What: fmt.Sprintf("artifact %d", id), Expired: []artifact.Artifact{a}, Final: true}
			}
			if err == nil {
				found[i] = a
			}
			return err
		})
		switch {
		case err != nil:
			return plan, err
		case len(absent) == len(missing):
			return plan, &NotFoundError{Repo: repo, What: "any of the artifacts " + idList(req.ArtifactIDs), Settled: true}
		}
		for _, a := range found {
			if a.ID != 0 {
				plan.Items = append(plan.Items, artifact.Item{Artifact: a})
			}
		}
		missing = absent
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "artifact " + idList(missing), Settled: true}
	}
	return plan, c.addRuns(ctx, plan)
}

// lookIn looks for ids in Repos[at], and returns the ids that are not there. If there
// are several repositories, that is no error. In the last of them the first such id
// ends the search, so the ids returned may then be only some of them.
func (r Request) lookIn(at int, ids []int64, look func(i int, id int64) error) ([]int64, error) {
	several, last := len(r.Repos) > 1, at == len(r.Repos)-1
	missed := make([]bool, len(ids))
	var g group
	for i, id := range ids {
		g.Go(func() error {
			err := look(i, id)
			if missed[i] = several && errors.Is(err, artifact.ErrNotFound); missed[i] && !last {
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	var absent []int64
	for i, id := range ids {
		if missed[i] {
			absent = append(absent, id)
		}
	}
	if several && errors.Is(err, artifact.ErrNotFound) {
		err = nil
	}
	return absent, err
}

// runKey names a run across repositories.
type runKey struct {
	repo artifact.Repo
	id   int64
}

// addRuns fetches the runs of the artifacts, side by side.
func (c Chooser) addRuns(ctx context.Context, plan *Plan) error {
	var refs []artifact.Artifact // one of each run
	index := map[runKey]int{}
	for _, item := range plan.Items {
		a := item.Artifact
		if a.Run == nil {
			continue
		}
		key := runKey{a.Repo, a.Run.ID}
		if _, known := index[key]; !known {
			index[key] = len(refs)
			refs = append(refs, a)
		}
	}
	plan.Runs = make([]artifact.Run, len(refs))
	var g group
	for i, a := range refs {
		g.Go(func() error {
			run, err := c.Source.Run(ctx, a.Repo, a.Run.ID)
			if errors.Is(err, artifact.ErrNotFound) {
				run, err = a.Run.Stub(a.Repo), nil
			}
			plan.Runs[i] = run
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, item := range plan.Items {
		if a := item.Artifact; a.Run != nil {
			plan.Items[i].Run = plan.Runs[index[runKey{a.Repo, a.Run.ID}]]
		}
	}
	return nil
}
