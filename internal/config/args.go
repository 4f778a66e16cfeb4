package config

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/artifetch/artifetch/internal/suggest"
)

// FromArgs reads a command line without the command's name and, for defaults, the
// environment (GITHUB_TOKEN, GH_TOKEN and others). The error is ErrHelp or ErrVersion
// if the flag was given, else a *UsageError; the Config then holds the values that
// could be read, at least JSON and Secrets.
func FromArgs(args []string, lookup func(string) (string, bool)) (*Config, error) {
	flags, own := newFlags()
	jsonOut := flags.Bool("json", false, "")
	help := flags.BoolP("help", "h", false, "")
	version := flags.Bool("version", false, "")

	err := flags.Parse(args)
	r := reader{
		get: func(input string) (string, bool) {
			if f := own[input]; f != nil {
				return f.String(), f.set
			}
			return "", false
		},
		env:   lookup,
		shown: func(input string) string { return "--" + input },
	}
	unread := &Config{JSON: *jsonOut, secrets: r.secrets()}
	switch {
	case *help:
		return unread, ErrHelp
	case *version:
		return unread, ErrVersion
	case err != nil:
		return unread, &UsageError{Err: flagError(err, flags)}
	case flags.NArg() > 0:
		return unread, &UsageError{Err: argumentError(args, flags)}
	}
	cfg, err := r.read()
	cfg.JSON = *jsonOut
	if err != nil {
		return cfg, &UsageError{Err: err}
	}
	return cfg, nil
}

// newFlags returns a flag for every row of the table, except the inputs that exist
// for steps written for other actions.
func newFlags() (*pflag.FlagSet, map[string]*flagValue) {
	flags := pflag.NewFlagSet("artifetch", pflag.ContinueOnError)
	flags.Usage = func() {} // the caller prints errors
	own := map[string]*flagValue{}
	for i := range table {
		in := &table[i]
		if in.Group == OtherNames {
			continue
		}
		own[in.Name] = &flagValue{in: in}
		f := flags.VarPF(own[in.Name], in.Name, "", "")
		if in.Bool() {
			f.NoOptDefVal = "true"
		}
	}
	return flags, own
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

// flagError rewords pflag's errors without the value, which may be a secret.
func flagError(err error, flags *pflag.FlagSet) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("unknown flag -%s; the names of inputs follow two dashes", name)
		}
		return fmt.Errorf("unknown flag --%s%s", name, meant(name, flags))
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("flag --%s needs a value", missing.GetSpecifiedName())
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("flag --%s takes true or false", invalid.GetFlag().Name)
	}
	return errors.New("a flag is not written as --name or --name=value")
}

// meant suggests a flag for an unknown one, which may be the name that another
// action has for an input.
func meant(name string, flags *pflag.FlagSet) string {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	canonical := map[string]string{}
	for i := range table {
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

func argumentError(args []string, flags *pflag.FlagSet) error {
	arg := flags.Arg(0)
	hint := "everything is given by flags"
	_, notBool := parseBool(arg)
	for i, a := range args[1:] {
		name, isFlag := strings.CutPrefix(args[i], "--")
		f := flags.Lookup(name)
		if notBool == nil && a == arg && isFlag && f != nil && f.NoOptDefVal != "" {
			hint = fmt.Sprintf("write --%s=%s", name, arg)
		}
	}
	return fmt.Errorf("unexpected argument %s; %s", quote(arg), hint)
}
