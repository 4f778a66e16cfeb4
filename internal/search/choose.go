package search

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// UnknownTrigger is the triggering run of an event that does not tell it.
const UnknownTrigger = -1

// Request is everything the choice depends on.
type Request struct {
	// Repos are looked at side by side; each has to yield something.
	Repos []artifact.Repo
	// RunIDs are taken whatever their conclusion and origin. Each has to be
	// found in one of Repos, and to hold what Select asks for.
	RunIDs []int64
	// ArtifactIDs need no run. Each has to be found in one of Repos.
	ArtifactIDs []int64
	Select      artifact.Selector

	// What follows is for a search. All that is given has to hold.

	// Workflow is a file name, a path, an id, a display name or AnyWorkflow;
	// empty is CurrentWorkflow in Own, and any elsewhere.
	Workflow string
	// Branches are in order of preference: the first one with a match wins.
	Branches []string
	Commit   string // full or abbreviated SHA, or tag
	PR       int    // number of a pull request
	Ref      string // a branch if one has that name, else as Commit
	Events   []string
	Actor    string
	// Conclusions are conclusions or statuses; empty is any.
	Conclusions []string
	RunNumber   int
	MaxAge      time.Duration // 0 is any age
	// Runs is how many to take of those that match; 0 means 1. Fewer are
	// enough.
	Runs int
	// AllowForks lets runs count that are not known to be the repository's own.
	AllowForks bool
	// SearchLimit is how many runs to examine at most; 0 means 1,000.
	SearchLimit int

	// Own, CurrentRun and CurrentWorkflow (a file name) tell where artifetch
	// itself runs; all are empty outside of Actions. The current run never
	// counts in a search.
	Own             artifact.Repo
	CurrentRun      int64
	CurrentWorkflow string
	// Trigger is the id of the run that triggered this workflow
	// (workflow_run events), UnknownTrigger, or 0 for other events.
	Trigger int64
	// Gone holds ids of artifacts that turned out to be expired (410) though
	// the listing did not say so.
	Gone map[int64]bool
	// Brief spares the requests that would only explain an error, as another
	// look follows.
	Brief bool
}

// picker decides which artifacts count for the request.
func (r Request) picker() artifact.Picker { return r.Select.Picker(r.Gone) }

// Plan is the outcome of a choice.
type Plan struct {
	// Items are the artifacts to take, newest first: where two bring the
	// same file, the earlier one wins.
	Items []artifact.Item
	// Runs are the runs taken, newest first.
	Runs []artifact.Run
	// PassedOver are the runs that were looked at and not taken.
	PassedOver []PassedOver
	// Superseded artifacts lost against a newer one of the same name.
	Superseded []artifact.Artifact
	// LimitHit reports that the search for more runs ended at its limit.
	LimitHit bool
	// ByStatus reports that the result relies on GitHub's filter by status,
	// which may miss runs of the last weeks: a newer one that fits may exist.
	ByStatus bool
}

// PassedOver is a run that was looked at and not taken.
type PassedOver struct {
	Run    artifact.Run
	Reason string
	// Names are the artifacts it had, where known.
	Names []string
	// Fits is set where the run meets every condition and only lacks what is
	// asked for.
	Fits bool
}

// Chooser answers a Request from a Source.
type Chooser struct {
	Source Source
	// Now is the time; nil is time.Now.
	Now func() time.Time

	mostFiltered int // tests set it lower than GitHub does
}

// Choose finds what the request asks for. It fails with *NotFoundError when
// something is missing, with *ForkError when the triggering run is not known to
// be the repository's own, with *AmbiguousError, and with the Source's error
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
	slices.SortStableFunc(plan.Items, func(a, b artifact.Item) int { return artifact.CompareArtifacts(a.Artifact, b.Artifact) })
	slices.SortFunc(plan.Runs, artifact.CompareRuns)
	return plan, err
}

// eachRepo searches the repositories side by side. Beside an error, the plan has
// the runs passed over in each repository that was searched.
func (c Chooser) eachRepo(ctx context.Context, req Request) (*Plan, error) {
	plans := make([]Plan, len(req.Repos))
	err := each(req.Repos, func(i int, repo artifact.Repo) error {
		if req.Trigger != 0 && repo.Equal(req.Own) {
			return c.byTrigger(ctx, req, repo, &plans[i])
		}
		return c.search(ctx, req, repo, &plans[i])
	})
	all := &Plan{}
	for i := range plans {
		all.add(&plans[i])
	}
	return all, err
}

// search takes the newest runs that match, in the order of preference that
// the filters have.
func (c Chooser) search(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) error {
	f := c.newFinder(req, repo)
	res, err := f.resolveAndRead(ctx)
	if err != nil {
		return err
	}
	var searches []*search
	for _, filter := range f.filters(res) {
		s := &search{finder: f, filter: filter}
		searches = append(searches, s)
		runs, err := s.find(ctx)
		if err != nil {
			return f.unknownWorkflow(ctx, res.workflow, err)
		}
		plan.ByStatus = plan.ByStatus || s.trusted(runs)
		if len(runs) == 0 {
			continue
		}
		for _, r := range runs {
			plan.take(r, f.pick(r))
		}
		plan.PassedOver = passedOver(searches, runs)
		plan.LimitHit = s.limitHit
		return nil
	}
	return f.notFound(ctx, res, searches, plan)
}

func (c Chooser) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Chooser) byTrigger(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) error {
	if req.Trigger == UnknownTrigger {
		return errors.New("this workflow was triggered by workflow_run, but the event (GITHUB_EVENT_PATH) does not tell by which run; give run-id, or an input of the search such as workflow")
	}
	run, err := c.Source.Run(ctx, repo, req.Trigger)
	if err != nil {
		return err
	}
	if run.Origin().Foreign() && !req.AllowForks {
		return &ForkError{Run: run}
	}
	return c.takeRun(ctx, req, run, plan)
}

// takeRun adds what is asked for of one run to the plan, or says what that
// run lacks.
func (c Chooser) takeRun(ctx context.Context, req Request, run artifact.Run, plan *Plan) error {
	picked, err := c.pick(ctx, req, run.Repo, run.ID)
	if err != nil {
		return err
	}
	if !picked.Complete() {
		nf := c.explain(ctx, req, run, picked)
		if run.UnderWay() {
			nf.Pending = []artifact.Run{run}
		}
		plan.PassedOver = append(plan.PassedOver, PassedOver{Run: run, Reason: nf.reason(), Names: nf.Have})
		return nf
	}
	plan.take(run, picked)
	return nil
}

// add takes over what another plan has.
func (p *Plan) add(other *Plan) {
	p.Items = append(p.Items, other.Items...)
	p.Runs = append(p.Runs, other.Runs...)
	p.PassedOver = append(p.PassedOver, other.PassedOver...)
	p.Superseded = append(p.Superseded, other.Superseded...)
	p.LimitHit = p.LimitHit || other.LimitHit
	p.ByStatus = p.ByStatus || other.ByStatus
}

func (p *Plan) take(run artifact.Run, picked artifact.Picked) {
	p.Runs = append(p.Runs, run)
	for _, a := range picked.Artifacts {
		p.Items = append(p.Items, artifact.Item{Artifact: a, Run: run})
	}
	p.Superseded = append(p.Superseded, picked.Superseded...)
}

func (c Chooser) pick(ctx context.Context, req Request, repo artifact.Repo, run int64) (artifact.Picked, error) {
	all, err := listArtifacts(ctx, c.Source, repo, ArtifactQuery{RunID: run, Name: req.Select.OnlyName()})
	if err != nil {
		return artifact.Picked{}, err
	}
	return req.picker().Pick(all), nil
}
