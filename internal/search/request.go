package search

import (
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// UnknownTrigger stands for the triggering run of an event that does not name it.
const UnknownTrigger = -1

// Request is everything that the choice depends on.
type Request struct {
	// Repos are looked at side by side; each has to yield something.
	Repos []artifact.Repo
	// RunIDs are taken whatever their conclusion and origin. Each has to be
	// found in one of Repos, and to hold what Select asks for.
	RunIDs []int64
	// ArtifactIDs need no run. Each has to be found in one of Repos, and where RunIDs
	// are given, among the artifacts of one of them.
	ArtifactIDs []int64
	// RunRepos and ArtifactRepos give, by id, the repository of runs and artifacts for
	// which it is known. It is one of Repos.
	RunRepos, ArtifactRepos map[int64]artifact.Repo
	// Merge lets several artifacts named by id have the same name. Otherwise no two artifacts
	// of one repository may, or, with several RunIDs, no two of one run: they would go to the
	// same place.
	Merge  bool
	Select artifact.Selector

	// The fields below are for a search. A run has to meet all conditions given. Runs
	// named by RunIDs are taken all the same, and Plan.Unmet says what they do not meet,
	// of what can be told from the run.

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
	// Runs is how many of the runs that match to take; 0 means 1. Fewer are enough.
	Runs int
	// AllowForks lets runs count that are not known to be the repository's own.
	AllowForks bool
	// SearchLimit is how many runs to examine at most; 0 means 1,000.
	SearchLimit int

	// CurrentFirst asks for the current run, whatever the fields above say. If that run
	// lacks what Select asks for, the choice goes on as if CurrentFirst were not set.
	CurrentFirst bool
	currentLacks string // why the current run was not taken then
	// AskCurrent lets a search ask the current run itself whether it, too, holds what
	// is asked for. Otherwise only what the search reads anyway tells.
	AskCurrent bool

	// Own, CurrentRun and CurrentWorkflow (a file name) are where artifetch itself
	// runs; all are empty outside of Actions. The current run never counts in a
	// search, unless CurrentFirst is set. OwnID is the id of Own, which a repository
	// keeps when it is renamed; 0 where the runner does not tell.
	Own             artifact.Repo
	OwnID           int64
	CurrentRun      int64
	CurrentWorkflow string
	// CurrentWorkflowRef is where CurrentWorkflow comes from, for messages:
	// GITHUB_WORKFLOW_REF. It may name a workflow of another repository.
	CurrentWorkflowRef string
	// Trigger is the id of the run that triggered this workflow
	// (workflow_run events), UnknownTrigger, or 0 for other events.
	Trigger int64
	// Gone holds ids of artifacts that turned out to be expired (410) though
	// the listing did not say so.
	Gone map[int64]bool
	// Waiting restricts a request that names no artifact to completed runs, unless
	// Conclusions name a status: a run that is under way may still get artifacts. The
	// current run is taken as it is.
	Waiting bool
	// Brief leaves out the requests that would only explain an error, because
	// another look follows.
	Brief bool
}

// picker decides which artifacts count for the request.
func (r Request) picker() artifact.Picker { return r.Select.Picker(r.Gone) }

// mayGrow reports whether the artifacts of a run that are asked for may not all be there
// yet, although they should.
func (r Request) mayGrow(run artifact.Run) bool {
	return r.Waiting && len(r.Select.Names) == 0 && run.UnderWay() && run.ID != r.CurrentRun
}

// Plan is the outcome of a choice.
type Plan struct {
	// Items are the artifacts to take, newest first: where two bring the
	// same file, the earlier one wins.
	Items []artifact.Item
	// Runs are the runs taken, newest first.
	Runs []artifact.Run
	// PassedOver are the runs that were looked at and not taken.
	PassedOver []PassedOver
	// Unmet are the runs named by their ids that do not meet a condition of the request.
	// They are taken all the same.
	Unmet []Unmet
	// Superseded are the artifacts of the runs taken that have a newer one of the
	// same name.
	Superseded []artifact.Artifact
	// LimitHit reports that the search for more runs ended at its limit.
	LimitHit bool
	// InCurrent reports that the current run, too, holds what a search took from an
	// earlier one.
	InCurrent bool
	// Doubts are what the server's answers leave open: why a newer run that fits may
	// exist.
	Doubts []Doubt
}

// Doubt is a reason why a newer run than those taken may fit.
type Doubt struct {
	// Run is the run that may fit; its ID is 0 where the doubt is about all runs that
	// were created at Since or later, and up to Until.
	Run          artifact.Run
	Since, Until time.Time
	// Filters are the conditions by which the server narrows the only list that has these
	// runs, which makes the list one that may be old: "branch", "conclusion".
	Filters []string
	Reason  string // about the run, or the runs
}

// PassedOver is a run that was looked at and not taken.
type PassedOver struct {
	Run    artifact.Run
	Reason string
	// Names are the artifacts it had, as far as Look tells.
	Names []string
	Look  Look
	// Fits reports that the run meets every condition, and only lacks what is asked
	// for.
	Fits bool
}

// Look is how far a run's artifacts were looked at.
type Look int

const (
	// NotLookedAt means that nothing is known but what Names has.
	NotLookedAt Look = iota
	// LookedForNames means that only artifacts with the names asked for were listed.
	LookedForNames
	// LookedAtAll means that all of the run's artifacts were listed.
	LookedAtAll
)

// Unmet is a run that was named, and a condition that it does not meet: "its event is
// …".
type Unmet struct {
	Run    artifact.Run
	Reason string
}

// add takes over what another plan has.
func (p *Plan) add(other *Plan) {
	p.Items = append(p.Items, other.Items...)
	p.Runs = append(p.Runs, other.Runs...)
	p.PassedOver = append(p.PassedOver, other.PassedOver...)
	p.Superseded = append(p.Superseded, other.Superseded...)
	p.LimitHit = p.LimitHit || other.LimitHit
	p.InCurrent = p.InCurrent || other.InCurrent
	p.Doubts = append(p.Doubts, other.Doubts...)
}

func (p *Plan) take(run artifact.Run, picked artifact.Picked) {
	p.Runs = append(p.Runs, run)
	for _, a := range picked.Artifacts {
		p.Items = append(p.Items, artifact.Item{Artifact: a, Run: run})
	}
	p.Superseded = append(p.Superseded, picked.Superseded...)
}
