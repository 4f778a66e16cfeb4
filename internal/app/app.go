// Package app is one run of artifetch, start to end: environment, configuration, choice,
// download, publishing, report, exit code. It decides in which order the other packages do
// their work and which of their failures fail a run; the work itself is theirs.
//
//	app.go      Main, and a run as a step of a job
//	command.go  a run as a command, by verbs
//	job.go      what a run is made of: configuration, runner, destination, clients
//	run.go      from the choice to a Result
//	staging.go  from chosen artifacts to published files
//	delete.go   the artifacts on GitHub, afterwards
//
// Contract: whatever happens, every output is set and the destination is either complete
// or untouched. Only two things can fail a step after the files were published: a deletion
// on GitHub, and the writing of outputs to a file that could be opened before (a full disk).
package app

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/machine"
	"github.com/artifetch/artifetch/internal/report"
)

// Exit codes. In a step only the first two occur.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 3

	exitInterrupted = 130
)

// Env is everything that Main takes from its process.
type Env struct {
	Args    []string // without the command's name
	Version string
	Lookup  func(string) (string, bool)
	Environ func() []string
	Getwd   func() (string, error)
	Stdout  io.Writer
	Stderr  io.Writer
	// Columns returns the present width of the terminal that Stderr is; nil if Stderr
	// is not a terminal. See actions.Options.
	Columns func() int
	// OutColumns is the same for Stdout.
	OutColumns func() int
	UID        int
	// Run runs git and gh for a command; see machine.Machine.
	Run machine.Run
	// TempDir is where a command keeps what does not fit into memory, while it runs.
	TempDir string
	// Proxy chooses the proxy for a request; nil means none.
	Proxy func(*http.Request) (*url.URL, error)

	// Policy, IdleTimeout, Now and Free, which is the destination's free disk
	// space in bytes, are for tests; zero values are the defaults.
	Policy      httpx.Policy
	IdleTimeout time.Duration
	Now         func() time.Time
	Free        func() (int64, error)
}

func (e Env) get(name string) string {
	v, _ := e.Lookup(name)
	return v
}

// Main runs artifetch and returns the exit code: as a step of a job when
// GITHUB_ACTIONS is set and there are no arguments, else as a command. ctx
// ends when the job is cancelled.
func Main(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.isStep() {
		return runStep(ctx, env)
	}
	return runCommand(ctx, env)
}

// isStep reports whether this is a step of a job, and not a command.
func (e Env) isStep() bool { return len(e.Args) == 0 && e.get("GITHUB_ACTIONS") == "true" }

// Again returns what a second interrupt calls. A command ends at once: a person waits at
// the terminal. In a step it is nil, because the runner sends several signals and then
// waits.
func (e Env) Again(exit func(code int)) func() {
	if e.isStep() {
		return nil
	}
	return func() { exit(exitInterrupted) }
}

// runStep is a run as a step: log and workflow commands on stdout, outputs
// and summary in the runner's files.
func runStep(ctx context.Context, env Env) int {
	out := actions.New(actions.Options{Out: env.Stdout, Getenv: env.get})
	log := &report.Log{Out: out}
	cfg, err := config.FromEnv(env.Lookup, env.Environ()...)
	mask(out, cfg)
	res := &report.Result{Err: err}
	if err == nil {
		res = execute(ctx, env, cfg, out, true, (*staging).fetch)
	}
	log.Ended(res)
	failed := res.Err != nil
	if err := log.HandOn(res, cfg.Summary); err != nil {
		log.Failed(err)
		failed = true
	}
	if failed {
		return exitFailure
	}
	return exitOK
}

// mask keeps the inputs' secrets out of the log.
func mask(out *actions.Log, cfg *config.Config) {
	for _, secret := range cfg.Secrets() {
		out.Mask(secret)
	}
}

// execute makes a job of the configuration and runs it.
func execute(ctx context.Context, env Env, cfg *config.Config, out *actions.Log, step bool, do task) *report.Result {
	j, err := newJob(env, cfg, out, step)
	if err != nil {
		return &report.Result{Err: err, DryRun: cfg.DryRun}
	}
	res := j.run(ctx, do)
	j.log.Requests(j.api.Requests(), j.api.Unchanged(), j.api.Costs())
	return res
}
