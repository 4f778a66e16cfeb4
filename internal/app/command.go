package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/machine"
	"github.com/artifetch/artifetch/internal/process"
	"github.com/artifetch/artifetch/internal/report"
)

// command is a run on a developer's machine: what was asked for goes to stdout, the log
// to stderr.
type command struct {
	env   Env
	out   *actions.Log
	log   *report.Log // words errors
	print *report.Printer
	code  int
}

// runCommand runs the verb that the arguments name.
func runCommand(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	env.Stdout = output{env.Stdout}
	c := &command{env: env}
	c.open(&config.Config{})
	root := c.verb(config.Fetch, (*command).fetch) //nolint:contextcheck // cobra passes ctx on
	for verb, do := range map[config.Verb]func(*command, context.Context, *config.Config) int{
		config.List: (*command).list, config.Ls: (*command).ls, config.Cat: (*command).cat, config.Diff: (*command).diff,
	} {
		root.AddCommand(c.verb(verb, do)) //nolint:contextcheck // cobra passes ctx on
	}
	root.AddCommand(c.completion(root))
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(append([]string{}, env.Args...)) // for nil, cobra would read os.Args
	root.SetOut(env.Stdout)
	root.SetErr(io.Discard) // errors are logged, once
	if called, err := root.ExecuteContextC(ctx); err != nil {
		c.log.Ended(&report.Result{Err: err})
		c.log.Usage(called.CommandPath())
		return exitUsage
	}
	return c.code
}

// open opens the log and stdout.
func (c *command) open(cfg *config.Config) {
	color := c.env.get("NO_COLOR") == "" && c.env.get("TERM") != "dumb"
	c.out = actions.New(actions.Options{
		Out: c.env.Stderr, Getenv: c.env.get, Command: true, Columns: c.env.Columns, Color: color && c.env.Columns != nil, Quiet: cfg.Quiet,
	})
	mask(c.out, cfg)
	c.log = &report.Log{Out: c.out, Brief: c.env.OutColumns != nil && !cfg.JSON, Person: true}
	c.print = &report.Printer{
		Out: c.env.Stdout, Redact: c.out.Redact, JSON: cfg.JSON, Columns: c.env.OutColumns, Color: color && c.env.OutColumns != nil, Now: c.env.Now,
	}
}

// verb makes the command of a verb. do runs it and returns the exit code.
func (c *command) verb(verb config.Verb, do func(*command, context.Context, *config.Config) int) *cobra.Command {
	cmd := &cobra.Command{Use: string(verb), Short: verb.Short(), Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true}
	flags := config.NewFlags(verb, cmd.Flags())
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		c.open(flags.Unread(c.env.Lookup))
		return flags.Error(err)
	})
	cmd.SetHelpFunc(func(*cobra.Command, []string) { c.ended(config.Help(c.env.Stdout, verb)) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c.open(flags.Unread(c.env.Lookup))
		if flags.Version() {
			_, err := fmt.Fprintln(c.env.Stdout, "artifetch", c.env.Version)
			c.ended(err)
			return nil
		}
		if err := flags.Take(args); err != nil {
			return err
		}
		if flags.Workflow() {
			text, err := flags.Step(cmd.Context(), c.env.Lookup)
			if err == nil {
				_, failed := io.WriteString(c.env.Stdout, text)
				c.ended(failed)
			}
			return err
		}
		cfg, err := flags.Read(cmd.Context(), c.env.Lookup, machine.Machine{Run: c.env.Run})
		c.open(cfg)
		if err != nil {
			return err
		}
		c.code = do(c, cmd.Context(), cfg)
		return nil
	}
	return cmd
}

// completion makes the command that prints a script for a shell.
func (c *command) completion(root *cobra.Command) *cobra.Command {
	scripts := map[string]func(io.Writer) error{
		"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":  root.GenZshCompletion,
		"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	}
	cmd := &cobra.Command{Use: "completion", Short: "print a script that completes commands in a shell", ValidArgs: slices.Sorted(maps.Keys(scripts))}
	cmd.SetFlagErrorFunc(func(*cobra.Command, error) error { return errShell })
	cmd.SetHelpFunc(func(*cobra.Command, []string) {
		_, err := fmt.Fprint(c.env.Stdout, completionHelp)
		c.ended(err)
	})
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 || scripts[args[0]] == nil {
			return errShell
		}
		c.ended(scripts[args[0]](c.env.Stdout))
		return nil
	}
	return cmd
}

var errShell = &config.UsageError{Err: errors.New("completion takes the name of a shell: bash, fish or zsh")}

const completionHelp = `Prints a script that completes commands and flags in a shell.

  source <(artifetch completion bash)
  artifetch completion zsh > "${fpath[1]}/_artifetch"
  artifetch completion fish > ~/.config/fish/completions/artifetch.fish
`

// ended sets the exit code of a command that only prints.
func (c *command) ended(err error) {
	if err != nil {
		c.log.Failed(err)
		c.code = exitFailure
	}
}

// fetch is the verb Fetch.
func (c *command) fetch(ctx context.Context, cfg *config.Config) int {
	res := execute(ctx, c.env, cfg, c.out, false, (*staging).fetch)
	if !process.ReaderGone(res.Err) {
		c.log.Ended(res)
	}
	return c.end(res, errors.Join(c.print.Fetched(res), c.handOn(cfg, res)))
}

// handOn writes the outputs and the summary of the step that the command runs in, if
// --github-output is given.
func (c *command) handOn(cfg *config.Config, res *report.Result) error {
	if !cfg.GithubOutput {
		return nil
	}
	return handOn(c.log, cfg, res)
}

// list is the verb List: a dry run.
func (c *command) list(ctx context.Context, cfg *config.Config) int {
	res := c.read(ctx, cfg, (*staging).fetch)
	return c.end(res, errors.Join(c.print.Listed(res), c.handOn(cfg, res)))
}

// read runs a verb that only reads. For these, nothing found is a failure.
func (c *command) read(ctx context.Context, cfg *config.Config, do task) *report.Result {
	res := execute(ctx, c.env, cfg, c.out, false, do)
	if res.NotFound != nil {
		res.Err, res.NotFound = res.NotFound, nil
	}
	if res.Err != nil && !process.ReaderGone(res.Err) {
		c.log.Ended(res)
	}
	return res
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
