// Package words has the phrases that messages of several packages share.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// Count is a number of things, such as "1 file" or "2,000 files". The plural of noun
// is made with an s.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// Bytes is a size in bytes, such as "24 MiB". Negative ones are 0.
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// List joins the first few of total things, and says how many more there are.
func List(first []string, total int, between string) string {
	text := strings.Join(first, between)
	if more := total - len(first); more > 0 {
		text += fmt.Sprintf(" and %s more", humanize.Comma(int64(more)))
	}
	return text
}

// Quoted lists at most so many names, each in quotes, and says how many more there
// are.
func Quoted(names []string, most int) string {
	first := make([]string, min(len(names), most))
	for i := range first {
		first[i] = strconv.Quote(names[i])
	}
	return List(first, len(names), ", ")
}

// CutMark ends a text that was cut.
const CutMark = "…"

// Cut shortens a text to at most so many bytes, at the end of a character, and
// marks where it was cut.
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
