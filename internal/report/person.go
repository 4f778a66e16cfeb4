package report

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/githubapi"
)

// personal is Message for a person at a terminal instead of a step.
func personal(err error) string {
	return withHint(err, func(err error) string {
		if h := tokenAdvice(err); h != "" {
			return h
		}
		return asFlags(hint(err))
	})
}

// tokens is where the command's token comes from.
const tokens = "GITHUB_TOKEN, GH_TOKEN (for your own server GH_ENTERPRISE_TOKEN), or what gh auth token gives" //nolint:gosec // names

// tokenAdvice returns what a person can do about a token, or nothing if err is not about
// one.
func tokenAdvice(err error) string {
	api, ok := errors.AsType[*githubapi.Error](err)
	if !ok || api.App {
		return ""
	}
	switch api.Kind {
	case githubapi.BadToken:
		return "The token is wrong or has expired: check " + tokens + " (gh auth login)"
	case githubapi.NoPermission:
		return fmt.Sprintf("The token may not do this: %s needs %s on %s", tokens, inWords(api.Needs), api.Repo)
	case githubapi.NotFound:
		return fmt.Sprintf("Either the name is wrong, or %s is private and the token cannot see it: %s needs Actions read on it", api.Repo, tokens)
	}
	return ""
}

// setting is an input with its value, as a workflow has it.
var setting = regexp.MustCompile(`\b([a-z]+(?:-[a-z]+)*): (true\b)?`)

// asFlags words an advice for the command: inputs are flags, and there is no step.
func asFlags(text string) string {
	text = setting.ReplaceAllStringFunc(text, func(s string) string {
		m := setting.FindStringSubmatch(s)
		switch {
		case !config.IsFlag(m[1]):
			return s
		case m[2] != "":
			return "--" + m[1]
		}
		return "--" + m[1] + " "
	})
	return strings.NewReplacer("run the step again", "run it again", "the step runs again", "it runs again", "The job was cancelled", "It was interrupted").Replace(text)
}
