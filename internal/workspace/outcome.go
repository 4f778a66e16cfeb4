package workspace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/words"
)

// Conflict is a file's path that several trees have.
type Conflict struct {
	Path string
	// Winner labels the tree whose file was taken.
	Winner Holder
	// Losers has the first few of the other trees, in their order; Lost counts all.
	Losers []Holder
	Lost   int
}

// Holder is a tree that has a path.
type Holder struct {
	Tree  int // its index in the trees that Publish was given
	Label string
}

func (c Conflict) String() string {
	texts := []string{fmt.Sprintf("%q is in %q", c.Path, c.Winner.Label)}
	for _, l := range c.Losers {
		texts = append(texts, fmt.Sprintf("in %q", l.Label))
	}
	return words.List(texts, c.Lost+1, " and ")
}

// Variants are two paths of different trees that differ in case only.
type Variants [2]Placed

// Bounds of what reports and errors name, the first in alphabetical order.
const (
	maxListed = 10
	// maxConflicts bounds Report.Conflicts, and maxLosers the trees that each of them
	// names.
	maxConflicts = 1000
	maxLosers    = 10
)

// Report says what Publish did with paths that were taken, and what else users should know.
type Report struct {
	// Recovered is what became of the stages of processes that were killed since this one
	// began. It is set even if Publish fails.
	Recovered []Recovery
	// Replaced counts files that were replaced, Skipped files that were kept.
	Replaced, Skipped int
	// Conflicts has the first 1,000 of the paths that several trees have, each once;
	// Conflicting counts all.
	Conflicts   []Conflict
	Conflicting int
	// Variants has the first few pairs of names that differ in case only; Varying counts
	// all, but of the names of one directory no more than maxVaried are compared. Names
	// within one tree do not count, nor do names below two directories that are such a pair.
	Variants []Variants
	Varying  int
	// Lost says for each tree which of its files are not in the destination.
	Lost []Lost
	// GitHub has the first few of the new paths in a .github directory that existed before;
	// InGitHub counts all.
	GitHub   []Placed
	InGitHub int
}

// Lost says which files of a tree did not get to the destination.
type Lost struct {
	Files int // how many
	// Path is one of the files, relative to the destination. Winner labels the tree that
	// has its place; if Winner is empty, the place was taken before.
	Path, Winner string
}

// Placed is a path relative to the destination, and the tree that it is from.
type Placed struct {
	Path string
	From Holder
}

func (r *Report) addConflict(c Conflict) {
	r.Conflicting++
	r.Conflicts = addFirst(r.Conflicts, c, maxConflicts, conflictPath)
}

func (r *Report) addVariants(v Variants) {
	r.Varying++
	r.Variants = addFirst(r.Variants, v, maxListed, func(v Variants) string { return v[0].Path })
}

func (r *Report) addGitHub(p Placed) {
	r.InGitHub++
	r.GitHub = addFirst(r.GitHub, p, maxListed, func(p Placed) string { return p.Path })
}

func conflictPath(c Conflict) string { return c.Path }

// addFirst adds an item to a sorted list that keeps only the first most items.
func addFirst[T any](list []T, item T, most int, key func(T) string) []T {
	k := key(item)
	i, _ := slices.BinarySearchFunc(list, k, func(t T, k string) int {
		if key(t) <= k {
			return -1
		}
		return 1
	})
	if i == most {
		return list
	}
	if len(list) == most {
		list = list[:most-1]
	}
	return slices.Insert(list, i, item)
}

// conflicts notes the sources whose file gives way to that of the first source, and reports
// whether to go on.
func (p *planner) conflicts(to spot, from []child) bool {
	if len(from) == 1 {
		return true
	}
	conflict := Conflict{Path: p.show(to), Winner: from[0].tree.holder(), Lost: len(from) - 1}
	for _, c := range from[1:min(len(from), 1+maxLosers)] {
		conflict.Losers = append(conflict.Losers, c.tree.holder())
	}
	if p.ifExists == Fail {
		p.taken.addConflict(conflict)
		return false
	}
	p.report.addConflict(conflict)
	for _, c := range from[1:] {
		p.lose(to, c, from[0].tree.Label)
	}
	return true
}

// lose notes a file of a tree that will not be in the destination: another tree, labelled
// winner, takes its place or, if winner is empty, the place was taken before.
func (p *planner) lose(to spot, c child, winner string) {
	l := &p.report.Lost[c.tree.index]
	shown := p.show(to)
	if l.Files == 0 || shown < l.Path {
		l.Path, l.Winner = shown, winner
	}
	l.Files++
}

// ExistsError says which files exist already when if-exists is fail.
type ExistsError struct {
	// Paths has the first few of the taken paths, relative to the destination; Taken counts
	// all.
	Paths []string
	Taken int
	// Conflicts has the first few of the paths that several trees have; Conflicting counts
	// all.
	Conflicts   []Conflict
	Conflicting int
}

func (e *ExistsError) addPath(p string) {
	e.Taken++
	e.Paths = addFirst(e.Paths, p, maxListed, func(p string) string { return p })
}

func (e *ExistsError) addConflict(c Conflict) {
	e.Conflicting++
	e.Conflicts = addFirst(e.Conflicts, c, maxListed, conflictPath)
}

// Error names the first few paths.
func (e *ExistsError) Error() string {
	var parts []string
	switch e.Taken {
	case 0:
	case 1:
		parts = append(parts, fmt.Sprintf("%q is already there", e.Paths[0]))
	default:
		parts = append(parts, fmt.Sprintf("%s are already there: %s", words.Count(e.Taken, "file"), words.Quoted(e.Paths, e.Taken)))
	}
	if e.Conflicting > 0 {
		texts := make([]string, len(e.Conflicts))
		for i, c := range e.Conflicts {
			texts[i] = c.String()
		}
		parts = append(parts, "artifacts have files of the same name: "+words.List(texts, e.Conflicting, "; "))
	}
	return strings.Join(parts, "; ")
}
