package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
)

// address is where a run or an artifact is: on a server's website or in its API.
type address struct {
	text string // as given
	on   website
	repo artifact.Repo
}

// named is a run or an artifact, named by its id or by its address.
type named struct {
	id int64
	at *address // nil: only the id was given
}

// parseRun parses the id or the address of a run.
func parseRun(v string) (named, error) {
	switch strings.ToLower(v) {
	case "latest", "newest", "last":
		return named{}, errors.New("is no id; leave it out, and the newest run that fits is taken")
	}
	return parseNamed(v, func(path []string) (id string, err error) {
		switch {
		case len(path) < 3 || path[0] != "actions" || path[1] != "runs":
			return "", errors.New("is not the address of a run")
		case len(path) >= 5 && path[3] == "artifacts":
			return "", errors.New("is the address of an artifact, which is for artifact-ids")
		}
		return path[2], nil // what follows is an attempt, a job or another page of the run
	})
}

// parseArtifact parses the id or the address of an artifact.
func parseArtifact(v string) (named, error) {
	return parseNamed(v, func(path []string) (id string, err error) {
		switch {
		case len(path) >= 5 && path[0] == "actions" && path[1] == "runs" && path[3] == "artifacts":
			return path[4], nil
		case len(path) >= 3 && path[0] == "actions" && path[1] == "artifacts": // in the API
			return path[2], nil
		case len(path) >= 4 && path[0] == "suites" && path[2] == "artifacts": // the website's older form
			return path[3], nil
		case len(path) >= 3 && path[0] == "actions" && path[1] == "runs":
			return "", errors.New("is the address of a run, which is for run-id")
		}
		return "", errors.New("is not the address of an artifact")
	})
}

// parseNamed parses an id, or an address. The function id finds the id in an address: it
// gets the segments of the path below the repository. Query and fragment do not matter.
func parseNamed(v string, id func(path []string) (string, error)) (named, error) {
	if !strings.Contains(v, "/") {
		n, err := parseID(v)
		return named{id: n}, err
	}
	u, err := url.Parse(v)
	switch {
	case !strings.Contains(v, "://"):
		return named{}, errors.New("lacks https:// in front")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return named{}, errors.New("is not an address")
	case u.User != nil:
		return named{}, errors.New("holds a user or a password, which are not used; remove them")
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(path) > 2 && path[0] == "api" && path[2] == "repos" {
		path = path[2:] // after /api/v3
	}
	if len(path) > 3 && path[0] == "repos" && path[2] != "actions" {
		path = path[1:]
	}
	if len(path) < 2 {
		path = append(path, "")
	}
	repo, err := parseRepository(path[0] + "/" + path[1])
	if err != nil {
		return named{}, errors.New("is an address without the owner and the name of a repository")
	}
	text, err := id(path[2:])
	if err != nil {
		return named{}, err
	}
	n, err := parseID(text)
	if err != nil {
		return named{}, fmt.Errorf("holds the id %s, which %w", quote(text), err)
	}
	return named{id: n, at: &address{text: v, on: website{u.Scheme, hostOf(u)}, repo: repo}}, nil
}

// hostOf returns the host of a server's website, in lower case and without a default
// port, from an address there or in its API.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	switch bare := strings.TrimPrefix(host, "api."); {
	case host == "www.github.com":
		return "github.com"
	case bare == "github.com", strings.HasSuffix(bare, ".ghe.com"):
		return bare
	}
	return host
}

// byAddress returns the key of a run or an artifact in a list: an id, with the repository if
// an address was given.
func byAddress(r named) any {
	if r.at == nil {
		return r.id
	}
	return struct {
		id   int64
		repo artifact.Repo
	}{r.id, r.at.repo.Fold()}
}

// ids returns the ids of runs or artifacts, each once.
func ids(refs []named) []int64 {
	var list []int64
	seen := make(map[int64]bool, len(refs))
	for _, r := range refs {
		if !seen[r.id] {
			seen[r.id] = true
			list = append(list, r.id)
		}
	}
	return list
}

// checkAddresses adds the repositories of addresses to cfg.Repositories, if the input
// repository is not given or names only the current one. Otherwise it has to name them.
func (r *reader) checkAddresses(cfg *Config) {
	run, artifacts := r.values["run-id"], r.values["artifact-ids"]
	bare := cfg.RunCurrent || slices.ContainsFunc(cfg.runs, isBare) || !run.given && slices.ContainsFunc(cfg.artifacts, isBare)
	own := r.defaultOf(row("repository")).text
	given := cfg.Repositories
	follow := len(given) == 0 || len(given) == 1 && strings.EqualFold(given[0].String(), own)
	if follow && !bare && len(cfg.runs)+len(cfg.artifacts) > 0 {
		cfg.Repositories = nil
	}
	place := func(by string, refs []named) map[int64]artifact.Repo {
		var homes map[int64]artifact.Repo
		for _, one := range refs {
			if one.at == nil {
				continue
			}
			if server := hostOf(cfg.APIURL); one.at.on.host != server && !r.anyServer {
				r.fail(by, quote(one.at.text), "is on another server than the one that is asked, "+server, "")
				continue
			}
			i := slices.IndexFunc(cfg.Repositories, one.at.repo.Equal)
			switch {
			case i < 0 && !follow:
				r.fail(by, quote(one.at.text), fmt.Sprintf("is of %s, which %s does not name", one.at.repo, r.values["repository"].by), "")
				continue
			case i < 0:
				i = len(cfg.Repositories)
				cfg.Repositories = append(slices.Clip(cfg.Repositories), one.at.repo)
			}
			if homes == nil {
				homes = map[int64]artifact.Repo{}
			}
			if home, known := homes[one.id]; known && home != cfg.Repositories[i] {
				r.fail(by, "", fmt.Sprintf("gives the id %d for %s and for %s", one.id, home, cfg.Repositories[i]), "")
			}
			homes[one.id] = cfg.Repositories[i]
		}
		return homes
	}
	if cfg.APIURL == nil {
		return // it is wrong, and that is reported
	}
	cfg.RunRepos, cfg.ArtifactRepos = place(run.by, cfg.runs), place(artifacts.by, cfg.artifacts)
}

func isBare(r named) bool { return r.at == nil }
