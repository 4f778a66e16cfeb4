package config_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/config"
)

// machine is a developer's machine.
type machine struct {
	remotes  []config.Remote
	noRemote error
	tokens   map[string]string // that gh has, by host
}

func (m machine) Remotes(context.Context) ([]config.Remote, error) { return m.remotes, m.noRemote }

func (m machine) Token(_ context.Context, host string) string { return m.tokens[host] }

func origin(url string) machine {
	return machine{remotes: []config.Remote{{Name: "origin", URL: url}}, tokens: map[string]string{
		"github.com": "gh-dotcom", "acme.ghe.com": "gh-acme", "ghe.example.com": "gh-ghes", "127.0.0.1:80": "gh-local",
	}}
}

// The command finds out the server, the repository and the token that is for this server.
func TestPlace(t *testing.T) {
	t.Parallel()
	const ghes, dotcom = "https://ghe.example.com/api/v3", "https://api.github.com"
	all := env{"GITHUB_TOKEN": "github", "GH_TOKEN": "gh", "GH_ENTERPRISE_TOKEN": "enterprise"}
	plus := func(pairs ...string) env {
		e := env{}
		for k, v := range all {
			e[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			e[pairs[i]] = pairs[i+1]
		}
		return e
	}
	tests := map[string]struct {
		args string
		env  env
		m    machine
		want string // the API, the repositories, the token
		err  string
	}{
		"https remote":                {"", all, origin("https://github.com/octo/app.git"), dotcom + " octo/app github", ""},
		"without .git":                {"", all, origin("https://github.com/octo/app"), dotcom + " octo/app github", ""},
		"with a password":             {"", all, origin("https://user:secret@github.com/octo/app.git"), dotcom + " octo/app github", ""},
		"scp remote":                  {"", all, origin("git@github.com:octo/app.git"), dotcom + " octo/app github", ""},
		"without a user":              {"", all, origin("github.com:octo/app"), dotcom + " octo/app github", ""},
		"an absolute path":            {"", all, origin("git@github.com:/octo/app.git/"), dotcom + " octo/app github", ""},
		"ssh remote":                  {"", all, origin("ssh://git@GitHub.com/octo/app.git"), dotcom + " octo/app github", ""},
		"ssh on port 443":             {"", all, origin("ssh://git@ssh.github.com:443/octo/app.git"), dotcom + " octo/app github", ""},
		"git remote":                  {"", all, origin("git://github.com/octo/app"), dotcom + " octo/app github", ""},
		"in ghe.com":                  {"", all, origin("git@acme.ghe.com:octo/app.git"), "https://api.acme.ghe.com octo/app github", ""},
		"on a server":                 {"", all, origin("ssh://git@ghe.example.com:122/octo/app.git"), ghes + " octo/app enterprise", ""},
		"on a server, by http":        {"", all, origin("http://ghe.example.com/octo/app"), ghes + " octo/app enterprise", ""},
		"by an IPv6 address":          {"", all, origin("https://[2001:db8::1]:8443/octo/app"), "https://[2001:db8::1]:8443/api/v3 octo/app enterprise", ""},
		"by an IPv6 address, scp":     {"", all, origin("git@[2001:DB8::1]:octo/app.git"), "https://[2001:db8::1]/api/v3 octo/app enterprise", ""},
		"by an IPv6 address, ssh":     {"", all, origin("ssh://git@[2001:db8::1]:22/octo/app.git"), "https://[2001:db8::1]/api/v3 octo/app enterprise", ""},
		"on a server, by gh":          {"", env{"GITHUB_TOKEN": "github"}, origin("git@ghe.example.com:octo/app"), ghes + " octo/app gh-ghes", ""},
		"on this machine":             {"", env{"GITHUB_TOKEN": "github"}, origin("http://127.0.0.1:80/octo/app"), "http://127.0.0.1 octo/app ", "a token for 127.0.0.1 (the server of the git remote \"origin\") is missing"},
		"a name like GitHub's":        {"", env{"GITHUB_TOKEN": "github", "GH_TOKEN": "gh"}, origin("https://github.com.evil.example/octo/app"), "", "a token for github.com.evil.example (the server of the git remote \"origin\") is missing"},
		"a user like GitHub":          {"", env{"GITHUB_TOKEN": "github", "GH_TOKEN": "gh"}, origin("https://github.com@evil.example/octo/app"), "", "a token for evil.example (the server of the git remote \"origin\") is missing"},
		"another port of GitHub":      {"", env{"GITHUB_TOKEN": "github"}, origin("https://github.com:8443/octo/app"), "", "a token for github.com:8443 (the server of the git remote \"origin\") is missing"},
		"a directory":                 {"", all, origin("/srv/git/octo/app.git"), "", "no git remote of the current directory is a repository on the server that is asked"},
		"on a drive":                  {"", all, origin(`C:\octo\app`), "", "--repository is missing"},
		"too deep":                    {"", all, origin("https://gitlab.example/a/b/c.git"), "https://gitlab.example/api/v3 a/b enterprise", ""},
		"too deep, by ssh":            {"", all, origin("git@gitlab.example:a/b/c.git"), "", "--repository is missing"},
		"no repository":               {"", all, machine{noRemote: errors.New("not a git repository")}, "", "--repository is missing, and not a git repository"},
		"resolved":                    {"", all, machine{remotes: []config.Remote{{Name: "x", URL: "git@github.com:me/app", Resolved: "base"}, {Name: "origin", URL: "git@github.com:octo/app"}}}, dotcom + " me/app github", ""},
		"resolved elsewhere":          {"", all, machine{remotes: []config.Remote{{Name: "x", URL: "git@github.com:me/app", Resolved: "octo/app"}}}, dotcom + " octo/app github", ""},
		"the first is none":           {"", all, machine{remotes: []config.Remote{{Name: "upstream", URL: "/srv/x"}, {Name: "origin", URL: "git@github.com:octo/app"}}}, dotcom + " octo/app github", ""},
		"GITHUB_REPOSITORY first":     {"", plus("GITHUB_REPOSITORY", "octo/job"), origin("git@ghe.example.com:octo/app"), dotcom + " octo/job github", ""},
		"the flag first":              {"-R octo/lib", plus("GITHUB_REPOSITORY", "octo/job"), origin("git@ghe.example.com:octo/app"), dotcom + " octo/lib github", ""},
		"a run's address first":       {"https://ghe.example.com/octo/lib/actions/runs/5", all, origin("git@github.com:octo/app"), ghes + " octo/lib enterprise", ""},
		"an artifact's address":       {"https://github.com/octo/lib/actions/runs/5/artifacts/51", all, origin("git@ghe.example.com:octo/app"), dotcom + " octo/lib github", ""},
		"a run's id":                  {"4711", all, origin("git@github.com:octo/app"), dotcom + " octo/app github", ""},
		"an id and an address":        {"4711 https://github.com/octo/lib/actions/runs/5", all, origin("git@github.com:octo/app"), dotcom + " octo/app octo/lib github", ""},
		"an id and another server":    {"4711 https://ghe.example.com/octo/lib/actions/runs/5", all, origin("git@github.com:octo/app"), "", "no git remote of the current directory is a repository on the server that is asked"},
		"an address":                  {"-R https://github.com/octo/lib", all, machine{}, dotcom + " octo/lib github", ""},
		"an ssh address":              {"-R git@ghe.example.com:octo/lib.git", all, machine{}, ghes + " octo/lib enterprise", ""},
		"as gh has it":                {"-R ghe.example.com/octo/lib", all, machine{}, ghes + " octo/lib enterprise", ""},
		"two addresses":               {"-R https://github.com/octo/lib,https://github.com/octo/app/actions", all, machine{}, dotcom + " octo/lib octo/app github", ""},
		"two servers":                 {"-R https://github.com/octo/lib -R https://ghe.example.com/octo/app", all, machine{}, "", `--repository: "https://ghe.example.com/octo/app" is on another server than the one that is asked, github.com`},
		"a run on another server":     {"-R https://github.com/octo/lib --run-id https://ghe.example.com/octo/lib/actions/runs/1", all, machine{}, "", `is on another server than the one that is asked, github.com`},
		"configured":                  {"", plus("GITHUB_API_URL", ghes), origin("git@ghe.example.com:octo/app"), ghes + " octo/app github", ""},
		"configured, by a flag":       {"--github-api-url https://ghe.example.com", all, origin("git@ghe.example.com:octo/app"), ghes + " octo/app github", ""},
		"configured, for gh":          {"", env{"GITHUB_API_URL": ghes, "GH_ENTERPRISE_TOKEN": "enterprise"}, origin("git@ghe.example.com:octo/app"), ghes + " octo/app gh-ghes", ""},
		"configured, remotes differ":  {"", plus("GITHUB_API_URL", ghes), machine{remotes: []config.Remote{{Name: "upstream", URL: "git@github.com:octo/app"}, {Name: "origin", URL: "git@ghe.example.com:me/app"}}}, ghes + " me/app github", ""},
		"configured, address differs": {"-R https://github.com/octo/lib", plus("GITHUB_API_URL", ghes), machine{}, "", `--repository: "https://github.com/octo/lib" is on another server than the one that is asked, ghe.example.com`},
		"a simulator":                 {"-R https://github.com/octo/lib", plus("GITHUB_API_URL", "http://127.0.0.1:99"), machine{}, "http://127.0.0.1:99 octo/lib github", ""},
		"a simulator's remote":        {"", plus("GITHUB_API_URL", "http://127.0.0.1:99"), origin("git@github.com:octo/app"), "http://127.0.0.1:99 octo/app github", ""},
		"a simulator's run":           {"https://github.com/octo/lib/actions/runs/5", plus("GITHUB_API_URL", "http://127.0.0.1:99"), machine{}, "http://127.0.0.1:99 octo/lib github", ""},
		"GH_TOKEN":                    {"", env{"GITHUB_TOKEN": " ", "GH_TOKEN": "gh"}, origin("git@github.com:octo/app"), dotcom + " octo/app gh", ""},
		"gh":                          {"", env{"GH_ENTERPRISE_TOKEN": "enterprise"}, origin("git@github.com:octo/app"), dotcom + " octo/app gh-dotcom", ""},
		"gh, in ghe.com":              {"", env{}, origin("git@acme.ghe.com:octo/app"), "https://api.acme.ghe.com octo/app gh-acme", ""},
		"a flag for the token":        {"--github-token flag", all, origin("git@ghe.example.com:octo/app"), ghes + " octo/app flag", ""},
		"an address with a password":  {"-R https://user:secret@github.com/octo/lib", all, machine{}, "", "holds a user or a password"},
		"no address":                  {"-R ftp://github.com/octo/lib", all, machine{}, "", `--repository: "ftp://github.com/octo/lib" is an address (did you mean octo/lib?)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := fromArgs(config.Fetch, strings.Fields(tt.args), tt.env.lookup, tt.m)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got  %v\nwant %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join([]string{cfg.APIURL.String(), names(cfg), string(cfg.Token)}, " ")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// What is wrong without a token names where tokens come from, and no flag: other users of
// a machine see flags.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]string{
		"-R o/r":                         {"github.com", "GITHUB_TOKEN", "GH_TOKEN", "gh auth token"},
		"-R https://ghe.example.com/o/r": {"ghe.example.com", "GH_ENTERPRISE_TOKEN", "gh auth token --hostname ghe.example.com"},
	} {
		_, err := fromArgs(config.Fetch, strings.Fields(args), env{}.lookup, machine{})
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "--github-token") {
				t.Errorf("%s: %q lacks %s", args, err, part)
			}
		}
		if _, err := fromArgs(config.List, strings.Fields(args), env{}.lookup, machine{}); err != nil {
			t.Errorf("a list of %s needs a token: %v", args, err)
		}
	}
}

// Verbs have the flags that they need, and take runs and artifacts as arguments.
func TestVerbs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verb config.Verb
		args string
		want string // the runs and the artifacts, or the error
	}{
		{config.Fetch, "5 https://github.com/o/r/actions/runs/6", "[5 6] []"},
		{config.Fetch, "-n a -p b -D out -R o/r 5", "[5] []"},
		{config.List, "https://github.com/o/r/actions/runs/6/artifacts/61", "[] [61]"},
		{config.Ls, "--run-id 5 6", "[5 6] []"},
		{config.Ls, "--path x 6", "ls has no flag --path: only artifetch without a verb has it"},
		{config.Cat, "--delete", "cat has no flag --delete: only artifetch without a verb has it"},
		{config.Cat, "a/b --max-files 5 6", "[6] []"},
		{config.Cat, "4711", "[] []"},
		{config.Cat, "-n dist", "cat needs the path of a file, as ls prints it"},
		{config.Diff, "5 6", "[5 6] []"},
		{config.Diff, "5 https://github.com/o/r/actions/runs/6", "[5 6] []"},
		{config.Diff, "5", "diff compares two runs: give their ids or addresses"},
		{config.Diff, "5 6 7", "diff compares two runs: give their ids or addresses"},
		{config.Diff, "5 5", "diff compares two runs, and both are the same"},
		{config.Diff, "5 x", `unexpected argument "x"; `},
		{config.Diff, "5 6 --run-id 7", "diff has no flag --run-id: only artifetch without a verb has it"},
		{config.Diff, "5 6 --branch main", "diff has no flag --branch: only artifetch without a verb has it"},
	} {
		cfg, err := fromArgs(tt.verb, strings.Fields(tt.args), env{"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r"}.lookup, nil)
		got := fmt.Sprint(cfg.RunIDs, " ", cfg.ArtifactIDs)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s %s\ngot  %s\nwant %s", tt.verb, tt.args, got, tt.want)
		}
	}
}
