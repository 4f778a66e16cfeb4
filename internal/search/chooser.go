package search

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Chooser answers a Request from a Source. Its methods may be called concurrently.
type Chooser struct {
	Source Source
	// Now is the time by the server's clock, as far as known; nil is time.Now.
	Now func() time.Time
	// Early is called with an artifact that was chosen by an id, while other requests for
	// the plan are under way. Only if one of them fails, the artifact is not taken. It may
	// be called concurrently, must not block, and may be nil.
	Early func(artifact.Artifact)

	mostFiltered int // tests set it lower than GitHub does
}

// Choose finds what the request asks for. It fails with *NotFoundError when something is
// missing, with *ForkError when the triggering run is not known to be the repository's own, with
// ErrUnknownTrigger, *AmbiguousError, *NotOwnError or *SameNameError, and with the Source's error
// otherwise. The plan is never nil; beside an error it has the runs passed over.
func (c Chooser) Choose(ctx context.Context, req Request) (*Plan, error) {
	req.Runs = max(req.Runs, 1)
	if req.SearchLimit <= 0 {
		req.SearchLimit = 1000
	}
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
	c.undate(err)
	slices.SortStableFunc(plan.Items, func(a, b artifact.Item) int { return artifact.CompareArtifacts(a.Artifact, b.Artifact) })
	slices.SortFunc(plan.Runs, artifact.CompareRuns)
	return plan, err
}

// undate removes the dates in the future of artifacts that have expired, or that the server
// lists, but refuses: the dates did not come true.
func (c Chooser) undate(err error) {
	nf, ok := errors.AsType[*NotFoundError](err)
	if !ok {
		return
	}
	for i, a := range nf.Expired {
		if a.ExpiresAt.After(c.now()) {
			nf.Expired[i].ExpiresAt = time.Time{}
		}
	}
}

// eachRepo searches the repositories side by side. Even beside an error, the plan has
// the runs passed over in each repository that was searched.
func (c Chooser) eachRepo(ctx context.Context, req Request) (*Plan, error) {
	plans := make([]Plan, len(req.Repos))
	others := make([]bool, len(req.Repos))
	var g group
	for i, repo := range req.Repos {
		g.Go(func() (err error) {
			others[i], err = c.inRepo(ctx, req, repo, &plans[i])
			return err
		})
	}
	err := g.Wait()
	if _, notFound := errors.AsType[*NotFoundError](err); req.CurrentFirst && !slices.Contains(others, false) && (err == nil || notFound) {
		return &Plan{}, &NotOwnError{Own: req.Own}
	}
	all := &Plan{}
	for i := range plans {
		all.add(&plans[i])
	}
	return all, err
}

// search tries the filters in their order, and takes the newest runs that match the first
// one that any run matches.
func (c Chooser) search(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) error {
	f := c.newFinder(req, repo)
	f.current = f.newCurrentRun(ctx)
	defer f.current.begin()()
	res, err := f.begin(ctx)
	if err != nil {
		return err
	}
	searches, runs, err := f.tryFilters(ctx, f.filters(res))
	if err != nil {
		return err
	}
	current, err := f.takeCurrent(ctx, plan)
	if err != nil {
		return err
	}
	if current {
		f.req.Runs--
		if f.req.Runs == 0 {
			return nil
		}
		runs = runs[:min(len(runs), f.req.Runs)]
	}
	plan.Doubts = doubtsLeft(searches, runs)
	if len(runs) == 0 {
		nothing := f.notFound(ctx, res, searches, plan)
		nf, ok := errors.AsType[*NotFoundError](nothing)
		if !ok || nf.LimitHit || nf.Overlooked.ID == 0 && !f.facts.faulty && !slices.ContainsFunc(searches, (*search).meetsLate) {
			return nothing
		}
		// The explanation came across a run that fits, or across one that may fit and has not
		// been asked. Or it found a list of artifacts to be wrong: then any run may fit that
		// seemed to lack something.
		if searches, runs, err = findFirst(ctx, searches); err != nil {
			return err
		}
		plan.Doubts = doubtsLeft(searches, runs)
		if len(runs) == 0 {
			nf.Doubts = plan.Doubts
			return nothing
		}
	}
	for _, r := range runs {
		plan.take(r, f.facts.pick(r))
	}
	plan.PassedOver = passedOver(searches, runs)
	plan.LimitHit = searches[len(searches)-1].state == limited
	plan.InCurrent = f.current.holds()
	return nil
}

// doubtsLeft lists what the server's answers leave open of the runs that the last of the
// searches took.
func doubtsLeft(searches []*search, runs []artifact.Run) []Doubt {
	var list []Doubt
	for i, s := range searches {
		if i < len(searches)-1 {
			list = append(list, s.doubtsLeft(nil)...)
		} else {
			list = append(list, s.doubtsLeft(runs)...)
		}
	}
	return list
}

// tryFilters tries filters in their order. It returns the runs that pass the first filter
// that any run passes, and the searches up to that one.
func (f *finder) tryFilters(ctx context.Context, all []filter) (searches []*search, runs []artifact.Run, err error) {
	for n := range all {
		f.untried = len(all) - n
		searches = append(searches, &search{finder: f, facts: f.facts, filter: all[n], told: -1})
		if searches, runs, err = findFirst(ctx, searches); err != nil || len(runs) > 0 {
			return searches, runs, err
		}
	}
	return searches, nil, nil
}

// findFirst begins or continues searches. It returns the runs of the first search that finds any,
// and the searches up to that one. What one search reads may show a run that an earlier one
// takes, so the searches are gone through until none of them has anything new to learn.
func findFirst(ctx context.Context, searches []*search) ([]*search, []artifact.Run, error) {
	var last []artifact.Run // what the last search found
	for i := 0; i < len(searches); {
		s := searches[i]
		if s.told == s.learnt() {
			i++
			continue
		}
		runs, err := s.find(ctx)
		if err != nil {
			return nil, nil, err
		}
		if i == len(searches)-1 {
			last = runs
		} else if len(runs) > 0 {
			return searches[:i+1], runs, nil
		}
		i = 0
	}
	return searches, last, nil
}

func (c Chooser) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Chooser) byTrigger(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) error {
	if req.Trigger == UnknownTrigger {
		return ErrUnknownTrigger
	}
	c.Early = nil // the run may be a fork's
	pick, end := c.picking(ctx, req, repo, req.Trigger, true)
	defer end()
	run, err := c.Source.Run(ctx, repo, req.Trigger)
	if err != nil {
		return err
	}
	if run.Origin().Foreign() && !req.AllowForks {
		return &ForkError{Run: run}
	}
	return c.takeRun(ctx, req, run, pick, plan)
}

// takeRun adds what is asked for of one run, which pick returns, to the plan. If the run
// lacks some of it, it fails with a *NotFoundError.
func (c Chooser) takeRun(ctx context.Context, req Request, run artifact.Run, pick func() (artifact.Picked, error), plan *Plan) error {
	if req.mayGrow(run) {
		nf := &NotFoundError{Repo: run.Repo, RunID: run.ID, What: inWords(req.Select), Growing: true, Pending: []artifact.Run{run}}
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: nf.reason()})
		return nf
	}
	picked, err := pick()
	if err != nil {
		return err
	}
	if !picked.Complete() {
		nf := c.explain(ctx, req, run, picked)
		if run.UnderWay() {
			nf.Pending = []artifact.Run{run}
		}
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: nf.reason(), Names: nf.Have, Look: nf.look})
		return nf
	}
	plan.take(run, picked)
	return nil
}

func (c Chooser) pick(ctx context.Context, req Request, repo artifact.Repo, run int64) (artifact.Picked, error) {
	all, err := listArtifacts(ctx, c.Source, repo, ArtifactQuery{RunID: run, Name: req.Select.OnlyName()})
	if err != nil {
		return artifact.Picked{}, err
	}
	return req.picker().Pick(all), nil
}
