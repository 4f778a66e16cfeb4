package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
)

// Bounds of outputs, in bytes. GitHub accepts 1 MB of outputs from a job.
const (
	maxErrorMessage = 4 << 10
	// maxText bounds every other text that a server or an input chose.
	maxText = 4 << 10
	// maxList bounds each of the lists.
	maxList = 512 << 10
	// maxOutputs bounds all outputs together, with their names.
	maxOutputs = 1_000_000
)

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

// runFields describe a run: each run in the output "runs", the newest one also in outputs of
// its own.
type runFields struct {
	RunID      known  `json:"run-id"`
	RunNumber  known  `json:"run-number"`
	RunAttempt known  `json:"run-attempt"`
	RunURL     string `json:"run-url"`
	Workflow   string `json:"workflow"`
	Event      string `json:"event"`
	Conclusion string `json:"conclusion"`
	HeadBranch string `json:"head-branch"`
	HeadSHA    string `json:"head-sha"`
	FromFork   any    `json:"from-fork"` // a boolean, "unknown", or null for no run
}

// runOutput is an element of the output "runs".
type runOutput struct {
	runFields

	Repository string `json:"repository"`
}

// reducedArtifact and reducedRun are the elements of a list that would be too long
// otherwise.
type reducedArtifact struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	RunID known  `json:"run_id"`
	Path  string `json:"path"`
}

type reducedRun struct {
	RunID      known  `json:"run-id"`
	RunURL     string `json:"run-url"`
	Repository string `json:"repository"`
}

// OutputOptions say how outputs are written.
type OutputOptions struct {
	Redact func(string) string // hides secrets
	// Step is set for the outputs of a step: texts and lists that are too long for a job are
	// cut, and the names that other actions have for outputs are there, too.
	Step bool
}

// text makes one line of a text that a server or an input chose, for a step of no more than
// most bytes.
func (o OutputOptions) text(s string, most int) string {
	s = oneLine(o.Redact(s))
	if o.Step {
		s = words.Cut(s, most)
	}
	return s
}

// Outputs returns every output, whatever became of the run, and notes on what was left
// out of them. Values hold no line break and no secret.
func (r *Result) Outputs(o OutputOptions) (out []actions.Output, left []string, err error) {
	files, size, _ := r.totals()
	var newest runFields
	if len(r.Runs) > 0 {
		newest = newRunOutput(r.Runs[0], o).runFields
	}
	errorMessage := r.errorMessage(o)
	out = []actions.Output{
		{Name: "found", Value: strconv.FormatBool(r.Found)},
		{Name: "artifacts"},
		{Name: "artifact-count", Value: strconv.Itoa(len(r.Items))},
		{Name: "file-count", Value: strconv.Itoa(files)},
		{Name: "bytes", Value: strconv.FormatInt(size, 10)},
		{Name: "path", Value: o.text(r.Destination.Output, 2*maxText)},
		{Name: "download-path", Value: o.text(r.Destination.HostPath, 2*maxText)},
	}
	newest.FromFork = r.fromFork()
	out = append(out, newestRunOutputs(newest)...)
	out = append(out,
		actions.Output{Name: "runs"},
		actions.Output{Name: "error-message", Value: errorMessage},
	)
	free := math.MaxInt
	if o.Step {
		out = append(out,
			actions.Output{Name: "found_artifact", Value: strconv.FormatBool(r.Found)},
			actions.Output{Name: "error_message", Value: errorMessage},
			actions.Output{Name: "dry_run", Value: strconv.FormatBool(r.Found && r.DryRun)},
		)
		free = maxOutputs
		for _, output := range out {
			free -= len(output.Name) + len("=") + len(output.Value) + len("\n")
		}
	}
	for _, list := range []outputList{r.artifactList(o), r.runList(o)} {
		limit := free
		if o.Step {
			limit = min(free, maxList)
		}
		text, note, err := list.within(limit)
		if err != nil {
			return nil, nil, err
		}
		free -= len(text)
		i := slices.IndexFunc(out, func(output actions.Output) bool { return output.Name == list.name })
		out[i].Value = oneLine(text)
		if note != "" {
			left = append(left, note)
		}
	}
	return out, left, nil
}

// errorMessage says in one line why the run failed, or is empty.
func (r *Result) errorMessage(o OutputOptions) string {
	if r.Err == nil {
		return ""
	}
	reader := person
	if o.Step {
		reader = author
	}
	return o.text(reader.message(r.Err), maxErrorMessage)
}

// outputList is an output that is a JSON array.
type outputList struct {
	name          string
	n             int
	full, reduced func(i int) any // its elements
}

// artifactOutput returns an element of the output "artifacts".
func (r *Result) artifactOutput(i int, o OutputOptions) artifactOutput {
	p := &r.Items[i]
	a := p.Artifact
	return artifactOutput{
		ID: a.ID, Name: o.Redact(a.Name), SizeInBytes: a.Size, Digest: o.Redact(a.Digest), DigestVerified: p.Digest == transfer.DigestVerified,
		CreatedAt: timeOrNull(a.CreatedAt), ExpiresAt: timeOrNull(a.ExpiresAt),
		Repository: o.Redact(a.Repo.String()), RunID: known(p.Run.ID), Path: r.where(p, o), Files: p.Files, Bytes: p.Bytes,
	}
}

// where returns where an artifact goes, as a path for later steps.
func (r *Result) where(p *transfer.Item, o OutputOptions) string {
	return o.Redact(path.Join(r.Destination.Output, p.To))
}

func (r *Result) artifactList(o OutputOptions) outputList {
	return outputList{
		name: "artifacts", n: len(r.Items),
		full: func(i int) any { return r.artifactOutput(i, o) },
		reduced: func(i int) any {
			p := &r.Items[i]
			return reducedArtifact{ID: p.Artifact.ID, Name: o.Redact(p.Artifact.Name), RunID: known(p.Run.ID), Path: r.where(p, o)}
		},
	}
}

func (r *Result) runList(o OutputOptions) outputList {
	return outputList{
		name: "runs", n: len(r.Runs),
		full: func(i int) any { return newRunOutput(r.Runs[i], o) },
		reduced: func(i int) any {
			run := newRunOutput(r.Runs[i], o)
			return reducedRun{RunID: run.RunID, RunURL: run.RunURL, Repository: run.Repository}
		},
	}
}

// within returns the list in at most limit bytes: whole, else with its elements
// reduced, else as many of these as fit. note says what is missing.
func (l outputList) within(limit int) (text, note string, err error) {
	text, n, err := array(l.n, l.full, limit)
	if err != nil || n == l.n {
		return text, "", err
	}
	text, n, err = array(l.n, l.reduced, limit)
	if err != nil || n == l.n {
		return text, "", err
	}
	return text, fmt.Sprintf("the output %s holds the first %s of %s, because the outputs of a job are limited to 1 MB: %s missing",
		l.name, words.Number(n), words.Number(l.n), areMissing(l.n-n)), nil
}

func areMissing(n int) string {
	if n == 1 {
		return "1 is"
	}
	return words.Number(n) + " are"
}

// array returns a JSON array of as many of n elements as fit into limit bytes, and their
// number.
func array(n int, element func(i int) any, limit int) (text string, fit int, err error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		e, err := json.Marshal(element(i))
		if err != nil {
			return "", 0, err
		}
		if b.Len()+len(",")+len(e)+len("]") > limit {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e)
		fit++
	}
	b.WriteByte(']')
	return b.String(), fit, nil
}

// newestRunOutputs returns the outputs about the newest run, which is empty if no run was
// taken.
func newestRunOutputs(newest runFields) []actions.Output {
	fromFork := ""
	if newest.FromFork != nil {
		fromFork = fmt.Sprint(newest.FromFork)
	}
	return []actions.Output{
		{Name: "run-id", Value: numberOrEmpty(int64(newest.RunID))},
		{Name: "run-number", Value: numberOrEmpty(int64(newest.RunNumber))},
		{Name: "run-attempt", Value: numberOrEmpty(int64(newest.RunAttempt))},
		{Name: "run-url", Value: newest.RunURL},
		{Name: "workflow", Value: newest.Workflow},
		{Name: "event", Value: newest.Event},
		{Name: "conclusion", Value: newest.Conclusion},
		{Name: "head-branch", Value: newest.HeadBranch},
		{Name: "head-sha", Value: newest.HeadSHA},
		{Name: "from-fork", Value: fromFork},
	}
}

func newRunOutput(r artifact.Run, o OutputOptions) runOutput {
	text := func(s string) string { return o.text(s, maxText) }
	return runOutput{
		runFields: runFields{
			RunID: known(r.ID), RunNumber: known(r.Number), RunAttempt: known(r.Attempt), RunURL: text(r.URL), Workflow: text(r.Workflow),
			Event: text(r.Event), Conclusion: text(r.Conclusion), HeadBranch: text(r.HeadBranch), HeadSHA: text(r.HeadSHA),
			FromFork: fromFork(r.Origin()),
		},
		Repository: text(r.Repo.String()),
	}
}

// known is a number, or 0 if unknown, which is null in JSON.
type known int64

// MarshalJSON implements json.Marshaler.
func (k known) MarshalJSON() ([]byte, error) {
	if k == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(k), 10), nil
}

// oneLine replaces everything that could be read as a line break with a blank.
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
