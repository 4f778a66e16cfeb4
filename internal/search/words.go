package search

import (
	"fmt"
	"strconv"
	"strings"
	"time"

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

// withIDs names things by their ids: "run 5", "runs 5, 6".
func withIDs(noun string, ids []int64) string {
	if len(ids) != 1 {
		noun += "s"
	}
	return noun + " " + listed(ids, ", ", func(id int64) string { return strconv.FormatInt(id, 10) })
}

func joinRepos(repos []artifact.Repo) string { return listed(repos, ", ", artifact.Repo.String) }

// either lists alternatives.
func either(list []string) string { return listed(list, " or ", short) }

// eitherQuoted lists alternatives in quotes.
func eitherQuoted(list []string) string { return listed(list, " or ", quote) }

// mostDoubts bounds the doubts that are named.
const mostDoubts = 3

// DoubtsInWords names the first few doubts, and counts the others. Several branches may
// leave the same doubt, which is named once.
func DoubtsInWords(doubts []Doubt) string {
	var texts []string
	named := map[string]bool{}
	for _, d := range doubts {
		if text := d.String(); !named[text] {
			named[text] = true
			texts = append(texts, text)
		}
	}
	return words.List(texts[:min(len(texts), mostDoubts)], len(texts), "; ")
}

// String says which run the doubt is about, or which runs, and why.
func (d Doubt) String() string {
	if d.Run.ID != 0 {
		about := fmt.Sprintf("run %d of %s", d.Run.ID, d.Run.Repo)
		if label := d.Run.Label(); label != "" {
			about += fmt.Sprintf(" (%s)", short(label))
		}
		return about + ": " + d.Reason
	}
	if len(d.Filters) == 0 {
		return d.Reason
	}
	return fmt.Sprintf("runs%s are known only from the server's list filtered by %s, which may be weeks old or lack some of them",
		d.period(), strings.Join(d.Filters, " and "))
}

// period says when the runs of the doubt were created, or nothing for any time.
func (d Doubt) period() string {
	at := func(t time.Time) string { return t.UTC().Format(time.DateTime) }
	since, until := !d.Since.IsZero(), !d.Until.IsZero() && d.Until.Before(unread)
	switch {
	case since && until:
		return fmt.Sprintf(" created from %s to %s", at(d.Since), at(d.Until))
	case since:
		return " created since " + at(d.Since)
	case until:
		return " created until " + at(d.Until)
	}
	return ""
}

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
