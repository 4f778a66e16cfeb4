package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/workspace"
)

// env is an environment; inputs are written by their names.
type env map[string]string

func (e env) lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

// job is what a runner always has.
func job() env {
	return env{
		"GITHUB_REPOSITORY":  "octo/app",
		"GITHUB_API_URL":     "https://api.github.com",
		"GITHUB_RUN_ID":      "77",
		"INPUT_GITHUB-TOKEN": "job-token",
		"INPUT_REPOSITORY":   "octo/app",
	}
}

func with(inputs map[string]string) env {
	e := job()
	for name, v := range inputs {
		if strings.HasPrefix(name, "GITHUB_") {
			e[name] = v
		} else {
			e[config.EnvName(name)] = v
		}
	}
	return e
}

// repos returns the repositories of these names.
func repos(names ...string) []artifact.Repo {
	list := make([]artifact.Repo, len(names))
	for i, name := range names {
		list[i].Owner, list[i].Name, _ = strings.Cut(name, "/")
	}
	return list
}

// defaults is the Config of a step without inputs.
func defaults() *config.Config {
	return &config.Config{
		Token:             "job-token",
		APIURL:            &url.URL{Scheme: "https", Host: "api.github.com"},
		Repositories:      repos("octo/app"),
		Conclusions:       []string{"success"},
		Runs:              1,
		SearchLimit:       1000,
		Path:              ".",
		IfExists:          workspace.Overwrite,
		IfNoArtifactFound: config.Fail,
		DigestMismatch:    config.MismatchError,
		MaxFiles:          1000000,
		Summary:           true,
	}
}

func diff(want, got *config.Config) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreUnexported(config.Config{}), cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b *regexp.Regexp) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))
}

// check compares the outcome with the defaults after want has changed them.
func check(t *testing.T, got *config.Config, err error, want func(*config.Config)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c := defaults()
	want(c)
	if d := diff(c, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

type inputs = map[string]string

func TestFromEnv(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   inputs
		want func(c *config.Config)
	}{
		"nothing":                 {nil, func(*config.Config) {}},
		"empty means not given":   {inputs{"path": "", "runs": "", "name": " \n ", "conclusion": "", "max-size": ""}, func(*config.Config) {}},
		"without action.yml":      {inputs{"repository": "", "GITHUB_API_URL": ""}, func(*config.Config) {}},
		"blanks around":           {inputs{"path": " out\n"}, func(c *config.Config) { c.Path = "out" }},
		"names":                   {inputs{"name": "a\n\n  b, c \r\na"}, func(c *config.Config) { c.Names = []string{"a", "b, c"} }},
		"patterns":                {inputs{"pattern": "a-*\n!*-{x,y}\n! b"}, func(c *config.Config) { c.Patterns = []string{"a-*", "!*-{x,y}", "!b"} }},
		"literal brackets":        {inputs{"pattern": `build \@(1)` + "\nt(x)"}, func(c *config.Config) { c.Patterns = []string{`build \@(1)`, "t(x)"} }},
		"expression":              {inputs{"name-regex": `^a/?\d+(x|y)$`}, func(c *config.Config) { c.NameRegex = regexp.MustCompile(`^a/?\d+(x|y)$`) }},
		"artifact ids":            {inputs{"artifact-ids": "1, 2\n3,,1"}, func(c *config.Config) { c.ArtifactIDs = []int64{1, 2, 3} }},
		"largest id":              {inputs{"artifact-ids": "9223372036854775807"}, func(c *config.Config) { c.ArtifactIDs = []int64{9223372036854775807} }},
		"run ids":                 {inputs{"run-id": "5\n6"}, func(c *config.Config) { c.RunIDs = []int64{5, 6} }},
		"current run":             {inputs{"run-id": "current"}, func(c *config.Config) { c.RunCurrent = true }},
		"current run first":       {inputs{"current-first": "true", "repository": "octo/lib\nOcto/App"}, func(c *config.Config) { c.CurrentFirst, c.Repositories = true, repos("octo/lib", "Octo/App") }},
		"first, a former name":    {inputs{"current-first": "true", "repository": "octo/old"}, func(c *config.Config) { c.CurrentFirst, c.Repositories = true, repos("octo/old") }},
		"current run and another": {inputs{"run-id": "6,current"}, func(c *config.Config) { c.RunCurrent = true; c.RunIDs = []int64{6} }},
		"repositories":            {inputs{"repository": "octo/app, o/lib\nOcto/App\no_emu/.github"}, func(c *config.Config) { c.Repositories = repos("octo/app", "o/lib", "o_emu/.github") }},
		"branches":                {inputs{"branch": "refs/heads/feature/x,y\nmain"}, func(c *config.Config) { c.Branches = []string{"feature/x,y", "main"} }},
		"commit":                  {inputs{"commit": strings.Repeat("AB12", 10)}, func(c *config.Config) { c.Commit = strings.Repeat("ab12", 10) }},
		"tag":                     {inputs{"commit": "refs/tags/v1.2.3"}, func(c *config.Config) { c.Commit = "v1.2.3" }},
		"pull request":            {inputs{"pr": "12"}, func(c *config.Config) { c.PR = 12 }},
		"ref":                     {inputs{"ref": "refs/heads/main"}, func(c *config.Config) { c.Ref = "refs/heads/main" }},
		"events":                  {inputs{"event": "push,pull_request"}, func(c *config.Config) { c.Events = []string{"push", "pull_request"} }},
		"actor":                   {inputs{"actor": "dependabot[bot]"}, func(c *config.Config) { c.Actor = "dependabot[bot]" }},
		"conclusions":             {inputs{"conclusion": "success,failure\nin_progress"}, func(c *config.Config) { c.Conclusions = []string{"success", "failure", "in_progress"} }},
		"any conclusion":          {inputs{"conclusion": "any"}, func(c *config.Config) { c.Conclusions = nil }},
		"run number":              {inputs{"run-number": "34"}, func(c *config.Config) { c.RunNumber = 34 }},
		"age":                     {inputs{"max-age": "1d12h"}, func(c *config.Config) { c.MaxAge = 36 * time.Hour }},
		"wait":                    {inputs{"wait": "10m"}, func(c *config.Config) { c.Wait = 10 * time.Minute }},
		"counts":                  {inputs{"runs": "3", "search-limit": "50", "max-files": "10", "concurrency": "8"}, func(c *config.Config) { c.Runs, c.SearchLimit, c.MaxFiles, c.Concurrency = 3, 50, 10, 8 }},
		"files":                   {inputs{"files": "**/*.so\n!debug/**"}, func(c *config.Config) { c.Files = []string{"**/*.so", "!debug/**"} }},
		"shard":                   {inputs{"shard": "2/4"}, func(c *config.Config) { c.Shard = config.Shard{Index: 2, Count: 4} }},
		"size":                    {inputs{"max-size": "2GiB"}, func(c *config.Config) { c.MaxSize = 2 << 30 }},
		"booleans of YAML 1.2": {inputs{"merge-multiple": "True", "delete": "TRUE", "summary": "False", "unpack": "true", "allow-forks": "true"}, func(c *config.Config) {
			c.MergeMultiple, c.Delete, c.Summary, c.Unpack, c.AllowForks = true, true, false, true, true
		}},
		"choices": {inputs{"if-exists": "fail", "if-no-artifact-found": "warn", "digest-mismatch": "info"}, func(c *config.Config) {
			c.IfExists, c.IfNoArtifactFound, c.DigestMismatch = workspace.Fail, config.Warn, config.MismatchInfo
		}},
		"path of a CA certificate": {inputs{"ca-cert": "certs/ca.pem"}, func(c *config.Config) { c.CACert = "certs/ca.pem" }},
		"no token in a dry run": {inputs{"github-token": "", "dry-run": "true"}, func(c *config.Config) {
			c.Token = ""
			c.DryRun = true
			c.Empty = []config.EmptyInput{{Name: "github-token", By: "github-token"}}
		}},
		"app instead of token": {inputs{"app-id": "123", "app-private-key": rsaKey}, func(c *config.Config) {
			c.Token, c.AppID, c.AppPrivateKey = "", "123", config.Secret(strings.TrimSpace(rsaKey))
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.FromEnv(with(tt.in).lookup)
			check(t, got, err, tt.want)
		})
	}
}

// Not a real key: only its armour is looked at here.
const rsaKey = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"

func TestAPIURL(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://api.github.com":             "https://api.github.com",
		"https://api.github.com/":            "https://api.github.com",
		"https://API.GitHub.com":             "https://api.github.com",
		"https://ghe.example.com":            "https://ghe.example.com/api/v3",
		"https://ghe.example.com/":           "https://ghe.example.com/api/v3",
		"https://ghe.example.com:8443":       "https://ghe.example.com:8443/api/v3",
		"https://ghe.example.com/api/v3":     "https://ghe.example.com/api/v3",
		"https://ghe.example.com/api/v3/":    "https://ghe.example.com/api/v3",
		"https://proxy.example.com/gh":       "https://proxy.example.com/gh",
		"https://api.octocorp.ghe.com":       "https://api.octocorp.ghe.com",
		"https://api.example.com":            "https://api.example.com/api/v3",
		"https://api.github.com.example.com": "https://api.github.com.example.com/api/v3",
		"http://127.0.0.1:8080":              "http://127.0.0.1:8080",
		"http://127.0.0.1:8080/api/v3":       "http://127.0.0.1:8080/api/v3",
		"http://[::1]:8080":                  "http://[::1]:8080",
		"http://localhost:1/":                "http://localhost:1",
	}
	for in, want := range tests {
		for _, variable := range []string{"github-api-url", "GITHUB_API_URL"} {
			cfg, err := config.FromEnv(with(inputs{variable: in}).lookup)
			if err != nil {
				t.Errorf("%s=%s: %v", variable, in, err)
			} else if got := cfg.APIURL.String(); got != want {
				t.Errorf("%s=%s: got %s, want %s", variable, in, got, want)
			}
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   inputs
		want func(c *config.Config)
	}{
		"alias alone":                     {inputs{"run_id": "3"}, func(c *config.Config) { c.RunIDs = []int64{3} }},
		"both the same":                   {inputs{"run-id": "3,4", "run_id": "3\n4"}, func(c *config.Config) { c.RunIDs = []int64{3, 4} }},
		"alias over default":              {inputs{"merge-multiple": "false", "merge_multiple": "TRUE"}, func(c *config.Config) { c.MergeMultiple = true }},
		"default of an alias":             {inputs{"merge-multiple": "true", "merge_multiple": "false"}, func(c *config.Config) { c.MergeMultiple = true }},
		"alias over own repository":       {inputs{"repo": "o/lib"}, func(c *config.Config) { c.Repositories = repos("o/lib") }},
		"repository over own as alias":    {inputs{"repository": "o/lib", "repo": "octo/app"}, func(c *config.Config) { c.Repositories = repos("o/lib") }},
		"github_token always wins":        {inputs{"github-token": "a", "github_token": "b"}, func(c *config.Config) { c.Token = "b" }},
		"empty github_token":              {inputs{"github-token": "a", "github_token": ""}, func(c *config.Config) { c.Token = "a" }},
		"the runner's default":            {inputs{"conclusion": "", "workflow_conclusion": "success"}, func(*config.Config) {}},
		"conclusion over alias's default": {inputs{"conclusion": "failure", "workflow_conclusion": "success"}, func(c *config.Config) { c.Conclusions = []string{"failure"} }},
		"alias over default conclusion":   {inputs{"conclusion": "success", "workflow_conclusion": "failure"}, func(c *config.Config) { c.Conclusions = []string{"failure"} }},
		"explicit empty means any":        {inputs{"conclusion": "", "workflow_conclusion": ""}, func(c *config.Config) { c.Conclusions = nil }},
		"any twice":                       {inputs{"conclusion": "any", "workflow_conclusion": " "}, func(c *config.Config) { c.Conclusions = nil }},
		"other aliases empty":             {inputs{"run_id": "", "repo": "", "dry_run": "", "skip_unpack": ""}, func(*config.Config) {}},
		"workflow_search":                 {inputs{"workflow_search": "true"}, func(c *config.Config) { c.Workflow = "*" }},
		"workflow_search false":           {inputs{"workflow_search": "false"}, func(*config.Config) {}},
		"workflow over workflow_search":   {inputs{"workflow": "ci.yml", "workflow_search": "true"}, func(c *config.Config) { c.Workflow = "ci.yml" }},
		"name_is_regexp":                  {inputs{"name": "a.", "name_is_regexp": "True"}, func(c *config.Config) { c.NameRegex = regexp.MustCompile("a.") }},
		"name_is_regexp false":            {inputs{"name": "a.", "name_is_regexp": "false"}, func(c *config.Config) { c.Names = []string{"a."} }},
		"name_is_regexp without name":     {inputs{"name_is_regexp": "true"}, func(*config.Config) {}},
		"name_is_regexp, same expression": {inputs{"name": "a.", "name-regex": "a.", "name_is_regexp": "true"}, func(c *config.Config) { c.NameRegex = regexp.MustCompile("a.") }},
		"no effect":                       {inputs{"check_artifacts": "true", "search_artifacts": "true", "use_unzip": "whatever"}, func(*config.Config) {}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.FromEnv(with(tt.in).lookup)
			check(t, got, err, tt.want)
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   inputs
		want []string
	}{
		"none":             {inputs{"run-id": "1", "name": "a", "conclusion": "success", "runs": "1"}, nil},
		"name and pattern": {inputs{"name": "a", "pattern": "b*"}, []string{"pattern has no effect beside name"}},
		"plain HTTP":       {inputs{"github-api-url": "http://ghe.example.com"}, []string{"github-api-url: the connection to http://ghe.example.com/api/v3 is not encrypted: others can read the token on its way"}},
		"ids and search":   {inputs{"artifact-ids": "1", "branch": "main", "ref": ""}, []string{"artifact-ids names the artifacts, so nothing is searched and these have no effect: branch"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.FromEnv(with(tt.in).lookup)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, cfg.Warnings, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestOverruledInputsKeepTheirDefaults(t *testing.T) {
	t.Parallel()
	search := inputs{"workflow": "ci.yml", "event": "push", "actor": "me", "conclusion": "any", "run-number": "2", "max-age": "1d",
		"runs": "5", "search-limit": "9", "allow-forks": "true", "wait": "5m"}
	for by, set := range map[string]func(*config.Config){
		"run-id":       func(c *config.Config) { c.RunIDs = []int64{1} },
		"artifact-ids": func(c *config.Config) { c.ArtifactIDs = []int64{1} },
	} {
		in := maps.Clone(search)
		in[by] = "1"
		got, err := config.FromEnv(with(in).lookup)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Warnings)+len(got.Notes) != 1 {
			t.Errorf("%s: got warnings %q and notes %q, want one", by, got.Warnings, got.Notes)
		}
		got.Warnings, got.Notes = nil, nil
		want := defaults()
		want.Wait = 5 * time.Minute // of ids, too
		set(want)
		if d := diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", by, d)
		}
	}
}

func TestMisspeltInputs(t *testing.T) {
	t.Parallel()
	cfg, err := config.FromEnv(job().lookup, "INPUT_NMAE=dist", "INPUT_RUNID=", "INPUT_RUN-ID=7", "INPUT_SKIP_UNPACK=a=b", "INPUT_ENTRYPOINT=x",
		"INPUT_ARGS=", "INPUT_FILTER=x", "INPUT_=", "PATH=/bin:INPUT_NMAE=x", "INPUT_MERGE MULTIPLE=true")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`there is no input "nmae"; did you mean name?`,
		`there is no input "runid"; did you mean run-id?`,
		`there is no input "merge multiple"; did you mean merge-multiple?`,
	}
	if d := cmp.Diff(want, cfg.Warnings); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// The runner hands over action.yml's default if an input is not given, so an empty input was
// given and came out empty.
func TestInputsThatCameOutEmpty(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   inputs
		want []string
	}{
		"not given":        {inputs{"branch": "*", "commit": "*", "pr": "*", "event": "*", "actor": "*", "run-number": "*"}, nil},
		"not there":        {nil, nil},
		"empty":            {inputs{"commit": "", "branch": " \n"}, []string{"branch", "commit"}},
		"another name":     {inputs{"run-number": "*", "run_number": ""}, nil},
		"made up for":      {inputs{"run-number": "", "run_number": "7"}, nil},
		"ids":              {inputs{"run-id": "", "artifact-ids": "", "max-age": ""}, []string{"run-id", "max-age", "artifact-ids"}},
		"ids, not given":   {inputs{"run-id": "*", "artifact-ids": "*", "max-age": "*"}, nil},
		"a token":          {inputs{"github-token": " ", "GITHUB_TOKEN": "x"}, []string{"github-token"}},
		"the job's token":  {inputs{"github-token": "x", "github_token": ""}, nil},
		"another token":    {inputs{"github-token": "", "github_token": "x"}, nil},
		"an app":           {inputs{"github-token": "", "app-id": "1", "app-private-key": rsaKey}, nil},
		"others may be so": {inputs{"workflow": "", "name": ""}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.FromEnv(with(tt.in).lookup)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, given(cfg.Empty), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if cfg.Branches != nil || cfg.Commit != "" || cfg.PR != 0 || cfg.Events != nil || cfg.Actor != "" || tt.in["run_number"] == "" && cfg.RunNumber != 0 {
				t.Errorf("got %+v", cfg)
			}
		})
	}
}

// given returns the names by which empty inputs were given.
func given(empty []config.EmptyInput) []string {
	var names []string
	for _, in := range empty {
		names = append(names, in.By)
	}
	return names
}

// An empty token is the same by both names: an error or, if the environment has a token, a
// warning. If a workflow sets neither, the runner sets github_token to nothing, and
// github-token to the job's token: that does not count as an empty token.
func TestEmptyToken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"github-token", "github_token"} {
		e := job()
		delete(e, config.EnvName("github-token"))
		e[config.EnvName(name)] = " "
		if _, err := config.FromEnv(e.lookup); err == nil || !strings.HasPrefix(err.Error(), name+" is empty: ") {
			t.Errorf("%s: %v", name, err)
		}
		e["GITHUB_TOKEN"] = "x"
		if cfg, err := config.FromEnv(e.lookup); err != nil || !slices.Equal(given(cfg.Empty), []string{name}) || cfg.Token != "x" {
			t.Errorf("%s: %v, %v", name, cfg.Empty, err)
		}
	}
	e := with(inputs{"github_token": ""})
	if cfg, err := config.FromEnv(e.lookup); err != nil || len(cfg.Empty) > 0 || cfg.Token != "job-token" {
		t.Errorf("%v, %v", cfg.Empty, err)
	}
}

func TestSearches(t *testing.T) {
	t.Parallel()
	for want, all := range map[bool][]inputs{
		true: {{"workflow": "x"}, {"branch": "x"}, {"workflow_search": "true"}, {"ref": "x"}, {"workflow_conclusion": ""}, {"runs": "2"}, {"max-age": "1d"}, {"conclusion": "success"}},
		false: {nil, {"allow-forks": "true"}, {"wait": "1m"}, {"search-limit": "5"}, {"current-first": "true"}, {"name": "x"}, {"repository": "o/r"},
			{"workflow_conclusion": "success"}},
	} {
		for _, in := range all {
			cfg, err := config.FromEnv(with(in).lookup)
			if err != nil || cfg.Searches() != want {
				t.Errorf("%v: got %v, %v; want %v", in, cfg.Searches(), err, want)
			}
		}
	}
}

func TestGiven(t *testing.T) {
	t.Parallel()
	cfg, err := config.FromEnv(with(inputs{"run_id": "1", "path": ".", "repo": "OCTO/app", "max-files": "5"}).lookup)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"run-id": true, "max-files": true, "path": false, "name": false, "github-token": true} {
		if got := cfg.Given(name); got != want {
			t.Errorf("Given(%s) is %v", name, got)
		}
	}
}

func TestCACert(t *testing.T) {
	t.Parallel()
	certificate := strings.ReplaceAll(rsaKey, "RSA PRIVATE KEY", "CERTIFICATE")
	for in, isPEM := range map[string]bool{"": false, "ca.pem": false, certificate: true, "# comment\n" + rsaKey + certificate: true} {
		cfg, err := config.FromEnv(with(inputs{"ca-cert": in}).lookup)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.CACert != strings.TrimSpace(in) || cfg.CACertIsPEM() != isPEM {
			t.Errorf("%q: got %q, PEM %v", in, cfg.CACert, cfg.CACertIsPEM())
		}
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	cfg, err := config.FromEnv(with(inputs{"github-token": "hush-hush"}).lookup)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(cfg.Token)
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Token
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), fmt.Sprintf("%v %+v", cfg, *cfg), fmt.Sprintf("%#v", *cfg),
		string(text), s.LogValue().String()} {
		if strings.Contains(shown, "hush") || strings.Contains(shown, fmt.Sprintf("%x", "hush")) {
			t.Errorf("shows: %s", shown)
		}
	}
	if string(s) != "hush-hush" || config.Secret("").String() != "" {
		t.Error("the secret is not what was given")
	}
}
