// Package suggest finds the name that a misspelt name was meant to be. All names are
// compared alike: those of inputs and flags, of artifacts, workflows and branches.
//
// The time it takes is proportional to the number of known names, even if they are
// hostile: names beyond a fixed length are not compared.
package suggest

import (
	"slices"
	"strings"
	"unicode"
)

// longest is the longest name, in characters, that is compared.
const longest = 64

// shortest is the shortest name, in characters, that others may extend by words.
const shortest = 2

// Nearest returns the known name that given was most likely meant to be, or "" if none
// is near. The nearest name is the one with the fewest slips; of several such names, the
// one whose spelling differs least, then the first.
//
// A slip is a character too many, missing, or wrong, or two neighbours that are
// swapped. Case, and underscores in place of hyphens, are no slips. Names of n characters,
// the longer of the two, are near with at most (n+1)/4 slips.
//
// If no name has so few slips, a name is near if one of the two is the other with words
// added in one place, as "report.html" is "report" with an extension. The nearest of
// these names has the fewest characters added.
func Nearest(given string, known []string) string {
	want, ok := newSpelling(given)
	if !ok || len(want.plain) == 0 {
		return ""
	}
	best, slips, unlike := "", longest, 0
	extended, added := "", longest
	for _, k := range known {
		name, ok := newSpelling(k)
		if !ok || len(name.plain) == 0 {
			continue
		}
		most := min(slips, (max(len(want.plain), len(name.plain))+1)/4)
		if d := distance(want.plain, name.plain, most); d <= most {
			u := d
			if want.folded || name.folded {
				u = distance(want.exact, name.exact, longest)
			}
			if d < slips || u < unlike {
				best, slips, unlike = k, d, u
			}
		}
		if n := wordsAdded(want.plain, name.plain); 0 < n && n < added {
			extended, added = k, n
		}
	}
	if best == "" {
		return extended
	}
	return best
}

// spelling is a name in characters: as it is written, and without the differences that
// are no slips.
type spelling struct {
	exact, plain []rune
	folded       bool // exact and plain differ
}

// newSpelling reports false for a name that is too long.
func newSpelling(name string) (spelling, bool) {
	if len(name) > longest*len("\U0010FFFF") {
		return spelling{}, false
	}
	s := spelling{exact: []rune(name), plain: []rune(name)}
	for i, r := range s.plain {
		if s.plain[i] = unicode.ToLower(r); r == '_' {
			s.plain[i] = '-'
		}
		s.folded = s.folded || s.plain[i] != r
	}
	return s, len(s.exact) <= longest
}

// distance returns the optimal string alignment distance: the number of insertions,
// deletions, substitutions and swaps of neighbours, each character being part of one
// swap at most. If that is more than most, it returns some number above most.
func distance(a, b []rune, most int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > most {
		return most + 1
	}
	var rows [3][longest + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j], last[j]) // a swap reaches back over one row
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// wordsAdded returns how many characters one of two names has more than the other, if the
// additional characters are whole words in one place, with a separator between them and
// the rest. Else it returns 0.
func wordsAdded(a, b []rune) int {
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	n := len(long) - len(short)
	if len(short) < shortest || n == 0 {
		return 0
	}
	for at := range len(short) + 1 {
		if at > 0 && short[at-1] != long[at-1] {
			return 0
		}
		added := long[at : at+n]
		if !slices.Equal(short[at:], long[at+n:]) {
			continue
		}
		begins := at == 0 || separates(added[0]) || separates(short[at-1])
		ends := at == len(short) || separates(added[n-1]) || separates(short[at])
		if begins && ends {
			return n
		}
	}
	return 0
}

// separates reports whether a character stands between words of a name.
func separates(r rune) bool { return strings.ContainsRune("-._/ +@", r) }
