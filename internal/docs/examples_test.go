package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/testdir"
)

var update = flag.Bool("update", false, "write what the examples of other actions give anew")

// example is a step of another action's documentation.
type example struct {
	Name  string            `yaml:"name"`
	Event string            `yaml:"event,omitempty"`
	With  map[string]string `yaml:"with,flow"`
	// Defaults are those of an older version of the other action.
	Defaults map[string]string `yaml:"defaults,flow,omitempty"`
	Here     *given            `yaml:"here,omitempty"`
	There    *given            `yaml:"there,omitempty"`
	Row      string            `yaml:"row,omitempty"`
}

// given is what a step gives.
type given struct {
	Exit    int               `yaml:"exit,omitempty"`
	Files   map[string]string `yaml:"files,flow"`
	Outputs map[string]string `yaml:"outputs,flow,omitempty"`
	Warns   bool              `yaml:"warns,omitempty"`
}

// migrations is the page about other actions.
const migrations = "docs/migrating.md"

// exampleRun is the current run of the examples.
const exampleRun = 77

// toolkit arranges the world of the examples of actions/download-artifact.
func toolkit(w *world) {
	w.past(5*time.Hour, "ci.yml", githubsim.Run{ID: 70}, "my-artifact", zip("m.txt", "70"))
	w.past(time.Hour, "build.yml", githubsim.Run{ID: 4711}, "my-artifact", zip("m.txt", "4711"), "app", zip("app.bin", "4711"))
	w.pastOf(w.AddRepo("actions/toolkit"), time.Hour, "ci.yml", githubsim.Run{ID: 1234}, "my-other-artifact", zip("o.txt", "1234"))
	w.AddToken("a-pat", "actions/toolkit", githubsim.Read)
}

// toolkitUploads are the artifacts of the current run.
func toolkitUploads(run *githubsim.Run) {
	add := func(id int64, name string, blob githubsim.Blob) {
		run.AddArtifact(githubsim.Artifact{ID: id, Name: name, Blob: blob})
	}
	add(12345, "my-artifact", zip("m.txt", "77"))
	add(67890, "my-artifact-linux", zip("l.txt", "linux"))
	add(0, "my-artifact-macos", zip("n.txt", "macos"))
	add(0, "debug-logs", zip("d.txt", "debug"))
	add(0, "part-1", zip("p1.txt", "1"))
	add(0, "part-2", zip("p2.txt", "2"))
	add(0, ".hidden", zip("h.txt", "hidden"))
	run.AddArtifact(githubsim.Artifact{
		Name: "my-artifact.json", Blob: githubsim.Bytes([]byte("{}")), ContentType: "application/json", ContentDisposition: `attachment; filename="my-artifact.json"`,
	})
}

// community arranges the world of the examples of dawidd6/action-download-artifact.
func community(w *world) {
	fork := w.AddFork("mallory/app")
	w.repo.AddBranch("feature", sha("d"))
	w.repo.AddPull(githubsim.Pull{Number: 12, HeadSHA: sha("d"), HeadBranch: "feature"})
	artifact := func(text string) githubsim.Blob { return zip("a.txt", text) }
	w.past(12*time.Hour, "double.yml", githubsim.Run{ID: 48},
		"twice", githubsim.Artifact{Blob: zip("a.txt", "first", "old.txt", "first")}, "twice", githubsim.Artifact{Blob: zip("a.txt", "second")})
	w.past(11*time.Hour, "upload.yml", githubsim.Run{ID: 51, HeadBranch: "sparse"}, "artifact", artifact("51"))
	w.past(10*time.Hour, "upload.yml", githubsim.Run{ID: 52, HeadBranch: "sparse"}, "logs", zip("log", "52"))
	w.past(9*time.Hour, "ci.yml", githubsim.Run{ID: 50}, "artifact", artifact("50"))
	w.past(8*time.Hour, "upload.yml", githubsim.Run{ID: 60, Number: 34}, "artifact", artifact("60"), "extra", zip("e.txt", "60"))
	w.past(7*time.Hour, "upload.yml", githubsim.Run{ID: 61, Conclusion: "failure", HeadBranch: "release"}, "artifact", artifact("61"))
	w.past(6*time.Hour, "upload.yml", githubsim.Run{ID: 62, HeadBranch: "feature", HeadSHA: sha("d"), Event: "pull_request"}, "artifact", artifact("62"))
	w.past(5*time.Hour, "other.yml", githubsim.Run{ID: 63}, "artifact", artifact("63"))
	w.past(4*time.Hour, "upload.yml", githubsim.Run{ID: 64, HeadRepo: fork, HeadBranch: "fix", Event: "pull_request"}, "artifact", artifact("64"))
	w.pastOf(w.AddRepo("o/lib"), time.Hour, "build.yml", githubsim.Run{ID: 67}, "artifact", artifact("lib"))
	w.AddToken("a-pat", "o/lib", githubsim.Read)
}

// perform runs a step in the world of the examples of an action, and returns what it gives,
// and its log.
func (e example) perform(t *testing.T, from string, s *step) (given, string) {
	t.Helper()
	w := newWorld(t, githubsim.Options{})
	w.secrets["GH_PAT"], w.secrets["MISSING"], w.secrets["GITHUB_TOKEN"] = "a-pat", "", "job-token"
	w.AddToken("job-token", own, githubsim.Read)
	m := &machine{world: w, dir: testdir.InMemory(t)}
	tr := trigger{event: "push", run: githubsim.Run{ID: exampleRun}, payload: map[string]any{"workflow_run": map[string]any{"id": 4711.0}}}
	if strings.HasPrefix(from, "actions/") {
		toolkit(w)
		m.uploads = toolkitUploads
	} else {
		community(w)
		m.uploads = func(run *githubsim.Run) {
			run.AddArtifact(githubsim.Artifact{Name: "mine", Blob: zip("mine.txt", "77")})
		}
		tr.payload["workflow_run"] = map[string]any{"id": 63.0}
	}
	if e.Event != "" {
		tr.event = e.Event
	}
	j, err := m.single(tr, s)
	if err != nil {
		t.Fatal(err)
	}
	got := given{Files: j.files, Outputs: map[string]string{}}
	if !j.ok {
		got.Exit = 1
	}
	for _, name := range []string{"found_artifact", "dry_run", "run-id"} {
		if v := toText(j.steps["it"].outputs[name]); v != "" && (name != "dry_run" || v == "true") {
			got.Outputs[name] = v
		}
	}
	for name, body := range got.Files {
		if strings.HasPrefix(body, "PK") {
			got.Files[name] = "a zip"
		}
	}
	if list, ok := j.steps["it"].outputs["artifacts"]; ok {
		got.Outputs["artifacts"] = names(t, toText(list))
	}
	got.Warns = strings.Contains(j.log.String(), "\n::warning")
	return got, j.log.String()
}

// names returns the names in the output artifacts.
func names(t *testing.T, output string) string {
	t.Helper()
	var artifacts []struct{ Name string }
	if err := json.Unmarshal([]byte(output), &artifacts); err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(artifacts))
	for i, a := range artifacts {
		list[i] = a.Name
	}
	return strings.Join(list, ", ")
}

const examplesFile = "testdata/examples.yaml"

func readExamples(t *testing.T) map[string][]*example {
	t.Helper()
	source, err := os.ReadFile(examplesFile)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]*example
	if err := yaml.Unmarshal(source, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestExamplesOfOtherActions runs the steps that other actions' documentation has. Each
// gives here what it gives there, or the page about migrating says what differs.
func TestExamplesOfOtherActions(t *testing.T) {
	t.Parallel()
	all := readExamples(t)
	if *update {
		record(t, all)
	}
	page := string(readPage(t, migrations).source)
	for from, list := range all {
		_, rows, _ := strings.Cut(page, "## "+from+"\n")
		rows, _, _ = strings.Cut(rows, "\n## ")
		for _, e := range list {
			t.Run(fmt.Sprintf("%s/%s", from, e.Name), func(t *testing.T) {
				t.Parallel()
				got, log := e.perform(t, from, artifetchStep(e.With))
				if diff := cmp.Diff(e.Here, &got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("(-recorded +got)\n%s\n%s", diff, log)
				}
				e.checkRow(t, rows)
			})
		}
	}
}

// record writes what the examples give here anew.
func record(t *testing.T, all map[string][]*example) {
	t.Helper()
	for from, list := range all {
		for _, e := range list {
			got, _ := e.perform(t, from, artifetchStep(e.With))
			e.Here = &got
		}
	}
	text, err := yaml.Marshal(all)
	if err == nil {
		err = os.WriteFile(examplesFile, append([]byte(examplesHead), text...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const examplesHead = `# Steps that the documentation of other actions has. "here" is what they give here, written by
# go test ./internal/docs -run Examples -update; "there" is what the other action gives, where
# that differs: then docs/migrating.md has a row that begins with "row". "there" was read in the
# sources of both actions; internal/docs/official/run.sh proves it for GitHub's own action.
`

// checkRow checks that the page says what differs, if anything does.
func (e example) checkRow(t *testing.T, rows string) {
	t.Helper()
	switch {
	case e.There == nil && e.Row == "":
	case e.There == nil || e.Row == "" || !strings.Contains(rows, "\n| "+e.Row):
		t.Errorf("%s has no row %q", migrations, e.Row)
	case e.Here.Exit == e.There.Exit && cmp.Equal(e.Here.Files, e.There.Files, cmpopts.EquateEmpty()) && e.There.Outputs == nil:
		t.Error("it is the same here and there")
	}
}
