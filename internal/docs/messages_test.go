package docs

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/testdir"
)

// single runs the workflow ci.yml with one step, and returns its job.
func (m *machine) single(tr trigger, s *step) (*jobRun, error) {
	wf := &workflow{file: ".github/workflows/ci.yml", Permissions: map[string]string{"actions": "write"}, Jobs: map[string]*job{"job": {Steps: []*step{s}}}}
	if _, err := m.run(context.Background(), wf, tr); err != nil {
		return nil, err
	}
	return m.jobs[len(m.jobs)-1], nil
}

// artifetchStep returns a step of artifetch, whose id is "it".
func artifetchStep(inputs map[string]string) *step {
	with := map[string]yaml.Node{}
	for name, v := range inputs {
		with[name] = yaml.Node{Kind: yaml.ScalarNode, Value: v}
	}
	return &step{ID: "it", Uses: "OWNER/artifetch@v1", With: with}
}

// situation is a world in which a step prints a message.
type situation struct {
	arrange func(t *testing.T, m *machine)
	trigger trigger
	inputs  map[string]string
}

// in makes a map of pairs.
func in(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// has arranges a run of ci.yml with an artifact dist.
func has(blob githubsim.Blob) func(*testing.T, *machine) {
	return func(_ *testing.T, m *machine) { m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist", blob) }
}

// fault arranges a run of ci.yml with an artifact dist, and a fault.
func fault(f githubsim.Fault) func(*testing.T, *machine) {
	return func(t *testing.T, m *machine) {
		t.Helper()
		has(zip("a", "a"))(t, m)
		f.Times = -1
		m.Fault(f)
	}
}

// hasDist gives the current run an artifact dist.
func hasDist(run *githubsim.Run) { run.AddArtifact(githubsim.Artifact{Name: "dist"}) }

var dist = in("workflow", "ci.yml", "name", "dist")

func distAnd(pairs ...string) map[string]string {
	return in(append([]string{"workflow", "ci.yml", "name", "dist"}, pairs...)...)
}

// situations are the situations of docs/troubleshooting.md, by the messages that are its
// headings.
var situations = map[string]situation{
	"Resource not accessible by integration": {fault(githubsim.Fault{Host: githubsim.API, Path: "/repos/octo/app/actions/*", Status: 403, Message: "Resource not accessible by integration"}), trigger{}, dist},
	"GitHub answered 404 Not Found":          {nil, trigger{}, in("repository", "octo/none", "name", "dist")},
	"GitHub answered 401 Unauthorized":       {has(zip("a", "a")), trigger{}, distAnd("github-token", "wrong")},
	"the rate limit is used up until …":      {fault(githubsim.Fault{Host: githubsim.API, PrimaryLimit: time.Hour}), trigger{}, dist},
	"the secondary rate limit is exceeded":   {fault(githubsim.Fault{Host: githubsim.API, SecondaryLimit: time.Hour}), trigger{}, dist},
	"it was there (artifact …), but expired on …": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist", githubsim.Artifact{Expired: true})
	}, trigger{}, dist},
	"… not found in …": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist-linux", zip("a", "a"))
	}, trigger{}, dist},
	"its conclusion is …, not …": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{Conclusion: "failure"}, "dist", zip("a", "a"))
	}, trigger{}, dist},
	"The current run has it: add run-id: current": {func(_ *testing.T, m *machine) { m.uploads = hasDist }, trigger{}, in("name", "dist")},
	"the current run (…) also has what was asked for": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist", zip("a", "a"))
		m.uploads = hasDist
	}, trigger{}, in("name", "dist")},
	"whoever opened the pull request decided what its artifacts hold": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{ID: 5, HeadRepo: m.AddFork("mallory/app")}, "dist", zip("a", "a"))
	}, trigger{}, in("run-id", "5")},
	"accepted: …": {nil, trigger{}, in("run-id", "abc", "conclusion", "succes")},
	"the triggering run … comes from the fork …": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{ID: 5, HeadRepo: m.AddFork("mallory/app")}, "dist", zip("a", "a"))
	},
		trigger{event: "workflow_run", payload: map[string]any{"workflow_run": map[string]any{"id": 5}}}, in("name", "dist")},
	"comes from a repository that the server does not name": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{ID: 5, Event: "pull_request", Lacks: []string{"head_repository"}}, "dist", zip("a", "a"))
	},
		trigger{event: "workflow_run", payload: map[string]any{"workflow_run": map[string]any{"id": 5}}}, in("name", "dist")},
	"its SHA-256 is …, but the server has …": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist", githubsim.Artifact{Digest: "sha256:" + strings.Repeat("0", 64)})
	}, trigger{}, dist},
	"not the SHA-256 expected": {has(zip("a", "a")), trigger{}, distAnd("expect-digest", strings.Repeat("0", 64))},
	"expect-digest is empty":   {has(zip("a", "a")), trigger{}, distAnd("expect-digest", "")},
	"the storage's answer is no archive and has no file name": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "dist", githubsim.Artifact{NoDigest: true, Blob: githubsim.Bytes([]byte("<html>")), ContentType: "text/html"})
	}, trigger{}, dist},
	"refused: entry …": {has(zip("../a", "a")), trigger{}, dist},
	`would be written into ".git", which is Git's own`: {func(t *testing.T, m *machine) {
		t.Helper()
		has(zip(".git/config", "x"))(t, m)
		m.before = in(".git/config", "y")
	}, trigger{}, dist},
	"and the limit is …": {has(zip("a", "aaaaaaaaaaa")), trigger{}, distAnd("max-size", "5B")},
	"is already there":   {func(t *testing.T, m *machine) { t.Helper(); has(zip("a", "x"))(t, m); m.before = in("a", "y") }, trigger{}, distAnd("if-exists", "fail")},
	"needs … or more, but its disk has only … free": {func(t *testing.T, m *machine) {
		t.Helper()
		has(zip("a", strings.Repeat("x", 1<<20)))(t, m)
		m.free = func() (int64, error) { return 1000, nil }
	}, trigger{}, dist},
	"lies outside of the directories a step may write to":                  {nil, trigger{}, in("path", "/opt/x", "name", "dist")},
	"… takes no connections":                                               {func(_ *testing.T, m *machine) { m.api = "https://127.0.0.1:1" }, trigger{}, dist},
	"No certificate authority that is trusted here issued the certificate": {func(t *testing.T, m *machine) { t.Helper(); m.secure(t) }, trigger{}, dist},
	"GitHub or the network is in trouble":                                  {fault(githubsim.Fault{Host: githubsim.API, Status: 502, Message: "Bad Gateway"}), trigger{}, dist},
	"The storage kept breaking off":                                        {fault(githubsim.Fault{Host: githubsim.Storage, Cut: 20}), trigger{}, dist},
	"A newer run may fit": {func(_ *testing.T, m *machine) {
		for i := range 700 { // the list by conclusion is narrowed, and nothing bears it out
			run := githubsim.Run{}
			if i == 0 {
				run.Conclusion = "failure"
			}
			m.past(time.Duration(800-i)*time.Minute, "ci.yml", run, "dist", githubsim.Bytes(nil))
		}
	}, trigger{}, distAnd("conclusion", "failure", "dry-run", "true")},
	"no file of the … matches files": {has(zip("bin/app", "a")), trigger{}, distAnd("files", "bin/ap")},
	"have the same name": {func(_ *testing.T, m *machine) {
		m.past(time.Hour, "ci.yml", githubsim.Run{}, "a", githubsim.Artifact{ID: 71}, "a", githubsim.Artifact{ID: 72})
	}, trigger{}, in("artifact-ids", "71,72")},
	"pr is empty": {has(zip("a", "a")), trigger{}, distAnd("pr", "", "allow-forks", "true")},
	"… was given, but is empty, so it is ignored":                          {has(zip("a", "a")), trigger{}, distAnd("commit", "")},
	"the files are in place, but artifacts could not be deleted on GitHub": {fault(githubsim.Fault{Host: githubsim.API, Method: "DELETE", Status: 403, Message: "Resource not accessible by integration"}), trigger{}, distAnd("delete", "true")},
	"github-token is empty":                                                {nil, trigger{}, distAnd("github-token", "")},
}

// TestTroubleshooting produces every message that the page explains.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for _, s := range readPage(t, "docs/troubleshooting.md").sections() {
		if s.level == 3 {
			explained[s.title] = true
		}
	}
	for message := range situations {
		if !explained[message] {
			t.Errorf("the page does not explain %q", message)
		}
	}
	for message := range explained {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			s, ok := situations[message]
			if !ok {
				t.Fatal("the message has no test")
			}
			m := &machine{world: newWorld(t, githubsim.Options{}), dir: testdir.InMemory(t)}
			if s.arrange != nil {
				s.arrange(t, m)
			}
			j, err := m.single(s.trigger, artifetchStep(s.inputs))
			if err != nil {
				t.Fatal(err)
			}
			if !messageLike(message).MatchString(j.log.String()) {
				t.Errorf("the step does not say so:\n%s", j.log.String())
			}
		})
	}
}

// messageLike matches lines that have a message, in which … stands for any text.
func messageLike(message string) *regexp.Regexp {
	parts := strings.Split(message, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(strings.Join(parts, ".+"))
}
