package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/artifetch/artifetch/internal/suggest"
)

// Flags are the flags of a verb: one for each input that the verb has, and the command's
// own. They are read once, after their set has parsed a command line.
type Flags struct {
	verb   Verb
	set    *pflag.FlagSet
	inputs map[string]*flagValue

	file string // see Config.File

	json, quiet, version, workflow, githubOutput bool
}

// NewFlags adds the flags of a verb to a set. The flags have no help: see Describe.
func NewFlags(verb Verb, set *pflag.FlagSet) *Flags {
	f := &Flags{verb: verb, set: set, inputs: map[string]*flagValue{}}
	set.SortFlags = false
	for i := range table {
		in := &table[i]
		f.inputs[in.Name] = &flagValue{in: in} // also for inputs without a flag: see Take
		if !verb.has(in) {
			continue
		}
		flag := set.VarPF(f.inputs[in.Name], in.Name, in.Short, "")
		if in.Bool() {
			flag.NoOptDefVal = "true"
		}
	}
	for _, own := range ownFlags {
		if own.into != nil && own.of(verb) {
			set.BoolVarP(own.into(f), own.name, own.short, false, own.help)
		}
	}
	return f
}

// Describe gives each flag of an input its help, which only shells that complete a line ask
// for: it takes longer to word than a command line takes to read.
func (f *Flags) Describe() {
	for i := range table {
		if flag := f.set.Lookup(table[i].Name); flag != nil {
			flag.Usage = flagHelp(&table[i])
		}
	}
}

// ownFlag is a flag that is no input.
type ownFlag struct {
	name, short, help string
	verbs             []Verb             // that have the flag; none means all
	into              func(*Flags) *bool // nil: the caller adds the flag
}

func (o ownFlag) of(verb Verb) bool { return len(o.verbs) == 0 || slices.Contains(o.verbs, verb) }

// ownFlags are in the order of the help.
var ownFlags = []ownFlag{
	{name: "json", verbs: []Verb{Fetch, List, Ls, Diff}, help: "print one JSON object", into: func(f *Flags) *bool { return &f.json }},
	{name: "quiet", short: "q", help: "log warnings and errors only", into: func(f *Flags) *bool { return &f.quiet }},
	{name: "github-output", verbs: []Verb{Fetch, List}, help: "also write the outputs and the summary of the step that the command runs in", into: func(f *Flags) *bool { return &f.githubOutput }},
	{name: "print-workflow", verbs: []Verb{Fetch}, help: "print the workflow step that does the same as the flags, and do nothing else", into: func(f *Flags) *bool { return &f.workflow }},
	{name: "help", short: "h", help: "print this text"},
	{name: "version", verbs: []Verb{Fetch}, help: "print the version", into: func(f *Flags) *bool { return &f.version }},
}

// Take adds the arguments that are not flags: ids and addresses of runs, and addresses of
// artifacts. The first argument of Cat is the path of a file. The error is a *UsageError.
func (f *Flags) Take(args []string) error {
	if f.verb == Diff && len(args) != 2 {
		return &UsageError{Err: errors.New("diff compares two runs: give their ids or addresses")}
	}
	if f.verb == Cat {
		if len(args) == 0 || args[0] == "" {
			return &UsageError{Err: errors.New("cat needs the path of a file, as ls prints it")}
		}
		f.file, args = args[0], args[1:]
	}
	for _, arg := range args {
		_, notRun := parseRun(arg)
		_, notArtifact := parseArtifact(arg)
		switch {
		case notRun == nil, arg == currentRun && f.verb != Diff:
			_ = f.inputs["run-id"].Set(arg) // never fails
		case notArtifact == nil && f.verb != Diff:
			_ = f.inputs["artifact-ids"].Set(arg)
		default:
			return &UsageError{Err: f.argumentError(arg)}
		}
	}
	return nil
}

// Read makes a Config from the flags, the environment (through lookup) and what the machine
// knows. The error is a *UsageError; the Config then holds the values that could be read,
// at least JSON, Quiet and Secrets.
func (f *Flags) Read(ctx context.Context, lookup func(string) (string, bool), m Machine) (*Config, error) {
	r := f.reader(lookup)
	r.tokenless = f.verb == List
	r.locate(ctx, m)
	cfg, err := r.read()
	f.own(cfg)
	if file, _ := lookup("GITHUB_OUTPUT"); cfg.GithubOutput && file == "" && err == nil {
		err = errors.New("--github-output has no meaning outside of a job's step: GITHUB_OUTPUT is not set")
	}
	if runs := len(cfg.RunIDs); err == nil && f.verb == Diff && runs != 2 {
		err = errors.New("diff compares two runs, and both are the same")
	}
	if err != nil {
		return cfg, &UsageError{Err: err}
	}
	return cfg, nil
}

// Version reports whether the version is asked for.
func (f *Flags) Version() bool { return f.version }

// Unread returns a Config that only says how to print, and what is secret.
func (f *Flags) Unread(lookup func(string) (string, bool)) *Config {
	cfg := &Config{secrets: f.reader(lookup).secrets()}
	f.own(cfg)
	return cfg
}

// own sets the fields that are not inputs.
func (f *Flags) own(cfg *Config) {
	cfg.JSON, cfg.Quiet = f.json, f.quiet
	cfg.File, cfg.GithubOutput = f.file, f.githubOutput
	cfg.Reads = f.verb != Fetch
	cfg.DryRun = cfg.DryRun || cfg.Reads
}

// reader reads the flags of inputs.
func (f *Flags) reader(lookup func(string) (string, bool)) *reader {
	return &reader{
		get: func(input string) (string, bool) {
			if v := f.inputs[input]; v != nil {
				return v.String(), v.set
			}
			return "", false
		},
		env:   lookup,
		shown: func(input string) string { return "--" + input },
		flags: true,
	}
}

// flagValue collects the texts given to a flag, which are parsed later, together
// with those of all other flags.
type flagValue struct {
	in    *Input
	texts []string
	set   bool
}

func (f *flagValue) Set(text string) error {
	if !f.in.List {
		f.texts = nil // the last one counts, as usual
	}
	f.texts = append(f.texts, text)
	f.set = true
	return nil
}

// String joins the items of a repeated flag as a workflow would write them.
func (f *flagValue) String() string { return strings.Join(f.texts, "\n") }

func (f *flagValue) Type() string { return f.in.Metavar }

// Error rewords an error of the set, as a *UsageError without the value, which may be a
// secret.
func (f *Flags) Error(err error) error { return &UsageError{Err: f.flagError(err)} }

func (f *Flags) flagError(err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("unknown flag -%s; flags that are named as inputs begin with two dashes", name)
		}
		if f.verb != Fetch && isFetchFlag(name) {
			return fmt.Errorf("%s has no flag --%s: only artifetch without a verb has it", f.verb, name)
		}
		return fmt.Errorf("unknown flag --%s%s", name, f.meant(name))
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("flag --%s needs a value", missing.GetFlag().Name)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("flag --%s takes true or false", invalid.GetFlag().Name)
	}
	return errors.New("a flag is not written as --name or --name=value")
}

// isFetchFlag reports whether the verb Fetch has a flag.
func isFetchFlag(name string) bool {
	input := slices.ContainsFunc(table, func(in Input) bool { return in.Name == name && Fetch.has(&in) })
	return input || slices.ContainsFunc(ownFlags, func(o ownFlag) bool { return o.name == name && o.of(Fetch) })
}

// meant suggests a flag for an unknown one, which may be the name that another
// action has for an input.
func (f *Flags) meant(name string) string {
	var known []string
	f.set.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	canonical := map[string]string{}
	for i := range table {
		if !f.verb.has(&table[i]) {
			continue
		}
		for _, alias := range table[i].Aliases {
			known = append(known, alias)
			canonical[alias] = table[i].Name
		}
	}
	near := suggest.Nearest(name, known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean --%s?)", cmp.Or(canonical[near], near))
}

// argumentError says what is wrong with an argument that names neither a run nor an
// artifact.
func (f *Flags) argumentError(arg string) error {
	hint := "give ids or addresses of runs, or addresses of artifacts, and everything else by flags" +
		didYouMean(arg, []string{string(List), string(Ls), string(Cat), string(Diff), "completion"})
	if _, err := parseBool(arg); err == nil {
		f.set.Visit(func(flag *pflag.Flag) {
			if flag.NoOptDefVal != "" {
				hint = fmt.Sprintf("write --%s=%s", flag.Name, arg)
			}
		})
	}
	return fmt.Errorf("unexpected argument %s; %s", quote(arg), hint)
}
