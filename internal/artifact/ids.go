package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// byRunID looks for every run in every repository, because an id does not
// tell where it lives.
func (c Chooser) byRunID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.RunIDs
	for _, repo := range req.Repos {
		plans := make([]Plan, len(missing))
		there, err := lookIn(req, missing, func(i int, id int64) error {
			run, err := c.Source.Run(ctx, repo, id)
			if err != nil {
				return err
			}
			return c.takeRun(ctx, req, run, &plans[i])
		})
		for i := range plans {
			plan.add(&plans[i])
		}
		switch {
		case err != nil:
			return plan, err
		case len(there) == 0:
			return plan, &NotFoundError{Repo: repo, What: "any of the runs " + idList(req.RunIDs)}
		}
		missing = without(missing, there)
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "the run " + idList(missing)}
	}
	return plan, nil
}

// byArtifactID looks for every id in every repository. The runs are read
// for the outputs only, so a run that is gone already is no reason to fail.
func (c Chooser) byArtifactID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.ArtifactIDs
	for _, repo := range req.Repos {
		found := make([]Artifact, len(missing))
		there, err := lookIn(req, missing, func(i int, id int64) error {
			a, err := c.Source.Artifact(ctx, repo, id)
			if err == nil && (a.Expired || req.Gone[a.ID]) {
				err = &NotFoundError{Repo: repo, What: fmt.Sprintf("artifact %d", id), Expired: []Artifact{a}}
			}
			found[i] = a
			return err
		})
		switch {
		case err != nil:
			return plan, err
		case len(there) == 0:
			return plan, &NotFoundError{Repo: repo, What: "any of the artifacts " + idList(req.ArtifactIDs)}
		}
		for i, id := range missing {
			if slices.Contains(there, id) {
				plan.Items = append(plan.Items, Item{Artifact: found[i]})
			}
		}
		missing = without(missing, there)
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "artifact " + idList(missing)}
	}
	return plan, c.addRuns(ctx, plan)
}

// lookIn looks for ids in a repository, side by side, and lists those that
// are there. Where there are other repositories, one that is not is no error.
func lookIn(req Request, ids []int64, look func(i int, id int64) error) ([]int64, error) {
	absent := make([]bool, len(ids))
	err := each(ids, func(i int, id int64) error {
		err := look(i, id)
		if absent[i] = errors.Is(err, ErrNotFound) && len(req.Repos) > 1; absent[i] {
			return nil
		}
		return err
	})
	var there []int64
	for i, id := range ids {
		if !absent[i] {
			there = append(there, id)
		}
	}
	return there, err
}

// without is a list of ids without some.
func without(ids, taken []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return slices.Contains(taken, id) })
}

// addRuns reads the runs of the artifacts, side by side.
func (c Chooser) addRuns(ctx context.Context, plan *Plan) error {
	var refs []Artifact // one of each run
	for _, item := range plan.Items {
		a := item.Artifact
		if a.Run != nil && !slices.ContainsFunc(refs, func(b Artifact) bool { return a.Run.ID == b.Run.ID && a.Repo == b.Repo }) {
			refs = append(refs, a)
		}
	}
	plan.Runs = make([]Run, len(refs))
	err := each(refs, func(i int, a Artifact) error {
		run, err := c.Source.Run(ctx, a.Repo, a.Run.ID)
		if errors.Is(err, ErrNotFound) {
			run, err = a.Run.run(a.Repo), nil
		}
		plan.Runs[i] = run
		return err
	})
	if err != nil {
		return err
	}
	for i, item := range plan.Items {
		for j, a := range refs {
			if ref := item.Artifact.Run; ref != nil && ref.ID == a.Run.ID && item.Artifact.Repo == a.Repo {
				plan.Items[i].Run = plan.Runs[j]
			}
		}
	}
	return nil
}

// run is what an artifact's listing tells of its run. It has no number.
func (ref *RunRef) run(repo Repo) Run {
	return Run{
		ID: ref.ID, Repo: repo, RepoID: ref.RepoID, HeadRepoID: ref.HeadRepoID, HeadRepoDeleted: ref.HeadRepoDeleted,
		HeadBranch: ref.HeadBranch, HeadSHA: ref.HeadSHA, Stub: true,
	}
}
