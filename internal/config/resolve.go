package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/suggest"
	"github.com/artifetch/artifetch/internal/words"
)

// EnvName returns the name of the variable in which the runner passes an input:
// hyphens stay.
func EnvName(input string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(input, " ", "_"))
}

// FromEnv reads INPUT_* and, for defaults, the variables of a job. environ are
// all variables, as from os.Environ: INPUT_ variables among them that look like misspelt
// inputs become warnings. The error is an *Errors; the Config then holds the
// values that could be read.
func FromEnv(lookup func(string) (string, bool), environ ...string) (*Config, error) {
	r := reader{
		get:   func(input string) (string, bool) { return lookup(EnvName(input)) },
		env:   lookup,
		shown: func(input string) string { return input },
	}
	cfg, err := r.read()
	cfg.Warnings = append(cfg.Warnings, misspelt(environ)...)
	return cfg, err
}

// misspelt returns a warning for each INPUT_ variable whose name is nearly that of
// an input. It ignores all other unknown variables: the runner warns of them, and
// sets some itself.
func misspelt(environ []string) []string {
	const most = 100 // unknown variables: each is compared with every name
	var known []string
	for i := range table {
		known = append(append(known, table[i].Name), table[i].Aliases...)
	}
	var warnings []string
	unknown := 0
	for _, variable := range environ {
		variable, _, _ = strings.Cut(variable, "=")
		name, ok := strings.CutPrefix(variable, "INPUT_")
		name = strings.ToLower(name)
		if !ok || slices.Contains(known, name) {
			continue
		}
		if unknown++; unknown > most {
			break
		}
		if near := suggest.Nearest(name, known); near != "" {
			warnings = append(warnings, fmt.Sprintf("there is no input %s; did you mean %s?", quote(name), near))
		}
	}
	return warnings
}

// reader reads inputs into a Config.
type reader struct {
	get   func(input string) (value string, present bool)
	env   func(variable string) (string, bool)
	shown func(input string) string // the name of an input in messages

	// The following fields are for the command; see locate.
	flags     bool             // inputs are flags
	found     map[string]value // defaults that count before the table's
	anyServer bool             // addresses may be on other servers than the API
	tokenless bool             // no token is needed
	noToken   string           // the message if there is no token; "" in a step
	noRemote  error            // why no git remote gives the repository

	values map[string]*value // by canonical name; every input has one
	errs   Errors
}

// value is the text of an input, before it is parsed.
type value struct {
	text    string
	by      string // the name that was used for the input
	byAlias bool   // that name is an alias
	given   bool   // set in the workflow, not just the default
}

func (r *reader) read() (*Config, error) {
	r.values = map[string]*value{}
	for i := range table {
		r.values[table[i].Name] = r.resolve(&table[i])
	}
	r.foldOtherNames()

	cfg := &Config{given: map[string]string{}, secrets: r.secrets()}
	for i := range table {
		if v := r.values[table[i].Name]; v.given {
			cfg.given[table[i].Name] = v.by
		}
	}
	for i := range table {
		r.parse(cfg, &table[i])
		in := &table[i]
		switch name := r.cameOutEmpty(in); {
		case name == "":
		case in.protects:
			r.fail(name, "", "is empty: what it is set to has no value, and nothing would be checked", in.Accepted)
		default:
			cfg.Empty = append(cfg.Empty, EmptyInput{in.Name, name})
		}
	}
	if pr := r.cameOutEmpty(row("pr")); pr != "" && cfg.AllowForks && !r.byID() {
		// Only the pull request limits whose code may come in.
		r.fail(pr, "", "is empty: what it is set to has no value, and with "+r.values["allow-forks"].by+" the runs of all forks would fit", "the number of a pull request")
	}
	r.check(cfg)
	return cfg, r.errs.or()
}

// resolve chooses between an input's own value, its aliases and its default.
func (r *reader) resolve(in *Input) *value {
	def := r.defaultOf(in)
	own := value{text: r.text(in.Name), by: r.shown(in.Name)}
	alias := r.alias(in)
	v := &own
	switch {
	case alias.text == "" || in.same(own.text, alias.text):
	case own.text == "" || in.opaqueDefault || in.same(own.text, def.text):
		v = &alias
	case in.same(alias.text, def.text):
	default:
		r.fail(own.by, "", fmt.Sprintf("and its alias %s are both given and differ; give one of them", alias.by), "")
	}
	// If action.yml declares no default, a value can only come from the workflow.
	written := v == &own && own.text != "" && in.role == chooses && in.ActionDefault == ""
	if !written && (v.text == "" || in.same(v.text, def.text)) {
		if v.text == "" {
			v = &def
		}
		return v
	}
	v.given = true
	return v
}

// cameOutEmpty returns the name by which an input that narrows the search or protects was
// given with an empty value, such as an expression that evaluates to nothing; else it
// returns "". The runner passes an empty text for every alias that is not given, so an empty
// alias of the token counts as given only if the token itself, which has a default, is
// absent.
func (r *reader) cameOutEmpty(in *Input) string {
	token := in.opaqueDefault && !r.values["app-id"].given
	if in.Default != anyRun && !token || r.values[in.Name].given {
		return ""
	}
	names := []string{in.Name}
	if token {
		names = append(names, in.Aliases...)
	}
	for _, name := range names {
		if text, present := r.get(name); present {
			if strings.TrimSpace(text) == "" {
				return r.shown(name)
			}
			return ""
		}
	}
	return ""
}

func (r *reader) text(name string) string {
	text, _ := r.get(name)
	return strings.TrimSpace(text)
}

// alias returns the value of the first alias that was given. Aliases that differ
// are a failure.
func (r *reader) alias(in *Input) value {
	var first value
	for _, name := range in.Aliases {
		text, present := r.get(name)
		if text = strings.TrimSpace(text); text == "" && present {
			text = in.EmptyAlias
		}
		switch {
		case text == "":
		case first.text == "":
			first = value{text: text, by: r.shown(name), byAlias: true}
		case !in.same(first.text, text):
			r.fail(first.by, "", fmt.Sprintf("and %s mean the same input and differ; give one of them", r.shown(name)), "")
		}
	}
	return first
}

func (r *reader) defaultOf(in *Input) value {
	if v, ok := r.found[in.Name]; ok {
		return v
	}
	for _, variable := range in.Env {
		if text, _ := r.env(variable); strings.TrimSpace(text) != "" {
			return value{text: strings.TrimSpace(text), by: variable}
		}
	}
	return value{text: in.Default, by: r.shown(in.Name)}
}

// foldOtherNames applies the inputs of other actions that change the meaning of
// another input.
func (r *reader) foldOtherNames() {
	if search := r.values["workflow_search"]; isTrue(search.text) && !r.values["workflow"].given {
		r.values["workflow"] = &value{text: "*", by: search.by, given: true}
	}
	name, expr := r.values["name"], r.values["name-regex"]
	if !isTrue(r.values["name_is_regexp"].text) || !name.given {
		return
	}
	if expr.given && expr.text != name.text {
		r.fail(expr.by, "", "and name with name_is_regexp are both given and differ; give one of them", "")
	}
	r.values["name-regex"] = name
	r.values["name"] = &value{by: name.by}
}

func isTrue(text string) bool {
	b, err := parseBool(text)
	return err == nil && b
}

// parse sets the field of one input. If another input overrules the value, parse checks
// it, but the Config keeps the default.
func (r *reader) parse(cfg *Config, in *Input) {
	v := r.values[in.Name]
	target := cfg
	if in.role != noRole && r.byID() {
		target = &Config{}
		if v.given && r.values["run-id"].given {
			if cfg.overruled == nil {
				cfg.overruled = &Config{}
			}
			target = cfg.overruled
		}
		if in.Default != "" {
			_ = in.set(cfg, in.Default) // the table's defaults are valid
		}
	}
	if v.text == "" {
		return
	}
	set := in.set
	if v.byAlias && in.setByAlias != nil {
		set = in.setByAlias
	}
	if err := set(target, v.text); err != nil {
		r.refuse(in, v, err)
	}
}

// byID is Config.ByID, before the Config exists.
func (r *reader) byID() bool { return r.values["run-id"].given || r.values["artifact-ids"].given }

// maxProblems bounds how many wrong items of one input are reported.
const maxProblems = 10

// refuse reports a parser's error: for a list one problem an item, up to
// maxProblems.
func (r *reader) refuse(in *Input, v *value, err error) {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for i, err := range errs {
		if i == maxProblems {
			r.fail(v.by, "", "has "+words.Count(len(errs)-i, "more wrong item"), in.Accepted)
			return
		}
		text, problem := v.text, err.Error()
		if item, ok := errors.AsType[*itemError](err); ok {
			text, problem = item.item, item.err.Error()
		}
		shown := quote(text)
		if in.Secret || in.address && strings.Contains(text, "@") {
			shown = redacted
		}
		if meant, ok := errors.AsType[*meantError](err); ok && r.flags {
			problem = meant.meant(r.shown(meant.input))
		}
		r.fail(v.by, shown, problem, in.Accepted)
	}
}

func (r *reader) fail(input, shown, problem, accepted string) {
	if r.flags {
		accepted = forFlag(accepted)
	}
	r.errs.add(&InputError{Input: input, Value: shown, Problem: problem, Accepted: accepted})
}
