package config

import (
	"errors"
	"net/url"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/lazy"
)

// repoAddress is a repository on a server.
type repoAddress struct {
	on   website
	repo artifact.Repo
}

// website is where a server's website is.
type website struct {
	scheme string // http or https
	host   string // as hostOf has it
}

// api returns the address of the server's REST API, as parseAPIURL takes it.
func (w website) api() string {
	switch u := (url.URL{Scheme: w.scheme, Host: w.host}); {
	case isGitHubs(w.host):
		return "https://api." + w.host
	case isLoopback(u.Hostname()):
		return u.String()
	}
	return "https://" + w.host // elsewhere a token needs TLS on its way
}

// isGitHubs reports whether a website is run by GitHub.
func isGitHubs(host string) bool {
	return host == "github.com" || strings.HasSuffix(host, ".ghe.com")
}

// scpAddress is git's short form of an ssh address: git@github.com:owner/name.git. Brackets
// are around an IPv6 address.
var scpAddress = lazy.Regexp(`^(?:[^@/\s]+@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([^\s]+)$`)

// hostFirst is a form that gh takes: HOST/owner/name.
var hostFirst = lazy.Regexp(`^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|localhost)(?::[0-9]+)?/[^/\s]+/[^/\s]+$`)

var errNoRepoAddress = errors.New("is not the address of a repository")

// parseRepoAddress parses the address of a repository, as a browser or git has it. It
// ignores users and passwords, which are for git.
func parseRepoAddress(v string) (repoAddress, error) {
	if !strings.Contains(v, ":") && strings.Count(v, "/") < 2 { // owner/name, as a rule: needs no expressions
		return repoAddress{}, errNoRepoAddress
	}
	if hostFirst().MatchString(v) {
		return parseRepoAddress("https://" + v)
	}
	if m := scpAddress().FindStringSubmatch(v); m != nil && !strings.Contains(v, "://") {
		return sshAddress(m[1], m[2])
	}
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" {
		return repoAddress{}, errNoRepoAddress
	}
	switch u.Scheme {
	case "https", "http":
	case "ssh", "git+ssh", "ssh+git", "git":
		return sshAddress(u.Hostname(), u.Path)
	default:
		return repoAddress{}, errNoRepoAddress
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(path) < 2 {
		return repoAddress{}, errNoRepoAddress
	}
	repo, err := parseRepository(path[0] + "/" + strings.TrimSuffix(path[1], ".git"))
	if err != nil {
		return repoAddress{}, errNoRepoAddress
	}
	return repoAddress{website{u.Scheme, hostOf(u)}, repo}, nil
}

// sshAddress returns the repository of an ssh address. The port of ssh says nothing about
// the website. ssh.github.com is GitHub's host for networks in which only port 443 is open.
func sshAddress(host, path string) (repoAddress, error) {
	host = strings.TrimPrefix(strings.ToLower(host), "ssh.")
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]" // an IPv6 address
	}
	repo, err := parseRepository(strings.TrimSuffix(strings.Trim(path, "/"), ".git"))
	if err != nil {
		return repoAddress{}, errNoRepoAddress
	}
	return repoAddress{website{"https", hostOf(&url.URL{Scheme: "https", Host: host})}, repo}, nil
}
