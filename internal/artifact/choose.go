package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Request is everything the choice depends on.
type Request struct {
	// Repos are searched one by one; each has to yield something.
	Repos []Repo
	// RunIDs are taken whatever their conclusion and origin. Each has to be
	// found in one of Repos, and to hold what Select asks for.
	RunIDs []int64
	// ArtifactIDs need no run. Each has to be found in one of Repos.
	ArtifactIDs []int64
	Select      Selector
	// AllowForks lets runs count whose head repository is a fork.
	AllowForks bool

	// Own and CurrentRun name where artifetch itself runs; both are empty
	// outside of Actions. The current run never counts in a search.
	Own        Repo
	CurrentRun int64
	// Trigger is the id of the run that triggered this workflow
	// (workflow_run events), or 0.
	Trigger int64
	// Workflow is the workflow to search in Own: the file name of the
	// current one. Elsewhere any workflow counts.
	Workflow string
	// SearchLimit is how many runs to examine at most.
	SearchLimit int
	// Gone holds ids of artifacts that turned out to be expired (410) though
	// the listing did not say so.
	Gone map[int64]bool
}

// Item is an artifact to take, and the run it came from.
type Item struct {
	Artifact Artifact
	// Run has no ID where the server does not say which run made the
	// artifact (GHES 3.8, artifacts named by id).
	Run Run
}

// Plan is the outcome of a choice.
type Plan struct {
	// Items are the artifacts to take, newest first: where two bring the
	// same file, the earlier one wins.
	Items []Item
	// Runs are the runs taken, newest first.
	Runs []Run
	// PassedOver are the runs that were looked at and not taken.
	PassedOver []PassedOver
	// Superseded artifacts lost against a newer one of the same name.
	Superseded []Artifact
}

// PassedOver is a run that was looked at and not taken.
type PassedOver struct {
	Run    Run
	Reason string
	// Names are the artifacts it had, where known.
	Names []string
}

// Chooser answers a Request from a Source.
type Chooser struct {
	Source Source
}

// Choose finds what the request asks for. It fails with *NotFoundError when
// something is missing, with *ForkError when only a refused fork has it, and
// with the Source's error otherwise.
func (c Chooser) Choose(ctx context.Context, req Request) (*Plan, error) {
	var plan *Plan
	var err error
	switch {
	case len(req.ArtifactIDs) > 0:
		plan, err = c.byArtifactID(ctx, req)
	case len(req.RunIDs) > 0:
		plan, err = c.byRunID(ctx, req)
	default:
		plan, err = c.eachRepo(ctx, req)
	}
	if err != nil {
		return plan, err
	}
	slices.SortStableFunc(plan.Items, func(a, b Item) int { return newestArtifact(a.Artifact, b.Artifact) })
	slices.SortFunc(plan.Runs, newestRun)
	return plan, nil
}

func (c Chooser) eachRepo(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	for _, repo := range req.Repos {
		var err error
		if req.Trigger != 0 && repo.Equal(req.Own) {
			err = c.byTrigger(ctx, req, repo, plan)
		} else {
			err = c.search(ctx, req, repo, plan)
		}
		if err != nil {
			return plan, err
		}
	}
	return plan, nil
}

func (c Chooser) byTrigger(ctx context.Context, req Request, repo Repo, plan *Plan) error {
	run, err := c.Source.Run(ctx, repo, req.Trigger)
	if err != nil {
		return err
	}
	if run.FromFork() && !req.AllowForks {
		return &ForkError{Run: run}
	}
	return c.takeRun(ctx, req, run, plan)
}

// byRunID looks for every run in every repository, because an id does not
// tell where it lives.
func (c Chooser) byRunID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := slices.Clone(req.RunIDs)
	for _, repo := range req.Repos {
		before := len(plan.Runs)
		for _, id := range slices.Clone(missing) {
			run, err := c.Source.Run(ctx, repo, id)
			if errors.Is(err, ErrNotFound) && len(req.Repos) > 1 {
				continue
			}
			if err != nil {
				return plan, err
			}
			missing = slices.DeleteFunc(missing, func(m int64) bool { return m == id })
			if err := c.takeRun(ctx, req, run, plan); err != nil {
				return plan, err
			}
		}
		if len(plan.Runs) == before {
			return plan, &NotFoundError{Repo: repo, What: "any of the runs " + idList(req.RunIDs)}
		}
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "the run " + idList(missing)}
	}
	return plan, nil
}

// takeRun adds what is asked for of one run to the plan, or says what that
// run lacks.
func (c Chooser) takeRun(ctx context.Context, req Request, run Run, plan *Plan) error {
	picked, err := c.pick(ctx, req, run.Repo, run.ID)
	if err != nil {
		return err
	}
	if !picked.Complete() {
		nf := c.explain(ctx, req, run, picked)
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: nf.reason(), Names: nf.Have})
		return nf
	}
	plan.take(run, picked)
	return nil
}

func (p *Plan) take(run Run, picked Picked) {
	p.Runs = append(p.Runs, run)
	for _, a := range picked.Artifacts {
		p.Items = append(p.Items, Item{Artifact: a, Run: run})
	}
	p.Superseded = append(p.Superseded, picked.Superseded...)
}

func (c Chooser) pick(ctx context.Context, req Request, repo Repo, run int64) (Picked, error) {
	all, err := c.list(ctx, repo, Query{RunID: run, Name: req.Select.serverName()})
	if err != nil {
		return Picked{}, err
	}
	return req.Select.Pick(all, req.Gone), nil
}

func (c Chooser) list(ctx context.Context, repo Repo, q Query) ([]Artifact, error) {
	var all []Artifact
	for a, err := range c.Source.Artifacts(ctx, repo, q) {
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// byArtifactID looks for every id in every repository. The runs are read
// for the outputs only, so a run that is gone already is no reason to fail.
func (c Chooser) byArtifactID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := slices.Clone(req.ArtifactIDs)
	for _, repo := range req.Repos {
		before := len(plan.Items)
		for _, id := range slices.Clone(missing) {
			a, err := c.Source.Artifact(ctx, repo, id)
			if errors.Is(err, ErrNotFound) && len(req.Repos) > 1 {
				continue
			}
			if err != nil {
				return plan, err
			}
			if a.Expired || req.Gone[a.ID] {
				return plan, &NotFoundError{Repo: repo, What: fmt.Sprintf("artifact %d", id), Expired: []Artifact{a}}
			}
			missing = slices.DeleteFunc(missing, func(m int64) bool { return m == id })
			plan.Items = append(plan.Items, Item{Artifact: a})
		}
		if len(plan.Items) == before {
			return plan, &NotFoundError{Repo: repo, What: "any of the artifacts " + idList(req.ArtifactIDs)}
		}
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: "artifact " + idList(missing)}
	}
	return plan, c.addRuns(ctx, plan)
}

func (c Chooser) addRuns(ctx context.Context, plan *Plan) error {
	known := map[int64]Run{}
	for i, item := range plan.Items {
		ref := item.Artifact.Run
		if ref == nil {
			continue
		}
		run, ok := known[ref.ID]
		if !ok {
			var err error
			run, err = c.Source.Run(ctx, item.Artifact.Repo, ref.ID)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err != nil {
				run = Run{ID: ref.ID, Repo: item.Artifact.Repo, RepoID: ref.RepoID, HeadRepoID: ref.HeadRepoID,
					HeadBranch: ref.HeadBranch, HeadSHA: ref.HeadSHA}
			}
			known[ref.ID] = run
			plan.Runs = append(plan.Runs, run)
		}
		plan.Items[i].Run = run
	}
	return nil
}
