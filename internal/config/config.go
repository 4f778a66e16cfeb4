// Package config holds the one table of inputs and turns an environment
// (INPUT_*) or a command line into a validated Config.
//
// The table, in table.go, is data: a row is an input's name, aliases,
// default, help and parser. The environment, the flags, --help, action.yml
// and the tables of the README all follow from it; adding an input means
// adding a row and the code that uses the field it fills.
//
// Rules that hold for every input:
//
//   - Blanks around a value are dropped. An empty value means "not given";
//     the one exception is workflow_conclusion, where it means any.
//   - An alias wins over a canonical value that is only the default, and a
//     canonical value over an alias that is only the default. Otherwise both
//     have to mean the same.
//   - Everything wrong is reported at once, as *Errors (from the environment)
//     or *UsageError around it (from a command line).
//   - Values are checked for form only: nothing is looked up, no file is
//     read, and nothing is read from the environment but by the lookup given.
package config

import (
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/artifetch/artifetch/internal/workspace"
)

// Config is what was asked for. Every field is valid on its own and with the
// others. Inputs that another one overrules are as if they had not been
// given, and a warning says so.
type Config struct {
	// Token is empty where AppID is set, and may be empty in a dry run.
	Token Secret
	// AppID is a GitHub App's numeric id or its client id. It is set if and
	// only if AppPrivateKey is.
	AppID         string
	AppPrivateKey Secret // PEM
	// CACert is PEM text (CACertIsPEM tells), the path of a PEM file, or empty.
	CACert string
	// APIURL is GitHub's REST API, without a slash at the end.
	APIURL *url.URL
	// Repositories are "owner/name", at least one.
	Repositories []string
	RunIDs       []int64
	// RunCurrent asks for the current run, besides RunIDs.
	RunCurrent bool

	Workflow    string   // "" for the default, "*" for any
	Branches    []string // in order of preference, without refs/heads/
	Commit      string   // full or abbreviated SHA, or tag without refs/tags/
	PR          int
	Ref         string // a branch if one has that name, else commit or tag
	Events      []string
	Actor       string
	Conclusions []string // conclusions or statuses; empty for any
	RunNumber   int
	MaxAge      time.Duration // 0 for any age
	Runs        int           // at least 1
	SearchLimit int           // at least 1
	AllowForks  bool
	Wait        time.Duration

	// At most one of Names, Patterns, NameRegex and ArtifactIDs is set.
	Names       []string
	Patterns    []string // globs that package glob accepts
	NameRegex   *regexp.Regexp
	ArtifactIDs []int64
	Files       []string // globs that package glob accepts
	Shard       Shard

	Path           string // as given, never empty
	MergeMultiple  bool
	SkipDecompress bool
	Unpack         bool
	IfExists       workspace.IfExists
	Concurrency    int // 0 for automatic

	IfNoArtifactFound IfNoArtifactFound
	DigestMismatch    DigestMismatch
	MaxSize           int64 // bytes, 0 for no limit
	MaxFiles          int   // at least 1
	DryRun            bool
	Delete            bool
	Summary           bool

	// JSON asks for the outputs as one JSON object (command line only).
	JSON bool
	// Warnings are for the log: what was given and has no effect, and what
	// looks like a mistake. They may quote values that were given.
	Warnings []string
	// Empty names inputs that choose runs or ids and were given, but came out
	// empty, so that they count as not given.
	Empty []string

	given   map[string]string // canonical name → the name it was given by
	secrets func() []string
}

// Given tells whether an input was given, by its own name or by an alias, a
// value other than its default.
func (c *Config) Given(name string) bool {
	_, ok := c.given[name]
	return ok
}

// CACertIsPEM tells whether CACert is the certificates themselves.
func (c *Config) CACertIsPEM() bool { return isPEM(c.CACert) }

// ByID tells whether runs or artifacts are named by id, so that no search is
// needed and none of the inputs that narrow one is looked at.
func (c *Config) ByID() bool {
	return len(c.RunIDs) > 0 || c.RunCurrent || len(c.ArtifactIDs) > 0
}

// Searches tells whether an input was given that chooses among runs. Where
// none was, a workflow_run event's own run is what is wanted.
func (c *Config) Searches() bool {
	for i := range table {
		if table[i].role == chooses && c.Given(table[i].Name) {
			return true
		}
	}
	return false
}

// Shard is this job's share of the selected artifacts: Index of Count,
// counted from 1. The zero Shard is all of them.
type Shard struct{ Index, Count int }

// IfNoArtifactFound says how a run ends that found nothing.
type IfNoArtifactFound string

// The values of if-no-artifact-found.
const (
	Fail   IfNoArtifactFound = "fail"
	Warn   IfNoArtifactFound = "warn"
	Ignore IfNoArtifactFound = "ignore"
)

// DigestMismatch says what a differing digest means.
type DigestMismatch string

// The values of digest-mismatch.
const (
	MismatchError  DigestMismatch = "error"
	MismatchWarn   DigestMismatch = "warn"
	MismatchInfo   DigestMismatch = "info"
	MismatchIgnore DigestMismatch = "ignore"
)

// Secret is text that must not be shown. It prints as a placeholder whatever
// the verb; a conversion to string reveals it.
type Secret string

const redacted = "[redacted]"

// String is a placeholder, or empty where the secret is.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is for %#v.
func (s Secret) GoString() string { return `config.Secret("` + s.String() + `")` }

// MarshalText is for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
