package actions

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func newLog(command bool, pairs ...string) (*Log, *bytes.Buffer) {
	var out bytes.Buffer
	return New(Options{Out: &out, Getenv: env(pairs...), Command: command}), &out
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
		"\u3164\U000e0001\u034f": `\u3164\U000e0001\u034f`,
		"#\u200d#[error]x":       `#\u200d#[error]x`,
		"❤️":                     "❤️",
		`C:\dir`:                 `C:\dir`,
		"":                       "",
	}
	for in, want := range tests {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
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
	log.Infof("- %s", s)
	if got := obeyed(out.String()); len(got) > 0 || suspicious(out.String()) {
		t.Errorf("%q issued %q in %q", s, got, out)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%q came out on %d lines: %q", s, n, out)
	}
	out.Reset()
	log.Warningf("%s", s)
	log.Errorf("x %s", s)
	log.Group("%s", s)()
	e := Escape(s)
	want := []command{{"warning", e}, {"error", Escape("x " + s)}, {"group", e}, {"endgroup", ""}}
	if diff := cmp.Diff(want, obeyed(out.String())); diff != "" {
		t.Errorf("%q: %s", s, diff)
	}
	if Escape(e) != e || !utf8.ValidString(e) {
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

func TestMask(t *testing.T) {
	t.Parallel()
	summary := filepath.Join(t.TempDir(), "sum")
	log, out := newLog(false, "GITHUB_STEP_SUMMARY", summary)
	for _, secret := range []string{"abc", "abcdef", "cd", "fgh", "aXa", "abc", " \n\r ", "gh_s%0Ax-1", "p\rq%r"} {
		log.Mask(secret)
	}
	want := []command{{"add-mask", "abc"}, {"add-mask", "abcdef"}, {"add-mask", "cd"}, {"add-mask", "fgh"}, {"add-mask", "aXa"}, {"add-mask", "gh_s%0Ax-1"}, {"add-mask", "p"}, {"add-mask", "q%r"}}
	if diff := cmp.Diff(want, obeyed(out.String())); diff != "" {
		t.Error(diff)
	}
	out.Reset()
	log.Infof("abcdef, abcdefgh, aXaXa, ab, abcabc")
	if got := out.String(); got != "***, ***, ***, ab, ******\n" {
		t.Errorf("wrote %q", got)
	}
	if err := log.Summary("| abcdef | " + Cell("not gh_s%0Ax-1 and q%r") + " |"); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(summary); string(got) != "| *** | not *** and *** |\n" {
		t.Errorf("the summary is %q", got)
	}
}

// The runner shows nothing of a summary that is a byte too large.
func TestSummaryAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, n := range []int{maxSummary - 2, maxSummary - 1, maxSummary, maxSummary + 1, 2 * maxSummary} {
		path := filepath.Join(t.TempDir(), "sum")
		log, _ := newLog(false, "GITHUB_STEP_SUMMARY", path)
		if err := log.Summary(strings.Repeat("\n", n)); err != nil {
			t.Error(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.Size(), int64(min(n+1, maxSummary)); got != want {
			t.Errorf("of %d bytes %d were written, want %d", n, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outputs, summary := filepath.Join(dir, "out"), filepath.Join(dir, "sum")
	log, _ := newLog(false, "GITHUB_OUTPUT", outputs, "GITHUB_STEP_SUMMARY", summary)
	for _, err := range []error{
		log.SetOutputs(Output{"a", "1"}, Output{"b", "x=y<<EOF %0A"}), log.SetOutputs(Output{"c", ""}), log.Summary("# hi\n"), log.Summary(strings.Repeat("0123456789\n", 1<<17)),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"a\nb=c", "a\rb", "\n"} {
		if log.SetOutputs(Output{"x", bad}) == nil || log.SetOutputs(Output{"y", "z"}, Output{bad, "x"}) == nil {
			t.Errorf("%q was written", bad)
		}
	}
	if got, _ := os.ReadFile(outputs); string(got) != "a=1\nb=x=y<<EOF %0A\nc=\n" {
		t.Errorf("outputs are %q", got)
	}
	got, _ := os.ReadFile(summary)
	if len(got) > maxSummary || !strings.HasPrefix(string(got), "# hi\n") || !strings.HasSuffix(string(got), "0123456789\n\n\n(cut: the summary was larger than 1 MiB)\n\n") {
		t.Errorf("the summary has %d bytes and ends in %q", len(got), got[max(0, len(got)-60):])
	}
	for _, name := range []string{"", "a=b", "a<<EOF"} {
		if log.SetOutputs(Output{name, "x"}) == nil {
			t.Errorf("%q names an output", name)
		}
	}
	log, _ = newLog(false, "GITHUB_OUTPUT", filepath.Join(dir, "no", "such"))
	if err := log.SetOutputs(Output{"a", "b"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that cannot be written gave %v", err)
	}
	if err := log.Summary("x"); err != nil {
		t.Errorf("a runner without summaries gave %v", err)
	}
}

// Where there is no terminal, progress is lines, in a step and for the command.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, command := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			log, out := newLog(command)
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
}

func TestBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := New(Options{Out: &out, Getenv: env(), Command: true, Columns: func() int { return 80 }})
		p := log.NewProgress(4 << 20)
		p.Add(1 << 20)
		time.Sleep(300 * time.Millisecond)
		log.Infof("a line")
		p.Add(3 << 20)
		time.Sleep(250 * time.Millisecond)
		p.Add(1 << 20) // more than was said
		time.Sleep(250 * time.Millisecond)
		p.Stop()
		p.Stop()
		log.Infof("another")
		want := []string{
			"[####...............] 1.0 MiB of 4.0 MiB (25%), 4.0 MiB/s, 1s left",
			"", "a line\n[####...............] 1.0 MiB of 4.0 MiB (25%), 4.0 MiB/s, 1s left",
			"", "[###################] 4.0 MiB of 4.0 MiB (100%), 8.0 MiB/s, 0s left",
			"", "5.0 MiB, 6.7 MiB/s",
			"", "another\n",
		}
		if diff := cmp.Diff(want, strings.Split(regexp.MustCompile("\r +\r").ReplaceAllString(out.String(), "\r\r"), "\r")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		done, total int64
		rate        float64
		want        string
	}{
		{0, 0, 0, "0 B, 0 B/s"},
		{2 << 20, 1 << 20, 1 << 20, "2.0 MiB, 1.0 MiB/s"},
		{0, 100, 0, "0 B of 100 B (0%), 0 B/s"},
		{-5, 100, -1, "0 B of 100 B (0%), 0 B/s"},
		{1, 1 << 62, 1e-300, "1 B of 4.0 EiB (0%), 0 B/s"},
		{1 << 40, 1 << 41, 1 << 30, "1.0 TiB of 2.0 TiB (50%), 1.0 GiB/s, 17m4s left"},
		{99, 100, 1, "99 B of 100 B (99%), 1 B/s, 1s left"},
	}
	for _, tt := range tests {
		if got := states(tt.done, tt.total, tt.rate)[0]; got != tt.want {
			t.Errorf("states(%d, %d, %g) begin with %q, want %q", tt.done, tt.total, tt.rate, got, tt.want)
		}
		for columns := range 250 {
			if bar := drawBar(columns, tt.done, tt.total, tt.rate); len(bar) > columns || columns > 100 && !strings.HasSuffix(bar, tt.want) {
				t.Errorf("the bar in %d columns is %q", columns, bar)
			}
		}
	}
}

func TestReadContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := map[string]struct {
		env     []string
		trigger int64
		want    string
	}{
		"outside":    {nil, 0, ""},
		"told":       {[]string{"GITHUB_EVENT_PATH", file("e", `{"workflow_run":{"id":42,"head_branch":"x"},"action":"completed"}`)}, 42, ""},
		"without it": {[]string{"GITHUB_EVENT_PATH", file("other", `{"ref":"x"}`)}, 0, ""},
		"broken":     {[]string{"GITHUB_EVENT_PATH", file("bad", "{")}, 0, "unexpected end of JSON input"},
		"missing":    {[]string{"GITHUB_EVENT_PATH", filepath.Join(dir, "none")}, 0, "no such file"},
		"a list":     {[]string{"GITHUB_EVENT_PATH", file("list", "[]")}, 0, "(GITHUB_EVENT_PATH): it is a JSON array, which names no run"},
		"a text":     {[]string{"GITHUB_EVENT_PATH", file("text", `{"workflow_run":{"id":"42"}}`)}, 0, "workflow_run.id is a JSON string, which names no run"},
		"a fraction": {[]string{"GITHUB_EVENT_PATH", file("fraction", `{"workflow_run":{"id":4.2}}`)}, 0, "workflow_run.id is a JSON number 4.2, which names no run"},
	}
	for name, tt := range tests {
		got, err := ReadContext(env(tt.env...)).Trigger()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if got != tt.trigger {
			t.Errorf("%s: %d, want %d", name, got, tt.trigger)
		}
	}
	for given, want := range map[string]int64{"": 0, "7": 7, "0": -1, "x": -1, "-1": -1, "99999999999999999999": -1} {
		got, err := ReadContext(env("GITHUB_RUN_ID", given)).RunID()
		if err != nil {
			got = -1
			if !strings.Contains(err.Error(), fmt.Sprintf("GITHUB_RUN_ID is %q", given)) {
				t.Errorf("%q: %v", given, err)
			}
		}
		if got != want {
			t.Errorf("%q: %d, want %d", given, got, want)
		}
	}
	for given, want := range map[string]int64{"": 0, "7": 7, "x": 0, "-1": 0, "99999999999999999999": 0} {
		if got := ReadContext(env("GITHUB_REPOSITORY_ID", given)).RepositoryID; got != want {
			t.Errorf("repository %q: %d, want %d", given, got, want)
		}
	}
}
