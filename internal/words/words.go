// Package words has the phrases that the messages of several packages share.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Number formats a number with commas between thousands, such as "2,000".
func Number(n int) string { return humanize.Comma(int64(n)) }

// Count formats a number of things, such as "1 file" or "2,000 files". It makes the
// plural of noun by adding an s.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}

// Are formats a number of things and what follows in the present, such as "1 file is" or
// "2 files are".
func Are(n int, noun string) string { return verb(n, noun, "is", "are") }

// Were formats a number of things and what follows in the past, such as "1 file was" or
// "2 files were".
func Were(n int, noun string) string { return verb(n, noun, "was", "were") }

func verb(n int, noun, one, several string) string {
	if n == 1 {
		return Count(n, noun) + " " + one
	}
	return Count(n, noun) + " " + several
}

// Bytes formats a size in bytes, such as "24 MiB". A negative size counts as 0.
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// List joins the first of total things with the text between, and adds how many more there
// are.
func List(first []string, total int, between string) string {
	text := strings.Join(first, between)
	if more := total - len(first); more > 0 {
		text += fmt.Sprintf(" and %s more", Number(more))
	}
	return text
}

// Enumerate joins items with commas, and the last one with a conjunction, such as
// "a, b or c".
func Enumerate(items []string, conjunction string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + conjunction + " " + items[last]
}

// Quoted is List with each thing in quotes, and commas between them.
func Quoted(first []string, total int) string {
	quoted := make([]string, len(first))
	for i, s := range first {
		quoted[i] = strconv.Quote(s)
	}
	return List(quoted, total, ", ")
}

// CutMark ends a text that was cut.
const CutMark = "…"

// Cut shortens a text to no more than most bytes, CutMark included. It cuts between
// characters.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := max(most-len(CutMark), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + CutMark
}
