package app

import (
	"context"
	"errors"
	"io"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/cli"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/machine"
	"github.com/artifetch/artifetch/internal/process"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
)

// command is a run on a developer's machine: what was asked for goes to stdout, the log
// to stderr.
type command struct {
	env   Env
	cfg   *config.Config
	out   *actions.Log
	log   *report.Log // words errors
	print *report.Printer
}

// runCommand does what the arguments ask for.
func runCommand(ctx context.Context, env Env) int {
	env.Stdout = output{env.Stdout}
	line := cli.Line{Args: env.Args, Version: env.Version, Lookup: env.Lookup, Machine: machine.Machine{Run: env.Run}, Out: env.Stdout}
	call, err := line.Read(ctx)
	c := newCommand(env, call.Config)
	if _, wrong := errors.AsType[*config.UsageError](err); wrong {
		c.log.Ended(&report.Result{Err: err})
		c.log.Usage(call.Command)
		return exitUsage
	}
	if err != nil {
		c.log.Failed(err)
		return exitFailure
	}
	switch call.Verb {
	case config.Fetch:
		return c.fetch(ctx)
	case config.List:
		return c.list(ctx)
	case config.Ls:
		return c.ls(ctx)
	case config.Cat:
		return c.cat(ctx)
	case config.Diff:
		return c.diff(ctx)
	}
	return exitOK // the line has its answer
}

// newCommand opens the log and stdout.
func newCommand(env Env, cfg *config.Config) *command {
	color := env.get("NO_COLOR") == "" && env.get("TERM") != "dumb"
	out := actions.New(actions.Options{
		Out: env.Stderr, Getenv: env.get, Command: true, Columns: env.Columns, Color: color && env.Columns != nil, Quiet: cfg.Quiet,
	})
	mask(out, cfg)
	return &command{
		env: env, cfg: cfg, out: out,
		log: &report.Log{Out: out, Brief: env.OutColumns != nil && !cfg.JSON, Person: true},
		print: &report.Printer{
			Out: env.Stdout, Redact: out.Redact, JSON: cfg.JSON, Columns: env.OutColumns, Color: color && env.OutColumns != nil, Now: env.Now,
		},
	}
}

// fetch is the verb Fetch.
func (c *command) fetch(ctx context.Context) int {
	res := execute(ctx, c.env, c.cfg, c.out, false, (*staging).fetch)
	if !process.ReaderGone(res.Err) {
		c.log.Ended(res)
	}
	return c.end(res, errors.Join(c.print.Fetched(res), c.handOn(res)))
}

// handOn writes the outputs and the summary of the step that the command runs in, if
// --github-output is given.
func (c *command) handOn(res *report.Result) error {
	if !c.cfg.GithubOutput {
		return nil
	}
	return c.log.HandOn(res, c.cfg.Summary)
}

// list is the verb List: a dry run.
func (c *command) list(ctx context.Context) int {
	res := c.read(ctx, (*staging).fetch)
	return c.end(res, errors.Join(c.print.Listed(res), c.handOn(res)))
}

// ls is the verb Ls.
func (c *command) ls(ctx context.Context) int {
	var lists []transfer.Listing
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		lists, err = s.engine.Files(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Files(res, lists))
}

// cat is the verb Cat.
func (c *command) cat(ctx context.Context) int {
	scratch := &spool.Scratch{Parent: c.env.TempDir}
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) error {
		return inspect.Copy{From: s.engine, Dir: scratch, To: c.env.Stdout}.File(ctx, res.Items, c.cfg.File)
	})
	return c.end(res, scratch.Close())
}

// diff is the verb Diff.
func (c *command) diff(ctx context.Context) int {
	diff := &inspect.Diff{}
	res := c.read(ctx, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		comparison := inspect.Comparison{Lister: s.engine, Before: c.cfg.RunIDs[0], After: c.cfg.RunIDs[1], Flat: len(c.cfg.Names) == 1}
		diff, err = comparison.Diff(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Differences(res, diff))
}

// read runs a verb that only reads. For these, nothing found is a failure.
func (c *command) read(ctx context.Context, do task) *report.Result {
	res := execute(ctx, c.env, c.cfg, c.out, false, do)
	if res.NotFound != nil {
		res.Err, res.NotFound = res.NotFound, nil
	}
	if res.Err != nil && !process.ReaderGone(res.Err) {
		c.log.Ended(res)
	}
	return res
}

// end returns the exit code of a run. err is the error of printing its outcome, or nil.
func (c *command) end(res *report.Result, err error) int {
	if code := commandCode(res.Err); code != exitOK {
		return code
	}
	switch {
	case err == nil:
		return exitOK
	case process.ReaderGone(err):
		return exitInterrupted
	}
	c.log.Failed(err)
	return exitFailure
}

// commandCode returns the exit code of a command whose run ended with err.
func commandCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case nothingFound(err):
		return exitNotFound
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailure
}

// output is stdout. Its errors are *report.StdoutErrors.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &report.StdoutError{Err: err}
	}
	return n, err
}
