package actions

import (
	"bytes"
	"errors"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
)

func env(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func newLog(command bool, pairs ...string) (*Log, *bytes.Buffer) {
	var out bytes.Buffer
	return New(Options{Out: &out, Lookup: env(pairs...), Command: command}), &out
}

func TestEscape(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain, ünïcode 日本 🎉":    "plain, ünïcode 日本 🎉",
		"::error::x":             `\::error::x`,
		" \t::error::x":          ` \t::error::x`,
		"\u00a0\u3000::error::x": "\u00a0\u3000\\::error::x",
		"a ::error::x":           "a ::error::x",
		"a##[error]x":            `a##\[error]x`,
		"###[error]x":            `###\[error]x`,
		"a\r::error::x":          `a\r::error::x`,
		"a\n::error::x":          `a\n::error::x`,
		"\x00\x1b[31m\x7f":       `\u0000\u001b[31m\u007f`,
		"\u2028\u2029\u0085":     `\u2028\u2029\u0085`,
		"\u200b::error::":        `\u200b::error::`,
		"\u202e##[x":             `\u202e##\[x`,
		"bad \xff\xfe":           `bad \xff\xfe`,
		"\ufffd is itself":       "\ufffd is itself",
		`C:\dir`:                 `C:\dir`,
		"":                       "",
	}
	for in, want := range tests {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

// commands are what the runner would obey in out, by its own rules, written
// down here a second time: lines end at CR, LF and more; blanks are skipped;
// the older form may stand anywhere in a line.
func commands(out string) []string {
	var found []string
	v2 := regexp.MustCompile(`^::[^:]*::`)
	for _, line := range regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029\v\f]").Split(out, -1) {
		trimmed := strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == 0 })
		if v2.MatchString(trimmed) || strings.Contains(line, "##[") {
			found = append(found, trimmed)
		}
	}
	return found
}

var hostile = []string{
	"::set-output name=x::y", "\r::error::x", "\n::error::x", "##[add-path]/evil", "a%0A::error::x", "%0D%0A::error::b",
	"\u2028::stop-commands::x", "\v::error::x", "x##[set-env name=A]b", "::add-mask::a", "\xff::error::x", "::group::\n::endgroup::",
}

func TestHostileTextIssuesNoCommand(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		checkHostile(t, s)
	}
}

func FuzzHostileText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkHostile)
}

func checkHostile(t *testing.T, s string) {
	t.Helper()
	log, out := newLog(false)
	log.Infof("%s", s)
	if got := commands(out.String()); len(got) > 0 {
		t.Errorf("%q issued %q", s, got)
	}
	out.Reset()
	log.Warningf("%s", s)
	log.Errorf("%s", s)
	log.Group("%s", s)()
	for _, c := range commands(out.String()) {
		name, _, _ := strings.Cut(c[2:], "::")
		if name != "warning" && name != "error" && name != "group" && name != "endgroup" || strings.Contains(c, "##[") {
			t.Errorf("%q issued %q", s, c)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%q came out on %d lines: %q", s, n, out)
	}
	if e := Escape(s); Escape(e) != e || !utf8.ValidString(e) {
		t.Errorf("Escape(%q) is not stable", s)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	write := func(l *Log) {
		l.Infof("one %d", 1)
		end := l.Group("group %s", "a")
		inner := l.Group("inner")
		l.Infof("in it")
		inner()
		end()
		l.Warningf("100%% %s", "a,b:c")
		l.Errorf("bad")
		l.Debugf("debug")
		l.Mask("s3cr%t\n\n  line2 \r\n")
		l.Mask("")
		l.Infof("the s3cr%%t and line2")
		l.Warningf("s3cr%%t")
	}
	log, out := newLog(false)
	write(log)
	want := `one 1
::group::group a
inner
in it
::endgroup::
::warning::100%25 a,b:c
::error::bad
::debug::debug
::add-mask::s3cr%25t
::add-mask::line2
the *** and ***
::warning::***
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	log, out = newLog(true)
	write(log)
	want = `one 1
group a
inner
in it
warning: 100% a,b:c
error: bad
the *** and ***
warning: ***
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outputs, summary := filepath.Join(dir, "out"), filepath.Join(dir, "sum")
	log, _ := newLog(false, "GITHUB_OUTPUT", outputs, "GITHUB_STEP_SUMMARY", summary)
	for _, err := range []error{
		log.SetOutput("a", "1"), log.SetOutput("b", "x=y<<EOF %0A"), log.SetOutput("c", ""), log.Summary("# hi\n"), log.Summary(strings.Repeat("0123456789\n", 1<<17)),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"a\nb=c", "a\rb", "\n"} {
		if log.SetOutput("x", bad) == nil || log.SetOutput(bad, "x") == nil {
			t.Errorf("%q was written", bad)
		}
	}
	if got, _ := os.ReadFile(outputs); string(got) != "a=1\nb=x=y<<EOF %0A\nc=\n" {
		t.Errorf("outputs are %q", got)
	}
	got, _ := os.ReadFile(summary)
	if len(got) > maxSummary+10 || !strings.HasPrefix(string(got), "# hi\n") || !strings.HasSuffix(string(got), "0123456789\n\n\n(cut: the summary was larger than 1 MiB)\n\n") {
		t.Errorf("the summary has %d bytes and ends in %q", len(got), got[max(0, len(got)-60):])
	}
	log, _ = newLog(false, "GITHUB_OUTPUT", filepath.Join(dir, "no", "such"))
	if err := log.SetOutput("a", "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that cannot be written gave %v", err)
	}
	if err := log.Summary("x"); err != nil {
		t.Errorf("a runner without summaries gave %v", err)
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	if got := Cell("dist/app-1.2 (x86), ü"); got != "dist/app-1.2 (x86), ü" {
		t.Errorf("plain text became %q", got)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))
	for _, s := range []string{
		"a|b|c", "`code`", "**bold** _it_ ~~x~~", "<img src=x onerror=alert(1)>", "<!-- x", "[a](http://x)", "![a](http://x)",
		"http://evil.example", "www.evil.example", "WWW.evil.example", "me@evil.example", "# heading", "- list", "1. list", "> quote", "&amp; &#60;b&#62;",
		"a\n\n# b", "```\nx", "    code", "<script>", "$x$", "[x]: http://y", "--- | ---", "\\|", "+ x", "* x", "===", "---", "| a |\n|---|", "[^1]", "- [ ] x",
	} {
		for _, frame := range []string{"| a | b |\n| --- | --- |\n| %s | x |\n", "%s\n", "text %s text\n"} {
			var plain, got bytes.Buffer
			if err := md.Convert([]byte(strings.Replace(frame, "%s", "SLOT", 1)), &plain); err != nil {
				t.Fatal(err)
			}
			if err := md.Convert([]byte(strings.Replace(frame, "%s", Cell(s), 1)), &got); err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(plain.String(), "SLOT", strings.TrimSpace(Escape(s)), 1)
			if html.UnescapeString(got.String()) != want || strings.Count(got.String(), "<") != strings.Count(plain.String(), "<") {
				t.Errorf("%q renders as %q, want %q", s, got.String(), want)
			}
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog(false)
		p := log.NewProgress(100 << 20)
		for range 4 {
			time.Sleep(2 * time.Second)
			p.Add(10 << 20)
		}
		time.Sleep(30 * time.Second) // nothing moves, nothing is said
		p.Add(60 << 20)
		time.Sleep(5 * time.Second)
		p.Stop()
		want := "fetched 20 MiB of 100 MiB (20%), 4.0 MiB/s, 20s left\n" +
			"fetched 40 MiB of 100 MiB (40%), 4.0 MiB/s, 15s left\n" +
			"fetched 100 MiB of 100 MiB (100%), 2.0 MiB/s, 0s left\n"
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProgressIsQuietWhenShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog(false)
		p := log.NewProgress(0)
		p.Add(1 << 30)
		time.Sleep(4 * time.Second)
		p.Stop()
		if out.Len() > 0 {
			t.Errorf("said %q", out)
		}
	})
	if got := progressLine(2<<20, 1<<20, 1<<20); got != "fetched 2.0 MiB, 1.0 MiB/s" {
		t.Errorf("past the estimate: %q", got)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := New(Options{Out: &out, Lookup: env(), Command: true, Terminal: true}).NewProgress(100)
	p.Add(50)
	p.Stop()
	if !strings.Contains(out.String(), "fetching") {
		t.Errorf("drew %q", out.String())
	}
}

func TestReadContext(t *testing.T) {
	t.Parallel()
	files := map[string]string{"/e": `{"workflow_run":{"id":42,"head_branch":"x"},"action":"completed"}`, "/bad": "{", "/other": `{"ref":"x"}`}
	read := func(p string) ([]byte, error) {
		if s, ok := files[p]; ok {
			return []byte(s), nil
		}
		return nil, fs.ErrNotExist
	}
	full := []string{"GITHUB_REPOSITORY", "o/r", "GITHUB_RUN_ID", "7", "GITHUB_EVENT_NAME", "workflow_run"}
	tests := map[string]struct {
		env  []string
		id   int64
		want string
	}{
		"outside":      {nil, 0, ""},
		"workflow_run": {append(full, "GITHUB_EVENT_PATH", "/e"), 42, ""},
		"without it":   {append(full, "GITHUB_EVENT_PATH", "/other"), 0, ""},
		"push":         {[]string{"GITHUB_EVENT_NAME", "push", "GITHUB_EVENT_PATH", "/bad"}, 0, ""},
		"broken":       {append(full, "GITHUB_EVENT_PATH", "/bad"), 0, "unexpected end of JSON input"},
		"missing":      {append(full, "GITHUB_EVENT_PATH", "/none"), 0, "file does not exist"},
		"run id":       {[]string{"GITHUB_RUN_ID", "x"}, 0, `GITHUB_RUN_ID is "x"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := ReadContext(env(tt.env...), read)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if c.Event.WorkflowRun.ID != tt.id {
				t.Errorf("id %d, want %d", c.Event.WorkflowRun.ID, tt.id)
			}
		})
	}
}
