package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// A mistake in what the runner says matters only if the inputs need it.
func TestUnreadableEvent(t *testing.T) {
	t.Parallel()
	none := in("GITHUB_EVENT_NAME", "workflow_run", "GITHUB_EVENT_PATH", "/no/such/event")
	with := func(more ...string) map[string]string {
		m := in(more...)
		for k, v := range none {
			m[k] = v
		}
		return m
	}
	for name, tt := range map[string]struct {
		in   map[string]string
		want string // part of the log where it fails
	}{
		"the triggering run":   {with("name", "dist"), "the event that triggered this run (GITHUB_EVENT_PATH): open /no/such/event"},
		"by run":               {with("run-id", "1", "name", "dist"), ""},
		"by artifact":          {with("artifact-ids", "11"), ""},
		"the current run":      {with("run-id", "current", "name", "fresh"), ""},
		"a search":             {with("name", "dist", "branch", "main"), ""},
		"another repository":   {with("repository", "octo/lib", "name", "dist"), ""},
		"both repositories":    {with("repository", "octo/lib\nocto/app", "name", "dist"), "the event that triggered"},
		"a stray run id":       {in("GITHUB_RUN_ID", "x", "run-id", "1", "name", "dist"), ""},
		"a stray id, searches": {in("GITHUB_RUN_ID", "x", "name", "dist"), `GITHUB_RUN_ID is "x", which is not the id of a run`},
		"a stray id, current":  {in("GITHUB_RUN_ID", "x", "run-id", "current"), `GITHUB_RUN_ID is "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newWorld(t, githubsim.Options{}).step(t.Context(), t, tt.in)
			if (got.code != 0) != (tt.want != "") || !strings.Contains(got.log, tt.want) {
				t.Errorf("code %d\n%s", got.code, got.log)
			}
		})
	}
}

// command runs the command with arguments and an environment.
func (w *world) command(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	var out, log bytes.Buffer
	all := map[string]string{"GITHUB_TOKEN": "ghs_owner", "GITHUB_API_URL": w.APIURL, "HOME": dir}
	for k, v := range env {
		all[k] = v
	}
	code = Main(t.Context(), Env{
		Args: args, Version: "1.2.3", Stdout: &out, Stderr: &log,
		Lookup:  func(k string) (string, bool) { v, ok := all[k]; return v, ok },
		Environ: func() []string { return nil }, Getwd: func() (string, error) { return dir, nil },
		Policy: httpx.Policy{MaxTries: 3, Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }},
	})
	return code, out.String(), log.String()
}

// The command ignores the run that it may be called in, unless that run is asked for.
func TestCommandWithinARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	stray := map[string]string{"GITHUB_RUN_ID": "x", "GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": "/no/such/event"}
	if code, _, log := w.command(t, stray, "--repository", "octo/app", "--name", "dist"); code != 0 {
		t.Errorf("code %d\n%s", code, log)
	}
	for _, args := range []string{"--repository octo/app --run-id current --name fresh", "--current-first --name fresh"} {
		run := map[string]string{"GITHUB_RUN_ID": "4", "GITHUB_REPOSITORY": "octo/app"}
		if code, out, log := w.command(t, run, strings.Fields(args)...); code != 0 || !strings.Contains(out, "run-id=4\n") {
			t.Errorf("%s: code %d\n%s\n%s", args, code, out, log)
		}
	}
}

// A token is nowhere in the log or the outputs, even if a name contains it.
func TestTokenInForeignText(t *testing.T) {
	t.Parallel()
	const token = "ghs_owner"
	w := newWorld(t, githubsim.Options{})
	run := w.app.AddRun(githubsim.Run{ID: 77, Workflow: w.app.AddWorkflow("w "+token, ".github/workflows/e.yml"), HeadBranch: "b-" + token, Event: "e-" + token})
	run.AddArtifact(githubsim.Artifact{ID: 771, Name: "a-" + token, Blob: files("f-"+token, "x")})
	w.Fault(githubsim.Fault{Host: githubsim.API, Path: "/repos/octo/app/actions/runs/78", Status: 500, Times: -1, Body: `{"message":"no ` + token + `"}`})
	for name, inputs := range map[string]map[string]string{
		"fetched": in("run-id", "77"), "dry run": in("run-id", "77", "dry-run", "true", "files", "*"), "a path": in("run-id", "77", "path", "p-"+token),
		"nothing": in("run-id", "77", "name", "x"), "failed": in("run-id", "78"), "wrong": in("repository", token), "wrong path": in("path", "/"+token),
	} {
		got := w.step(t.Context(), t, inputs)
		log := strings.Replace(got.log, "::add-mask::"+token, "", 1)
		for k, v := range got.outputs {
			if strings.Contains(v, token) {
				t.Errorf("%s: output %s is %s", name, k, v)
			}
		}
		if strings.Contains(log+got.summary, token) {
			t.Errorf("%s: %s\n%s", name, log, got.summary)
		}
	}
	for _, args := range [][]string{
		{"--repository", "octo/app", "--run-id", "77"}, {"--repository", "octo/app", "--run-id", "77", "--json"}, {"--repository", "octo/app", "--run-id", "78", "--json"},
		{"--repository", token}, {token}, {"--path", "/" + token, "--repository", "octo/app"},
	} {
		_, out, log := w.command(t, nil, args...)
		if strings.Contains(out+log, token) {
			t.Errorf("%q: %s\n%s", args, out, log)
		}
		var object map[string]any
		if args[len(args)-1] == "--json" && json.Unmarshal([]byte(out), &object) != nil {
			t.Errorf("%q: %s", args, out)
		}
	}
}

// What the runner's files cannot take is said once, with what to do. Without outputs the
// step fails, before anything is written unless only the write itself fails; without a
// summary it warns.
func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	readOnly := filepath.Join(dir, "read-only")
	if err := os.WriteFile(readOnly, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"a directory": dir, "not there": filepath.Join(dir, "no", "such"), "below a file": filepath.Join(readOnly, "out"), "full": "/dev/full"}
	if f, err := os.OpenFile(readOnly, os.O_WRONLY, 0); err != nil { // root may write to it
		places["read-only"] = readOnly
	} else {
		_ = f.Close()
	}
	for name, at := range places {
		if _, err := os.Stat(at); name == "full" && err != nil {
			continue // it is Linux's
		}
		for _, files := range [][]string{{"GITHUB_OUTPUT"}, {"GITHUB_STEP_SUMMARY"}, {"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"}} {
			inputs := in("name", "dist")
			for _, file := range files {
				inputs[file] = at
			}
			code, kind, list, place := 0, "::warning::", "a.txt=a2", "; the files are in place"
			if files[0] == "GITHUB_OUTPUT" {
				code, kind = 1, "::error::"
				if name != "full" {
					list, place = "", ""
				}
			}
			got := newWorld(t, githubsim.Options{}).step(t.Context(), t, inputs)
			for _, want := range []string{kind + "the file of " + files[0] + ": ", "The runner sets " + strings.Join(files, " and ") + ", and", place + "\n"} {
				if n := strings.Count(got.log, "::error::"); got.code != code || n != code || got.list() != list || strings.Count(got.log, want) < 1 {
					t.Errorf("%s, %s: code %d, %d errors, files %q, want %q\n%s", name, files, got.code, n, got.list(), want, got.log)
				}
			}
			if n := strings.Count(got.log, "The runner sets"); n != 1 {
				t.Errorf("%s, %s: said %d times\n%s", name, files, n, got.log)
			}
			if wrote := got.outputs["found"] == "true"; wrote != (files[0] != "GITHUB_OUTPUT") {
				t.Errorf("%s, %s: outputs %v", name, files, got.outputs)
			}
			if wrote := strings.Contains(got.summary, "artifetch"); wrote != (len(files) == 1 && files[0] == "GITHUB_OUTPUT") {
				t.Errorf("%s, %s: summary %s", name, files, got.summary)
			}
		}
	}
	got := newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "dist", "GITHUB_OUTPUT", "", "GITHUB_STEP_SUMMARY", ""))
	if got.code != 0 || got.list() != "a.txt=a2" {
		t.Errorf("not set, as outside of a runner: code %d\n%s", got.code, got.log)
	}
	got = newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "no-such", "GITHUB_OUTPUT", dir))
	if got.code != 1 || strings.Contains(got.log, "no-such\" ") || strings.Count(got.log, "::error::") != 1 {
		t.Errorf("nothing is searched: code %d\n%s", got.code, got.log)
	}
}

// Long lists in inputs make no long messages.
func TestLongListOfFiles(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&list, "no/such/%d\n", i)
	}
	got := newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "dist", "files", list.String()))
	if want := `"no/such/19" and 7,980 more; artifact`; got.code != 1 || !strings.Contains(got.outputs["error-message"], want) {
		t.Errorf("code %d\n%.1000s", got.code, got.log)
	}
}

// A directory's name, a slash at the end and a ./ in front choose what is below.
func TestFilesOfADirectory(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"d", "d/", "./d/**", "./d", "{d,e}", "d/{b..c}.txt"} {
		got := newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "dist", "run-id", "1", "files", pattern))
		if got.list() != "d/b.txt=b1" {
			t.Errorf("%s: %q\n%s", pattern, got.list(), got.log)
		}
	}
	for _, pattern := range []string{"*", "!d/"} {
		got := newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "dist", "run-id", "1", "files", pattern))
		if got.list() != "a.txt=a1" {
			t.Errorf("%s: %q\n%s", pattern, got.list(), got.log)
		}
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	got := newWorld(t, githubsim.Options{}).step(t.Context(), t, in("name", "dist", "path", strings.Repeat("p/", 2040)))
	if got.code != 1 || got.list() != "" || !strings.Contains(got.log, "is an absolute path of 4") || !strings.Contains(got.log, "other steps can open at most 4031") {
		t.Errorf("code %d, %s\n%s", got.code, got.list(), got.log)
	}
}
