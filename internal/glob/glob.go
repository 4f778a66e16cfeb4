// Package glob matches names and slash-separated paths against lists of globs:
// the inputs pattern and files.
//
// A glob is text in which these have a meaning:
//
//	?         one character but "/"
//	*         any characters but "/"
//	[abc]     one of these characters; [a-f] a range; [!a] and [^a] any other
//	          but "/"
//	**        any characters, "/" too; as a whole component any number of
//	          directories, also none
//	{a,b}     a or b, which may be globs, and nest
//	{1..9}    a number from 1 to 9; {08..12} keeps the zeros, {0..9..3} counts
//	          in steps, {a..f} is a letter
//	\x        the character x itself, which is one of {}[](),|\ or, at the beginning of
//	          the glob, ! or #; \@( \+( \!( begin no extended globs; [*] and [?] are the
//	          characters * and ?
//
// A glob whose last component has no wildcard also matches the paths below a directory
// of that name: "dist" matches dist and everything in it. With a slash at its end, a glob
// matches only what is in the directory: "dist/", "lib*/". A "./" in front has no meaning.
// In a list, a glob with "!" in front excludes what matches it; if all globs of the list
// do, everything else matches.
//
// Check refuses all other syntax that means something to another tool, so that no
// glob is misunderstood in silence. It also refuses globs that would take too long
// to match: one stands for at most 1,000 globs without braces. Matching takes time
// in proportion to their number and to the length of the name; globs without
// wildcards are looked up in a map.
package glob

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Set is a list of globs, made ready to match. Its methods are safe for
// concurrent use. The zero Set matches everything.
type Set struct {
	take, leave alternatives
	positive    bool // the list has globs that do not begin with "!"
}

// New returns a Set of globs that Check accepts. A glob that Check refuses matches
// nothing.
func New(globs []string) *Set {
	s := &Set{take: newAlternatives(), leave: newAlternatives()}
	for _, g := range globs {
		to := &s.take
		glob, negated := strings.CutPrefix(g, "!")
		if negated {
			to = &s.leave
		} else {
			s.positive = true
		}
		plain, err := expand(glob)
		if err != nil {
			continue
		}
		for _, p := range plain {
			to.add(p)
		}
	}
	return s
}

// Match reports whether the list matches a name or path.
func (s *Set) Match(name string) bool {
	if s.leave.match(name) {
		return false
	}
	return !s.positive || s.take.match(name)
}

// Cost returns with how many globs Match may have to compare a name, one after the
// other: the number of globs with wildcards.
func (s *Set) Cost() int { return len(s.take.globs) + len(s.leave.globs) }

// alternatives are globs without braces.
type alternatives struct {
	exact map[string]bool // globs without wildcards, unescaped; "a/" is everything in a
	globs []string        // globs with wildcards
}

func newAlternatives() alternatives { return alternatives{exact: map[string]bool{}} }

func (a *alternatives) add(glob string) {
	if !hasWildcard(glob) {
		a.exact[unescape(glob)] = true
		return
	}
	switch last := glob[strings.LastIndexByte(glob, '/')+1:]; {
	case last == "":
		a.globs = append(a.globs, withoutSlash(glob)) // the directory itself
		glob += "**/*"
	case !hasWildcard(last):
		glob += "/**" // matches a file of that name, too
	}
	a.globs = append(a.globs, withoutSlash(glob))
}

func (a *alternatives) match(name string) bool {
	if len(a.exact) > 0 && places(name, func(at string) bool { return a.exact[at] }) {
		return true
	}
	return slices.ContainsFunc(a.globs, func(g string) bool { return matches(g, name) })
}

// places calls do for each glob without wildcards that matches a path, until do returns
// true, and reports whether it did. For "a/b" these globs are "a/b", "a/" and "a".
func places(name string, do func(glob string) bool) bool {
	for at := name; ; {
		if do(at) {
			return true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return false
		}
		if do(at[:i+1]) {
			return true
		}
		at = at[:i]
	}
}

// matches reports whether a glob of alternatives.globs matches a name.
func matches(glob, name string) bool { return doublestar.MatchUnvalidated(glob, name) }

// hasWildcard reports whether a glob without braces has a character that stands
// for others.
func hasWildcard(glob string) bool {
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// withoutSlash adds a slash to the negated classes of a glob without braces: without it
// they match a slash in doublestar.
func withoutSlash(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch {
		case glob[i] == '\\' && i+1 < len(glob):
			b.WriteByte(glob[i])
			i++
			b.WriteByte(glob[i])
		case strings.HasPrefix(glob[i:], "[!"):
			b.WriteString("[!/")
			i++
		default:
			b.WriteByte(glob[i])
		}
	}
	return b.String()
}

func unescape(glob string) string {
	if !strings.Contains(glob, `\`) {
		return glob
	}
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		if glob[i] == '\\' && i+1 < len(glob) {
			i++
		}
		b.WriteByte(glob[i])
	}
	return b.String()
}
