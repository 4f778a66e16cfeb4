package actions

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Context describes the run that artifetch is part of, as the runner does in the
// environment. Outside of Actions every field is empty.
type Context struct {
	Repository string // owner/name
	// RepositoryID is GITHUB_REPOSITORY_ID, which stays the same when the repository is
	// renamed; 0 if the runner is too old to set it, or if it is not a number.
	RepositoryID int64
	WorkflowRef  string // owner/name/.github/workflows/ci.yml@refs/heads/main
	EventName    string
	Run          string // GITHUB_RUN_ID, unchecked; see RunID

	eventPath string
}

// ReadContext reads the variables that GitHub's "Variables reference" documents. It does
// not check them: RunID and Trigger check what they read.
func ReadContext(getenv func(string) string) Context {
	repositoryID, err := strconv.ParseInt(getenv("GITHUB_REPOSITORY_ID"), 10, 64)
	if err != nil {
		repositoryID = 0
	}
	return Context{
		Repository: getenv("GITHUB_REPOSITORY"), RepositoryID: max(repositoryID, 0), WorkflowRef: getenv("GITHUB_WORKFLOW_REF"), EventName: getenv("GITHUB_EVENT_NAME"),
		Run: getenv("GITHUB_RUN_ID"), eventPath: getenv("GITHUB_EVENT_PATH"),
	}
}

// RunID returns the id of the run, or 0 outside of Actions.
func (c Context) RunID() (int64, error) {
	if c.Run == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(c.Run, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("GITHUB_RUN_ID is %q, which is not the id of a run", c.Run)
	}
	return id, nil
}

// maxEvent is more than GitHub's limit for a webhook's payload, 25 MB.
const maxEvent = 32 << 20

// Trigger returns the id of the run that triggered this one by a workflow_run event,
// from the event's payload, or 0 if there is no payload or it names no run.
func (c Context) Trigger() (int64, error) {
	if c.eventPath == "" {
		return 0, nil
	}
	var event struct {
		WorkflowRun struct {
			ID int64 `json:"id"`
		} `json:"workflow_run"`
	}
	data, err := ReadFile(c.eventPath, maxEvent)
	if err == nil {
		err = json.Unmarshal(data, &event)
	}
	if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s is a JSON %s, which names no run", cmp.Or(strings.TrimPrefix(other.Field, "."), "it"), other.Value)
	}
	if err != nil {
		return 0, fmt.Errorf("the event that triggered this run (GITHUB_EVENT_PATH): %w", err)
	}
	return max(event.WorkflowRun.ID, 0), nil
}
