package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/workspace"
)

const (
	acceptedCount    = "a whole number from 1"
	acceptedIDs      = "ids, which are whole numbers from 1, or addresses, one a line or separated by commas"
	acceptedDuration = "a duration such as 90s, 10m, 12h, 30d, 2w or 1d12h"
	acceptedGlobs    = "globs, one a line, with *, ?, [..], {a,b}, {1..9} and **; ! in front excludes"
	acceptedBool     = "true or false"
	acceptedAnything = "anything; it has no effect"

	// anyRun is the default of inputs that choose runs or ids, and of inputs that protect.
	// action.yml declares it, so that an input that was not given differs from an empty one.
	anyRun = "*"
)

// table declares all inputs, in the order of the documentation.
var table = slices.Concat(whereFrom, whichRun, whichArtifact, whereTo, policy, otherNames)

var whereFrom = []Input{
	{Name: "github-token", Aliases: []string{"github_token"}, Group: WhereFrom, Metavar: "TOKEN", Secret: true,
		ActionDefault: "${{ github.token }}", opaqueDefault: true, Env: []string{"GITHUB_TOKEN", "GH_TOKEN"},
		CommandDefault: "$GITHUB_TOKEN, $GH_TOKEN, else gh auth token; prefer these, because other users of the machine can see flags",
		Help:           "token for the API, never sent to the storage host; needs `actions: read` (`write` with `delete`)",
		CommandHelp:    "token for the API, never sent to the storage host; needs Actions read (write with `delete`)",
		Accepted:       "a token on one line",
		set:            into(func(c *Config) *Secret { return &c.Token }, parseToken)},
	{Name: "app-id", Group: WhereFrom, Metavar: "ID",
		Help:     "GitHub App to use instead of a token, with Actions read (write with `delete`) on the repositories named",
		Accepted: "an App's id, or its client id",
		set:      into(func(c *Config) *string { return &c.AppID }, parseAppID)},
	{Name: "app-private-key", Group: WhereFrom, Metavar: "PEM", Secret: true,
		Help:     "the GitHub App's private key",
		Accepted: "the text of the .pem file that GitHub generated for the App",
		set:      into(func(c *Config) *Secret { return &c.AppPrivateKey }, parsePrivateKey)},
	{Name: "ca-cert", Group: WhereFrom, Metavar: "FILE|PEM",
		Help:        "PEM file (relative to the workspace) or PEM text of certificates to trust in addition to the system's",
		CommandHelp: "PEM file or PEM text of certificates to trust in addition to the system's",
		Accepted:    "the path of a PEM file, or the text of PEM certificates",
		set:         into(func(c *Config) *string { return &c.CACert }, parseCACert)},
	{Name: "github-api-url", Group: WhereFrom, Metavar: "URL", address: true,
		Env: []string{"GITHUB_API_URL"}, Default: "https://api.github.com", DefaultHelp: "`$GITHUB_API_URL`, else `https://api.github.com`",
		Help:     "`https://HOST/api/v3` for GitHub Enterprise Server; a bare `https://HOST` gets `/api/v3` added",
		Accepted: "https://api.github.com, https://api.SUBDOMAIN.ghe.com or https://HOST/api/v3",
		set:      into(func(c *Config) **url.URL { return &c.APIURL }, parseAPIURL)},
	{Name: "repository", Aliases: []string{"repo"}, Short: "R", Group: WhereFrom, Metavar: "OWNER/NAME", List: true,
		ActionDefault: "${{ github.repository }}", Env: []string{"GITHUB_REPOSITORY"}, CommandDefault: "$GITHUB_REPOSITORY, else that of the git remote",
		Help:        "one or more repositories, one a line or separated by commas; each must have what is asked for",
		CommandHelp: "one or more repositories, or their addresses, separated by commas; each must have what is asked for",
		Accepted:    "owner/name, one a line or separated by commas",
		set:         into(func(c *Config) *[]artifact.Repo { return &c.Repositories }, eachItem(parseRepository, folded))},
	{Name: "run-id", Aliases: []string{"run_id"}, Group: WhereFrom, Metavar: "ID", List: true, address: true, notInDiff: true,
		Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, a search",
		Help:     "one or more run ids, `current`, or addresses of runs; the inputs of \"Which run\" except `wait` are then ignored",
		Accepted: "current, or " + acceptedIDs,
		set:      unlessAny(setRunIDs)},
}

var whichRun = []Input{
	{Name: "workflow", Group: WhichRun, Metavar: "WORKFLOW", role: chooses,
		DefaultHelp: "the current workflow; any in other repositories", CommandDefault: "any",
		Help:     "file name (`ci.yml`), path, numeric id or display name; `*` for any workflow",
		Accepted: "one workflow's file name, path, id or name, or *",
		set:      into(func(c *Config) *string { return &c.Workflow }, parseLine)},
	{Name: "branch", Group: WhichRun, Metavar: "BRANCH", List: true, role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "branches in order of preference, one a line: the first one with a match wins",
		Accepted: "names of branches, one a line",
		set:      unlessAny(into(func(c *Config) *[]string { return &c.Branches }, eachLine(parseBranch, exactly)))},
	{Name: "commit", Group: WhichRun, Metavar: "COMMIT", role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "full SHA, abbreviation of 7 or more digits, or tag",
		Accepted: "a full SHA, an abbreviation of 7 or more digits, or a tag",
		set:      unlessAny(into(func(c *Config) *string { return &c.Commit }, parseCommit))},
	{Name: "pr", Group: WhichRun, Metavar: "NUMBER", role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "number of a pull request: runs of its head commit, else of its head branch",
		Accepted: "the number of a pull request",
		set:      unlessAny(into(func(c *Config) *int { return &c.PR }, parseCount))},
	{Name: "event", Group: WhichRun, Metavar: "EVENT", List: true, role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "events, one a line or separated by commas, e.g. `push`",
		Accepted: "names of events such as push or pull_request, one a line or separated by commas",
		set:      unlessAny(into(func(c *Config) *[]string { return &c.Events }, eachItem(parseEvent, exactly)))},
	{Name: "actor", Group: WhichRun, Metavar: "LOGIN", role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "login of the user who triggered the run",
		Accepted: "a login such as octocat or dependabot[bot]",
		set:      unlessAny(into(func(c *Config) *string { return &c.Actor }, parseActor))},
	{Name: "conclusion", Aliases: []string{"workflow_conclusion"}, Group: WhichRun, Metavar: "CONCLUSION", List: true,
		role: chooses, Default: "success", AliasDefault: "success", EmptyAlias: anyConclusion,
		Help:     "conclusions or statuses, one a line or separated by commas, or `any`",
		Accepted: "any, or one or more of " + strings.Join(conclusions, ", "),
		set:      into(func(c *Config) *[]string { return &c.Conclusions }, parseConclusions)},
	{Name: "run-number", Aliases: []string{"run_number"}, Group: WhichRun, Metavar: "NUMBER", role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "number of the run within its workflow",
		Accepted: acceptedCount,
		set:      unlessAny(into(func(c *Config) *int { return &c.RunNumber }, parseCount))},
	{Name: "max-age", Group: WhichRun, Metavar: "DURATION", role: chooses, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, any",
		Help:     "older runs do not count: `12h`, `30d`, `2w`",
		Accepted: acceptedDuration + ", more than 0",
		set:      unlessAny(into(func(c *Config) *time.Duration { return &c.MaxAge }, parseAge))},
	{Name: "runs", Group: WhichRun, Metavar: "N", role: chooses, Default: "1", ActionDefault: "1",
		Help:     "how many matching runs to take",
		Accepted: acceptedCount,
		set:      into(func(c *Config) *int { return &c.Runs }, parseCount)},
	{Name: "search-limit", Group: WhichRun, Metavar: "N", role: tunes, Default: "1000", ActionDefault: "1000",
		Help:     "how many runs to examine before giving up",
		Accepted: acceptedCount,
		set:      into(func(c *Config) *int { return &c.SearchLimit }, parseCount)},
	{Name: "allow-forks", Aliases: []string{"allow_forks"}, Group: WhichRun, role: tunes, Default: "false", ActionDefault: "false",
		Help:     "also accept runs whose head repository is a fork or unknown",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.AllowForks }, parseBool)},
	{Name: "wait", Group: WhichRun, Metavar: "DURATION", Default: "0s", ActionDefault: "0s",
		Help:     "keep looking this long for a match, also with `run-id`: `10m`",
		Accepted: acceptedDuration,
		set:      into(func(c *Config) *time.Duration { return &c.Wait }, parseDuration)},
	{Name: "current-first", Group: WhichRun, Default: "false", ActionDefault: "false",
		Help:     "look at the current run first, whatever its state; if it lacks what is asked for, search as usual",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.CurrentFirst }, parseBool)},
}

var whichArtifact = []Input{
	{Name: "name", Short: "n", Group: WhichArtifact, Metavar: "NAME", List: true, DefaultHelp: "all",
		Help:     "exact names of artifacts, one a line; all of them must exist",
		Accepted: "names of artifacts, one a line",
		set:      into(func(c *Config) *[]string { return &c.Names }, eachLine(parseLine, exactly))},
	{Name: "pattern", Short: "p", Group: WhichArtifact, Metavar: "GLOB", List: true,
		Help:     "globs on artifact names, one a line: `*`, `?`, `[a-z]`, `{a,b}`, `{1..9}`; a glob that begins with `!` excludes; if all do, everything else is taken",
		Accepted: acceptedGlobs,
		set:      into(func(c *Config) *[]string { return &c.Patterns }, parseGlobs)},
	{Name: "name-regex", Group: WhichArtifact, Metavar: "REGEXP",
		Help:     "RE2 expression that matches anywhere in an artifact's name",
		Accepted: "an RE2 expression (https://github.com/google/re2/wiki/Syntax)",
		set:      into(func(c *Config) **regexp.Regexp { return &c.NameRegex }, parseRegexp)},
	{Name: "artifact-ids", Group: WhichArtifact, Metavar: "ID", List: true, address: true, notInDiff: true, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, a search",
		Help:     "ids or addresses of artifacts, one a line or separated by commas; no run is needed, but with `run-id` each has to be of one of these runs",
		Accepted: acceptedIDs,
		set:      unlessAny(setArtifactIDs)},
	{Name: "files", Group: WhichArtifact, Metavar: "GLOB", List: true, DefaultHelp: "all",
		Help:     "globs on the paths inside an artifact, one a line; a directory's name takes everything below it, a glob that begins with `!` excludes; only these files are fetched",
		Accepted: acceptedGlobs,
		set:      into(func(c *Config) *[]string { return &c.Files }, parseGlobs)},
	{Name: "shard", Group: WhichArtifact, Metavar: "I/N", notInDiff: true,
		Help:     "`i/n`: take part `i` of `n` of the selected artifacts; the parts are about equally large, and the same in every job",
		Accepted: "i/n with i from 1 to n, such as 1/4",
		set:      into(func(c *Config) *Shard { return &c.Shard }, parseShard)},
}

var whereTo = []Input{
	{Name: "path", Short: "D", Group: WhereTo, Metavar: "DIR", Default: ".", ActionDefault: ".",
		Help:        "destination, relative to the workspace; `~` is HOME; an absolute path has to lie under the workspace, the runner's temp or HOME",
		CommandHelp: "destination; `~` is HOME",
		Accepted:    "the path of one directory",
		set:         into(func(c *Config) *string { return &c.Path }, parsePath)},
	{Name: "merge-multiple", Aliases: []string{"merge_multiple"}, Group: WhereTo, Default: "false", ActionDefault: "false",
		Help:     "extract all artifacts into `path`, without sub-directories",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.MergeMultiple }, parseBool)},
	{Name: "skip-decompress", Aliases: []string{"skip_unpack"}, Group: WhereTo, Default: "false", ActionDefault: "false",
		Help:      "keep archives as they are, in the artifact's directory, under the name that the upload gave them, else `<artifact>.zip`",
		AliasHelp: ", but as `path/<artifact>.zip`, without a directory for the artifact; beside `skip-decompress: true` it changes nothing",
		Accepted:  acceptedBool,
		set:       into(func(c *Config) *bool { return &c.SkipDecompress }, parseBool), setByAlias: setSkipUnpack},
	{Name: "unpack", Group: WhereTo, Default: "false", ActionDefault: "false",
		Help:     "also expand what is named as a tar (`.tar`, `.tar.*`, `.tgz`, `.tbz2`, `.txz`, `.tzst`) at an artifact's top level, and remove the tars",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.Unpack }, parseBool)},
	{Name: "if-exists", Group: WhereTo, Metavar: "CHOICE", Default: string(workspace.Overwrite), ActionDefault: string(workspace.Overwrite),
		Help:     "what to do with files that exist: `overwrite`, `skip` or `fail`",
		Accepted: "overwrite, skip or fail",
		set:      into(func(c *Config) *workspace.IfExists { return &c.IfExists }, oneOf(workspace.Overwrite, workspace.Skip, workspace.Fail))},
	{Name: "concurrency", Group: WhereTo, Metavar: "N", Default: autoConcurrency, ActionDefault: autoConcurrency,
		Help:     "parallel connections, 1 to 100, or `auto`",
		Accepted: "auto, or a whole number from 1 to 100",
		set:      into(func(c *Config) *int { return &c.Concurrency }, parseConcurrency)},
}

var policy = []Input{
	{Name: "if-no-artifact-found", Aliases: []string{"if_no_artifact_found"}, Group: Policy, Metavar: "CHOICE",
		Default: string(Fail), ActionDefault: string(Fail),
		Help:     "what to do if nothing is found: `fail`, `warn` or `ignore`",
		Accepted: "fail, warn or ignore",
		set:      into(func(c *Config) *IfNoArtifactFound { return &c.IfNoArtifactFound }, oneOf(Fail, Warn, Ignore))},
	{Name: "digest-mismatch", Group: Policy, Metavar: "CHOICE", Default: string(MismatchError), ActionDefault: string(MismatchError),
		Help:     "what to do if an artifact's SHA-256 is not the one that GitHub has: `error`, `warn`, `info` or `ignore`",
		Accepted: "error, warn, info or ignore",
		set: into(func(c *Config) *DigestMismatch { return &c.DigestMismatch },
			oneOf(MismatchError, MismatchWarn, MismatchInfo, MismatchIgnore))},
	{Name: "expect-digest", Group: Policy, Metavar: "DIGEST", List: true, protects: true, Default: anyRun, ActionDefault: anyRun, DefaultHelp: "`*`, none",
		Help: "SHA-256 digests that the artifacts taken must have, one to one, one a line: `sha256:<hex>`, or the bare hex that `upload-artifact` gives as `artifact-digest`; " +
			"`<digest>  <name>` is for the artifact of that name; an empty value is an error, and `digest-mismatch` relaxes nothing",
		Accepted: "SHA-256 digests of 64 hexadecimal digits, with or without sha256: in front, one a line, each alone or followed by blanks and the name of its artifact",
		set:      unlessAny(into(func(c *Config) *[]ExpectedDigest { return &c.ExpectDigests }, eachLine(parseDigest, nil)))},
	{Name: "max-size", Group: Policy, Metavar: "SIZE", DefaultHelp: "none",
		Help:     "refuse to write more than this in total: `2GiB`, `500MB`",
		Accepted: "a size of at least 1 byte: a number alone or with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 2GiB",
		set:      into(func(c *Config) *int64 { return &c.MaxSize }, parsePositiveSize)},
	{Name: "max-files", Group: Policy, Metavar: "N", reading: true, Default: "1000000", ActionDefault: "1000000",
		Help:     "refuse archives with more entries than this in total",
		Accepted: acceptedCount,
		set:      into(func(c *Config) *int { return &c.MaxFiles }, parseCount)},
	{Name: "dry-run", Aliases: []string{"dry_run"}, Group: Policy, Default: "false", ActionDefault: "false",
		Help:     "select and report, but write nothing; nothing found is then no failure",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.DryRun }, parseBool)},
	{Name: "delete", Group: Policy, Default: "false", ActionDefault: "false",
		Help:     "delete the artifacts on GitHub after all of them were fetched, verified and published, except artifacts whose digest was not verified or whose files are not all in the destination",
		Accepted: acceptedBool,
		set:      into(func(c *Config) *bool { return &c.Delete }, parseBool)},
	{Name: "summary", Group: Policy, Default: "true", ActionDefault: "true",
		Help:        "write the job summary",
		CommandHelp: "write the job summary, with --github-output",
		Accepted:    acceptedBool,
		set:         into(func(c *Config) *bool { return &c.Summary }, parseBool)},
}

// otherNames are inputs of other actions that are more than aliases: see foldOtherNames.
var otherNames = []Input{
	{Name: "workflow_search", Group: OtherNames,
		Help:     "`true` means `workflow: '*'` if no `workflow` is given",
		Accepted: acceptedBool, set: checked(parseBool)},
	{Name: "name_is_regexp", Group: OtherNames,
		Help:     "`true` means that `name` is a `name-regex`",
		Accepted: acceptedBool, set: checked(parseBool)},
	{Name: "ref", Group: OtherNames, role: chooses,
		Help:     "a branch if one has that name, else a commit or tag",
		Accepted: "one branch, SHA or tag", set: into(func(c *Config) *string { return &c.Ref }, parseRef)},
	{Name: "check_artifacts", Group: OtherNames, Help: "has no effect: the search always looks for the artifact",
		Accepted: acceptedAnything, set: checked(parseAnything)},
	{Name: "search_artifacts", Group: OtherNames, Help: "has no effect: the search always looks for the artifact",
		Accepted: acceptedAnything, set: checked(parseAnything)},
	{Name: "use_unzip", Group: OtherNames, Help: "has no effect: artifetch always extracts archives itself",
		Accepted: acceptedAnything, set: checked(parseAnything)},
}
