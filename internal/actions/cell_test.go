package actions

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
)

var hostileCells = []string{
	"a|b|c", "`code`", "**bold** _it_ ~~x~~", "<img src=x onerror=alert(1)>", "<!-- x", "[a](http://x)", "![a](http://x)",
	"http://evil.example", "www.evil.example", "WWW.evil.example", "me@evil.example", "# heading", "- list", "1. list", "1) list", "> quote", "&amp; &#60;b&#62;",
	"a\n\n# b", "```\nx", "    code", "<script>", "$x$", "[x]: http://y", "--- | ---", "\\|", "+ x", "* x", "===", "---", "| a |\n|---|", "[^1]", "- [ ] x",
	"@octocat", "(@octo/team)", "a_b@evil.example", "#1", "o/r#1", ":tada:", ":+1:", "mailto:a@b.co", "_a_b_", "__a__", "\" onclick=\"x", "' x='", "a\\", "\u200b@x",
}

func TestCell(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"dist/app-1.2 (x86), ü", "app_linux_amd64.tar.gz", "feature/x", "v10"} {
		if got := Cell(s); got != s {
			t.Errorf("plain text %q became %q", s, got)
		}
	}
	for _, s := range hostileCells {
		checkCell(t, s)
	}
}

func FuzzCell(f *testing.F) {
	for _, s := range hostileCells {
		f.Add(s)
	}
	f.Fuzz(checkCell)
}

// linked is what GitHub makes links and pictures of in the text that
// Markdown leaves, character references resolved.
var linked = regexp.MustCompile(`(?i)@[a-z0-9]|[a-z0-9.+_-]@[a-z0-9._-]|#[0-9]|:[a-z0-9_+-]+:`)

func checkCell(t *testing.T, s string) {
	t.Helper()
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))
	render := func(frame, cell string) string {
		var out bytes.Buffer
		if err := md.Convert([]byte(strings.Replace(frame, "%s", cell, 1)), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	text := strings.TrimSpace(Escape(s))
	if text == "" {
		return
	}
	const attribute = "x <a href=\"%s\">x</a>\n"
	for _, frame := range []string{"| a | b |\n| --- | --- |\n| %s | x |\n", "%s\n", "text %s text\n", attribute} {
		plain, got := render(frame, "SLOT"), render(frame, Cell(s))
		shown := strings.ReplaceAll(html.UnescapeString(got), "\u200b", "")
		if frame == attribute {
			got = render(frame, Attribute(s))
			shown = html.UnescapeString(got) // as it is, so that it leads there
		}
		if want := strings.Replace(html.UnescapeString(plain), "SLOT", text, 1); shown != want || strings.Count(got, "<") != strings.Count(plain, "<") {
			t.Errorf("%q renders as %q, want %q", s, got, want)
		}
	}
	if found := linked.FindString(html.UnescapeString(Cell(s))); found != "" {
		t.Errorf("%q becomes %q, in which GitHub sees %q", s, Cell(s), found)
	}
}
