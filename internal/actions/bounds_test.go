package actions

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// A secret is hidden however the text of a stranger spells it, in the log, in
// outputs and in the summary.
func TestSpellingsOfSecrets(t *testing.T) {
	t.Parallel()
	const token = `tok+en/"ü=<&>Q1w2`
	const key = "-----BEGIN KEY-----\r\nQUJD+REVG/w==\n  tail&line\n"
	shifted := func(prefix string) string { return base64.StdEncoding.EncodeToString([]byte(prefix + token + "xyz")) }
	texts := []string{
		token, url.QueryEscape(token), url.PathEscape(token), `tok+en/\"ü=\u003c\u0026\u003eQ1w2`, "tok+en/&#34;ü=&lt;&amp;&gt;Q1w2",
		"-----BEGIN KEY-----", "QUJD+REVG/w==", "QUJD%2BREVG%2Fw%3D%3D", "tail&line", "tail&amp;line",
	}
	dir := t.TempDir()
	outputs, summary := filepath.Join(dir, "out"), filepath.Join(dir, "sum")
	log, out := newLog(false, "GITHUB_OUTPUT", outputs, "GITHUB_STEP_SUMMARY", summary)
	log.Mask(token)
	log.Mask(key)
	out.Reset()
	for i, text := range texts {
		if err := log.SetOutputs(Output{fmt.Sprint("o", i), "<" + text + ">"}); err != nil {
			t.Error(err)
		}
		if err := log.Summary("<" + text + ">\n"); err != nil {
			t.Error(err)
		}
		log.Infof("<%s>", text)
		if got := log.Redact(text); got != "***" {
			t.Errorf("%q became %q", text, got)
		}
	}
	for i, prefix := range []string{"", "x", "xy", "x-access-token:"} {
		if got := log.Redact(shifted(prefix)); !strings.Contains(got, "***") || len(got) > len("***")+len(prefix)*2+12 {
			t.Errorf("base64, %d: %q became %q", i, shifted(prefix), got)
		}
	}
	var wantOut, wantSum, wantLog strings.Builder
	for i := range texts {
		fmt.Fprintf(&wantOut, "o%d=<***>\n", i)
		wantSum.WriteString("<***>\n\n")
		wantLog.WriteString("<***>\n")
	}
	if got, _ := os.ReadFile(outputs); string(got) != wantOut.String() {
		t.Errorf("the outputs are %q", got)
	}
	if got, _ := os.ReadFile(summary); string(got) != wantSum.String() {
		t.Errorf("the summary is %q", got)
	}
	if out.String() != wantLog.String() {
		t.Errorf("the log is %q", out)
	}
}

// A short secret is hidden in the log, but stays in what programs read.
func TestShortSecrets(t *testing.T) {
	t.Parallel()
	log, out := newLog(false)
	log.Mask("t1")
	out.Reset()
	log.Infof("t1")
	if got := log.Redact(`{"t1":true}`); got != `{"t1":true}` || out.String() != "***\n" {
		t.Errorf("%s, %s", got, out)
	}
}

// If a bound cuts a secret, the part that is left is hidden, wherever the cut is.
func TestCutSecrets(t *testing.T) {
	t.Parallel()
	const token = "ghs_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"
	log, _ := newLog(false)
	log.Mask(token)
	for n := shortestPart; n <= len(token); n++ {
		for _, text := range []string{"x" + token[:n] + "…y", "x…" + token[len(token)-n:] + "y"} {
			if got := log.Redact(text); got != "x***…y" && got != "x…***y" && got != "x***y" {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
	for _, text := range []string{"ghs_0a1B2", "6q7R", "ghs_other and 0a1B2c3D4e5F6g7H"} {
		if got := log.Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	log, out := newLog(false)
	log.Mask("secret-" + strings.Repeat("s", 100))
	out.Reset()
	log.Infof("%s", strings.Repeat("ü", 100_000))
	log.Warningf("%s", strings.Repeat("\x00", 1_000_000))
	log.Errorf("%s", strings.Repeat("x", maxLine-60)+"secret-"+strings.Repeat("s", 100)+strings.Repeat("y", 100))
	for line := range strings.Lines(out.String()) {
		if len(line) > 6*maxLine+100 || !utf8.ValidString(line) {
			t.Errorf("a line has %d bytes", len(line))
		}
		if strings.Contains(line, "secret") {
			t.Error("a secret is shown in part")
		}
	}
	if !strings.Contains(out.String(), "ü… (and 183620 bytes more)\n") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("the log is %.100q", out)
	}
}

// GitHub shows few annotations; the others are lines of the log.
func TestManyAnnotations(t *testing.T) {
	t.Parallel()
	log, out := newLog(false)
	for i := range 1000 {
		log.Warningf("warning %d", i)
		log.Errorf("error %d", i)
	}
	if got := len(obeyed(out.String())); got != 2*maxAnnotations {
		t.Errorf("%d commands were issued", got)
	}
	if !strings.HasSuffix(out.String(), "warning: warning 999\nerror: error 999\n") {
		t.Error("the last ones are missing")
	}
}

// What the file holds already counts against the limit of the summary.
func TestSummaryBesideAnother(t *testing.T) {
	t.Parallel()
	for _, there := range []int{0, 1, maxSummary - 100, maxSummary - 40, maxSummary - 2, maxSummary - 1, maxSummary, 2 * maxSummary} {
		path := filepath.Join(t.TempDir(), "sum")
		if err := os.WriteFile(path, make([]byte, there), 0o600); err != nil {
			t.Fatal(err)
		}
		log, _ := newLog(false, "GITHUB_STEP_SUMMARY", path)
		if err := log.Summary(strings.Repeat("line\n", 1<<18)); err != nil {
			t.Error(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > int64(max(maxSummary, there)) {
			t.Errorf("beside %d bytes the summary grew to %d", there, info.Size())
		}
		if grew := info.Size() > int64(there); grew != (there <= maxSummary-100) { // else there is not even room for the note
			t.Errorf("beside %d bytes the summary grew: %v", there, grew)
		}
	}
}
