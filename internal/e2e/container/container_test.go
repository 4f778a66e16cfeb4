//go:build container

// Package container checks the built image from outside: its contents, and that it
// works when it is started as the runner starts it. run.sh builds the image and names
// it in the flags.
package container

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/githubsim"
)

var (
	client      = flag.String("docker", "docker", "the Docker client")
	image       = flag.String("image", "", "the image to check")
	wantVersion = flag.String("want-version", "", "the version it was built with")
	released    = flag.Bool("released", false, "the image is a release's, with licenses")
	emulator    = flag.String("emulator", "", "a program that runs the image's program, which is for linux/arm64")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *image == "" || *wantVersion == "" {
		fmt.Fprintln(os.Stderr, "run internal/e2e/container/run.sh: it builds the image that this test needs")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// docker runs the client and returns what it prints.
func docker(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), *client, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", *client, strings.Join(args, " "), err)
	}
	return out
}

// start returns the arguments of docker run that start the image: its entrypoint, or
// the emulator with it.
func start(options, args []string) []string {
	if *emulator != "" {
		options = append(slices.Clip(options), "--platform", "linux/arm64", "-v", *emulator+":/emulator:ro", "--entrypoint", "/emulator")
		args = append([]string{"/artifetch"}, args...)
	}
	return append(append(options, *image), args...)
}

// world is a simulator with one run that has one artifact.
type world struct {
	*githubsim.Sim
	run      *githubsim.Run
	artifact *githubsim.Artifact
}

func newWorld(t *testing.T, opt githubsim.Options, artifact githubsim.Artifact) world {
	t.Helper()
	sim := githubsim.New(opt)
	t.Cleanup(sim.Close)
	repo := sim.AddPrivateRepo(repository)
	sim.AddToken(token, repository, githubsim.Read)
	run := repo.AddRun(githubsim.Run{Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml"), HeadBranch: "release/1.2"})
	return world{Sim: sim, run: run, artifact: run.AddArtifact(artifact)}
}

func dist() githubsim.Artifact {
	return githubsim.Artifact{Name: "dist", Blob: githubsim.Zip(
		githubsim.File{Name: "app.js", Body: "console.log('hello')\n"},
		githubsim.File{Name: "bin/tool", Body: "#!/bin/sh\necho tool\n", Mode: 0o755},
		githubsim.File{Name: "assets/css/site.css", Body: "body{}\n", Stored: true},
	)}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		opt      githubsim.Options
		verified bool // GHES 3.8 has no digest
	}{
		{"github.com", githubsim.Options{}, true},
		{"GHES 3.8", githubsim.Options{Enterprise: true}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.opt, dist())
			s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out/dist"})
			r := s.run(nil, nil)
			if r.code != 0 {
				t.Fatalf("exit code %d, want 0", r.code)
			}
			checkPublished(t, s)
			checkOutputs(t, r.outputs, map[string]string{
				"found": "true", "artifact-count": "1", "file-count": "3", "bytes": "48", "path": "out/dist",
				"download-path": filepath.Join(s.workspace, "out", "dist"), "error-message": "",
				"run-id": fmt.Sprint(w.run.ID), "run-number": "1", "run-attempt": "1", "workflow": "CI", "event": "push",
				"conclusion": "success", "head-branch": "release/1.2", "head-sha": w.run.HeadSHA, "from-fork": "false",
			})
			var artifacts []struct {
				ID       int64 `json:"id"`
				Verified bool  `json:"digest_verified"`
				Path     string
				Files    int
			}
			if err := json.Unmarshal([]byte(r.outputs["artifacts"]), &artifacts); err != nil {
				t.Fatalf("artifacts: %v", err)
			}
			if len(artifacts) != 1 || artifacts[0].ID != w.artifact.ID || artifacts[0].Verified != tc.verified ||
				artifacts[0].Path != "out/dist" || artifacts[0].Files != 3 {
				t.Errorf("artifacts: %s", r.outputs["artifacts"])
			}
			if !strings.Contains(r.summary, "dist") {
				t.Errorf("the summary does not name the artifact:\n%s", r.summary)
			}
			checkSecrets(t, w, r)
		})
	}
}

// TestBelowHome: what is made below HOME gets the workspace's owner, even if HOME has
// another one.
func TestBelowHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{}, dist())
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "~/out"})
	home := s.temp("_github_home")
	if os.Getuid() == 0 {
		if err := os.Chown(home, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.run(nil, nil); r.code != 0 {
		t.Fatalf("exit code %d, want 0", r.code)
	}
	want := []string{
		"drwxr-xr-x out",
		"-rw-r--r-- out/app.js 21",
		"drwxr-xr-x out/assets",
		"drwxr-xr-x out/assets/css",
		"-rw-r--r-- out/assets/css/site.css 7",
		"drwxr-xr-x out/bin",
		"-rwxr-xr-x out/bin/tool 20",
	}
	if diff := cmp.Diff(want, s.tree(home)); diff != "" {
		t.Errorf("HOME (-want +got):\n%s", diff)
	}
}

// checkPublished: the files are there with their modes, the runner's user owns
// everything, and there is nothing else anywhere.
func checkPublished(t *testing.T, s *step) {
	t.Helper()
	want := []string{
		"-rw-r--r-- README.md 12",
		"drwxr-xr-x out",
		"drwxr-xr-x out/dist",
		"-rw-r--r-- out/dist/app.js 21",
		"drwxr-xr-x out/dist/assets",
		"drwxr-xr-x out/dist/assets/css",
		"-rw-r--r-- out/dist/assets/css/site.css 7",
		"drwxr-xr-x out/dist/bin",
		"-rwxr-xr-x out/dist/bin/tool 20",
	}
	if diff := cmp.Diff(want, s.tree(s.workspace)); diff != "" {
		t.Errorf("workspace (-want +got):\n%s", diff)
	}
	if got := s.read(filepath.Join(s.workspace, "out/dist/app.js")); got != "console.log('hello')\n" {
		t.Errorf("app.js holds %q", got)
	}
	checkElsewhere(t, s)
}

// checkElsewhere: nothing was left in the runner's other directories, and
// commands were given for outputs and the summary alone.
func checkElsewhere(t *testing.T, s *step) {
	t.Helper()
	for _, command := range []string{"ENV", "PATH", "STATE"} {
		if got := s.read(s.temp("_runner_file_commands", fileCommands[command])); got != "" {
			t.Errorf("GITHUB_%s holds %q", command, got)
		}
	}
	for _, line := range s.tree(s.temp()) {
		if !strings.Contains(line, "_runner_file_commands") && !strings.Contains(line, " _github_") {
			t.Errorf("left in the temporary directory: %s", line)
		}
	}
	if got := s.tree(s.temp("_github_home")); len(got) != 0 {
		t.Errorf("left in HOME: %s", got)
	}
}

// checkOutputs compares the outputs in want, and the names of all outputs with those
// that action.yml declares.
func checkOutputs(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("output %s is %q, want %q", name, got[name], want[name])
		}
	}
	declared := slices.Sorted(maps.Keys(readAction(t).Outputs))
	if diff := cmp.Diff(declared, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("outputs declared and set (-declared +set):\n%s", diff)
	}
}

// checkSecrets: the token went to the API only, and the log has it only in the
// command that masks it.
func checkSecrets(t *testing.T, w world, r result) {
	t.Helper()
	for _, req := range w.Log() {
		auth := req.Header.Get("Authorization")
		if req.Host == githubsim.Storage && auth != "" {
			t.Errorf("%s %s of the storage got an Authorization header", req.Method, req.Path)
		}
		if req.Host == githubsim.API && !strings.Contains(auth, token) {
			t.Errorf("%s %s of the API got no token", req.Method, req.Path)
		}
	}
	for line := range strings.Lines(r.log) {
		if strings.Contains(line, token) && !strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("the log has the token: %s", line)
		}
	}
}

// TestMissing: an artifact that is not there fails the step, says so in the
// outputs, and leaves the workspace alone.
func TestMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{}, dist())
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dits", "path": "out"})
	before := s.tree(s.workspace)
	r := s.run(nil, nil)
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	checkOutputs(t, r.outputs, map[string]string{"found": "false", "artifact-count": "0", "artifacts": "[]"})
	if got := r.outputs["error-message"]; !strings.Contains(got, "dits") || !strings.Contains(got, `"dist"`) {
		t.Errorf("error-message %q does not say what is missing and what there is", got)
	}
	if !strings.Contains(r.log, "\n::error") && !strings.HasPrefix(r.log, "::error") {
		t.Error("the log has no error annotation")
	}
	checkUnchanged(t, s, before)
}

// TestCancelled: a step of a job that is cancelled in the middle of a download fails,
// and leaves the workspace alone.
func TestCancelled(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			blob := &watchedBlob{Blob: githubsim.BigZip(16, 1<<20, 1), started: make(chan struct{})}
			w := newWorld(t, githubsim.Options{}, githubsim.Artifact{Name: "dist", Blob: blob, NoDigest: true})
			w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Stall: 1000}) // less than any part
			s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"})
			before := s.tree(s.workspace)
			r := s.run(blob.started, signal)
			if r.code != 1 {
				t.Errorf("exit code %d, want 1", r.code)
			}
			checkOutputs(t, r.outputs, map[string]string{"file-count": "0", "bytes": "0"})
			if r.outputs["error-message"] == "" {
				t.Error("error-message is empty")
			}
			checkUnchanged(t, s, before)
		})
	}
}

func checkUnchanged(t *testing.T, s *step, before []string) {
	t.Helper()
	if diff := cmp.Diff(before, s.tree(s.workspace)); diff != "" {
		t.Errorf("workspace (-before +after):\n%s", diff)
	}
	checkElsewhere(t, s)
}

// watchedBlob closes started at the first read, or once after bytes were read.
type watchedBlob struct {
	githubsim.Blob
	after   int64
	started chan struct{}
	read    atomic.Int64
	once    sync.Once
	at      time.Time // when started was closed
}

func (b *watchedBlob) ReadAt(p []byte, off int64) (int, error) {
	if b.read.Add(int64(len(p))) >= b.after {
		b.once.Do(func() {
			b.at = time.Now()
			close(b.started)
		})
	}
	return b.Blob.ReadAt(p, off)
}
