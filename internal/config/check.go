package config

import (
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/words"
)

// check reports inputs that do not go together.
func (r *reader) check(cfg *Config) {
	r.checkAuth(cfg)
	r.checkAddresses(cfg)
	if repo := r.values["repository"]; repo.text == "" && (len(cfg.Repositories) == 0 || r.noRemote != nil) {
		problem := "is missing"
		if r.noRemote != nil {
			problem += ", and " + r.noRemote.Error()
		}
		r.fail(repo.by, "", problem, "owner/name, one a line or separated by commas")
	}
	r.checkRun(cfg)
	r.checkSelection(cfg)
	r.checkOutput(cfg)
}

func (r *reader) checkAuth(cfg *Config) {
	id, key, token := r.values["app-id"], r.values["app-private-key"], r.values["github-token"]
	switch {
	case id.text != "" && key.text == "":
		r.fail(id.by, "", "needs "+key.by+" too", "")
	case id.text == "" && key.text != "":
		r.fail(key.by, "", "needs "+id.by+" too", "")
	case id.text != "":
		cfg.Token = ""
	case token.text != "" || cfg.DryRun || r.tokenless:
	case r.noToken != "":
		r.errs.add(&InputError{Problem: r.noToken})
	case r.cameOutEmpty(row("github-token")) != "":
		r.fail(r.cameOutEmpty(row("github-token")), "", "is empty: what it is set to has no value (a secret has none in a pull request from a fork, "+
			"or in a reusable workflow called without secrets: inherit), and downloads need a token even from public repositories", "a token with Actions read; or leave it out to use the job's own token")
	default:
		r.fail(r.shown("github-token"), "", "is missing, and downloads need a token even from public repositories",
			"a token with Actions read, or "+r.shown("app-id")+" and "+r.shown("app-private-key"))
	}
	if u := cfg.APIURL; u != nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		cfg.warn("%s: the connection to %s is not encrypted: others can read the token on its way", r.values["github-api-url"].by, u)
	}
}

func (r *reader) checkRun(cfg *Config) {
	run, ref := r.values["run-id"], r.values["ref"]
	for _, name := range []string{"branch", "commit", "pr", "ref"} {
		v := r.values[name]
		if run.given && v.given {
			r.fail(run.by, "", "and "+v.by+" exclude each other: a run named by its id needs no search", "")
		}
		if name != "ref" && ref.given && v.given {
			r.fail(ref.by, "", "and "+v.by+" exclude each other", "")
		}
	}
	if cfg.RunCurrent {
		if id, _ := r.env("GITHUB_RUN_ID"); id == "" {
			r.fail(run.by, quote("current"), "has no meaning outside of GitHub Actions", "the ids of runs")
		}
	}
	r.checkCurrentFirst(cfg)
	if !r.byID() {
		return
	}
	var unused []string
	for i := range table {
		in := &table[i]
		if run.given && in.Name == "workflow" {
			continue // the usual pair of another action
		}
		if v := r.values[in.Name]; v.given && in.role != noRole && !in.same(v.text, r.defaultOf(in).text) {
			unused = append(unused, v.by)
		}
	}
	switch list := strings.Join(unused, ", "); {
	case list == "":
	case run.given:
		cfg.Notes = append(cfg.Notes, fmt.Sprintf("%s names the runs, so nothing is searched and these are not looked at: %s", run.by, list))
	default:
		cfg.warn("%s names the artifacts, so nothing is searched and these have no effect: %s", r.values["artifact-ids"].by, list)
	}
}

// checkCurrentFirst refuses current-first if there is no current run, or if nothing is
// searched. Only the server knows whether a repository is the current run's own, perhaps by
// a former name.
func (r *reader) checkCurrentFirst(cfg *Config) {
	first := r.values["current-first"].by
	if !cfg.CurrentFirst {
		return
	}
	for _, name := range []string{"run-id", "artifact-ids"} {
		if v := r.values[name]; v.given {
			r.fail(first, "", "and "+v.by+" exclude each other: what is named by its id needs no search", "")
		}
	}
	id, _ := r.env("GITHUB_RUN_ID")
	if own, _ := r.env("GITHUB_REPOSITORY"); id == "" || own == "" {
		r.fail(first, "", "has no meaning outside of GitHub Actions", "")
	}
}

// checkSelection allows one of the inputs that choose artifacts.
func (r *reader) checkSelection(cfg *Config) {
	var ways []string
	for _, name := range []string{"name", "pattern", "name-regex", "artifact-ids"} {
		v := r.values[name]
		if name == "pattern" && v.given && r.values["name"].given {
			cfg.warn("%s has no effect beside %s", v.by, r.values["name"].by)
			cfg.Patterns = nil
			delete(cfg.given, name)
			continue
		}
		if v.given {
			ways = append(ways, v.by)
		}
	}
	if len(ways) > 1 {
		r.fail(ways[0], "", "and "+words.Enumerate(ways[1:], "and")+" exclude each other; give one of them", "")
	}
}

func (r *reader) checkOutput(cfg *Config) {
	if files := r.values["files"]; cfg.Delete && files.given {
		r.fail(r.values["delete"].by, "", "and "+files.by+" exclude each other: what was not fetched of an artifact would be lost", "")
	}
	keep := r.values["skip-decompress"]
	if !cfg.SkipDecompress {
		return
	}
	if cfg.Unpack {
		r.fail(keep.by, "", "and "+r.values["unpack"].by+" exclude each other", "")
	}
	if files := r.values["files"]; files.given {
		r.fail(keep.by, "", "and "+files.by+" exclude each other: an archive is kept whole or not at all", "")
	}
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}
