package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/process"
)

// mistake is a situation in which a person at a terminal needs advice.
type mistake struct {
	args   string
	env    map[string]string
	before []string // files that exist, as name=content, or a read-only directory, as name/
	faults []githubsim.Fault
	code   int
	gone   bool // the reader of stdout has gone
	full   bool // stdout is a file on a full disk
}

// mistakes are the situations of TestCommandMessages, by the names of their files.
var mistakes = map[string]mistake{
	"no-repository":      {args: "-n dist", code: exitUsage},
	"remote-elsewhere":   {args: "-n dist", env: in("GITHUB_API_URL", ""), before: []string{"git.txt=origin\thttps://gitlab.com/octo/app.git (fetch)\n"}, code: exitUsage},
	"no-token":           {args: "-R octo/app -n dist", env: in("GITHUB_TOKEN", ""), code: exitUsage},
	"no-token-of-server": {args: "-R https://ghe.example/octo/app -n dist", env: in("GITHUB_API_URL", ""), code: exitUsage},
	"nothing-at-all":     {env: in("GITHUB_TOKEN", "", "GITHUB_API_URL", ""), code: exitUsage},
	"wrong-token":        {args: "-R octo/app -n dist", env: in("GITHUB_TOKEN", "ghs_other"), code: exitFailure},
	"no-permission":      {args: "-R octo/app -n dist", env: in("GITHUB_TOKEN", "ghs_nothing"), code: exitFailure},
	"deletion-forbidden": {args: "-R octo/twins -n dist -D out --delete", code: exitFailure},
	"wrong-repository":   {args: "-R octo/nope -n dist", code: exitFailure},
	"rate-limit": {args: "-R octo/app 4711", code: exitFailure,
		faults: []githubsim.Fault{{Host: githubsim.API, Times: -1, PrimaryLimit: time.Hour}}},
	"no-connection":   {args: "-R octo/app 4711", env: in("GITHUB_API_URL", "http://127.0.0.1:1"), code: exitFailure},
	"storage-refuses": {args: "-R octo/app -n dist", code: exitFailure, faults: []githubsim.Fault{{Host: githubsim.Storage, Times: -1, Status: 403}}},

	"unknown-flag":         {args: "--nmae dist", code: exitUsage},
	"unknown-verb":         {args: "lits -R octo/app", code: exitUsage},
	"wrong-value":          {args: "-R octo/app --max-size 5potatoes --if-exists replace", code: exitUsage},
	"a-value-for-a-switch": {args: "-R octo/app --delete false", code: exitUsage},
	"commit-of-a-branch":   {args: "-R octo/app --commit refs/heads/main", code: exitUsage},
	"run-and-branch":       {args: "-R octo/app 4711 --branch main", code: exitUsage},
	"flag-of-a-fetch":      {args: "ls -R octo/app -n dist --path out", code: exitUsage},
	"stdout-full":          {args: "list -R octo/app", full: true, code: exitFailure},
	"diff-of-one-run":      {args: "diff 4711 -R octo/app", code: exitUsage},
	"output-of-no-step":    {args: "-R octo/app -n dist --github-output", code: exitUsage},

	"name-misspelt":          {args: "-R octo/app -n dits", code: exitNotFound},
	"no-such-run":            {args: "-R octo/app 4799", code: exitNotFound},
	"no-such-branch":         {args: "-R octo/app -n dist --branch mian", code: exitNotFound},
	"no-such-commit":         {args: "-R octo/app -n dist --commit 0123456789", code: exitNotFound},
	"no-such-workflow":       {args: "-R octo/app -n dist --workflow cj.yml", code: exitNotFound},
	"another-workflow":       {args: "-R octo/twins -n dist --workflow b.yml", code: exitNotFound},
	"another-conclusion":     {args: "-R octo/app -n dist --conclusion failure", code: exitNotFound},
	"only-a-fork-has-it":     {args: "-R octo/twins -n forked", code: exitNotFound},
	"expired":                {args: "-R octo/twins -n old", code: exitNotFound},
	"several-workflows":      {args: "-R octo/twins -n dist --workflow CI", code: exitFailure},
	"several-files":          {args: "cat index.html -R octo/app --runs 2 -n dist", code: exitFailure},
	"no-such-file":           {args: "cat indx.html -R octo/app -n dist", code: exitNotFound},
	"exists-already":         {args: "-R octo/app -n dist --if-exists fail", before: []string{"index.html=mine"}, code: exitFailure},
	"hostile-archive":        {args: "-R octo/twins -n evil", code: exitFailure},
	"reader-gone":            {args: "ls -R octo/app 4711", gone: true, code: exitInterrupted},
	"directory-is-a-file":    {args: "-R octo/app -n dist -D out", before: []string{"out=x"}, code: exitFailure},
	"directory-not-writable": {args: "-R octo/app -n dist -D out", before: []string{"out/"}, code: exitFailure},
}

// TestCommandMessages compares what a person at a terminal sees in each of these
// situations with a file a situation. Read the files.
func TestCommandMessages(t *testing.T) {
	t.Parallel()
	stepTalk := regexp.MustCompile(`permissions:|the step (runs )?again|the job|github-token`)
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "directory-not-writable" && os.Getuid() == 0 {
				t.Skip("root may write everywhere; TestCommandMessagesAsNobody runs this")
			}
			said, code := m.run(t)
			if code != m.code {
				t.Errorf("exit code %d", code)
			}
			if word := stepTalk.FindString(said); word != "" {
				t.Errorf("a person hears of %q", word)
			}
			if strings.Count(said, "error: ") > 1 && m.code != exitUsage || doubled.MatchString(said) {
				t.Error("it says a thing twice")
			}
			golden(t, filepath.Join("messages", "command", name+".txt"), fmt.Sprintf("$ artifetch %s\n%s(exit code %d)", m.args, said, code))
		})
	}
	files, err := filepath.Glob("testdata/messages/command/*.txt")
	for _, f := range files {
		if _, ok := mistakes[strings.TrimSuffix(filepath.Base(f), ".txt")]; !ok {
			t.Errorf("%s is of no situation", f)
		}
	}
	if err != nil || len(files) == 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// run runs the command on a terminal, and returns what it says.
func (m mistake) run(t *testing.T) (said string, code int) {
	t.Helper()
	sim := scriptWorld()
	t.Cleanup(sim.Close)
	addTwins(sim)
	for _, f := range m.faults {
		sim.Fault(f)
	}
	dir := t.TempDir()
	for _, f := range m.before {
		var err error
		if name, content, isFile := strings.Cut(f, "="); isFile {
			err = os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
		} else {
			err = os.Mkdir(filepath.Join(dir, name), 0o500)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"GITHUB_API_URL": sim.APIURL, "GITHUB_TOKEN": "ghs_owner", "HOME": dir, "NO_COLOR": "1"}
	for k, v := range m.env {
		vars[k] = v
	}
	env := scriptEnv(dir, func(k string) (string, bool) { v, ok := vars[k]; return v, ok && v != "" })
	var screen bytes.Buffer
	env.Args, env.Stderr, env.Columns, env.OutColumns = strings.Fields(m.args), &screen, func() int { return 80 }, func() int { return 80 }
	env.Policy = httpx.Policy{MaxTries: 2, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	env.Stdout = io.Writer(&screen)
	if m.gone {
		r, w, err := os.Pipe()
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close() })
		env.Stdout = process.Pipe{Writer: w, Broken: cancel}
	}
	if m.full {
		env.Stdout = fullDisk{}
	}
	code = Main(ctx, env)
	return changing.ReplaceAllString(retries.ReplaceAllString(screen.String(), ""), "[…]"), code
}

// retries are the lines about requests that are sent again: of requests side by side, how
// many are is a matter of chance.
var retries = regexp.MustCompile(`.*; next try in .*\n`)

// fullDisk is a file on a full disk.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// addTwins adds octo/twins, which has two workflows of one name, and runs that are not to
// be taken.
func addTwins(sim *githubsim.Sim) {
	twins := sim.AddRepo("octo/twins")
	sim.AddToken("ghs_owner", "octo/twins", githubsim.Read)
	a, b := twins.AddWorkflow("CI", ".github/workflows/a.yml"), twins.AddWorkflow("CI", ".github/workflows/b.yml")
	at := func(d time.Duration) time.Time { return scripted.Add(-d) }
	add := func(r githubsim.Run, artifacts ...githubsim.Artifact) {
		run := twins.AddRun(r)
		for _, one := range artifacts {
			run.AddArtifact(one)
		}
	}
	add(githubsim.Run{ID: 7001, Workflow: a, CreatedAt: at(30 * time.Hour)},
		githubsim.Artifact{ID: 701, Name: "dist", Blob: files("a", "a")}, githubsim.Artifact{ID: 702, Name: "old", Expired: true},
		githubsim.Artifact{ID: 703, Name: "evil", Blob: files("../evil", "x")})
	add(githubsim.Run{ID: 7002, Workflow: b, CreatedAt: at(20 * time.Hour)}, githubsim.Artifact{ID: 711, Name: "logs", Blob: files("l", "l")})
	add(githubsim.Run{ID: 7003, Workflow: a, CreatedAt: at(10 * time.Hour), HeadRepo: sim.AddRepo("evil/twins"), Event: "pull_request"},
		githubsim.Artifact{ID: 721, Name: "forked", Blob: files("f", "f")})
	add(githubsim.Run{ID: 7004, Workflow: a, CreatedAt: at(time.Minute), Status: "in_progress"})
}
