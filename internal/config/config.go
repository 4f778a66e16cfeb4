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
//   - Blanks around a value are dropped. An empty value means "not given",
//     except for workflow_conclusion, where it means any, and for expect-digest,
//     where it is an error.
//   - An alias wins over a canonical value that is only the default, and a
//     canonical value wins over an alias that is only the default. Otherwise
//     both must mean the same.
//   - All mistakes are reported at once, as *Errors (from the environment) or
//     as a *UsageError that wraps it (from a command line).
//   - Only the form of values is checked: no file is read, no server is asked,
//     and the environment is read through the lookup function only.
package config

import (
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/workspace"
)

// Config holds the inputs. Every field is valid, on its own and together with the others.
// An input that another input overrules counts as not given, and a warning says so.
type Config struct {
	// Token is empty if AppID is set, and may be empty in a dry run.
	Token Secret
	// AppID is a GitHub App's numeric id or its client id. It is set if and
	// only if AppPrivateKey is.
	AppID         string
	AppPrivateKey Secret // PEM
	// CACert is PEM text (see CACertIsPEM), the path of a PEM file, or empty.
	CACert string
	// APIURL is GitHub's REST API, without a slash at the end.
	APIURL *url.URL
	// Repositories has at least one.
	Repositories []artifact.Repo
	RunIDs       []int64
	// RunRepos and ArtifactRepos are the repositories of the runs and artifacts that
	// were given by their addresses. They are among Repositories.
	RunRepos, ArtifactRepos map[int64]artifact.Repo
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
	// CurrentFirst is set only in a run.
	CurrentFirst bool

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
	// SkipUnpack is set if SkipDecompress was given by the name skip_unpack: then archives
	// go where dawidd6/action-download-artifact, which has that input, puts them.
	SkipUnpack  bool
	Unpack      bool
	IfExists    workspace.IfExists
	Concurrency int // 0 for automatic

	IfNoArtifactFound IfNoArtifactFound
	DigestMismatch    DigestMismatch
	// ExpectDigests and the artifacts taken have to match one to one. Equal digests are not
	// merged: several artifacts may have the same bytes. Empty for no such check.
	ExpectDigests []ExpectedDigest
	MaxSize       int64 // bytes, 0 for no limit
	MaxFiles      int   // at least 1
	DryRun        bool
	Delete        bool
	Summary       bool

	// JSON asks for one JSON object on stdout, Quiet for a log of warnings and errors only
	// (command line only).
	JSON, Quiet bool
	// GithubOutput asks a command in a step to write the step's outputs and its summary.
	GithubOutput bool
	// Reads is set for verbs that write no files. Then DryRun is set, too.
	Reads bool
	// File is the path of the file that the verb Cat writes, in its artifact or below the
	// destination.
	File string
	// Warnings are texts for the log: inputs without effect, and likely mistakes.
	// They may quote values.
	Warnings []string
	// Notes are texts for the log about things that are not mistakes.
	Notes []string
	// Empty are the inputs that choose runs or ids, or give the token, and were given with
	// an empty value: they are ignored.
	Empty []EmptyInput

	runs, artifacts []named // as RunIDs and ArtifactIDs

	overruled *Config

	given   map[string]string // canonical name → the name it was given by
	secrets func() []string
}

// Given reports whether an input was given, by its own name or an alias, with a
// value other than its default.
func (c *Config) Given(name string) bool {
	_, ok := c.given[name]
	return ok
}

// Overruled returns the conditions of the search that were given beside run-id, which
// overrules them. A run that does not meet them may be a mistake. Other fields are zero.
func (c *Config) Overruled() *Config {
	if c.overruled == nil {
		return &Config{}
	}
	return c.overruled
}

// CACertIsPEM reports whether CACert is PEM text, not a path.
func (c *Config) CACertIsPEM() bool { return isPEM(c.CACert) }

// ByID reports whether runs or artifacts are named by id. Then there is no search,
// and the inputs that narrow one have no effect.
func (c *Config) ByID() bool {
	return len(c.RunIDs) > 0 || c.RunCurrent || len(c.ArtifactIDs) > 0
}

// Searches reports whether an input was given that chooses among runs. If none was,
// a step of a workflow_run event takes the run that triggered it.
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

// IfNoArtifactFound is how the step ends if nothing was found.
type IfNoArtifactFound string

// The values of if-no-artifact-found.
const (
	Fail   IfNoArtifactFound = "fail"
	Warn   IfNoArtifactFound = "warn"
	Ignore IfNoArtifactFound = "ignore"
)

// DigestMismatch is what happens if an artifact's digest differs.
type DigestMismatch string

// The values of digest-mismatch.
const (
	MismatchError  DigestMismatch = "error"
	MismatchWarn   DigestMismatch = "warn"
	MismatchInfo   DigestMismatch = "info"
	MismatchIgnore DigestMismatch = "ignore"
)

// ExpectedDigest is a digest that an artifact has to have.
type ExpectedDigest struct {
	SHA256   string // 64 hexadecimal digits in lower case
	Artifact string // the name of the artifact; "" for any
}

// EmptyInput is an input that was given with an empty value.
type EmptyInput struct {
	Name string // canonical
	By   string // the name that it was given by, as messages show it
}

// Secret is text that must not be shown. Every verb of fmt prints a placeholder;
// a conversion to string reveals the text.
type Secret string

const redacted = "[redacted]"

// String returns a placeholder, or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString returns a placeholder for %#v.
func (s Secret) GoString() string { return `config.Secret("` + s.String() + `")` }

// MarshalText returns a placeholder for JSON and similar formats.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns a placeholder for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
