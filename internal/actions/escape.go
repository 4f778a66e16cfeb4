package actions

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes hostile text fit for one line of a job's log. The runner
// (actions/runner, ActionCommand.cs and OutputManager.cs) splits output at CR as
// well as LF, skips blanks before "::command::", and obeys "##[" in the middle of a
// line. Escape therefore writes control characters, invisible characters and invalid
// UTF-8 as escapes, and breaks up both markers with a backslash. Escape(Escape(s))
// is Escape(s).
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

// Cell makes hostile text fit for a table's cell or a paragraph of a job summary.
// Characters that could be Markdown or HTML are written as character references.
//
// GitHub finds mentions, references to issues, emoji and mail addresses after
// Markdown was rendered (cmark-gfm, postprocess_text in extensions/autolink.c), where
// character references do not help. Cell therefore puts a zero width space after the
// character that begins any of them.
func Cell(s string) string { return references(s, "&#8203;") }

// Attribute makes hostile text fit for an attribute's value in double quotes. It adds
// no zero width spaces: GitHub looks for no mentions there, and an address has to
// stay unchanged.
func Attribute(s string) string { return references(s, "") }

// references writes s with character references, and puts part after each character
// that may begin a mention or the like.
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

// isPlain reports whether text[i] needs no character reference in Markdown. At the
// beginning a digit or a hyphen could start a list, and "www." starts a link.
func isPlain(text []rune, i int) bool {
	r := text[i]
	switch {
	case unicode.IsLetter(r):
		return true
	case i == 0:
		return false
	case r == '.':
		return !strings.EqualFold(string(text[max(0, i-3):i]), "www")
	case r == '_': // not emphasis within a word
		return isWord(text[i-1]) && i+1 < len(text) && isWord(text[i+1])
	}
	return unicode.IsDigit(r) || strings.ContainsRune(" ,/()-", r)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
