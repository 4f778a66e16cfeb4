package app

import (
	"encoding/json"
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// output is one name and value, in the order of the README's table.
type output struct{ name, value string }

// artifactOutput is an element of the output "artifacts".
type artifactOutput struct {
	ID             int64      `json:"id"`
	Name           string     `json:"name"`
	SizeInBytes    int64      `json:"size_in_bytes"`
	Digest         string     `json:"digest"`
	DigestVerified bool       `json:"digest_verified"`
	CreatedAt      *time.Time `json:"created_at"`
	ExpiresAt      *time.Time `json:"expires_at"`
	Repository     string     `json:"repository"`
	RunID          known      `json:"run_id"`
	Path           string     `json:"path"`
	Files          int        `json:"files"`
	Bytes          int64      `json:"bytes"`
}

// runOutput is an element of the output "runs"; its fields are outputs of
// their own for the newest run.
type runOutput struct {
	RunID      known  `json:"run-id"`
	RunNumber  known  `json:"run-number"`
	RunAttempt known  `json:"run-attempt"`
	RunURL     string `json:"run-url"`
	Workflow   string `json:"workflow"`
	Event      string `json:"event"`
	Conclusion string `json:"conclusion"`
	HeadBranch string `json:"head-branch"`
	HeadSHA    string `json:"head-sha"`
	FromFork   any    `json:"from-fork"` // a boolean, or "unknown"
	Repository string `json:"repository"`
}

// outputs gives every output for every way out. Values hold no line break.
func (r *result) outputs() ([]output, error) {
	artifacts := make([]artifactOutput, 0, len(r.items))
	var files int
	var bytes int64
	for _, p := range r.items {
		a := p.Artifact
		artifacts = append(artifacts, artifactOutput{
			ID: a.ID, Name: a.Name, SizeInBytes: a.Size, Digest: a.Digest, DigestVerified: p.digest == digestVerified,
			CreatedAt: timeOrNull(a.CreatedAt), ExpiresAt: timeOrNull(a.ExpiresAt),
			Repository: a.Repo.String(), RunID: known(p.Run.ID),
			Path: path.Join(r.dest.Output, p.to), Files: p.files, Bytes: p.bytes,
		})
		files += p.files
		bytes += p.bytes
	}
	runs := make([]runOutput, 0, len(r.runs))
	for _, run := range r.runs {
		runs = append(runs, newRunOutput(run))
	}
	artifactsJSON, err1 := json.Marshal(artifacts)
	runsJSON, err2 := json.Marshal(runs)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var errorMessage string
	if r.err != nil {
		errorMessage = message(r.err)
	}
	out := []output{
		{"found", strconv.FormatBool(r.found)},
		{"artifacts", string(artifactsJSON)},
		{"artifact-count", strconv.Itoa(len(artifacts))},
		{"file-count", strconv.Itoa(files)},
		{"bytes", strconv.FormatInt(bytes, 10)},
		{"path", r.dest.Output},
		{"download-path", r.dest.HostPath},
	}
	out = append(out, newestRunOutputs(runs, r.origin())...)
	out = append(out,
		output{"runs", string(runsJSON)},
		output{"error-message", errorMessage},
		output{"found_artifact", strconv.FormatBool(r.found)},
		output{"error_message", errorMessage},
		output{"dry_run", strconv.FormatBool(r.found && r.dryRun)},
	)
	for i := range out {
		out[i].value = oneLine(out[i].value)
	}
	return out, nil
}

func newestRunOutputs(runs []runOutput, fromFork string) []output {
	var newest runOutput
	if len(runs) > 0 {
		newest = runs[0]
	}
	return []output{
		{"run-id", numberOrEmpty(int64(newest.RunID))},
		{"run-number", numberOrEmpty(int64(newest.RunNumber))},
		{"run-attempt", numberOrEmpty(int64(newest.RunAttempt))},
		{"run-url", newest.RunURL},
		{"workflow", newest.Workflow},
		{"event", newest.Event},
		{"conclusion", newest.Conclusion},
		{"head-branch", newest.HeadBranch},
		{"head-sha", newest.HeadSHA},
		{"from-fork", fromFork},
	}
}

func newRunOutput(r artifact.Run) runOutput {
	return runOutput{
		RunID: known(r.ID), RunNumber: known(r.Number), RunAttempt: known(r.Attempt), RunURL: r.URL, Workflow: r.Workflow,
		Event: r.Event, Conclusion: r.Conclusion, HeadBranch: r.HeadBranch, HeadSHA: r.HeadSHA,
		FromFork: fromFork(r.Origin()), Repository: r.Repo.String(),
	}
}

// known is a number that is never 0: what the server does not tell is null.
type known int64

// MarshalJSON implements json.Marshaler.
func (k known) MarshalJSON() ([]byte, error) {
	if k == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(k), 10), nil
}

// oneLine folds everything that some reader could take for a line break.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool {
		return c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == '\u0085' || c == '\u2028' || c == '\u2029'
	}), " ")
}

func numberOrEmpty(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
