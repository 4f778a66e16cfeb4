package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/choice"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// job is one run of artifetch: what was asked for and what it works with.
type job struct {
	cfg     *config.Config
	log     *report.Log
	runner  actions.Context
	api     forge
	storage *http.Client
	policy  httpx.Policy
	idle    time.Duration
	now     func() time.Time
	free    func() (int64, error) // nil asks the stage
	dest    workspace.Destination
	chown   bool   // give what is written to the workspace's owner
	agent   string // User-Agent
	request search.Request
}

// forge is a server that has runs and artifacts; *githubapi.Client is GitHub's.
type forge interface {
	choice.Server
	transfer.Origin
	// Delete deletes an artifact.
	Delete(ctx context.Context, repo artifact.Repo, id int64) error
	// Requests returns how many requests were sent, Unchanged how many of them did not
	// count against the rate limit because nothing had changed.
	Requests() int
	Unchanged() int
	// Costs returns how many requests searches sent, by what the requests ask for.
	Costs() githubapi.Costs
}

// newJob reads the surroundings: the runner, its event, the destination.
func newJob(env Env, cfg *config.Config, out *actions.Log, step bool) (*job, error) {
	j := &job{
		cfg: cfg, log: &report.Log{Out: out, Config: cfg, Layout: artifactLayout(cfg), Now: env.Now, Person: !step},
		runner: actions.ReadContext(env.get), now: env.Now, idle: env.IdleTimeout, policy: env.Policy, free: env.Free,
	}
	j.log.Inputs()
	if step || cfg.GithubOutput {
		if err := j.log.CheckHandOn(cfg.Summary); err != nil {
			return nil, err
		}
	}
	if !step {
		// A command in a job's script ignores the current run, unless an input asks for
		// that run.
		outside := actions.Context{}
		if cfg.RunCurrent || cfg.CurrentFirst {
			outside.Run, outside.Repository, outside.RepositoryID = j.runner.Run, j.runner.Repository, j.runner.RepositoryID
		}
		j.runner = outside
	}
	j.log.Runner = j.runner
	places, err := env.layout(step)
	if err != nil {
		return nil, err
	}
	j.chown = places.Workspace != "" && env.UID == 0
	if j.request, err = choice.NewRequest(cfg, j.runner); err != nil {
		return nil, err
	}
	if j.dest, err = places.Resolve(cfg.Path); err != nil {
		return nil, err
	}
	j.log.Destination = j.dest
	return j, j.connect(env, places)
}

// layout returns the directories of a step, or of a command.
func (e Env) layout(step bool) (workspace.Layout, error) {
	if l := workspace.RunnerLayout(e.get); step && l.Workspace != "" {
		return l, nil
	}
	dir, err := e.Getwd()
	return workspace.MachineLayout(e.get, dir), err
}

// connect makes the clients for API and storage. Only the API's client knows the token.
func (j *job) connect(env Env, places workspace.Layout) error {
	ca, err := readCA(j.cfg, places)
	if err != nil {
		return err
	}
	notify := j.policy.Notify
	j.policy.Notify = func(err error, wait time.Duration) {
		j.log.Retry(err, wait)
		if notify != nil {
			notify(err, wait)
		}
	}
	options := httpx.TransportOptions{Proxy: env.Proxy, ExtraCA: ca, Concurrency: cmp.Or(j.cfg.Concurrency, transfer.AutoConcurrency)}
	options.Gzip = true // lists shrink to a few per cent
	apiTransport, err := httpx.NewTransport(options)
	if err != nil {
		return fmt.Errorf("ca-cert: %w", err)
	}
	options.Gzip = false // the digest is that of the bytes as they are stored
	options.HTTP1 = true // one connection is seldom as fast as the network
	storageTransport, err := httpx.NewTransport(options)
	if err != nil {
		return fmt.Errorf("ca-cert: %w", err)
	}
	j.storage = &http.Client{Transport: storageTransport}
	j.agent = "artifetch/" + env.Version
	api := githubapi.Options{
		BaseURL: j.cfg.APIURL, Auth: j.auth(), Transport: apiTransport, Policy: j.policy, UserAgent: j.agent,
		Now: j.now, Conditional: j.cfg.Wait > 0,
	}
	if !j.cfg.ByID() {
		api.Reserve, api.Costly = searchReserve, j.log.Costly
	}
	j.api, err = githubapi.New(api)
	return err
}

// searchReserve is how many of the token's requests of the hour a search leaves to other
// steps: jobs of one repository share 1,000.
const searchReserve = 100

// auth returns the credentials for the API.
func (j *job) auth() githubapi.Auth {
	if j.cfg.AppID == "" {
		return githubapi.Auth{Token: string(j.cfg.Token)}
	}
	return githubapi.Auth{App: &githubapi.App{
		ID: j.cfg.AppID, PrivateKey: []byte(j.cfg.AppPrivateKey), Repos: j.request.Repos, Write: j.cfg.Delete, OnToken: j.log.Out.Mask,
		Contents: j.request.NeedsContents(), PullRequests: j.cfg.PR != 0,
	}}
}

// maxCertificates bounds the file of ca-cert, in bytes.
const maxCertificates = 4 << 20

// readCA reads ca-cert: PEM text, or a file whose path is resolved like that of a
// destination.
func readCA(cfg *config.Config, places workspace.Layout) ([]byte, error) {
	if cfg.CACert == "" || cfg.CACertIsPEM() {
		return []byte(cfg.CACert), nil
	}
	name, err := places.Locate(cfg.CACert)
	if err != nil {
		return nil, fmt.Errorf("ca-cert: %w", err)
	}
	pem, err := actions.ReadFile(name, maxCertificates)
	if err != nil {
		return nil, &report.CertificateError{Err: err}
	}
	return pem, nil
}
