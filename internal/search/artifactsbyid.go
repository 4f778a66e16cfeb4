package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/artifetch/artifetch/internal/artifact"
)

// byArtifactID looks for every artifact in every repository where it may be. Their runs
// are fetched for the outputs only, so a run that was deleted is no reason to fail.
func (c Chooser) byArtifactID(ctx context.Context, req Request) (*Plan, error) {
	plan := &Plan{}
	missing := req.ArtifactIDs
	for at, repo := range req.Repos {
		here, elsewhere := split(missing, req.ArtifactRepos, repo)
		found := make([]artifact.Artifact, len(here))
		absent, err := req.lookIn(at, here, func(i int, id int64) (err error) {
			found[i], err = c.artifact(ctx, req, repo, id)
			return err
		})
		switch {
		case err != nil:
			return plan, err
		case len(absent) == len(here):
			return plan, &NotFoundError{Repo: repo, What: withIDs("artifact", req.ArtifactIDs), Settled: true}
		}
		for _, a := range found {
			if a.ID != 0 {
				plan.Items = append(plan.Items, artifact.Item{Artifact: a})
			}
		}
		missing = slices.Concat(absent, elsewhere)
	}
	if len(missing) > 0 {
		return plan, &NotFoundError{Repo: req.Repos[0], Repos: req.Repos, What: withIDs("artifact", missing), Settled: true}
	}
	if err := c.ofRuns(ctx, req, plan.Items); err != nil {
		return plan, err
	}
	if err := req.apart(plan.Items); err != nil {
		return plan, err
	}
	if c.Early != nil && len(plan.Items) > 0 {
		c.Early(plan.Items[0].Artifact) // the runs are for the outputs only
	}
	if err := c.addRuns(ctx, plan); err != nil {
		return plan, err
	}
	plan.Unmet = c.unmet(req, plan.Runs)
	return plan, nil
}

// artifact fetches an artifact that has not expired.
func (c Chooser) artifact(ctx context.Context, req Request, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	a, err := c.Source.Artifact(ctx, repo, id)
	switch {
	case errors.Is(err, artifact.ErrExpired):
		a = artifact.Artifact{ID: id, Repo: repo} // a 410 tells no more
	case err != nil:
		return artifact.Artifact{}, err
	case artifact.Selector{}.Picker(req.Gone).Judge(a) == artifact.Eligible: // whatever its name is
		return a, nil
	}
	return artifact.Artifact{}, &NotFoundError{Repo: repo, What: fmt.Sprintf("artifact %d", id), Expired: []artifact.Artifact{a}, Final: true}
}

// ofRuns checks that each artifact is of one of the runs that the request names, if it
// names any. If the server does not say which run an artifact is of, the runs are asked for
// their artifacts.
func (c Chooser) ofRuns(ctx context.Context, req Request, items []artifact.Item) error {
	if len(req.RunIDs) == 0 {
		return nil
	}
	told, err := c.runsOf(ctx, req, items)
	if err != nil {
		return err
	}
	for i := range items {
		a := &items[i].Artifact
		if a.Run == nil && told[a.ID] != 0 {
			a.Run = &artifact.RunRef{ID: told[a.ID]}
		}
		if a.Run != nil && slices.Contains(req.RunIDs, a.Run.ID) {
			continue
		}
		what := fmt.Sprintf("artifact %d of %s", a.ID, withIDs("run", req.RunIDs))
		if a.Run != nil {
			what += fmt.Sprintf(" (it is of run %d)", a.Run.ID)
		}
		return &NotFoundError{Repo: a.Repo, What: what, Final: true}
	}
	return nil
}

// runsOf lists the artifacts of the runs that the request names in the repositories of
// artifacts that do not tell their run. It returns the run of each artifact listed.
func (c Chooser) runsOf(ctx context.Context, req Request, items []artifact.Item) (map[int64]int64, error) {
	var mu sync.Mutex
	runs := map[int64]int64{}
	asked := map[artifact.Repo]bool{}
	var g group
	for _, item := range items {
		repo := item.Artifact.Repo
		if item.Artifact.Run != nil || asked[repo] {
			continue
		}
		asked[repo] = true
		ids, _ := split(req.RunIDs, req.RunRepos, repo)
		for _, id := range ids {
			g.Go(func() error {
				list, err := listArtifacts(ctx, c.Source, repo, ArtifactQuery{RunID: id})
				if err != nil && !missing(err) {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				for _, a := range list {
					runs[a.ID] = id
				}
				return nil
			})
		}
	}
	return runs, g.Wait()
}

// apart checks that no two artifacts would go to the same place.
func (r Request) apart(items []artifact.Item) error {
	type place struct {
		repo artifact.Repo
		run  int64
		name string
	}
	taken := map[place]int64{}
	for _, item := range items {
		a := item.Artifact
		p := place{repo: a.Repo, name: a.Name}
		if len(r.RunIDs) > 1 {
			p.run = a.Run.ID // ofRuns has seen to it
		}
		if other, is := taken[p]; is && !r.Merge {
			return &SameNameError{Repo: a.Repo, Name: a.Name, IDs: [2]int64{other, a.ID}}
		}
		taken[p] = a.ID
	}
	return nil
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
			if missing(err) {
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
