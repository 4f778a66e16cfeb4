package transfer

import (
	"path"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/glob"
	"github.com/artifetch/artifetch/internal/suggest"
)

const (
	// maxNear bounds the suggestions for globs that match nothing.
	maxNear = 3
	// maxGlobs bounds the globs for which suggestions are looked for; maxNames and
	// maxNameBytes bound the names of an artifact that are looked at.
	maxGlobs, maxNames, maxNameBytes = 10, 10_000, 1 << 20
	// maxCost is the highest glob.Set.Cost of a glob that is compared with the names.
	maxCost = 50
	// maxSuggestion is the longest suggestion, in bytes.
	maxSuggestion = 200
)

// wildcards are the characters that make a glob more than a name.
const wildcards = `*?[{\`

// sample is a list of the first names of an artifact.
type sample struct {
	list  []string
	bytes int
}

func (s *sample) add(name string) {
	if s.bytes += len(name); len(s.list) < maxNames && s.bytes <= maxNameBytes {
		s.list = append(s.list, strings.Clone(name))
	}
}

// near returns suggestions for the globs that match none of the names.
func near(globs, names []string) []string {
	dirs := directories(names)
	var list []string
	for _, g := range globs[:min(len(globs), maxGlobs)] {
		if strings.HasPrefix(g, "!") {
			continue
		}
		meant := separated(g)
		if meant == nil || !slices.ContainsFunc(meant, func(g string) bool { return matchesAny(g, names) }) {
			meant = []string{nearest(g, names, dirs)}
		}
		for _, n := range meant {
			if n != "" && len(n) <= maxSuggestion && len(list) < maxNear && !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	return list
}

// nearName returns the file that a name, which is no glob, may have been meant to be: one
// that has the name's last components elsewhere in the tree, or nearly that name.
func nearName(name string, names []string) []string {
	name = path.Clean(name)
	for rest, more := name, true; more; _, rest, more = strings.Cut(rest, "/") {
		i := slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix("/"+n, "/"+rest) })
		if i >= 0 && len(names[i]) <= maxSuggestion {
			return []string{names[i]}
		}
	}
	if n := suggest.Nearest(name, names); n != "" && len(n) <= maxSuggestion {
		return []string{n}
	}
	return nil
}

// separated returns the globs that g has in quotes or between commas, as a line of YAML or of
// a shell would; nil if g has neither quotes nor commas, or has braces.
func separated(g string) (list []string) {
	if strings.ContainsAny(g, "{}") {
		return nil
	}
	for part := range strings.SplitSeq(g, ",") {
		if part = strings.Trim(part, ` "'`); part == g {
			return nil
		}
		list = append(list, part)
	}
	return list
}

// nearest returns a suggestion for a glob, or "": all files in the directories that the glob
// matches, a glob whose brackets and braces stand for themselves, one that matches elsewhere
// in the tree, or a name that is nearly the glob.
func nearest(g string, names, dirs []string) string {
	set := glob.New([]string{g})
	if set.Cost() > maxCost || slices.ContainsFunc(names, set.Match) {
		return "" // it has too many alternatives, or a glob with ! takes away what it matches
	}
	wild := strings.ContainsAny(g, wildcards)
	if wild {
		for _, variant := range []string{g + "/", literal(g)} {
			if matchesAny(variant, names) {
				return variant
			}
		}
	}
	for _, variant := range variants(g) {
		set := glob.New([]string{variant})
		if set.Cost() > maxCost {
			continue
		}
		if i := slices.IndexFunc(names, set.Match); i >= 0 {
			if wild {
				return variant
			}
			return upTo(names[i], path.Clean(strings.TrimPrefix(variant, "**/")))
		}
	}
	if !wild {
		return suggest.Nearest(path.Clean(g), slices.Concat(names, dirs))
	}
	if variant := respelt(g, dirs); matchesAny(variant, names) {
		return variant
	}
	folded := glob.New([]string{strings.ToLower(g)})
	if i := slices.IndexFunc(names, func(name string) bool { return folded.Match(strings.ToLower(name)) }); i >= 0 {
		return names[i]
	}
	return ""
}

func matchesAny(g string, names []string) bool {
	return slices.ContainsFunc(names, glob.New([]string{g}).Match)
}

// literal returns a glob whose brackets and braces stand for themselves: they are common
// in the names of files that a web framework takes its routes from.
func literal(g string) string {
	var b strings.Builder
	for i := 0; i < len(g); i++ {
		switch c := g[i]; {
		case c == '\\' && i+1 < len(g):
			b.WriteByte(c)
			i++
		case strings.IndexByte("[]{}", c) >= 0:
			b.WriteByte('\\')
		}
		b.WriteByte(g[i])
	}
	return b.String()
}

// respelt returns g with the directories before its first wildcard replaced by the nearest
// existing ones.
func respelt(g string, dirs []string) string {
	dir := path.Dir(g[:strings.IndexAny(g, wildcards)] + "x")
	if n := suggest.Nearest(dir, dirs); dir != "." && n != "" {
		return n + strings.TrimPrefix(path.Clean(g), dir)
	}
	return g
}

// variants returns globs that match what g matches in other directories: in any, or
// without the first ones.
func variants(g string) []string {
	list := []string{"**/" + g}
	for rest := g; ; {
		_, after, found := strings.Cut(rest, "/")
		if !found || strings.Trim(after, "*/") == "" {
			return list
		}
		rest = after
		list = append(list, rest)
	}
}

// upTo returns name up to the end of the components of end in it; all of name if it does not
// have them.
func upTo(name, end string) string {
	if i := strings.Index("/"+name+"/", "/"+end+"/"); i >= 0 {
		return name[:i+len(end)]
	}
	return name
}

// directories returns the directories of files.
func directories(names []string) []string {
	seen := map[string]bool{}
	var list []string
	for _, name := range names {
		for dir := path.Dir(name); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	return list
}
