package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/words"
)

// expense is a kind of request that can make a search expensive.
type expense struct {
	one, several string
	// narrow are the inputs that make such requests fewer, the most effective first.
	narrow []string
}

// expenses describes the kinds of requests of a search.
var expenses = map[githubapi.Cost]expense{
	githubapi.ArtifactPages: {"page of all artifacts", "pages of all artifacts", []string{"name", "max-age"}},
	githubapi.NamedPages:    {"page of artifacts of that name", "pages of artifacts of that name", []string{"max-age", "search-limit"}},
	githubapi.RunPages:      {"page of runs", "pages of runs", []string{"workflow", "branch", "event", "max-age", "search-limit"}},
	githubapi.SingleRuns:    {"single run", "single runs", []string{"branch", "commit", "max-age", "search-limit"}},
	githubapi.OwnLists:      {"list of one run's artifacts", "lists of one run's artifacts", []string{"name", "max-age", "search-limit"}},
	githubapi.Names:         {"look-up of a name", "look-ups of names", []string{"workflow"}},
}

// Costly says what makes a search expensive, and which input would make it cheaper. It
// may be called concurrently.
func (l *Log) Costly(sent githubapi.Costs) {
	l.Out.Infof("the search has sent %s so far: %s; %s would narrow it",
		words.Count(sent.Total(), "request"), spelled(sent), l.audience().either(l.notGiven(expenses[mostOf(sent)].narrow)))
}

// Requests says how many requests were sent to the API, how many of them did not count
// against its rate limit, and for what an expensive search sent them. A person hears only of
// an expensive search.
func (l *Log) Requests(sent, unchanged int, search githubapi.Costs) {
	if l.Person && !search.High() {
		return
	}
	free, of := "", ""
	if unchanged > 0 {
		free = fmt.Sprintf(", %d of them free, as nothing had changed", unchanged)
	}
	if search.High() {
		of = "; to find runs and artifacts: " + spelled(search)
	}
	l.Out.Infof("%s sent to GitHub's API%s%s", words.Count(sent, "request"), free, of)
}

// notGiven returns the inputs that are not given. Lowering search-limit always helps.
func (l *Log) notGiven(inputs []string) []string {
	open := slices.DeleteFunc(slices.Clone(inputs), func(input string) bool { return l.Config.Given(input) })
	if len(open) == 0 {
		return []string{"search-limit"}
	}
	return open
}

// mostOf returns the kind of request that a search sent most.
func mostOf(sent githubapi.Costs) githubapi.Cost {
	most := githubapi.ArtifactPages
	for kind := range expenses {
		if sent[kind] > sent[most] || sent[kind] == sent[most] && kind < most {
			most = kind
		}
	}
	return most
}

// spelled lists how many requests of each kind there were, the most first.
func spelled(sent githubapi.Costs) string {
	var list []string
	for sent.Total() > 0 {
		kind := mostOf(sent)
		e := expenses[kind]
		noun := e.several
		if sent[kind] == 1 {
			noun = e.one
		}
		list = append(list, words.Number(sent[kind])+" "+noun)
		sent[kind] = 0
	}
	return strings.Join(list, ", ")
}

// either joins inputs that would narrow a search: "a, b or c".
func (a audience) either(inputs []string) string {
	list := make([]string, len(inputs))
	for i, input := range inputs {
		list[i] = a.name(input)
		if input == "search-limit" {
			list[i] = "a lower " + list[i]
		}
	}
	return words.Enumerate(list, "or")
}

// reserveHint returns the advice for a search that stopped before it spent the last requests
// of the hour.
func (a audience) reserveHint(e *githubapi.ReserveError) string {
	most := expenses[mostOf(e.Costs)]
	return fmt.Sprintf("%s share its requests of the hour. Most requests of the search were for %s: narrow it by %s. Or %s, use a GitHub App (%s), or %s after %s",
		a.says("All jobs that use the token", "All that use the token"), most.several, a.either(most.narrow), a.anotherToken(), a.name("app-id"), a.rerun(),
		e.Reset.UTC().Format("15:04 MST"))
}
