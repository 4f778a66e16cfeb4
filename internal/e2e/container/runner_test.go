//go:build container

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/githubsim"
)

const (
	token      = "ghs_e2e0123456789"
	repository = "octo/app"
)

// timeout is for one run of the container.
const timeout = time.Minute

// step is a step of a job on a runner: its directories on the host, its
// environment, and the container. It does what ContainerActionHandler and
// DockerCommandManager of actions/runner do, except for the network: the
// simulator is on the host's 127.0.0.1. The Docker socket is left out, too;
// the action has no use for it.
type step struct {
	t         *testing.T
	name      string // of the container
	host      string // the runner's _work directory
	workspace string
	uid, gid  int // the runner's user, who owns all of these
	env       map[string]string
	old       bool     // a runner before 2.329.0: temp is neither mounted nor mapped
	docker    []string // more options of docker run
	args      []string // arguments of the program
}

// newStep lays out a job that uses the action with these inputs.
func newStep(t *testing.T, sim *githubsim.Sim, with map[string]string) *step {
	t.Helper()
	s := &step{t: t, name: fmt.Sprintf("artifetch-e2e-%d-%d", os.Getpid(), time.Now().UnixNano()), host: t.TempDir()}
	s.workspace = filepath.Join(s.host, "app", "app")
	s.uid, s.gid = os.Getuid(), os.Getgid()
	if s.uid == 0 {
		s.uid, s.gid = 1001, 127 // as on GitHub's machines
	}
	for _, dir := range []string{s.workspace, s.temp(""), s.temp("_github_home"), s.temp("_github_workflow"), s.temp("_runner_file_commands")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range fileCommands {
		s.write(s.temp("_runner_file_commands", name), "")
	}
	s.write(s.temp("_github_workflow", "event.json"), `{"repository":{"full_name":"`+repository+`"}}`)
	s.write(filepath.Join(s.workspace, "README.md"), "checked out\n")
	err := filepath.WalkDir(s.host, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, s.uid, s.gid))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.env = environment(sim, filepath.Join(s.host, "app"))
	maps.Copy(s.env, inputs(t, with))
	return s
}

// fileCommands are the files that a step gets for its commands, by the variable that
// names each, without GITHUB_.
var fileCommands = map[string]string{
	"OUTPUT": "set_output_1", "STEP_SUMMARY": "step_summary_1", "ENV": "set_env_1", "PATH": "add_path_1", "STATE": "save_state_1",
}

func environment(sim *githubsim.Sim, runnerWorkspace string) map[string]string {
	env := map[string]string{
		"CI": "true", "HOME": "/github/home", "GITHUB_ACTIONS": "true", "GITHUB_ACTION": "__self", "GITHUB_ACTOR": "octocat",
		"GITHUB_API_URL": sim.APIURL, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_WORKSPACE": "/github/workspace",
		"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/github/workflow/event.json", "GITHUB_REPOSITORY": repository,
		"GITHUB_REPOSITORY_OWNER": "octo", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch",
		"GITHUB_RUN_ID": "999999", "GITHUB_RUN_NUMBER": "77", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_SHA": strings.Repeat("1", 40),
		"GITHUB_JOB": "deploy", "GITHUB_WORKFLOW": "Deploy", "GITHUB_WORKFLOW_REF": repository + "/.github/workflows/deploy.yml@refs/heads/main",
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_NAME": "e2e", "RUNNER_ENVIRONMENT": "github-hosted",
		"RUNNER_TEMP": "/github/runner_temp", "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache", "RUNNER_WORKSPACE": runnerWorkspace,
	}
	for variable, name := range fileCommands {
		env["GITHUB_"+variable] = "/github/file_commands/" + name
	}
	return env
}

// action is what the runner reads from action.yml.
type action struct {
	Inputs map[string]struct {
		Default string `yaml:"default"`
	} `yaml:"inputs"`
	Outputs map[string]struct{} `yaml:"outputs"`
}

func readAction(t *testing.T) action {
	t.Helper()
	data, err := os.ReadFile("../../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// inputs returns the variables of all declared inputs: the value that the step gives,
// else the default, else empty.
func inputs(t *testing.T, with map[string]string) map[string]string {
	t.Helper()
	declared := readAction(t).Inputs
	env := map[string]string{}
	for name, in := range declared {
		value := strings.NewReplacer("${{ github.token }}", token, "${{ github.repository }}", repository).Replace(in.Default)
		if strings.Contains(value, "${{") {
			t.Fatalf("input %s: this test does not know the expression in %q", name, in.Default)
		}
		env[inputVariable(name)] = value
	}
	for name, value := range with {
		if _, ok := declared[name]; !ok {
			t.Fatalf("action.yml does not declare %s", name)
		}
		env[inputVariable(name)] = value
	}
	return env
}

func inputVariable(name string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
}

// temp is a path below the runner's directory for temporary files.
func (s *step) temp(elem ...string) string {
	return filepath.Join(append([]string{s.host, "_temp"}, elem...)...)
}

func (s *step) write(path, content string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// result is what a step leaves behind.
type result struct {
	code    int
	log     string
	outputs map[string]string
	summary string
}

// run starts the container and waits for it. If interrupt is not nil, run waits until
// it is closed and then sends the signal to the docker process, as the runner does when
// a job is cancelled.
func (s *step) run(interrupt <-chan struct{}, signal os.Signal) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), timeout)
	defer cancel()
	args := []string{"run", "--name", s.name, "--label", "artifetch-e2e", "--workdir", "/github/workspace", "--rm"}
	cmdEnv := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		args = append(args, "-e", name)
		cmdEnv = append(cmdEnv, name+"="+s.env[name])
	}
	if !s.old {
		args = append(args, "-v", s.temp()+":/github/runner_temp")
	}
	args = append(args,
		"-v", s.temp("_github_home")+":/github/home",
		"-v", s.temp("_github_workflow")+":/github/workflow",
		"-v", s.temp("_runner_file_commands")+":/github/file_commands",
		"-v", s.workspace+":/github/workspace",
		"--network", "host")
	args = append(args, start(s.docker, s.args)...)
	cmd := exec.CommandContext(ctx, *client, args...)
	cmd.Env = cmdEnv
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	// A client that had to be killed leaves the container behind.
	s.t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(ctx), *client, "rm", "--force", s.name).Run()
	})
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if interrupt != nil {
		select {
		case <-interrupt:
			_ = cmd.Process.Signal(signal) // if it has ended, the code tells
		case <-ctx.Done():
		}
	}
	err := cmd.Wait()
	s.t.Logf("log of the step:\n%s", log.String())
	if ctx.Err() != nil {
		s.t.Fatalf("the container did not end: %v", ctx.Err())
	}
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		s.t.Fatal(err)
	}
	return result{
		code: cmd.ProcessState.ExitCode(), log: log.String(),
		outputs: s.outputs(), summary: s.read(s.temp("_runner_file_commands", fileCommands["STEP_SUMMARY"])),
	}
}

func (s *step) read(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// outputs reads the file of set-output commands by the runner's rules:
// name=value or name<<delimiter, the last one of a name counts.
func (s *step) outputs() map[string]string {
	s.t.Helper()
	outputs := map[string]string{}
	lines := strings.Split(s.read(s.temp("_runner_file_commands", fileCommands["OUTPUT"])), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\r")
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if heredoc, delimiter, isHeredoc := strings.Cut(line, "<<"); isHeredoc && (!ok || len(heredoc) < len(name)) {
			end := slices.Index(lines[i+1:], delimiter)
			if end < 0 {
				s.t.Fatalf("output %s: no line %s", heredoc, delimiter)
			}
			name, value = heredoc, strings.Join(lines[i+1:i+1+end], "\n")
			i += end + 1
		} else if !ok {
			s.t.Fatalf("not an output: %q", line)
		}
		outputs[name] = value
	}
	return outputs
}

// tree lists what is below dir: a line each, with mode, size of files, and
// owner if it is not the runner's user.
func (s *step) tree(dir string) []string {
	s.t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		line := info.Mode().String() + " " + rel
		if info.Mode().IsRegular() {
			line += " " + strconv.FormatInt(info.Size(), 10)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != s.uid || int(st.Gid) != s.gid {
			line += fmt.Sprintf(" owner %d:%d", st.Uid, st.Gid)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return lines
}
