package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
)

// audience is who reads a message. It determines how advice spells inputs and their values,
// and whatever else differs between a step and the command.
type audience int

const (
	author audience = iota // of a workflow, who sets the inputs of a step
	person                 // at a terminal, who gives flags to a command
)

// name returns an input as the audience writes it: run-id, or --run-id.
func (a audience) name(input string) string {
	if a == person {
		return "--" + input
	}
	return input
}

// set returns an input with its value: "conclusion: any", or "--conclusion any".
func (a audience) set(input, value string) string {
	if a == author {
		if config.IsPlainYAML(value) {
			return input + ": " + value
		}
		return input + ": " + quoted(value, "''")
	}
	if !isPlainWord(value) {
		value = quoted(value, `'\''`)
	}
	switch {
	case value == "true":
		return "--" + input
	case value == "false", strings.HasPrefix(value, "'-"):
		return "--" + input + "=" + value
	}
	return "--" + input + " " + value
}

// setID is set for an input that takes a number.
func (a audience) setID(input string, id int64) string {
	return a.set(input, strconv.FormatInt(id, 10))
}

// isPlainWord reports whether a shell takes a value for what it is.
func isPlainWord(value string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return value != "" && strings.Contains(plain, value[:1]) && strings.Trim(value, plain+"_./@+-") == ""
}

// quoted returns a value in single quotes; quote is how such quotes hold one themselves.
func quoted(value, quote string) string {
	return "'" + strings.ReplaceAll(value, "'", quote) + "'"
}

// says chooses between the words for an author and those for a person.
func (a audience) says(toAuthor, toPerson string) string {
	if a == person {
		return toPerson
	}
	return toAuthor
}

func (a audience) rerun() string   { return a.says("run the step again", "run it again") }
func (a audience) machine() string { return a.says("the runner", "this machine") }

// tokens are the places that the command takes its token from.
const tokens = "GITHUB_TOKEN, GH_TOKEN (GH_ENTERPRISE_TOKEN for your own server) or gh auth token" //nolint:gosec // names

// wrongToken says what to check about a token that the server does not accept.
func (a audience) wrongToken() string {
	return a.says("check github-token, or leave it out to use the job's own token", "check "+tokens+" (gh auth login)")
}

// anotherToken says how to use another token.
func (a audience) anotherToken() string {
	return a.says("give github-token a token of its own", "use another token")
}

// grant says how a token gets a permission on a repository.
func (a audience) grant(p githubapi.Permission, repo artifact.Repo) string {
	return a.says(
		fmt.Sprintf("for the job's own repository, add permissions: {%s} to the job; for another one, give github-token a token with %s on %s", p, inWords(p), repo),
		ownToken(p, repo.String()))
}

// ownToken tells a person which token to use.
func ownToken(p githubapi.Permission, on string) string {
	return fmt.Sprintf("use one with %s on %s, from %s", inWords(p), on, tokens)
}

// inWords names a permission as GitHub's token pages do.
func inWords(p githubapi.Permission) string {
	switch p {
	case githubapi.ActionsWrite:
		return "Actions write"
	case githubapi.ContentsRead:
		return "Contents read"
	case githubapi.PullRequestsRead:
		return "Pull requests read"
	}
	return "Actions read"
}
