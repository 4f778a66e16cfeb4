package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/testdir"
)

// world is a simulator with octo/app, octo/lib, a fork, and runs with
// artifacts, whose ids are fixed.
type world struct {
	*githubsim.Sim
	app, lib  *githubsim.Repo
	artifacts map[int64]*githubsim.Artifact
	// now and pause replace the clock; nil is the real one, without pauses.
	now   func() time.Time
	pause func(context.Context, time.Duration) error
	// free replaces asking for the disk's room.
	free func() (int64, error)
	// logged is called with the log as it is written.
	logged func(text string)
}

// tee is a log that can be watched as it is written.
type tee struct {
	text   strings.Builder
	logged func(string)
}

func (b *tee) Write(p []byte) (int, error) {
	if b.logged != nil {
		b.logged(string(p))
	}
	return b.text.Write(p)
}

// files returns a zip of files: pairs are names and bodies, in turn. A zip of one or two
// small files is made once: each world has many of them, and making them anew would take most
// of its time.
func files(pairs ...string) githubsim.Blob {
	var list []githubsim.File
	size := 0
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, githubsim.File{Name: pairs[i], Body: pairs[i+1]})
		size += len(pairs[i+1])
	}
	if len(list) > 2 || size > 1000 {
		return githubsim.Zip(list...)
	}
	key := struct {
		n     int
		pairs [4]string
	}{n: len(list)}
	copy(key.pairs[:], pairs)
	made, _ := zips.LoadOrStore(key, sync.OnceValue(func() githubsim.Blob { return githubsim.Zip(list...) }))
	return made.(func() githubsim.Blob)()
}

var zips sync.Map // of names and bodies to the function that returns their zip

func newWorld(t *testing.T, opt githubsim.Options) *world {
	t.Helper()
	w := &world{Sim: githubsim.New(opt), artifacts: map[int64]*githubsim.Artifact{}}
	t.Cleanup(w.Close)
	w.app, w.lib = w.AddRepo("octo/app"), w.AddRepo("octo/lib")
	fork := w.AddFork("evil/app")
	w.AddPrivateRepo("octo/secret")
	for _, r := range []string{"octo/app", "octo/lib"} {
		w.AddToken("ghs_owner", r, githubsim.Write)
		w.AddToken("ghs_reader", r, githubsim.Read)
		w.AddToken("ghs_nothing", r, githubsim.None)
	}
	ci := w.app.AddWorkflow("CI", ".github/workflows/ci.yml")
	add := func(run *githubsim.Run, id int64, a githubsim.Artifact) {
		a.ID = id
		w.artifacts[id] = run.AddArtifact(a)
	}
	r1 := w.app.AddRun(githubsim.Run{ID: 1, Workflow: ci})
	add(r1, 11, githubsim.Artifact{Name: "dist", Blob: files("a.txt", "a1", "d/b.txt", "b1")})
	add(r1, 12, githubsim.Artifact{Name: "logs", Blob: files("a.txt", "log", "l.txt", "l1")})
	r2 := w.app.AddRun(githubsim.Run{ID: 2, Workflow: ci})
	add(r2, 21, githubsim.Artifact{Name: "dist", Blob: files("a.txt", "a2")})
	add(r2, 22, githubsim.Artifact{Name: "raw", Blob: githubsim.Bytes([]byte("raw bytes")), ContentType: "text/plain", ContentDisposition: `attachment; filename="../r.txt"`})
	add(r2, 23, githubsim.Artifact{Name: "old", Expired: true})
	add(r2, 24, githubsim.Artifact{Name: "evil", Blob: files("../evil", "x")})
	add(r2, 25, githubsim.Artifact{Name: "..", Blob: files("x", "x")})
	r3 := w.app.AddRun(githubsim.Run{ID: 3, Workflow: ci, HeadRepo: fork, Event: "pull_request", HeadBranch: "main"})
	add(r3, 31, githubsim.Artifact{Name: "dist", Blob: files("a.txt", "fork")})
	r4 := w.app.AddRun(githubsim.Run{ID: 4, Workflow: ci, Status: "in_progress"})
	add(r4, 41, githubsim.Artifact{Name: "fresh", Blob: files("f.txt", "fresh")})
	add(r4, 42, githubsim.Artifact{Name: "jar", Blob: files("X.class", "x"), ContentType: "application/java-archive", ContentDisposition: `attachment; filename="x.jar"`})
	r5 := w.lib.AddRun(githubsim.Run{ID: 5, Workflow: w.lib.AddWorkflow("Build", ".github/workflows/build.yml")})
	add(r5, 51, githubsim.Artifact{Name: "dist", Blob: files("a.txt", "lib")})
	return w
}

// finished is a step that has ended.
type finished struct {
	code    int
	log     string
	outputs map[string]string
	summary string
	files   map[string]string
}

// step runs a step with these inputs. Files in the form name=content are in
// the workspace before.
func (w *world) step(ctx context.Context, t *testing.T, env map[string]string, before ...string) finished {
	t.Helper()
	dir := testdir.InMemory(t)
	ws := filepath.Join(dir, "ws")
	for _, d := range []string{"ws", "temp", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range before {
		name, body, _ := strings.Cut(f, "=")
		p := filepath.Join(ws, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": w.APIURL, "GITHUB_REPOSITORY": "octo/app", "GITHUB_RUN_ID": "4",
		"GITHUB_WORKFLOW_REF": "octo/app/.github/workflows/ci.yml@refs/heads/main", "GITHUB_EVENT_NAME": "push", "GITHUB_WORKSPACE": ws,
		"RUNNER_TEMP": filepath.Join(dir, "temp"), "HOME": filepath.Join(dir, "home"),
		"GITHUB_OUTPUT": filepath.Join(dir, "out"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "sum"),
		"INPUT_GITHUB-TOKEN": "ghs_owner", "INPUT_REPOSITORY": "octo/app",
	}
	maps.Copy(all, env)
	if event := all["event"]; event != "" {
		all["GITHUB_EVENT_PATH"] = filepath.Join(dir, "event.json")
		if err := os.WriteFile(all["GITHUB_EVENT_PATH"], []byte(event), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pause := w.pause
	if pause == nil {
		pause = func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
	}
	log := tee{logged: w.logged}
	f := finished{outputs: map[string]string{}, files: map[string]string{}}
	f.code = Main(ctx, Env{
		Version: "test", Stdout: &log, Stderr: &log, Getwd: os.Getwd,
		Lookup:  func(k string) (string, bool) { v, ok := all[k]; return v, ok },
		Environ: func() []string { return nil },
		Policy:  httpx.Policy{MaxTries: 3, Sleep: pause},
		Now:     w.now,
		Free:    w.free,
		Proxy:   func(r *http.Request) (*url.URL, error) { return proxyFor(r, all) },
	})
	f.log = log.text.String()
	out, _ := actions.ReadFile(all["GITHUB_OUTPUT"], 1<<30) // a test may make it a pipe
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		f.outputs[k] = v
	}
	sum, _ := actions.ReadFile(all["GITHUB_STEP_SUMMARY"], 1<<30)
	f.summary = string(sum)
	err := filepath.WalkDir(ws, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if strings.Contains(d.Name(), ".artifetch") {
				t.Errorf("the stage %s was left behind", p)
			}
			return err
		}
		rel, _ := filepath.Rel(ws, p)
		f.files[rel], err = readText(p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readText reads a file. Steps may leave many megabytes, so it makes no second copy of them.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	info, err := f.Stat()
	if err == nil {
		b.Grow(int(info.Size()))
		_, err = io.Copy(&b, f)
	}
	return b.String(), errors.Join(err, f.Close())
}

func in(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		k := pairs[i]
		if strings.ToLower(k) == k && k != "event" {
			k = config.EnvName(k)
		}
		m[k] = pairs[i+1]
	}
	return m
}

// artifactOutput and runOutput are what tests look at of the elements of the outputs
// artifacts and runs.
type artifactOutput struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Digest     string     `json:"digest"`
	CreatedAt  *time.Time `json:"created_at"`
	Repository string     `json:"repository"`
	RunID      int64      `json:"run_id"`
}

type runOutput struct {
	RunID int64 `json:"run-id"`
}

// list is the files, sorted; archives are cut to their magic.
func (f finished) list() string {
	var all []string
	for name, body := range f.files {
		if strings.HasPrefix(body, "PK") {
			body = "PK"
		}
		all = append(all, name+"="+body)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// proxyFor is http.ProxyFromEnvironment for an environment of its own, without
// NO_PROXY. An empty variable means no proxy.
func proxyFor(r *http.Request, env map[string]string) (*url.URL, error) {
	proxy := env[strings.ToUpper(r.URL.Scheme)+"_PROXY"]
	if proxy == "" || r.URL.Hostname() == "127.0.0.1" {
		return nil, nil //nolint:nilnil // as net/http wants it
	}
	return url.Parse(proxy)
}

// declaredOutputs are the outputs of action.yml by name.
var declaredOutputs = sync.OnceValue(func() map[string]any {
	var action struct{ Outputs map[string]any }
	text, err := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	if err == nil {
		err = yaml.Unmarshal(text, &action)
	}
	if err != nil || len(action.Outputs) == 0 {
		panic(fmt.Sprint("the outputs of action.yml: ", len(action.Outputs), err))
	}
	return action.Outputs
})

// check checks what is true of every run.
func (f finished) check(t *testing.T) {
	t.Helper()
	for name := range declaredOutputs() {
		if _, ok := f.outputs[name]; !ok {
			t.Errorf("output %s is not set", name)
		}
	}
	if (f.outputs["error-message"] != "") != (f.code != 0) {
		t.Errorf("exit code %d, error-message %q", f.code, f.outputs["error-message"])
	}
	var artifacts []artifactOutput
	if err := json.Unmarshal([]byte(f.outputs["artifacts"]), &artifacts); err != nil || fmt.Sprint(len(artifacts)) != f.outputs["artifact-count"] {
		t.Errorf("artifacts: %d, %v", len(artifacts), err)
	}
	for _, a := range artifacts {
		if a.Digest == "" || a.ID == 0 || a.Repository == "" || a.CreatedAt == nil {
			t.Errorf("artifact %+v", a)
		}
	}
	if !strings.HasPrefix(f.summary, "### artifetch: ") {
		t.Errorf("the summary is %q", f.summary)
	}
	if regexp.MustCompile(`(?m)goroutine \d+|panic:`).MatchString(f.log) {
		t.Error("a stack trace")
	}
}
