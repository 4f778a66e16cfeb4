package search

import (
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/words"
)

// Bounds of messages: inputs and servers name very many things, with very long
// names.
const (
	mostListed  = 10  // things in one list
	longestName = 256 // bytes
)

// short cuts a name off that is too long to be read.
func short(name string) string { return words.Cut(name, longestName) }

// quote puts a name in quotes.
func quote(name string) string { return strconv.Quote(short(name)) }

// listed lists the first few things in words, and counts the others.
func listed[T any](things []T, between string, word func(T) string) string {
	first := make([]string, min(len(things), mostListed))
	for i := range first {
		first[i] = word(things[i])
	}
	return words.List(first, len(things), between)
}

// quoted lists names in quotes.
func quoted(names []string) string { return listed(names, ", ", quote) }

func idList(ids []int64) string {
	return listed(ids, ", ", func(id int64) string { return strconv.FormatInt(id, 10) })
}

func joinRepos(repos []artifact.Repo) string { return listed(repos, ", ", artifact.Repo.String) }

// either lists alternatives.
func either(list []string) string { return listed(list, " or ", short) }

// eitherQuoted lists alternatives in quotes.
func eitherQuoted(list []string) string { return listed(list, " or ", quote) }

// inWords describes what is asked for, for messages. Names are quoted.
func inWords(s artifact.Selector) string {
	switch {
	case len(s.Names) == 1:
		return "artifact " + quote(s.Names[0])
	case len(s.Names) > 1:
		return "artifacts " + quoted(s.Names)
	case s.Regexp != nil:
		return "an artifact whose name matches the expression " + quote(s.Regexp.String())
	case len(s.Patterns) > 0:
		return "an artifact whose name matches the pattern " + quoted(s.Patterns)
	}
	return "an artifact"
}
