package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Machine is what a developer's machine knows if flags and variables say nothing.
type Machine interface {
	// Remotes returns the git remotes of the current directory, preferred ones first.
	// Its error says why there are none.
	Remotes(ctx context.Context) ([]Remote, error)
	// Token returns the token that gh has for a host, or "".
	Token(ctx context.Context, host string) string
}

// Remote is a git remote.
type Remote struct {
	Name, URL string
	// Resolved is what gh noted when it asked which repository is meant: "base" for the
	// remote's own, or the name of another one on the same host. It is empty if gh did not
	// ask.
	Resolved string
}

// address returns the repository that a remote stands for.
func (m Remote) address() (repoAddress, error) {
	at, err := parseRepoAddress(m.URL)
	if err == nil && m.Resolved != "" && m.Resolved != "base" {
		at.repo, err = parseRepository(m.Resolved)
	}
	return at, err
}

// enterpriseToken is the variable with the token for servers that are not GitHub's own.
const enterpriseToken = "GH_ENTERPRISE_TOKEN"

// locate decides which server the command asks, about which repository, and with which
// token: flags count first, then variables, then what the machine knows. The server is the
// one that github-api-url names, by flag or variable, else that of an address among the
// flags, else that of a git remote.
func (r *reader) locate(ctx context.Context, m Machine) {
	r.found = map[string]value{}
	api := r.defaultOf(row("github-api-url"))
	decided := api.by == "GITHUB_API_URL"
	if text := r.text("github-api-url"); text != "" {
		api.text, decided = text, true
	}
	u, err := parseAPIURL(api.text)
	if err != nil {
		r.tokenless = true
		return // read says what is wrong
	}
	on, configured, named := website{u.Scheme, hostOf(u)}, decided, ""
	// An API on this machine is a proxy or a simulator, which stands for any server.
	r.anyServer = configured && isLoopback(u.Hostname())
	choose := func(w website, by string) {
		on, decided, named = w, true, by
		r.found["github-api-url"] = value{text: w.api(), by: by}
	}
	if w, by := r.addressed(); w.host != "" && !decided {
		choose(w, by)
	}
	if r.needsRepository() {
		asked := func(w website) bool { return !decided || r.anyServer || w.host == on.host }
		if w, by := r.remote(ctx, m, asked); w.host != "" && !decided {
			choose(w, by)
		}
	}
	r.repositoryNames(on.host)
	r.findToken(ctx, m, on.host, configured || isGitHubs(on.host), named)
}

// row returns the row of an input.
func row(name string) *Input {
	return &table[slices.IndexFunc(table, func(in Input) bool { return in.Name == name })]
}

// addressed returns the server of the first address that a flag has, and the flag.
func (r *reader) addressed() (w website, by string) {
	for _, item := range linesAndCommas(r.text("repository")) {
		if at, err := parseRepoAddress(item); err == nil {
			return at.on, r.shown("repository")
		}
	}
	for _, item := range linesAndCommas(r.text("run-id")) {
		if run, err := parseRun(item); err == nil && run.at != nil {
			return run.at.on, r.shown("run-id")
		}
	}
	for _, item := range linesAndCommas(r.text("artifact-ids")) {
		if a, err := parseArtifact(item); err == nil && a.at != nil {
			return a.at.on, r.shown("artifact-ids")
		}
	}
	return website{}, ""
}

// needsRepository reports whether neither flags nor variables say which repository is
// meant.
func (r *reader) needsRepository() bool {
	if r.text("repository") != "" || r.defaultOf(row("repository")).text != "" {
		return false
	}
	ids := linesAndCommas(r.text("run-id"))
	if len(ids) == 0 {
		ids = linesAndCommas(r.text("artifact-ids"))
	}
	isID := func(item string) bool { return !strings.Contains(item, "/") }
	return len(ids) == 0 || slices.ContainsFunc(ids, isID)
}

// remote takes the repository of the first git remote on a server that is asked, and
// returns that server and the remote.
func (r *reader) remote(ctx context.Context, m Machine, asked func(website) bool) (w website, by string) {
	remotes, err := m.Remotes(ctx)
	if err != nil {
		r.noRemote = err
		return website{}, ""
	}
	r.noRemote = errors.New("no git remote of the current directory is a repository on the server that is asked")
	for _, one := range remotes {
		if at, err := one.address(); err == nil && asked(at.on) {
			by = "the git remote " + quote(one.Name)
			r.found["repository"] = value{text: at.repo.String(), by: by}
			return at.on, by
		}
	}
	return website{}, ""
}

// repositoryNames replaces addresses in the flag of repositories by names. Those on
// another server than the one that is asked are refused.
func (r *reader) repositoryNames(host string) {
	var list []string
	for _, item := range linesAndCommas(r.text("repository")) {
		at, err := parseRepoAddress(item)
		if err != nil {
			list = append(list, item) // read says what is wrong, if it is not owner/name
			continue
		}
		if u, err := url.Parse(item); err == nil && u.User != nil && at.on.scheme == u.Scheme {
			r.fail(r.shown("repository"), quote(item), "holds a user or a password, which are not used; remove them", "")
		}
		if at.on.host != host && !r.anyServer {
			r.fail(r.shown("repository"), quote(item), "is on another server than the one that is asked, "+host, "")
		}
		list = append(list, at.repo.String())
	}
	get := r.get
	r.get = func(input string) (string, bool) {
		text, given := get(input)
		if input == "repository" {
			text = strings.Join(list, "\n")
		}
		return text, given
	}
}

// findToken finds the token for a host, unless flags give a token or an App. The variables
// with GitHub's tokens count only if own is set: a token must not go to another host. named
// is the flag or the git remote that names the host, if any.
func (r *reader) findToken(ctx context.Context, m Machine, host string, own bool, named string) {
	if r.text("github-token") != "" || r.text("app-id") != "" {
		return
	}
	variables, login := row("github-token").Env, "gh auth token"
	if !own {
		variables = []string{enterpriseToken}
	}
	if host != "github.com" {
		login += " --hostname " + host
	}
	whose := host
	if named != "" && host != "github.com" {
		whose += " (the server of " + named + ")"
	}
	r.noToken = fmt.Sprintf("a token for %s is missing, and downloads need one even from public repositories: set %s, or log in with gh, so that %s gives one",
		whose, strings.Join(variables, " or "), login)
	found := value{by: "gh auth token"}
	for _, variable := range variables {
		if text, _ := r.env(variable); found.text == "" && strings.TrimSpace(text) != "" {
			found = value{text: strings.TrimSpace(text), by: variable}
		}
	}
	if found.text == "" {
		found.text = strings.TrimSpace(m.Token(ctx, host))
	}
	r.found["github-token"] = found
}
