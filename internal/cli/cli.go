// Package cli reads the command line of artifetch: the verb that it names, and the inputs
// that flags and variables give, as a validated config.Config. It answers what needs no
// run: --help, --version, --print-workflow, and what shells need to complete a line. Any
// other command line becomes a Call, which the caller carries out.
//
// Nothing is written if the command line is wrong. Reading sends no requests, and reads no
// file; git and gh are asked only for what flags and variables do not say.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/artifetch/artifetch/internal/config"
)

// Line is a command line, with everything that its meaning depends on.
type Line struct {
	Args    []string // without the command's name
	Version string   // for --version
	Lookup  func(variable string) (string, bool)
	Machine config.Machine
	Out     io.Writer // for answers
}

// Call is what a command line asks for.
type Call struct {
	// Verb is what the caller has to do; "" if the line was answered, or is wrong.
	Verb config.Verb
	// Config is never nil. Without a Verb, it only says how to print and what is secret, as
	// far as the line was understood.
	Config *config.Config
	// Command is the command that the line names, such as "artifetch ls".
	Command string
}

// Read reads the line. Its error is a *config.UsageError if the line is wrong; else it is
// the error of Out.
func (l Line) Read(ctx context.Context) (Call, error) {
	r := &reading{Line: l, call: Call{Config: &config.Config{}}}
	root := r.command(config.Fetch) //nolint:contextcheck // cobra passes ctx on
	for _, verb := range []config.Verb{config.List, config.Ls, config.Cat, config.Diff} {
		root.AddCommand(r.command(verb)) //nolint:contextcheck // cobra passes ctx on
	}
	root.AddCommand(r.completion(root))
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetArgs(append([]string{}, l.Args...)) // for nil, cobra would read os.Args
	root.SetOut(l.Out)
	root.SetErr(io.Discard) // the caller logs errors, once
	named, err := root.ExecuteContextC(ctx)
	r.call.Command = named.CommandPath()
	if err == nil {
		return r.call, r.failed
	}
	r.call.Verb = ""
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		err = &config.UsageError{Err: err} // one of cobra's own
	}
	return r.call, err
}

// reading is a Line while it is read.
type reading struct {
	Line

	call   Call
	failed error // of Out
}

// command makes the command of a verb.
func (r *reading) command(verb config.Verb) *cobra.Command {
	cmd := &cobra.Command{Use: string(verb), Short: verb.Short(), Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true}
	var flags *config.Flags
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		r.call.Config = flags.Unread(r.Lookup)
		return flags.Error(err)
	})
	cmd.SetHelpFunc(func(*cobra.Command, []string) { r.failed = config.Help(r.Out, verb) })
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		r.call.Config = flags.Unread(r.Lookup)
		if flags.Version() {
			_, r.failed = fmt.Fprintln(r.Out, "artifetch", r.Version)
			return nil
		}
		if err := flags.Take(args); err != nil {
			return err
		}
		if flags.Workflow() {
			text, err := flags.Step(cmd.Context(), r.Lookup)
			if err == nil {
				_, r.failed = io.WriteString(r.Out, text)
			}
			return err
		}
		r.call.Verb = verb
		r.call.Config, err = flags.Read(cmd.Context(), r.Lookup, r.Machine)
		return err
	}
	if verb != config.Fetch && !slices.Contains(r.Args, string(verb)) {
		return cmd // no argument can choose it, and its flags take long to make
	}
	flags = config.NewFlags(verb, cmd.Flags())
	if len(r.Args) > 0 && r.Args[0] == cobra.ShellCompRequestCmd {
		flags.Describe()
	}
	return cmd
}

// completion makes the command that prints a script for a shell.
func (r *reading) completion(root *cobra.Command) *cobra.Command {
	scripts := map[string]func(io.Writer) error{
		"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":  root.GenZshCompletion,
		"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	}
	cmd := &cobra.Command{Use: "completion", Short: "print a script that completes commands in a shell", ValidArgs: slices.Sorted(maps.Keys(scripts))}
	cmd.SetFlagErrorFunc(func(*cobra.Command, error) error { return errShell })
	cmd.SetHelpFunc(func(*cobra.Command, []string) { _, r.failed = io.WriteString(r.Out, completionHelp) })
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 || scripts[args[0]] == nil {
			return errShell
		}
		r.failed = scripts[args[0]](r.Out)
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
