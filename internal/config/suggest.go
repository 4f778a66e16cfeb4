package config

import (
	"fmt"
	"strings"
)

// didYouMean is a hint to append to a message, or nothing.
func didYouMean(given string, known []string) string {
	if s := nearest(given, known); s != "" {
		return fmt.Sprintf(" (did you mean %s?)", s)
	}
	return ""
}

// nearest is the known name that given was most likely meant to be, or
// empty. Upper case and underscores for hyphens are no difference.
func nearest(given string, known []string) string {
	given = plain(given)
	best, least := "", 3
	for _, k := range known {
		// More than one slip in four letters makes another word.
		if d := distance(given, plain(k)); d < least && 4*d <= max(len(given), len(k)) {
			best, least = k, d
		}
	}
	return best
}

func plain(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// distance is the optimal string alignment distance in bytes: insertions,
// deletions, substitutions and swaps of neighbours. Texts too long to be a
// misspelt name are as far apart as can be.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b))
	}
	var before, last, row [longest + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
