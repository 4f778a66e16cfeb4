package docs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/app"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/testdir"
	"github.com/artifetch/artifetch/internal/testmain"
)

// commandVar makes this test's executable the command artifetch.
const commandVar = "ARTIFETCH_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVar) != "" {
		os.Exit(app.Main(context.Background(), app.Env{
			Args: os.Args[1:], Version: "test", Lookup: os.LookupEnv, Environ: os.Environ, Getwd: os.Getwd, Stdout: os.Stdout, Stderr: os.Stderr, UID: os.Getuid(),
		}))
	}
	testmain.Run(m)
}

// variables returns the environment of a step.
func (m *machine) variables(p *place, sc scope) (map[string]string, error) {
	dir := p.jobRun.dir
	github := p.scope["github"].(map[string]any)
	files, err := os.MkdirTemp(filepath.Join(dir, "runner"), "step-")
	if err != nil {
		return nil, err
	}
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": m.api, "GITHUB_REPOSITORY": own, "GITHUB_RUN_ID": fmt.Sprint(p.run.ID),
		"GITHUB_WORKFLOW_REF": own + "/" + p.workflow.file + "@" + toText(github["ref"]), "GITHUB_EVENT_NAME": toText(github["event_name"]),
		"GITHUB_EVENT_PATH": p.eventFile, "GITHUB_WORKSPACE": filepath.Join(dir, "ws"), "RUNNER_TEMP": filepath.Join(dir, "temp"), "HOME": filepath.Join(dir, "home"),
		"GITHUB_OUTPUT": filepath.Join(files, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(files, "summary"),
	}
	own, _ := sc["env"].(map[string]any)
	for k, v := range own {
		env[k] = toText(v)
	}
	return env, errors.Join(os.WriteFile(env["GITHUB_OUTPUT"], nil, 0o600), os.WriteFile(env["GITHUB_STEP_SUMMARY"], nil, 0o600))
}

// artifetch runs a step of the action, in process.
func (m *machine) artifetch(ctx context.Context, p *place, inputs map[string]string, sc scope) (*stepRun, string, error) {
	declared, err := readAction()
	if err != nil {
		return nil, "", err
	}
	env, err := m.variables(p, sc)
	if err != nil {
		return nil, "", err
	}
	for name, in := range declared.Inputs {
		if env[inputVariable(name)], err = sc.fill(in.Default); err != nil {
			return nil, "", err
		}
	}
	for name, v := range inputs {
		if _, ok := declared.Inputs[name]; !ok {
			return nil, "", fmt.Errorf("action.yml declares no input %s", name)
		}
		env[inputVariable(name)] = strings.TrimSpace(v) // as toolkits do
	}
	var log bytes.Buffer
	code := app.Main(ctx, app.Env{
		Version: "test", Stdout: &log, Stderr: &log, Getwd: os.Getwd,
		Lookup:  func(k string) (string, bool) { v, ok := env[k]; return v, ok },
		Environ: func() []string { return nil },
		Policy:  httpx.Policy{MaxTries: 3, Sleep: m.clock.pause}, Now: m.clock.Now, Free: m.free,
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }, //nolint:nilnil // none
	})
	outputs, err := readOutputs(env["GITHUB_OUTPUT"])
	for name := range declared.Outputs {
		if _, ok := outputs[name]; !ok && err == nil {
			err = fmt.Errorf("the output %s was not set", name)
		}
	}
	return &stepRun{ok: code == 0, outputs: outputs}, log.String(), err
}

// inputVariable returns the variable that the runner sets for an input.
func inputVariable(name string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
}

// readOutputs reads a step's file of outputs: lines name=value, and values of several lines
// between name<<delimiter and the delimiter.
func readOutputs(name string) (map[string]any, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	outputs := map[string]any{}
	for rest := string(text); rest != ""; {
		line, after, _ := strings.Cut(rest, "\n")
		rest = after
		if k, v, ok := strings.Cut(line, "="); ok && !strings.Contains(k, "<<") {
			outputs[k] = v
			continue
		}
		k, delimiter, ok := strings.Cut(line, "<<")
		v, after, ended := strings.Cut("\n"+rest, "\n"+delimiter+"\n")
		if !ok || !ended {
			return nil, fmt.Errorf("%q is no output", line)
		}
		outputs[k], rest = strings.TrimPrefix(v, "\n"), after
	}
	return outputs, nil
}

// script runs the script of a step with bash, as the runner does.
func (m *machine) script(ctx context.Context, p *place, s *step, sc scope) (*stepRun, string, error) {
	text, err := sc.fill(s.Run)
	if err != nil {
		return nil, "", err
	}
	env, err := m.variables(p, sc)
	if err != nil {
		return nil, "", err
	}
	bin, err := m.bin()
	if err != nil {
		return nil, "", err
	}
	env["PATH"] = bin + ":" + os.Getenv("PATH")
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text)
	cmd.Dir = env["GITHUB_WORKSPACE"]
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	log, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return nil, "", err
	}
	outputs, readErr := readOutputs(env["GITHUB_OUTPUT"])
	return &stepRun{ok: err == nil, outputs: outputs}, string(log), readErr
}

// checkOut does what actions/checkout does.
func (m *machine) checkOut(p *place) (*stepRun, string, error) {
	granted := p.workflow.Permissions
	if p.job.Permissions != nil {
		granted = p.job.Permissions
	}
	if granted["contents"] != "read" {
		return nil, "", errors.New("actions/checkout needs contents: read")
	}
	return &stepRun{ok: true}, "", writeFiles(filepath.Join(p.jobRun.dir, "ws"), m.checkout)
}

// writeFiles writes files below a directory. Those whose names end in .sh can be executed.
func writeFiles(dir string, files map[string]string) error {
	for name, body := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		var err error
		if strings.HasSuffix(name, ".sh") {
			err = testdir.WriteProgram(file, strings.NewReader(body))
		} else {
			err = os.WriteFile(file, []byte(body), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// upload does what actions/upload-artifact does with one file or directory: it makes a zip
// that has no permissions and no symlinks.
func (m *machine) upload(p *place, inputs map[string]string) (*stepRun, string, error) {
	from := filepath.Join(p.jobRun.dir, "ws", filepath.FromSlash(inputs["path"]))
	if filepath.IsAbs(inputs["path"]) {
		from = inputs["path"]
	}
	info, err := os.Stat(from)
	if err != nil {
		return nil, "", err
	}
	top := from
	if !info.IsDir() {
		top = filepath.Dir(from)
	}
	var files []githubsim.File
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		files = append(files, githubsim.File{Name: filepath.ToSlash(rel), Body: string(body)})
		return err
	})
	if err != nil {
		return nil, "", err
	}
	a := p.run.AddArtifact(githubsim.Artifact{Name: cmp.Or(inputs["name"], "artifact"), Blob: githubsim.Zip(files...), CreatedAt: m.clock.Now()})
	return &stepRun{ok: true, outputs: map[string]any{
		"artifact-id": fmt.Sprint(a.ID), "artifact-digest": strings.TrimPrefix(a.Digest, "sha256:"),
		"artifact-url": fmt.Sprintf("https://github.com/%s/actions/runs/%d/artifacts/%d", own, p.run.ID, a.ID),
	}}, "", nil
}

// collect notes the files of a job that has ended.
func (m *machine) collect(r *jobRun) error {
	r.files = map[string]string{}
	for sub, prefix := range map[string]string{"ws": "", "temp": "$TEMP/", "home": "~/"} {
		top := filepath.Join(r.dir, sub)
		err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(top, name)
			if err != nil {
				return err
			}
			label := prefix + filepath.ToSlash(rel)
			if d.Type()&fs.ModeSymlink != 0 {
				r.files[label+"@"], err = os.Readlink(name)
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			body, err := os.ReadFile(name)
			if before, ok := m.checkout[label]; err != nil || ok && before == string(body) {
				return err
			}
			if info.Mode()&0o111 != 0 {
				label += "*"
			}
			r.files[label] = string(body)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// toJSON marshals what is known to be JSON.
func toJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
