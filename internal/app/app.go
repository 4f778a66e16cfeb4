// Package app is one run of artifetch, start to end: configure, choose,
// fetch, unpack, publish, report. It is the only package that knows all the
// others, and the one place where errors become advice for people.
//
// Contract: whatever happens, every output is set and the destination is
// either complete or untouched.
package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// Exit codes. In a step only the first two occur.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitNotFound = 3

	exitInterrupted = 130
)

// Env is everything that Main takes from the process it runs in.
type Env struct {
	Args    []string // without the command's name
	Version string
	Lookup  func(string) (string, bool)
	Environ func() []string
	Getwd   func() (string, error)
	Stdout  io.Writer
	Stderr  io.Writer
	// Terminal tells that Stderr is one.
	Terminal bool
	UID      int

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
	if len(env.Args) == 0 && env.get("GITHUB_ACTIONS") == "true" {
		return runStep(ctx, env)
	}
	return runCommand(ctx, env)
}

// runStep is a run as a step: log and workflow commands on stdout, outputs
// and summary in the runner's files.
func runStep(ctx context.Context, env Env) int {
	log := actions.New(actions.Options{Out: env.Stdout, Lookup: env.Lookup})
	cfg, err := config.FromEnv(env.Lookup, names(env.Environ())...)
	mask(log, cfg)
	res := &result{err: err}
	if err == nil {
		res = execute(ctx, env, cfg, log, true)
	}
	report(log, res)
	failed := res.err != nil
	for _, err := range handOn(log, cfg, res) {
		log.Errorf("%s", message(err))
		failed = true
	}
	if failed {
		return exitFailure
	}
	return exitOK
}

// handOn writes the outputs and the summary to the runner's files. Where one of
// them cannot be written, the other is all the same.
func handOn(log *actions.Log, cfg *config.Config, res *result) []error {
	var errs []error
	outputs, left, err := res.outputs(handedOn{redact: log.Redact, bounded: true})
	if err == nil {
		err = log.SetOutputs(outputs...)
	}
	if err != nil {
		errs = append(errs, err)
	}
	for _, note := range left {
		log.Warningf("%s", note)
	}
	if cfg.Summary {
		if err := log.Summary(res.summary()); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func mask(log *actions.Log, cfg *config.Config) {
	for _, secret := range cfg.Secrets() {
		log.Mask(secret)
	}
}

// runCommand is a run on a developer's machine: log on stderr, outputs on
// stdout.
func runCommand(ctx context.Context, env Env) int {
	log := actions.New(actions.Options{Out: env.Stderr, Lookup: env.Lookup, Command: true, Terminal: env.Terminal})
	cfg, err := config.FromArgs(env.Args, env.Lookup)
	mask(log, cfg)
	switch {
	case errors.Is(err, config.ErrHelp):
		err = config.Help(env.Stdout)
	case errors.Is(err, config.ErrVersion):
		_, err = fmt.Fprintln(env.Stdout, "artifetch", env.Version)
	case err != nil:
		report(log, &result{err: err})
		log.Infof("run artifetch --help for the flags")
		return exitUsage
	default:
		res := execute(ctx, env, cfg, log, false)
		report(log, res)
		err = printOutputs(env.Stdout, res, log.Redact, cfg.JSON)
		if code := commandCode(res); code != exitOK {
			return code
		}
	}
	if err != nil {
		log.Errorf("%v", err)
		return exitFailure
	}
	return exitOK
}

func commandCode(res *result) int {
	switch {
	case nothingFound(res.err):
		return exitNotFound
	case errors.Is(res.err, context.Canceled):
		return exitInterrupted
	case res.err != nil:
		return exitFailure
	}
	return exitOK
}

func printOutputs(w io.Writer, res *result, redact func(string) string, asJSON bool) error {
	outputs, _, err := res.outputs(handedOn{redact: redact})
	if err != nil {
		return err
	}
	if !asJSON {
		for _, o := range outputs {
			if _, err := fmt.Fprintf(w, "%s=%s\n", o.Name, o.Value); err != nil {
				return err
			}
		}
		return nil
	}
	object := map[string]any{}
	for _, o := range outputs {
		object[o.Name] = o.Value
		if o.Name == "artifacts" || o.Name == "runs" {
			object[o.Name] = json.RawMessage(o.Value)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(object)
}

// execute makes a job of the configuration and runs it.
func execute(ctx context.Context, env Env, cfg *config.Config, log *actions.Log, step bool) *result {
	fail := func(err error) *result { return &result{err: err, dryRun: cfg.DryRun} }
	for _, w := range cfg.Warnings {
		log.Warningf("%s", w)
	}
	if len(cfg.Empty) > 0 {
		log.Infof("given, but empty, and so as if not given: %s", strings.Join(cfg.Empty, ", "))
	}
	runner := actions.ReadContext(env.Lookup)
	if !step {
		// The command has nothing to do with the run it may be called in,
		// unless it is asked for that one.
		outside := actions.Context{Home: runner.Home}
		if cfg.RunCurrent {
			outside.Run = runner.Run
		}
		runner = outside
	}
	layout, err := layoutOf(env, runner)
	if err != nil {
		return fail(err)
	}
	j := &job{cfg: cfg, log: log, runner: runner, now: env.Now, idle: env.IdleTimeout, policy: env.Policy, free: env.Free}
	if j.now == nil {
		j.now = time.Now
	}
	j.chown = layout.Workspace != "" && env.UID == 0
	if err := j.readRunner(); err != nil {
		return fail(err)
	}
	if j.dest, err = layout.Resolve(cfg.Path); err != nil {
		return fail(err)
	}
	if err := j.connect(env); err != nil {
		return fail(err)
	}
	res := j.run(ctx)
	free := ""
	if n := j.api.Unchanged(); n > 0 {
		free = fmt.Sprintf(", %d of them free, as nothing had changed", n)
	}
	log.Infof("%s sent to GitHub's API%s", words.Count(j.api.Requests(), "request"), free)
	return res
}

// readRunner reads what the runner says of the run and the event that triggered
// it, as far as it matters: what is wrong with the rest is no concern of this run.
func (j *job) readRunner() (err error) {
	searches := !j.cfg.ByID()
	if j.current, err = j.runner.RunID(); err != nil && (searches || j.cfg.RunCurrent) {
		return err
	}
	own, _ := artifact.ParseRepo(j.runner.Repository) // empty outside of Actions
	if j.runner.EventName != "workflow_run" || !searches || j.cfg.Searches() || !slices.ContainsFunc(repos(j.cfg), own.Equal) {
		return nil
	}
	id, err := j.runner.Trigger(readEvent)
	j.trigger = search.UnknownTrigger
	if id > 0 {
		j.trigger = id
	}
	return err
}

// connect makes the two clients. Only the API's knows the token.
func (j *job) connect(env Env) error {
	ca, err := j.readCA(env)
	if err != nil {
		return err
	}
	notify := j.policy.Notify
	j.policy.Notify = func(err error, wait time.Duration) {
		j.log.Infof("%v; next try in %s", err, wait.Round(time.Millisecond))
		if notify != nil {
			notify(err, wait)
		}
	}
	options := httpx.TransportOptions{Proxy: httpx.ProxyFrom(env.Lookup), ExtraCA: ca, MaxConnsPerHost: cmp.Or(j.cfg.Concurrency, transfer.AutoConcurrency)}
	apiTransport, err := httpx.NewTransport(options)
	if err != nil {
		return fmt.Errorf("ca-cert: %w", err)
	}
	options.HTTP1 = true // one connection is seldom as fast as the network
	storageTransport, err := httpx.NewTransport(options)
	if err != nil {
		return fmt.Errorf("ca-cert: %w", err)
	}
	j.storage = &http.Client{Transport: storageTransport}
	j.agent = "artifetch/" + env.Version
	j.api, err = githubapi.New(githubapi.Options{
		BaseURL: j.cfg.APIURL, Auth: j.auth(), Transport: apiTransport, Policy: j.policy, UserAgent: j.agent,
		Now: j.now, Conditional: j.cfg.Wait > 0,
	})
	return err
}

func (j *job) auth() githubapi.Auth {
	if j.cfg.AppID == "" {
		return githubapi.Auth{Token: string(j.cfg.Token)}
	}
	return githubapi.Auth{App: &githubapi.App{
		ID: j.cfg.AppID, PrivateKey: []byte(j.cfg.AppPrivateKey), Repos: repos(j.cfg), Write: j.cfg.Delete, OnToken: j.log.Mask,
		Contents: j.request().NeedsContents(), PullRequests: j.cfg.PR != 0,
	}}
}

// readCA reads ca-cert: PEM text, or a file, found as a destination would be.
func (j *job) readCA(env Env) ([]byte, error) {
	if j.cfg.CACert == "" || j.cfg.CACertIsPEM() {
		return []byte(j.cfg.CACert), nil
	}
	l, err := layoutOf(env, j.runner)
	if err != nil {
		return nil, err
	}
	name, err := l.Locate(j.cfg.CACert)
	if err != nil {
		return nil, fmt.Errorf("ca-cert: %w", err)
	}
	pem, err := readFile(name, maxCertificates)
	if err != nil {
		return nil, fmt.Errorf("ca-cert: %w; give the path of a PEM file in the workspace, or PEM text", err)
	}
	return pem, nil
}

// layoutOf reads how the runner laid out its directories. A container action
// finds its workspace at /github/workspace. RUNNER_WORKSPACE is the parent of
// the workspace on the host, which the runner does not translate; nor does it
// RUNNER_TEMP before 2.329.0, when that was not mounted. HOME lies in the
// host's temporary directory (ContainerActionHandler of actions/runner).
func layoutOf(env Env, runner actions.Context) (workspace.Layout, error) {
	l := workspace.Layout{Workspace: runner.Workspace, Temp: runner.Temp, Home: runner.Home}
	if l.Workspace == "" {
		dir, err := env.Getwd()
		l.Dir, l.RunnerTemp = dir, env.get("RUNNER_TEMP") // of the job that the command may run in
		return l, err
	}
	l.Container = l.Workspace == "/github/workspace"
	if !l.Container {
		return l, nil
	}
	if !strings.HasPrefix(l.Temp, "/github/") {
		l.Temp, l.HostTemp = "", l.Temp
	}
	if host := env.get("RUNNER_WORKSPACE"); host != "" {
		l.HostWorkspace = path.Join(host, path.Base(runner.Repository))
		l.HostTemp = cmp.Or(l.HostTemp, path.Join(path.Dir(host), "_temp"))
	}
	if l.HostTemp != "" {
		l.HostHome = path.Join(l.HostTemp, "_github_home")
	}
	return l, nil
}

func repos(cfg *config.Config) []artifact.Repo {
	var list []artifact.Repo
	for _, name := range cfg.Repositories {
		repo, _ := artifact.ParseRepo(name) // config has checked it
		list = append(list, repo)
	}
	return list
}

// workflowFile is the file name in GITHUB_WORKFLOW_REF, which looks like
// owner/name/.github/workflows/ci.yml@refs/heads/main.
func workflowFile(ref string) string {
	file, _, _ := strings.Cut(ref, "@")
	if file == "" {
		return ""
	}
	return path.Base(file)
}

// names are those of an environment's variables.
func names(environ []string) []string {
	list := make([]string, len(environ))
	for i, kv := range environ {
		list[i], _, _ = strings.Cut(kv, "=")
	}
	return list
}
