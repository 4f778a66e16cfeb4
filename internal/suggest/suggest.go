// Package suggest finds the name that a misspelt name was meant to be.
//
// The time it takes is proportional to the number of known names, even if they are
// hostile: names beyond a fixed length are not compared.
package suggest

import "strings"

// longest is the longest name, in bytes, that is compared.
const longest = 64

// Nearest returns the known name that given was most likely meant to be: the one
// with the fewest slips, the first of equals, or "" if all have more than one slip
// in four bytes. Case, and underscores in place of hyphens, make no difference.
func Nearest(given string, known []string) string {
	if len(given) > longest {
		return ""
	}
	given = plain(given)
	best, least := "", longest
	for _, k := range known {
		if len(k) > longest {
			continue
		}
		slips := min(least-1, max(len(given), len(k))/4)
		if d := distance(given, plain(k), slips); d <= slips {
			best, least = k, d
		}
	}
	return best
}

// Same reports whether two names are equal except for case, and for underscores in
// place of hyphens.
func Same(a, b string) bool { return plain(a) == plain(b) }

func plain(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// distance returns the optimal string alignment distance in bytes: the number of
// insertions, deletions, substitutions and swaps of neighbours. If that is more than
// most, it returns some number above most.
func distance(a, b string, most int) int {
	if max(len(a), len(b))-min(len(a), len(b)) > most || len(a) > longest || len(b) > longest {
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
