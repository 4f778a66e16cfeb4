package config

import "reflect"

// Input is one row of the table.
type Input struct {
	Name string
	// Aliases are the names that other actions have for the input.
	Aliases []string
	Group   Group
	// Default is the value if none is given; empty for inputs without one.
	Default string
	// Env are variables that hold the default. The first one that is set counts; if none is
	// set, Default is the default.
	Env []string
	// DefaultHelp describes the default if Default does not say enough. CommandDefault
	// describes the command's default, if that differs.
	DefaultHelp, CommandDefault string
	// ActionDefault is the default that action.yml declares for Name, and
	// AliasDefault the one that it declares for the aliases.
	ActionDefault, AliasDefault string
	// AliasHelp is how an alias differs from Name, in Markdown that follows it; empty if
	// they mean the same.
	AliasHelp string
	// EmptyAlias is what an empty alias means. It is "" if an empty alias means "not
	// given", as nearly always.
	EmptyAlias string
	// Help is one line of Markdown, CommandHelp the flag's help, if that differs. Accepted
	// describes the accepted values.
	Help, CommandHelp, Accepted string
	// Metavar stands for a value in --help; empty for booleans.
	Metavar string
	// Short is the letter of the flag's short name, which is gh's; empty for none.
	Short string
	// List is set for inputs that take one item a line.
	List bool
	// Secret values are never shown.
	Secret bool

	// address is set if values may be addresses: before an @ there may be a password.
	address bool

	// notInDiff is set if the verb Diff has no flag for the input. reading is set if verbs
	// that only read have a flag for it, although its group is about writing.
	notInDiff, reading bool

	role role
	// protects is set if less is checked without the input. An empty value is then an error.
	protects bool
	// opaqueDefault is set if the default cannot be distinguished from a value in
	// the workflow. An alias then always wins.
	opaqueDefault bool
	// set parses a non-empty value into its field. Its errors are itemErrors, or
	// texts that follow the quoted value: "is not a number".
	set func(c *Config, v string) error
	// setByAlias is used instead of set for a value that was given by an alias; nil means
	// set.
	setByAlias func(c *Config, v string) error
}

// Group is a heading of the tables.
type Group string

// The groups.
const (
	WhereFrom     Group = "Where from"
	WhichRun      Group = "Which run"
	WhichArtifact Group = "Which artifacts, which files"
	WhereTo       Group = "Where to, and how"
	Policy        Group = "Policy"
	// OtherNames are inputs of other actions that are more than aliases. They have
	// no flags.
	OtherNames Group = "Names that other actions use"
)

// groups are in the order of the documentation.
var groups = []Group{WhereFrom, WhichRun, WhichArtifact, WhereTo, Policy, OtherNames}

// role is an input's part in the search for a run.
type role int

const (
	noRole  role = iota
	chooses      // says which runs count, or how many
	tunes        // says how to search
)

// Bool reports whether the input is a boolean.
func (in *Input) Bool() bool { return in.Metavar == "" && in.Group != OtherNames }

// same reports whether two values mean the same.
func (in *Input) same(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	var ca, cb Config
	return in.set(&ca, a) == nil && in.set(&cb, b) == nil && reflect.DeepEqual(ca, cb)
}

// into returns a setter that parses a value into a field.
func into[T any](field func(*Config) *T, parse func(string) (T, error)) func(*Config, string) error {
	return func(c *Config, v string) error {
		t, err := parse(v)
		if err == nil {
			*field(c) = t
		}
		return err
	}
}

// unlessAny wraps set and ignores anyRun, which means no condition.
func unlessAny(set func(*Config, string) error) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v == anyRun {
			return nil
		}
		return set(c, v)
	}
}

// Output is one of the step's outputs.
type Output struct {
	Name string
	// Alias is the name that another action has for the output, or "".
	Alias string
	Help  string // one line of Markdown
}

// outputs is the table of outputs, in the order of the documentation.
var outputs = []Output{
	{Name: "found", Alias: "found_artifact", Help: "`true` or `false`"},
	{Name: "artifacts", Help: "JSON array with one object per artifact: `id`, `name`, `size_in_bytes`, `digest`, `digest_verified`, " +
		"`created_at`, `expires_at`, `repository`, `run_id`, `path` (workspace-relative), `files` (count), `bytes` (extracted); if it would exceed 512 KiB, only `id`, `name`, `run_id` and `path`"},
	{Name: "artifact-count", Help: "number of artifacts taken"},
	{Name: "file-count", Help: "number of files of all artifacts together"},
	{Name: "bytes", Help: "size of all files together"},
	{Name: "path", Help: "destination, relative to the workspace if it is inside of it"},
	{Name: "download-path", Help: "destination as an absolute path on the runner's host, usable in later steps"},
	{Name: "run-id", Help: "id of the newest run taken"},
	{Name: "run-number", Help: "number of that run within its workflow"},
	{Name: "run-attempt", Help: "attempt of that run, from 1"},
	{Name: "run-url", Help: "address of that run on GitHub"},
	{Name: "workflow", Help: "name of that run's workflow"},
	{Name: "event", Help: "event that triggered that run"},
	{Name: "conclusion", Help: "conclusion of that run"},
	{Name: "head-branch", Help: "head branch of that run"},
	{Name: "head-sha", Help: "head commit of that run"},
	{Name: "from-fork", Help: "`true` if that run's commit came from a fork, `false` if it is the repository's own, `unknown` if the server does not say; empty if no run was taken"},
	{Name: "runs", Help: "JSON array of the runs taken, newest first, with the fields above and `repository`; if it would exceed 512 KiB, only `run-id`, `run-url` and `repository`"},
	{Name: "error-message", Alias: "error_message", Help: "why the step failed, in one line of at most 4 KiB; empty if it did not fail"},
	{Name: "dry_run", Help: "`true` if a dry run found something (a name of dawidd6/action-download-artifact)"},
}
