package actions

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes hostile text fit for one line of a job's log. The runner
// (actions/runner, ActionCommand.cs and OutputManager.cs) splits output at
// CR as well as LF, skips blanks before "::command::", and obeys "##[" in
// the middle of a line. So control characters, invisible ones and bytes that
// are no UTF-8 come out as escapes, and both markers are broken up by a
// backslash. Escape(Escape(s)) is Escape(s).
func Escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	out := strings.ReplaceAll(b.String(), "##[", `##\[`)
	text := strings.TrimLeftFunc(out, unicode.IsSpace)
	if strings.HasPrefix(text, "::") {
		out = out[:len(out)-len(text)] + `\` + text
	}
	return out
}

// Cell makes hostile text fit for a job summary: in a table's cell, a
// paragraph or an attribute it is text and nothing else. What could be
// Markdown or HTML is written as character references.
func Cell(s string) string {
	var b strings.Builder
	s = strings.TrimSpace(Escape(s))
	for i, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r) && i > 0, i > 0 && strings.ContainsRune(" ,/()-", r):
			b.WriteRune(r)
		case r == '.' && i > 0 && !strings.HasSuffix(strings.ToLower(s[:i]), "www") && !isDigits(s[:i]):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

func isDigits(s string) bool {
	return strings.TrimLeft(s, "0123456789") == ""
}
