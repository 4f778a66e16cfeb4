package glob

import (
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// Whatever is given, a glob is refused or stands for globs that doublestar
// accepts, few and without braces. Without braces both match the same, where the
// syntax of both is the same.
func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"{a,b}[!c-d]*", "axy"}, {"**/x{1..3}?", "d/x1y"}, {`\[a\]**`, "[a]/b"}, {"./a//b/", "a/b/c"}, {"[^]", "x"}, {"!{,a}", ""}, {"{{a..c},d}**e", "ae"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, name string) {
		list, err := expand(glob)
		matches := New([]string{glob}).Match(name)
		if err != nil {
			return
		}
		tally := NewTally([]string{glob})
		if tally.Match(name) != matches || (len(tally.Idle()) == 0) != matches {
			t.Errorf("%q matches %q: %v; its tally says %v", glob, name, matches, !matches)
		}
		if len(list) == 0 || len(list) > maxAlternatives {
			t.Errorf("%q stands for %d globs", glob, len(list))
		}
		for _, g := range list {
			if g != "" && !doublestar.ValidatePattern(g) {
				t.Errorf("%q stands for %q, which doublestar does not accept", glob, g)
			}
		}
		if strings.HasPrefix(glob, "!") || strings.ContainsAny(glob, "/[!^{") || strings.Contains(glob, "**") || strings.Contains(name, "/") || name == "" || glob == "." {
			return
		}
		if want := doublestar.MatchUnvalidated(glob, name); matches != want {
			t.Errorf("%q matches %q: %v, doublestar says %v", glob, name, matches, want)
		}
	})
}
