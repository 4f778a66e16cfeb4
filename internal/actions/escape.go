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
		case !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	out := strings.ReplaceAll(b.String(), "##[", `##\[`)
	text := strings.TrimLeftFunc(out, unicode.IsSpace)
	if strings.HasPrefix(text, "::") {
		out = out[:len(out)-len(text)] + `\` + text
	}
	return out
}

// Cell makes hostile text fit for a job summary: in a table's cell or a
// paragraph it is text and nothing else. What could be Markdown or HTML is
// written as character references.
//
// These do not keep GitHub from finding mentions, references to issues,
// emoji and mail addresses, which it looks for in the text after Markdown is
// done with it (cmark-gfm, postprocess_text in extensions/autolink.c). So a
// zero width space parts the sign that they begin with from what follows.
func Cell(s string) string { return references(s, "&#8203;") }

// Attribute makes hostile text fit for an attribute's value in double quotes.
// GitHub looks for nothing in there, and an address has to stay as it is.
func Attribute(s string) string { return references(s, "") }

// references puts part between a sign that may begin something and what
// follows it.
func references(s, part string) string {
	text := []rune(strings.TrimSpace(Escape(s)))
	var b strings.Builder
	for i, r := range text {
		if isPlain(text, i) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "&#%d;", r)
		if strings.ContainsRune("@#:", r) && i+1 < len(text) && !strings.ContainsRune(" /", text[i+1]) {
			b.WriteString(part)
		}
	}
	return b.String()
}

// isPlain tells whether text[i] can stand in Markdown as it is. At the
// beginning a digit or a sign could start a list, "www." starts a link.
func isPlain(text []rune, i int) bool {
	r := text[i]
	switch {
	case unicode.IsLetter(r):
		return true
	case i == 0:
		return false
	case r == '.':
		return !strings.EqualFold(string(text[max(0, i-3):i]), "www")
	case r == '_': // within a word it is no emphasis
		return isWord(text[i-1]) && i+1 < len(text) && isWord(text[i+1])
	}
	return unicode.IsDigit(r) || strings.ContainsRune(" ,/()-", r)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
