//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// runVar makes this test's executable the program itself.
const runVar = "ARTIFETCH_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runVar) != "" {
		main() // exits
	}
	os.Exit(m.Run())
}

// program is a step, or a command where it has arguments, whose download
// stands still.
type program struct {
	*exec.Cmd

	ws, outputs string
}

func newProgram(t *testing.T, args ...string) program {
	t.Helper()
	w := githubsim.New(githubsim.Options{})
	t.Cleanup(w.Close)
	repo := w.AddRepo("octo/app")
	w.AddToken("ghs_owner", "octo/app", githubsim.Read)
	run := repo.AddRun(githubsim.Run{ID: 1, Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml")})
	run.AddArtifact(githubsim.Artifact{ID: 11, Name: "dist", Blob: githubsim.Zip(githubsim.File{Name: "f", Body: strings.Repeat("x", 1000)})})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Path: "/artifacts/11/*", Times: -1, Stall: 20})
	dir := t.TempDir()
	p := program{ws: filepath.Join(dir, "ws"), outputs: filepath.Join(dir, "out")}
	if err := errors.Join(os.Mkdir(p.ws, 0o755), os.WriteFile(filepath.Join(p.ws, "f"), []byte("old"), 0o600)); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{runVar: "1", "HOME": dir, "GITHUB_TOKEN": "ghs_owner", "GITHUB_API_URL": w.APIURL}
	if len(args) == 0 {
		maps.Copy(env, map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/app", "GITHUB_RUN_ID": "4", "GITHUB_EVENT_NAME": "push",
			"GITHUB_WORKFLOW_REF": "octo/app/.github/workflows/ci.yml@refs/heads/main", "GITHUB_WORKSPACE": p.ws,
			"GITHUB_OUTPUT": p.outputs, "INPUT_GITHUB-TOKEN": "ghs_owner", "INPUT_REPOSITORY": "octo/app", "INPUT_RUN-ID": "1",
		})
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.Cmd = exec.CommandContext(context.WithoutCancel(t.Context()), self, args...)
	p.Dir = p.ws
	for k, v := range env {
		p.Env = append(p.Env, k+"="+v)
	}
	return p
}

// finish checks how the program ended, and that it left all as it was.
func (p program) finish(t *testing.T, code int) {
	t.Helper()
	if err := p.Wait(); p.ProcessState.ExitCode() != code {
		t.Errorf("%v, want exit code %d", err, code)
	}
	entries, err := os.ReadDir(p.ws)
	body, readErr := os.ReadFile(filepath.Join(p.ws, "f"))
	if err := errors.Join(err, readErr); err != nil || len(entries) != 1 || string(body) != "old" {
		t.Errorf("left: %v, %q, %v", entries, body, err)
	}
}

// begin starts the program and waits until it has a stage. log is what it
// writes from then on.
func (p program) begin(t *testing.T) (log *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p.Stdout, p.Stderr = w, w
	if err := errors.Join(p.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	log = bufio.NewReader(r)
	for {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.Contains(line, `"dist"`) {
			return log
		}
	}
}

// The variables of the process name its proxy.
func TestProxy(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.Method + " " + r.Host:
		default:
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(proxy.Close)
	p := newProgram(t, "--repository", "octo/app", "--run-id", "1", "--github-api-url", "https://api.example/api/v3")
	p.Env = append(p.Env, "https_proxy="+proxy.URL)
	log, _ := p.CombinedOutput()
	if got := p.ProcessState.ExitCode(); got != 1 || !strings.Contains(string(log), "the proxy "+strings.TrimPrefix(proxy.URL, "http://")) {
		t.Errorf("exit code %d\n%s", got, log)
	}
	if got := <-asked; got != "CONNECT api.example:443" {
		t.Errorf("the proxy was asked for %s", got)
	}
}

// Every signal that ends a job ends it in order: nothing is left half done, all
// outputs are set. A second signal hastens nothing, except an interrupt of a command.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		for _, args := range [][]string{nil, {"--repository", "octo/app", "--run-id", "1"}} {
			t.Run(sig.String()+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				p := newProgram(t, args...)
				// A program that was started by one that ignores a signal, as nohup does, ignores it,
				// too. One that catches it starts others with the default.
				caught := make(chan os.Signal, 1)
				signal.Notify(caught, sig)
				defer signal.Stop(caught)
				log := p.begin(t)
				times := 2
				if len(args) > 0 && sig == syscall.SIGINT {
					times = 1
				}
				for range times {
					if err := p.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
						t.Fatal(err)
					}
				}
				rest, err := io.ReadAll(log)
				if err != nil || !strings.Contains(string(rest), "stopped: "+sig.String()) {
					t.Errorf("%s, %v", rest, err)
				}
				if len(args) > 0 {
					p.finish(t, 130)
					return
				}
				p.finish(t, 1)
				p.checkOutputs(t, "stopped: "+sig.String())
			})
		}
	}
}

// A second interrupt ends a command at once, even one that cannot go on because its log is
// not read.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	fd := int(w.Fd())
	if err := errors.Join(syscall.SetNonblock(fd, true), fill(fd), syscall.SetNonblock(fd, false)); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, "--repository", "octo/app", "--run-id", "1", "--github-api-url", server.URL)
	p.Stderr = w
	if err := errors.Join(p.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	<-asked // the signals are handled from the start
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.finish(t, 130)
	}()
	tick := time.NewTicker(time.Millisecond) // signals of one kind that come together count as one
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			_ = p.Process.Signal(syscall.SIGINT)
		}
	}
}

// fill fills a pipe that does not block.
func fill(fd int) error {
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); err != nil {
			if errors.Is(err, syscall.EAGAIN) {
				return nil
			}
			return err
		}
	}
}

func (p program) checkOutputs(t *testing.T, message string) {
	t.Helper()
	b, err := os.ReadFile(p.outputs)
	if err != nil || !strings.Contains(string(b), message) || !strings.Contains(string(b), "found") {
		t.Errorf("outputs: %s, %v", b, err)
	}
}

// A log without a reader ends a step in order, too.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout, p.Stderr = w, w
	if err := errors.Join(r.Close(), p.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	p.finish(t, 1)
	p.checkOutputs(t, "the log's reader is gone")
}

// SIGPIPE itself is no reason to stop: it comes for broken connections, too.
// Nor is the end of a terminal, where the user said so.
func TestSignalsIgnored(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			if sig == syscall.SIGHUP {
				p.Path, p.Args = "/bin/sh", slices.Concat([]string{"sh", "-c", `trap "" HUP; exec "$0"`}, p.Args)
			}
			log := p.begin(t)
			for _, s := range []syscall.Signal{sig, syscall.SIGTERM} {
				if err := p.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			rest, err := io.ReadAll(log)
			if err != nil || !strings.Contains(string(rest), "stopped: terminated") {
				t.Errorf("%s, %v", rest, err)
			}
			p.finish(t, 1)
		})
	}
}

// On a terminal the log has a bar, which follows the terminal's width.
func TestTerminal(t *testing.T) {
	t.Parallel()
	in, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = in.Close() })
	p := newProgram(t, "--repository", "octo/app", "--run-id", "1")
	p.Env = append(p.Env, "NO_COLOR=1")
	p.Stderr = tty
	resize := func(columns uint16) {
		t.Helper()
		if err := pty.Setsize(in, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
			t.Fatal(err)
		}
	}
	resize(80)
	if err := errors.Join(p.Start(), tty.Close()); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(in)
	for _, tt := range []struct {
		columns uint16
		bar     *regexp.Regexp
	}{
		{80, regexp.MustCompile(`^\[#{2}\.{17}\] 20 B of .* B/s, .* left$`)},
		{20, regexp.MustCompile(`^\[\.{4}\] \d+%$`)},
		{200, regexp.MustCompile(`^\[#{5}\.{35}\] 20 B of .* B/s, .* left$`)},
	} {
		resize(tt.columns)
		for text := ""; !tt.bar.MatchString(text); {
			r, _, err := log.ReadRune()
			if err != nil || r == '\x1b' {
				t.Fatalf("%q, and then %q, %v", text, r, err)
			}
			if text += string(r); r == '\r' || r == '\n' {
				text = ""
			}
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, log) // ends with an error where the system says that the terminal is closed
	p.finish(t, 130)
}

// In a real terminal a list is a table with a heading in its own colour, and nothing else.
func TestListInTerminal(t *testing.T) {
	t.Parallel()
	in, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = in.Close() })
	if err := pty.Setsize(in, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, "list", "-R", "octo/app", "1")
	p.Stdout, p.Stderr = tty, tty
	if err := errors.Join(p.Start(), tty.Close()); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(in) // ends with an error where the system says that the terminal is closed
	if got := string(text); !regexp.MustCompile(`^\x1b\[2mRUN +ARTIFACT +SIZE +AGE +EXPIRES\x1b\[0m\r\n1 \(CI #1\) +dist +\d+ B  .*\r\n$`).MatchString(got) {
		t.Errorf("%q", got)
	}
	p.finish(t, 0)
}
