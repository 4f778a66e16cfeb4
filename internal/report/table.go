package report

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/artifetch/artifetch/internal/words"
)

// column is a column of a table.
type column struct {
	title string
	right bool // numbers are aligned at their ends
	// shrinks is set for the column that is cut if the table is wider than the terminal.
	shrinks bool
}

// gap separates columns.
const gap = "  "

// minColumn is the least width, in columns of the terminal, that a column is cut to.
const minColumn = 12

// table lays out rows of one-line texts, in no more than the given columns of a terminal if
// that is possible; 0 columns means any number.
func table(head []column, rows [][]string, columns int) []string {
	titles := make([]string, len(head))
	for i, c := range head {
		titles[i] = c.title
	}
	rows = slices.Concat([][]string{titles}, rows)
	widths := make([]int, len(head))
	total := len(gap) * (len(head) - 1)
	for i := range head {
		for _, row := range rows {
			widths[i] = max(widths[i], textWidth(row[i]))
		}
		total += widths[i]
	}
	for i, c := range head {
		if over := total - columns; columns > 0 && over > 0 && c.shrinks {
			widths[i] = min(widths[i], max(widths[i]-over, minColumn))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, c := range head {
			text := fit(row[i], widths[i])
			pad := strings.Repeat(" ", widths[i]-textWidth(text))
			if c.right {
				text, pad = pad+text, ""
			}
			b.WriteString(text + pad)
			if i < len(head)-1 {
				b.WriteString(gap)
			}
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// fit cuts a text to a width.
func fit(s string, most int) string {
	if textWidth(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > most-1 {
			return s[:i] + words.CutMark
		}
	}
	return s
}

// textWidth returns how many columns of a terminal a text takes.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
