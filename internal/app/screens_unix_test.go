//go:build unix

package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/process"
)

// The size of the terminal, in characters. It has as many rows as the longest text.
const screenColumns, screenRows = 80, 250

// screens are the command lines of TestScreens, by the names of their files.
var screens = map[string]struct {
	args string
	env  map[string]string
}{
	"help":            {args: "--help"},
	"help-list":       {args: "list --help"},
	"help-ls":         {args: "ls --help"},
	"help-cat":        {args: "cat --help"},
	"help-diff":       {args: "diff --help"},
	"help-completion": {args: "completion --help"},
	"list":            {args: "list -R octo/app --runs 2"},
	"ls":              {args: "ls -R octo/app 4711"},
	"cat":             {args: "cat index.html -R octo/app -n dist"},
	"diff":            {args: "diff 4710 4711 -R octo/app"},
	"fetch":           {args: "-R octo/app -n dist -D out"},
	"print-workflow":  {args: "-R octo/app --branch main -n dist -D out --print-workflow"},

	"error-no-token":      {args: "-R octo/app -n dist", env: map[string]string{"GITHUB_TOKEN": ""}},
	"error-wrong-token":   {args: "-R octo/app -n dist", env: map[string]string{"GITHUB_TOKEN": "ghs_other"}},
	"error-unknown-flag":  {args: "--nmae dist"},
	"error-no-artifact":   {args: "list -R octo/app -n dits"},
	"error-several-files": {args: "cat index.html -R octo/app --runs 2 -n dist"},
}

// TestScreens compares what a person sees in a terminal, once the command is done, with a
// file a screen.
func TestScreens(t *testing.T) {
	t.Parallel()
	for name, s := range screens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := scriptWorld()
			t.Cleanup(sim.Close)
			term := startInTerminal(t, sim, s.args, s.env)
			golden(t, filepath.Join("screens", name+".txt"), term.final(t))
		})
	}
}

// While a fetch is under way, the last row is its bar; when it is done, a summary is there
// in the bar's place.
func TestScreensOfFetch(t *testing.T) {
	t.Parallel()
	sim := scriptWorld()
	t.Cleanup(sim.Close)
	blob := githubsim.Zip(githubsim.File{Name: "app.bin", Body: strings.Repeat("x", 8<<20), Stored: true})
	big := sim.AddRepo("octo/big")
	run := big.AddRun(githubsim.Run{ID: 6001, Workflow: big.AddWorkflow("CI", ".github/workflows/ci.yml"), CreatedAt: scripted.Add(-5 * time.Minute)})
	sim.AddToken("ghs_owner", "octo/big", githubsim.Read)
	run.AddArtifact(githubsim.Artifact{ID: 301, Name: "dist", Blob: blob})
	slow := &gate{Blob: blob, at: blob.Size() * 3 / 8, open: make(chan struct{})}
	sim.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Blob: slow})
	term := startInTerminal(t, sim, "-R octo/big -n dist -D out --concurrency 1", nil)
	golden(t, filepath.Join("screens", "fetch-midway.txt"), term.until(t, regexp.MustCompile(`3\.0 MiB of 8\.0 MiB \(37%\)`)))
	close(slow.open)
	golden(t, filepath.Join("screens", "fetch-large.txt"), term.final(t))
}

// gate is a blob that ends at a number of bytes until it is opened.
type gate struct {
	githubsim.Blob

	at   int64
	open chan struct{}
}

func (g *gate) ReadAt(p []byte, off int64) (int, error) {
	if off < g.at && off+int64(len(p)) > g.at {
		n, err := g.Blob.ReadAt(p[:g.at-off], off)
		if err != nil {
			return n, err
		}
		rest, err := g.ReadAt(p[n:], g.at)
		return n + rest, err
	}
	if off >= g.at && off+int64(len(p)) < g.Size() {
		<-g.open
	}
	return g.Blob.ReadAt(p, off)
}

// terminal is a pseudo-terminal in which the command runs.
type terminal struct {
	dir, host string
	line      string
	code      chan int

	in      *os.File
	written bytes.Buffer
}

// startInTerminal runs the command in a pseudo-terminal.
func startInTerminal(t *testing.T, sim *githubsim.Sim, args string, vars map[string]string) *terminal {
	t.Helper()
	in, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = in.Close() })
	if err := pty.Setsize(tty, &pty.Winsize{Rows: screenRows, Cols: screenColumns}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{dir: t.TempDir(), host: strings.TrimPrefix(sim.APIURL, "http://"), line: "artifetch " + args, code: make(chan int, 1), in: in}
	all := map[string]string{"GITHUB_API_URL": sim.APIURL, "GITHUB_TOKEN": "ghs_owner", "HOME": term.dir, "TERM": "xterm-256color"}
	maps.Copy(all, vars)
	env := scriptEnv(term.dir, func(k string) (string, bool) { v, ok := all[k]; return v, ok })
	env.Args, env.Stdout, env.Stderr, env.Columns, env.OutColumns = strings.Fields(args), tty, tty, process.Columns(tty), process.Columns(tty)
	go func() {
		code := Main(context.WithoutCancel(t.Context()), env)
		_ = tty.Close()
		term.code <- code
	}()
	return term
}

// read reads what the command writes next, and reports whether there was more.
func (term *terminal) read() bool {
	buf := make([]byte, 4096)
	n, err := term.in.Read(buf)
	term.written.Write(buf[:n])
	return err == nil
}

// until returns the screen as soon as it shows a text.
func (term *terminal) until(t *testing.T, text *regexp.Regexp) string {
	t.Helper()
	for {
		if screen := term.screen(t); text.MatchString(screen) {
			return screen
		}
		if !term.read() {
			t.Fatalf("the command ended before:\n%s", term.screen(t))
		}
	}
}

// final returns the screen after the command has ended, and its exit code.
func (term *terminal) final(t *testing.T) string {
	t.Helper()
	for term.read() { // until the command closes the terminal
	}
	return fmt.Sprintf("%s\n\n(exit code %d)", term.screen(t), <-term.code)
}

// pace is the part of a bar that differs from run to run.
var pace = regexp.MustCompile(`, [0-9.]+ [kKMGiB]+/s(, [0-9hms.]+ left)?`)

// screen returns what the terminal shows of what was written so far, with the command line
// above it.
func (term *terminal) screen(t *testing.T) string {
	t.Helper()
	text := term.written.Bytes()
	for from, to := range map[string]string{term.dir: "/home/octo/app", term.host: "github.example"} {
		text = bytes.ReplaceAll(text, []byte(from), []byte(to))
	}
	vt := vt10x.New(vt10x.WithSize(screenColumns, screenRows), vt10x.WithWriter(io.Discard))
	if _, err := vt.Write(text); err != nil {
		t.Fatal(err)
	}
	lines := []string{"$ " + term.line}
	for line := range strings.Lines(vt.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return pace.ReplaceAllString(strings.TrimRight(strings.Join(lines, "\n"), "\n"), ", […]")
}
