package config

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/glob"
	"github.com/artifetch/artifetch/internal/lazy"
)

// Parsers of the names of things on GitHub.

const anyConclusion = "any"

// conclusions are the values of "conclusion" and then of "status" in GitHub's
// REST schema of a workflow run.
var conclusions = []string{
	"success", "failure", "cancelled", "skipped", "neutral", "timed_out", "action_required", "stale", "startup_failure",
	"completed", "in_progress", "queued", "requested", "waiting", "pending",
}

func parseConclusions(v string) ([]string, error) {
	list, err := eachItem(func(item string) (string, error) {
		if item != anyConclusion && !slices.Contains(conclusions, item) {
			return "", errors.New("is neither a conclusion nor a status" + didYouMean(item, slices.Concat(conclusions, []string{anyConclusion})))
		}
		return item, nil
	}, exactly)(v)
	switch {
	case err != nil || !slices.Contains(list, anyConclusion):
		return list, err
	case len(list) > 1:
		return nil, errors.New("lists other values besides any")
	}
	return nil, nil
}

var ownerAndName = lazy.Regexp(`^([A-Za-z0-9_-]+)/([A-Za-z0-9._-]+)$`)

// repositoryOf returns the repository that v names, and whether v can be owner/name. Lengths
// are not part of the expression: compiling one that counts to a hundred takes most of a
// millisecond.
func repositoryOf(v string) (artifact.Repo, bool) {
	m := ownerAndName().FindStringSubmatch(v)
	if m == nil || len(m[1]) > 100 || len(m[2]) > 100 {
		return artifact.Repo{}, false
	}
	return artifact.Repo{Owner: m[1], Name: m[2]}, true
}

// parseRepository parses owner/name. GitHub allows owners of 39 characters,
// GitHub Enterprise Server longer ones.
func parseRepository(v string) (artifact.Repo, error) {
	if repo, ok := repositoryOf(v); ok && repo.Name != "." && repo.Name != ".." {
		return repo, nil
	}
	if u, err := url.Parse(v); err == nil && u.Host != "" {
		if repo, ok := repositoryOf(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")); ok {
			return artifact.Repo{}, fmt.Errorf("is an address (did you mean %s?)", repo)
		}
	}
	return artifact.Repo{}, errors.New("is not owner/name")
}

// parseBranch strips refs/heads/ and refuses what cannot be a branch.
func parseBranch(v string) (string, error) {
	if tag, ok := strings.CutPrefix(v, "refs/tags/"); ok {
		return "", &meantError{is: "is a tag", input: "commit", value: quote(tag)}
	}
	name := strings.TrimPrefix(v, "refs/heads/")
	return name, checkRef(name)
}

var pullRef = lazy.Regexp(`^refs/pull/([0-9]+)/(merge|head)$`)

// checkPull refuses the value that github.ref has in the jobs of a pull request: it
// is not the commit or branch of any run. The input branch accepts it, because
// another branch may follow it in the list.
func checkPull(v string) error {
	if m := pullRef().FindStringSubmatch(v); m != nil {
		return &meantError{is: "is a pull request's ref", input: "pr", value: m[1]}
	}
	return nil
}

// parseCommit strips refs/tags/. Only the server can tell whether a few hexadecimal
// digits are a tag or an abbreviated SHA.
func parseCommit(v string) (string, error) {
	if branch, ok := strings.CutPrefix(v, "refs/heads/"); ok {
		return "", &meantError{is: "is a branch", input: "branch", value: quote(branch)}
	}
	if err := checkPull(v); err != nil {
		return "", err
	}
	name := strings.TrimPrefix(v, "refs/tags/")
	if isHex(name, 40) {
		name = strings.ToLower(name)
	}
	return name, checkRef(name)
}

// isHex reports whether s has that many hexadecimal digits, and nothing else.
func isHex(s string, digits int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == digits
}

// parseRef keeps refs/heads/ and refs/tags/, which say what the name is.
func parseRef(v string) (string, error) {
	if err := checkPull(v); err != nil {
		return "", err
	}
	return v, checkRef(strings.TrimPrefix(strings.TrimPrefix(v, "refs/heads/"), "refs/tags/"))
}

// checkRef checks a name by the rules of git-check-ref-format(1).
func checkRef(name string) error {
	bad := name == "" || name == "@" || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") ||
		strings.ContainsAny(name, " ~^:?*[\\") || strings.ContainsFunc(name, unicode.IsControl)
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	switch {
	case strings.ContainsFunc(name, isBreak):
		return errors.New("has several lines")
	case bad:
		return errors.New("is not a name git would accept")
	}
	return nil
}

var eventName = lazy.Regexp(`^[a-z]+(_[a-z]+)*$`)

func parseEvent(v string) (string, error) {
	if eventName().MatchString(v) {
		return v, nil
	}
	if guess := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(v)); eventName().MatchString(guess) {
		return "", fmt.Errorf("is not the name of an event (did you mean %s?)", guess)
	}
	return "", errors.New("is not the name of an event")
}

var login = lazy.Regexp(`^[A-Za-z0-9_-]+(\[bot\])?$`)

func parseActor(v string) (string, error) {
	if !login().MatchString(v) {
		return "", errors.New("is not a login")
	}
	return v, nil
}

// parseGlobs parses one glob a line.
func parseGlobs(v string) ([]string, error) {
	list, err := eachLine(parseGlob, exactly)(v)
	if err != nil {
		return nil, err
	}
	return list, glob.CheckAll(list)
}

func parseGlob(v string) (string, error) {
	g := strings.TrimSpace(strings.TrimPrefix(v, "!"))
	if g == "" {
		return "", errors.New("is an exclamation mark without a glob")
	}
	if strings.HasPrefix(v, "!") {
		g = "!" + g
	}
	return g, glob.Check(g)
}

// maxRegexp is the longest expression, in bytes.
const maxRegexp = 64 << 10

var lookAround = lazy.Regexp(`\(\?(<?[=!])`)
var backReference = lazy.Regexp(`\\([1-9]|k<)`)

func parseRegexp(v string) (*regexp.Regexp, error) {
	if strings.ContainsFunc(v, isBreak) {
		return nil, errors.New("has several lines, but is one expression")
	}
	if len(v) > maxRegexp {
		return nil, fmt.Errorf("is longer than %d bytes", maxRegexp)
	}
	re, err := regexp.Compile(v)
	switch {
	case err == nil:
		return re, nil
	case lookAround().MatchString(v):
		return nil, errors.New("uses look-around, which RE2 does not have; use pattern with lines that begin with ! to exclude names")
	case backReference().MatchString(v):
		return nil, errors.New("uses a back-reference, which RE2 does not have")
	}
	invalid, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return nil, errors.New("is not a valid expression")
	}
	return nil, fmt.Errorf("is not a valid expression (%s: %s)", invalid.Code, quote(invalid.Expr))
}

// parseAPIURL parses the address of an API and drops the slash at its end. A bare
// host is a GitHub Enterprise Server, whose API is below /api/v3, unless it is
// GitHub's own or this machine, where the API is at the root.
func parseAPIURL(v string) (*url.URL, error) {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		if !strings.Contains(v, "://") {
			return nil, errors.New("lacks https:// in front")
		}
		return nil, errors.New("is not the address of an API")
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case u.User != nil:
		return nil, errors.New("holds a user or a password, which are not used; remove them, and give a token with github-token")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("has more than scheme, host and path")
	case host == "":
		return nil, errors.New("is not the address of an API")
	case host == "github.com" || host == "www.github.com":
		return nil, errors.New("is the address of the website (did you mean https://api.github.com?)")
	case strings.HasSuffix(host, ".ghe.com") && !strings.HasPrefix(host, "api."):
		return nil, fmt.Errorf("is the address of the website (did you mean https://api.%s?)", host)
	}
	path := strings.TrimRight(u.Path, "/")
	if path == "" && host != "api.github.com" && !strings.HasSuffix(host, ".ghe.com") && !isLoopback(host) {
		path = "/api/v3"
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: path}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseToken accepts the characters that an Authorization header may have.
func parseToken(v string) (Secret, error) {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("is not a token: it holds blanks, line breaks or special characters")
	}
	return Secret(v), nil
}

var appID = lazy.Regexp(`^([1-9][0-9]*|Iv[0-9A-Za-z.]+)$`)

func parseAppID(v string) (string, error) {
	if !appID().MatchString(v) {
		return "", errors.New("is not the id of an App")
	}
	return v, nil
}

func parsePrivateKey(v string) (Secret, error) {
	block, _ := pem.Decode([]byte(v))
	switch {
	case block == nil:
		return "", errors.New("is not PEM text")
	case block.Type != "RSA PRIVATE KEY" && block.Type != "PRIVATE KEY":
		return "", errors.New("is not an unencrypted RSA private key")
	}
	return Secret(v), nil
}

func isPEM(v string) bool { return strings.Contains(v, "-----BEGIN ") }

func parseCACert(v string) (string, error) {
	if !isPEM(v) {
		if strings.Contains(v, "://") {
			return "", errors.New("is an address, not a file")
		}
		return parsePath(v)
	}
	for rest := []byte(v); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return "", errors.New("holds no certificate")
		}
		if block.Type == "CERTIFICATE" {
			return v, nil
		}
	}
}
