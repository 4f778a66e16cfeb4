package config_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/artifetch/artifetch/internal/config"
)

// fromArgs reads a command line as the command does. m is the machine; nil knows nothing.
func fromArgs(verb config.Verb, args []string, lookup func(string) (string, bool), m config.Machine) (*config.Config, error) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.Usage = func() {}
	flags := config.NewFlags(verb, set)
	if err := set.Parse(args); err != nil {
		return flags.Unread(lookup), flags.Error(err)
	}
	if err := flags.Take(set.Args()); err != nil {
		return flags.Unread(lookup), err
	}
	if m == nil {
		m = machine{noRemote: errors.New("git is not installed")}
	}
	return flags.Read(context.Background(), lookup, m)
}

func TestFromArgs(t *testing.T) {
	t.Parallel()
	dev := env{"GITHUB_TOKEN": "job-token"}
	tests := map[string]struct {
		args string
		env  env
		want func(c *config.Config)
	}{
		"least":              {"--repository octo/app", dev, func(*config.Config) {}},
		"readme":             {"--repository o/r --name dist --path out", dev, func(c *config.Config) { c.Repositories, c.Names, c.Path = repos("o/r"), []string{"dist"}, "out" }},
		"search":             {"--repository octo/app --workflow ci.yml --branch=f,x --branch main --runs 2", dev, func(c *config.Config) { c.Workflow, c.Branches, c.Runs = "ci.yml", []string{"f,x", "main"}, 2 }},
		"GH_TOKEN":           {"--repository octo/app", env{"GH_TOKEN": "b"}, func(c *config.Config) { c.Token = "b" }},
		"GITHUB_TOKEN first": {"--repository octo/app", env{"GH_TOKEN": "b", "GITHUB_TOKEN": "a"}, func(c *config.Config) { c.Token = "a" }},
		"empty GITHUB_TOKEN": {"--repository octo/app", env{"GH_TOKEN": "b", "GITHUB_TOKEN": ""}, func(c *config.Config) { c.Token = "b" }},
		"token flag":         {"--repository octo/app --github-token c", dev, func(c *config.Config) { c.Token = "c" }},
		"repeated lists": {"--repository octo/app --repository o/b,o/c --artifact-ids 1 --artifact-ids 2,3", dev, func(c *config.Config) {
			c.Repositories, c.ArtifactIDs = repos("octo/app", "o/b", "o/c"), []int64{1, 2, 3}
		}},
		"last one counts":      {"--repository octo/app --path a --path b", dev, func(c *config.Config) { c.Path = "b" }},
		"booleans":             {"--repository octo/app --merge-multiple --summary=false --dry-run=TRUE", dev, func(c *config.Config) { c.MergeMultiple, c.Summary, c.DryRun = true, false, true }},
		"json":                 {"--repository octo/app --json", dev, func(c *config.Config) { c.JSON = true }},
		"GHES":                 {"--repository octo/app", env{"GITHUB_TOKEN": "job-token", "GITHUB_API_URL": "https://ghe.example.com"}, func(c *config.Config) { c.APIURL.Host, c.APIURL.Path = "ghe.example.com", "/api/v3" }},
		"inputs are not flags": {"--repository octo/app", env{"GITHUB_TOKEN": "job-token", "INPUT_PATH": "x"}, func(*config.Config) {}},
		"anonymous dry run":    {"--repository octo/app --dry-run", nil, func(c *config.Config) { c.Token = ""; c.DryRun = true }},
		"in a job's script":    {"--name a", env{"GITHUB_TOKEN": "job-token", "GITHUB_REPOSITORY": "octo/app"}, func(c *config.Config) { c.Names = []string{"a"} }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fromArgs(config.Fetch, strings.Fields(tt.args), tt.env.lookup, nil)
			check(t, got, err, tt.want)
		})
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"--repositry o/r":                        "unknown flag --repositry (did you mean --repository?)",
		"--workflow_conclusion success":          "unknown flag --workflow_conclusion (did you mean --conclusion?)",
		"--skip-unpack":                          "unknown flag --skip-unpack (did you mean --skip-decompress?)",
		"--skip_unpakc":                          "unknown flag --skip_unpakc (did you mean --skip-decompress?)",
		"--nmae x":                               "unknown flag --nmae (did you mean --name?)",
		"--token x":                              "unknown flag --token (did you mean --github-token?)",
		"--run_id 3":                             "unknown flag --run_id (did you mean --run-id?)",
		"--xyzzy":                                "unknown flag --xyzzy",
		"--ref main":                             "unknown flag --ref",
		"-r o/r":                                 "unknown flag -r; flags that are named as inputs begin with two dashes",
		"--path":                                 "flag --path needs a value",
		"--json=maybe":                           "flag --json takes true or false",
		"--=x":                                   "a flag is not written as --name or --name=value",
		"dist":                                   `unexpected argument "dist"; give ids or addresses of runs, or addresses of artifacts, and everything else by flags (did you mean list?)`,
		"--repository o/r -- dist":               `unexpected argument "dist"; give ids or addresses of runs, or addresses of artifacts, and everything else by flags (did you mean list?)`,
		"--github-token= ghp_abc":                `unexpected argument [redacted]; give ids or addresses of runs, or addresses of artifacts, and everything else by flags`,
		"--merge-multiple false":                 `unexpected argument "false"; write --merge-multiple=false`,
		"--repository o/r --merge-multiple=2":    `--merge-multiple: "2" is not a boolean; accepted: true or false`,
		"--name a":                               "--repository is missing, and git is not installed; accepted: owner/name, separated by commas",
		"--repository o/r --run-id current":      `--run-id: "current" has no meaning outside of GitHub Actions; accepted: the ids of runs`,
		"--repository o --name a --name-regex b": "2 problems with the inputs:\n  --repository: \"o\" is not owner/name; accepted: owner/name, separated by commas\n  --name and --name-regex exclude each other; give one of them",
	}
	for args, want := range tests {
		cfg, err := fromArgs(config.Fetch, append([]string{"--json"}, strings.Fields(args)...), env{"GITHUB_TOKEN": "t"}.lookup, nil)
		if _, ok := errors.AsType[*config.UsageError](err); !ok {
			t.Errorf("%s: got %T %v, want *config.UsageError", args, err, err)
			continue
		}
		if err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", args, err, want)
		}
		if !cfg.JSON && args != "--json=maybe" {
			t.Errorf("%s: --json is lost", args)
		}
	}
}

// The texts of --help fit a terminal, and are in the order of the table.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, verb := range []config.Verb{config.Fetch, config.List, config.Ls, config.Cat, config.Diff} {
		t.Run(string(verb), func(t *testing.T) {
			t.Parallel()
			checkHelp(t, verb)
		})
	}
}

func checkHelp(t *testing.T, verb config.Verb) {
	t.Helper()
	var b strings.Builder
	if err := config.Help(&b, verb); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.NewFlags(verb, flags)
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || strings.TrimRight(line, " \n")+"\n" != line {
			t.Errorf("%d columns or blanks at the end: %q", n, line)
		}
		if strings.Contains(line, "`") {
			t.Errorf("Markdown in %q", line)
		}
	}
	at := 0
	for _, in := range config.Inputs {
		i := regexp.MustCompile(`\n  (-., )?--` + in.Name + `[ \n]`).FindStringIndex(b.String())
		if flags.Lookup(in.Name) == nil {
			if i != nil {
				t.Errorf("--%s is not a flag", in.Name)
			}
			continue
		}
		if i == nil || i[0] < at {
			t.Errorf("--%s is missing or out of order", in.Name)
		}
		at = i[0]
	}
	if verb != config.Fetch {
		return
	}
	for _, group := range config.Groups {
		if got := strings.Contains(b.String(), "\n"+string(group)+":\n"); got != (group != config.OtherNames) {
			t.Errorf("heading %q: %v", group, got)
		}
	}
}

// Whatever can be given as an input can be given as a flag and means the same.
func TestFlagsMeanWhatInputsMean(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"repository": "octo/app,o/b", "run-id": "1,2", "name": "a", "pattern": "a*", "name-regex": "x+", "artifact-ids": "5", "files": "*.so",
		"shard": "1/3", "path": "x y", "merge-multiple": "true", "skip-decompress": "true", "unpack": "true", "if-exists": "skip",
		"concurrency": "3", "if-no-artifact-found": "warn", "digest-mismatch": "ignore", "max-size": "1.5 GiB", "max-files": "7",
		"dry-run": "true", "delete": "true", "summary": "false", "workflow": "CI build", "branch": "a/b", "commit": "v1", "pr": "3",
		"event": "push", "actor": "me", "conclusion": "any", "run-number": "3", "max-age": "2w", "runs": "2", "search-limit": "3",
		"allow-forks": "true", "wait": "5m", "ca-cert": "ca.pem", "github-api-url": "https://ghe.example.com", "github-token": "t",
		"current-first": "true", "expect-digest": strings.Repeat("0", 64),
	}
	for _, in := range config.Inputs {
		_, has := values[in.Name]
		if need := in.Group != config.OtherNames && !strings.HasPrefix(in.Name, "app-"); need && !has { // an App needs two flags
			t.Errorf("%s is not tried", in.Name)
		}
	}
	for name, value := range values {
		byInput, err1 := config.FromEnv(with(inputs{name: value}).lookup)
		byFlag, err2 := fromArgs(config.Fetch, []string{"--" + name + "=" + value}, with(inputs{"GITHUB_TOKEN": "job-token"}).lookup, nil)
		if err := errors.Join(err1, err2); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := diff(byInput, byFlag); d != "" {
			t.Errorf("%s (-input +flag)\n%s", name, d)
		}
		if !byFlag.Given(name) {
			t.Errorf("%s is not given", name)
		}
	}
}
