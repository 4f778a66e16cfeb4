package search

import (
	"errors"
	"fmt"

	"github.com/artifetch/artifetch/internal/artifact"
)

// ErrUnknownTrigger is returned for a request whose Trigger is UnknownTrigger.
var ErrUnknownTrigger = errors.New("this workflow was triggered by workflow_run, but the event (GITHUB_EVENT_PATH) does not tell by which run")

// ForkError refuses the run that triggered a workflow_run workflow because
// its commit came, or may have come, from a fork: its artifacts are whatever the
// fork's author wanted them to be.
type ForkError struct {
	Run artifact.Run
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("the triggering run %d of %s comes from %s, so its artifacts cannot be trusted", e.Run.ID, e.Run.Repo, e.Run.Whence())
}

// NotOwnError is returned for a request for the current run first that names only
// repositories which do not have that run.
type NotOwnError struct {
	Own artifact.Repo // which has it
}

func (e *NotOwnError) Error() string {
	return fmt.Sprintf("current-first: repository does not name the current run's own repository, %s", e.Own)
}

// SameNameError is returned for two artifacts that were named by their ids and have the
// same name, so that they would go to the same place.
type SameNameError struct {
	Repo artifact.Repo
	Name string
	IDs  [2]int64
}

func (e *SameNameError) Error() string {
	return fmt.Sprintf("artifacts %d and %d of %s have the same name, %s", e.IDs[0], e.IDs[1], e.Repo, quote(e.Name))
}

// AmbiguousError is returned for a value that names several things.
type AmbiguousError struct {
	Input, Value string
	Repo         artifact.Repo
	Choices      []string // values that name one thing each
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%[1]s: %[2]s is the name of several %[1]ss in %[3]s: %[4]s", e.Input, quote(e.Value), e.Repo, quoted(e.Choices))
}
