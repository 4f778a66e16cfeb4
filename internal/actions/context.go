package actions

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Context is what the runner tells of the run that artifetch is part of.
// All of it is empty outside of Actions.
type Context struct {
	Repository  string // owner/name
	RunID       int64
	WorkflowRef string // owner/name/.github/workflows/ci.yml@refs/heads/main
	EventName   string
	Event       Event
	// Workspace, Temp and Home are directories as this process sees them.
	Workspace, Temp, Home string
}

// Event is what artifetch reads of the webhook payload that triggered the
// run.
type Event struct {
	WorkflowRun struct {
		ID int64 `json:"id"`
	} `json:"workflow_run"`
}

// ReadContext reads the variables that GitHub's "Variables reference"
// documents, and the event's payload.
func ReadContext(lookup func(string) (string, bool), readFile func(string) ([]byte, error)) (Context, error) {
	get := func(k string) string { v, _ := lookup(k); return v }
	c := Context{
		Repository: get("GITHUB_REPOSITORY"), WorkflowRef: get("GITHUB_WORKFLOW_REF"), EventName: get("GITHUB_EVENT_NAME"),
		Workspace: get("GITHUB_WORKSPACE"), Temp: get("RUNNER_TEMP"), Home: get("HOME"),
	}
	if id := get("GITHUB_RUN_ID"); id != "" {
		var err error
		if c.RunID, err = strconv.ParseInt(id, 10, 64); err != nil || c.RunID <= 0 {
			return c, fmt.Errorf("GITHUB_RUN_ID is %q, which is no run's id", id)
		}
	}
	path := get("GITHUB_EVENT_PATH")
	if path == "" || c.EventName != "workflow_run" {
		return c, nil
	}
	data, err := readFile(path)
	if err != nil {
		return c, fmt.Errorf("the event that triggered this run (GITHUB_EVENT_PATH): %w", err)
	}
	if err := json.Unmarshal(data, &c.Event); err != nil {
		return c, fmt.Errorf("the event that triggered this run (%s): %w", path, err)
	}
	return c, nil
}
