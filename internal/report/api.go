package report

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/githubapi"
)

func (a audience) apiHint(e *githubapi.Error) string {
	switch e.Kind {
	case githubapi.BadToken:
		return a.tokenHint(e)
	case githubapi.NoPermission:
		return "The token may not do this: " + a.grant(e.Needs, e.Repo)
	case githubapi.NotFound:
		return fmt.Sprintf("Either the name is wrong, or %s is private and the token cannot see it: %s", e.Repo,
			a.says("give github-token a token with Actions read on it", ownToken(githubapi.ActionsRead, "it")))
	case githubapi.Gone:
		if e.Artifact == 0 {
			return fmt.Sprintf("It was there, and is not any more: check that %s still exists, and that Actions are enabled in it", e.Repo)
		}
		return "The artifact has expired; run the workflow again to make a new one"
	case githubapi.PrimaryLimit:
		return fmt.Sprintf("The token's requests for this hour are spent: wait until then, %s, or use a GitHub App (%s)", a.anotherToken(), a.name("app-id"))
	case githubapi.Reserved:
		if reserve, ok := errors.AsType[*githubapi.ReserveError](e.Err); ok {
			return a.reserveHint(reserve)
		}
	case githubapi.SecondaryLimit:
		return a.says("Run the step again later, or run fewer such jobs at once", "Run it again later, or run fewer such commands at once")
	case githubapi.Network:
		return cmp.Or(a.networkHint(e.Err, true), a.inTrouble())
	case githubapi.ServerError:
		return a.inTrouble()
	case githubapi.InvalidRequest:
		if e.Status == http.StatusProxyAuthRequired {
			return "A proxy answered in GitHub's place: give its user and password in HTTPS_PROXY (HTTP_PROXY for an http address)"
		}
	case githubapi.UnexpectedAnswer:
		return "Check " + a.name("github-api-url") + ", and whether a proxy answers in GitHub's place"
	}
	return ""
}

// inTrouble is the advice for a fault that the user can do nothing about.
func (a audience) inTrouble() string {
	return "GitHub or the network is in trouble: see https://www.githubstatus.com and " + a.rerun()
}

// tokenHint returns the advice for a token that GitHub does not accept.
func (a audience) tokenHint(e *githubapi.Error) string {
	if !e.App {
		return "The token is wrong or has expired: " + a.wrongToken()
	}
	if e.Ahead.Abs() > time.Minute {
		direction := "behind"
		if e.Ahead < 0 {
			direction = "ahead of"
		}
		return fmt.Sprintf("%s is %s %s GitHub's, so GitHub refuses the App's credentials: set the clock", a.says("The runner's clock", "This machine's clock"), e.Ahead.Abs(), direction)
	}
	return "Check that " + a.name("app-id") + " and " + a.name("app-private-key") + " are of the same GitHub App, and that the key was not revoked"
}
