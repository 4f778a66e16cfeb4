package search

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Why the origin of a run keeps it from counting.
const (
	fromFork    = "it comes from a fork, and allow-forks is false"
	fromUnknown = "the server does not say whether it comes from a fork, and allow-forks is false"
)

// isCurrent keeps the current run from counting.
const isCurrent = "it is the current run"

// filter decides which runs count. Zero fields let every run pass. A RunQuery
// with the same conditions only saves requests.
type filter struct {
	workflow   workflowFilter
	branch     string
	sha        string
	headRepoID int64 // of a pull request's head
	branchNext bool  // the commit is a pull request's head, whose branch is tried next
	events     oneOf
	actor      string
	// conclusions are conclusions or statuses.
	conclusions oneOf
	number      int
	notBefore   time.Time
	allowForks  bool
	current     int64  // the id of the current run, which never counts
	whyNot      string // why it does not, in place of isCurrent; may be empty
	// completed lets only completed runs pass: the list of another one may still grow.
	completed bool
}

// oneOf is a condition that the values of a list meet. Every value meets the zero
// oneOf.
type oneOf struct {
	list []string
	has  map[string]bool
}

func newOneOf(list []string) oneOf {
	o := oneOf{list: list, has: make(map[string]bool, len(list))}
	for _, v := range list {
		o.has[v] = true
	}
	return o
}

// any reports whether every value meets the condition.
func (o oneOf) any() bool { return len(o.list) == 0 }

// admits reports whether one of the values meets the condition.
func (o oneOf) admits(values ...string) bool {
	return o.any() || slices.ContainsFunc(values, func(v string) bool { return o.has[v] })
}

func (o oneOf) String() string { return either(o.list) }

// workflowFilter is a condition that the runs of one workflow meet. Every run meets
// the zero workflowFilter.
type workflowFilter struct {
	file string // base name
	path string
	id   int64

	// own is what the workflow's own list shows if the server does not send paths. All
	// filters of a request share it.
	own *ownRuns
}

// ownRuns are the runs that the own list of a workflow has.
type ownRuns struct {
	ids      map[int64]bool
	workflow int64 // the id of their workflow, or 0
}

// any reports whether every run passes.
func (w workflowFilter) any() bool { return w.file == "" && w.path == "" && w.id == 0 }

// learn notes the workflow id of a run that the workflow's own list has.
func (w workflowFilter) learn(r artifact.Run) {
	if w.any() || w.id != 0 || r.WorkflowPath != "" {
		return
	}
	w.own.ids[r.ID] = true
	w.own.workflow = cmp.Or(w.own.workflow, r.WorkflowID)
}

// passes reports whether a run is of the workflow.
func (w workflowFilter) passes(r artifact.Run) bool {
	switch {
	case w.id != 0:
		return r.WorkflowID == w.id
	case r.WorkflowPath == "":
		// Not every server sends paths. Only the workflow's own list shows which
		// id its runs have.
		return w.any() || w.own.ids[r.ID] || w.own.workflow != 0 && r.WorkflowID == w.own.workflow
	case w.path != "":
		return r.WorkflowPath == w.path
	}
	return w.file == "" || path.Base(r.WorkflowPath) == w.file
}

// query returns the workflow's name in a request's path, or "" for any.
func (w workflowFilter) query() string {
	switch {
	case w.id != 0:
		return strconv.FormatInt(w.id, 10)
	case w.path != "":
		return path.Base(w.path)
	}
	return w.file
}

// refuse returns why a run does not count, as text for a table's cell, or "" if it
// does. Conditions on what can never change come first. A condition on a field that the
// server leaves out is not met.
func (f *filter) refuse(r artifact.Run) string {
	switch {
	case r.ID == f.current:
		return cmp.Or(f.whyNot, isCurrent)
	case !f.workflow.passes(r):
		return "it is of " + workflowOf(r)
	case f.sha != "" && !strings.EqualFold(r.HeadSHA, f.sha):
		return differs("commit", r.HeadSHA, short)
	case f.branch != "" && r.HeadBranch != f.branch:
		return differs("branch", r.HeadBranch, quote)
	case f.headRepoID != 0 && r.HeadID() != f.headRepoID:
		return "it is not of the pull request's head repository"
	case !f.events.admits(r.Event):
		return differs("event", r.Event, quote)
	case f.actor != "" && !strings.EqualFold(r.Actor, f.actor):
		return differs("actor", r.Actor, quote)
	case f.number != 0 && r.Number != f.number:
		return differs("number", r.Number, strconv.Itoa)
	case f.tooOld(r) != "":
		return f.tooOld(r)
	case !f.allowForks && r.Origin().Foreign():
		if r.Origin() == artifact.OriginUnknown {
			return fromUnknown
		}
		return fromFork
	case f.completed && r.UnderWay() && f.conclusions.any():
		return fmt.Sprintf("its status is %s, so its artifacts may not all be there yet", quote(r.Status))
	case f.conclusions.admits(r.Conclusion, r.Status):
		return ""
	case r.Conclusion == "" && r.Status == "":
		return "the server does not say how it ended"
	case r.Conclusion == "":
		return fmt.Sprintf("its status is %s, not %s", quote(r.Status), f.conclusions)
	}
	return fmt.Sprintf("its conclusion is %s, not %s", quote(r.Conclusion), f.conclusions)
}

// differs returns which value a run has in place of the one asked for.
func differs[T comparable](what string, has T, word func(T) string) string {
	var unknown T
	if has == unknown {
		return "the server does not say its " + what
	}
	return "its " + what + " is " + word(has)
}

// workflowOf names the workflow of a run as far as the server tells.
func workflowOf(r artifact.Run) string {
	switch {
	case r.WorkflowPath == "" && r.Workflow == "" && r.WorkflowID == 0:
		return "a workflow that the server does not name"
	case r.WorkflowPath == "" && r.Workflow == "":
		return fmt.Sprintf("the workflow %d", r.WorkflowID)
	}
	return "the workflow " + quote(cmp.Or(r.WorkflowPath, r.Workflow))
}

// tooOld returns why a run does not meet max-age, or "" if it does. A run that may
// be older does not.
func (f *filter) tooOld(r artifact.Run) string {
	switch at := r.Begun(); {
	case f.notBefore.IsZero():
	case at.IsZero(), r.CreatedAt.IsZero() && r.StartedAt.IsZero() && !at.Before(f.notBefore):
		return "the server does not say when it was created"
	case at.Before(f.notBefore):
		return "it is older than max-age"
	}
	return ""
}

// aimsAt reports whether a run is of the branch and of the commit asked for.
func (f *filter) aimsAt(r artifact.Run) bool {
	return (f.sha == "" || strings.EqualFold(r.HeadSHA, f.sha)) && (f.branch == "" || r.HeadBranch == f.branch)
}

// pending reports whether a run is under way and may still come to match: its
// conclusion and its artifacts are all that can change.
func (f *filter) pending(r artifact.Run) bool {
	return r.UnderWay() && f.lets(r, func(f *filter) { f.conclusions, f.completed = oneOf{}, false })
}

// lets reports whether a run would pass a changed filter.
func (f *filter) lets(r artifact.Run, change func(*filter)) bool {
	other := *f
	change(&other)
	return other.refuse(r) == ""
}

// beyondRef lists the conditions that an artifact's listing cannot decide.
func (f *filter) beyondRef() []string {
	var list []string
	if !f.workflow.any() {
		list = append(list, "workflow "+quote(f.workflow.query()))
	}
	if !f.events.any() {
		list = append(list, "event "+f.events.String())
	}
	if f.actor != "" {
		list = append(list, "actor "+short(f.actor))
	}
	if f.number != 0 {
		list = append(list, fmt.Sprintf("number %d", f.number))
	}
	return list
}

// refuseRef is refuse for the part of a run that an artifact's listing has. Where it
// returns "" the run may still be refused: only the whole run decides.
func (f *filter) refuseRef(ref *artifact.RunRef) string {
	switch {
	case ref.ID == f.current:
		return cmp.Or(f.whyNot, isCurrent)
	case f.sha != "" && ref.HeadSHA != "" && !strings.EqualFold(ref.HeadSHA, f.sha):
		return "its commit is " + short(ref.HeadSHA)
	case f.branch != "" && ref.HeadBranch != "" && ref.HeadBranch != f.branch:
		return "its branch is " + quote(ref.HeadBranch)
	case f.headRepoID != 0 && ref.HeadRepoID != 0 && ref.HeadRepoID != f.headRepoID:
		return "it is not of the pull request's head repository"
	case !f.allowForks && ref.Origin() == artifact.OriginFork && !ref.HeadRepoDeleted:
		return fromFork // but where the listing has no head repository, the run may have one
	}
	return ""
}
