package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// many returns a result with the given numbers of artifacts and runs, and with names and
// branches of the given length.
func many(artifacts, runs, length int) *Result {
	r := &Result{Found: true, Destination: workspace.Destination{Output: "out", HostPath: "/host/out"}}
	r.Items, r.Runs = make([]transfer.Item, 0, artifacts), make([]artifact.Run, 0, runs)
	repo, digest, commit := artifact.Repo{Owner: "octo", Name: "app"}, "sha256:"+strings.Repeat("0", 64), strings.Repeat("0", 40)
	for i := range artifacts {
		name := fmt.Sprintf("%0*d", length, i)
		r.Items = append(r.Items, transfer.Item{To: name, Item: artifact.Item{
			Artifact: artifact.Artifact{ID: int64(i + 1), Name: name, Repo: repo, Digest: digest, CreatedAt: time.Unix(1, 0), ExpiresAt: time.Unix(2, 0)},
			Run:      artifact.Run{ID: 7},
		}})
	}
	branch := strings.Repeat("b", length)
	for i := range runs {
		r.Runs = append(r.Runs, artifact.Run{
			ID: int64(i + 1), Number: i + 1, Repo: repo, URL: fmt.Sprintf("https://github.com/octo/app/actions/runs/%d", i+1),
			HeadBranch: branch, HeadSHA: commit,
		})
	}
	return r
}

// The outputs of a job are bounded, whatever was taken: first objects lose fields, then
// lists lose their ends.
func TestOutputsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		artifacts, runs, length int
		fields                  [2]int // of an element of artifacts and of runs
		cut                     string // which lists are cut
	}{
		"few":             {3, 2, 10, [2]int{12, 11}, ""},
		"none":            {0, 0, 0, [2]int{}, ""},
		"full":            {1400, 1200, 10, [2]int{12, 11}, ""},
		"reduced":         {2000, 2000, 10, [2]int{4, 3}, ""},
		"cut":             {100_000, 20_000, 10, [2]int{4, 3}, "artifacts runs"},
		"runs alone":      {1, 100_000, 10, [2]int{12, 3}, "runs"},
		"long names":      {100_000, 1, 255, [2]int{4, 11}, "artifacts"},
		"long branches":   {100, 300, 20_000, [2]int{4, 3}, "artifacts"},
		"nothing fits":    {5, 5, 600_000, [2]int{0, 11}, "artifacts"},
		"one of many":     {3, 1, 260_000, [2]int{4, 11}, "artifacts"},
		"both at 512 KiB": {1500, 5500, 10, [2]int{12, 3}, "runs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := many(tt.artifacts, tt.runs, tt.length)
			r.Err = errors.New(strings.Repeat("é\n", tt.length))
			r.Destination.Output, r.Destination.HostPath = strings.Repeat("p/", 2047), "/host/"+strings.Repeat("p/", 2047)
			if tt.length < 100 {
				r.Destination.Output = "out"
			}
			out, left, err := r.Outputs(OutputOptions{Redact: func(s string) string { return s }, Step: true})
			if err != nil {
				t.Fatal(err)
			}
			total, values := 0, map[string]string{}
			for _, o := range out {
				total += len(o.Name) + len(o.Value) + 2
				values[o.Name] = o.Value
				if !utf8.ValidString(o.Value) || strings.ContainsAny(o.Value, "\r\n") {
					t.Errorf("%s is %.100q", o.Name, o.Value)
				}
			}
			if total > maxOutputs || len(values["artifacts"]) > maxList || len(values["runs"]) > maxList || len(values["error-message"]) > maxErrorMessage {
				t.Errorf("%d bytes: %d of artifacts, %d of runs, %d of error-message", total, len(values["artifacts"]), len(values["runs"]), len(values["error-message"]))
			}
			if values["error_message"] != values["error-message"] || values["artifact-count"] != fmt.Sprint(tt.artifacts) {
				t.Errorf("error_message is %.20q, artifact-count %s", values["error_message"], values["artifact-count"])
			}
			notes := strings.Join(left, "\n")
			for i, list := range []string{"artifacts", "runs"} {
				var elements []map[string]any
				if err := json.Unmarshal([]byte(values[list]), &elements); err != nil {
					t.Fatal(err)
				}
				whole := []int{tt.artifacts, tt.runs}[i]
				if cut := strings.Contains(tt.cut, list); cut != (len(elements) < whole) || cut != strings.Contains(notes, "the output "+list+" holds the first ") {
					t.Errorf("%s has %d of %d; said: %s", list, len(elements), whole, notes)
				}
				if len(elements) > 0 && len(elements[0]) != tt.fields[i] {
					t.Errorf("an element of %s has %d fields: %.300v", list, len(elements[0]), elements[0])
				}
			}
		})
	}
}

// A command's outputs are not a job's: they are whole.
func TestCommandOutputsAreWhole(t *testing.T) {
	t.Parallel()
	out, left, err := many(20_000, 1, 10).Outputs(OutputOptions{Redact: func(s string) string { return s }})
	if err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	for _, o := range out {
		if o.Name == "artifacts" && strings.Count(o.Value, `"digest":`) != 20_000 {
			t.Errorf("%d bytes of artifacts", len(o.Value))
		}
	}
}

// The summary of many artifacts and runs is built within its bounds.
func TestSummaryIsBounded(t *testing.T) {
	t.Parallel()
	r := many(100_000, 10_000, 20)
	r.DryRun = true
	reason := strings.Repeat("r", 10_000)
	for _, run := range r.Runs {
		r.PassedOver = append(r.PassedOver, search.PassedOver{Run: run, Reason: reason, Names: make([]string, 100)})
	}
	text := r.Summary()
	if len(text) > 1<<20 {
		t.Errorf("it has %d bytes", len(text))
	}
	for _, want := range []string{"\nand 99,000 more artifacts\n", "\nand 9,900 more runs\n", "\nand 9,950 more runs\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	r = &Result{Err: errors.New(strings.Repeat("e", 1<<20))}
	if text := r.Summary(); len(text) > 2*maxErrorMessage {
		t.Errorf("an error takes %d bytes", len(text))
	}
}

// Secrets in what servers say are hidden in every output.
func TestOutputsHideSecrets(t *testing.T) {
	t.Parallel()
	r := many(1, 1, 10)
	log := actions.New(actions.Options{Getenv: func(string) string { return "" }, Command: true})
	const secret = `s"e<c>r&et-1`
	log.Mask(secret)
	r.Items[0].Artifact.Name, r.Items[0].To, r.Items[0].Artifact.Digest = secret, "x/"+secret, "sha256:"+secret
	r.Runs[0] = artifact.Run{
		ID: 1, URL: "https://" + secret, Workflow: secret, Event: secret, Conclusion: secret, HeadBranch: secret, HeadSHA: secret,
		Repo: artifact.Repo{Owner: secret, Name: secret},
	}
	r.Destination.Output, r.Destination.HostPath, r.Err = "out/"+secret, "/"+secret, errors.New("server says: "+secret)
	for _, bounded := range []bool{true, false} {
		out, _, err := r.Outputs(OutputOptions{Redact: log.Redact, Step: bounded})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			if strings.Contains(o.Value, "et-1") {
				t.Errorf("%s is %s", o.Name, o.Value)
			}
		}
	}
}
