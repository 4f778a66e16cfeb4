package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/transfer"
)

func plain(s string) string { return s }

// hostile is a name that would write to a terminal, begin a line, and issue commands.
const hostile = "\x1b[2J\u009b31m\r\n::error::x ##[error]y\u202e\t報告"

// nasty returns a result in which everything that others chose is hostile.
func nasty() *Result {
	r := many(1, 1, 3)
	r.Items[0].Artifact.Name, r.Items[0].To, r.Items[0].Tree = hostile, hostile, "1"
	run := artifact.Run{ID: 7, Number: 1, Workflow: hostile, HeadBranch: hostile, URL: hostile, Event: hostile, Repo: r.Runs[0].Repo}
	r.Items[0].Run, r.Runs[0] = run, run
	return r
}

// keys returns the keys of a JSON object, in their order.
func keys(t *testing.T, text string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var list []string
	for depth := 0; ; {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			continue
		case json.Delim('}'), json.Delim(']'):
			if depth--; depth == 0 {
				return list
			}
			continue
		}
		if depth != 1 {
			continue
		}
		list = append(list, fmt.Sprint(token))
		if !dec.More() {
			continue
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
}

// The JSON object has the keys of the lines, in their order, and the same values with
// their types.
func TestFetchedJSON(t *testing.T) {
	t.Parallel()
	failed := &Result{Err: errors.New("it is broken")}
	for name, r := range map[string]*Result{"found": many(2, 2, 3), "failed": failed, "hostile": nasty()} {
		var lines, object bytes.Buffer
		p := Printer{Out: &lines, Redact: plain, Now: time.Now}
		if err := p.Fetched(r); err != nil {
			t.Fatal(err)
		}
		p.Out, p.JSON = &object, true
		if err := p.Fetched(r); err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := json.Unmarshal(object.Bytes(), &values); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, &object)
		}
		var names []string
		for line := range strings.Lines(lines.String()) {
			key, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			names = append(names, key)
			switch v := values[key].(type) {
			case []any:
				var list []any
				if err := json.Unmarshal([]byte(text), &list); err != nil || cmp.Diff(list, v) != "" {
					t.Errorf("%s: %s: %v, %s", name, key, err, cmp.Diff(list, v))
				}
			case string:
			case nil:
				if text != "" {
					t.Errorf("%s: %s is %q and null", name, key, text)
				}
			case float64:
				if fmt.Sprintf("%.0f", v) != text {
					t.Errorf("%s: %s is %q and %v", name, key, text, v)
				}
			case bool:
				if fmt.Sprint(v) != text {
					t.Errorf("%s: %s is %q and %v", name, key, text, v)
				}
			}
		}
		if d := cmp.Diff(names, keys(t, object.String())); d != "" {
			t.Errorf("%s: (-lines +JSON)\n%s", name, d)
		}
	}
}

// What others chose cannot control a terminal, nor issue a workflow command.
func TestPrinterEscapes(t *testing.T) {
	t.Parallel()
	fetched := func(p Printer) (string, error) {
		var b bytes.Buffer
		p.Out, p.Redact, p.Now = &b, plain, time.Now
		err := p.Fetched(nasty())
		return b.String(), err
	}
	for name, p := range map[string]Printer{"lines": {}, "JSON": {JSON: true}, "terminal": {Columns: func() int { return 40 }}} {
		text, err := fetched(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u009b", "\r", "\u202e", "##[", "\n::"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q in %q", name, bad, text)
			}
		}
		if !strings.Contains(text, "報告") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// Secrets do not show.
func TestPrinterRedacts(t *testing.T) {
	t.Parallel()
	r := many(1, 1, 3)
	r.Items[0].Artifact.Name, r.Runs[0].HeadBranch = "s3cret-name", "s3cret-branch"
	for _, p := range []Printer{{}, {JSON: true}, {Columns: func() int { return 80 }}} {
		var b bytes.Buffer
		p.Out, p.Now, p.Redact = &b, time.Now, func(s string) string { return strings.ReplaceAll(s, "s3cret", "***") }
		if err := p.Fetched(r); err != nil || strings.Contains(b.String(), "s3cret") {
			t.Errorf("%v: %s", err, &b)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	head := []column{{title: "NAME", shrinks: true}, {title: "SIZE", right: true}, {title: "TO"}}
	rows := [][]string{{"a", "1 B", "x"}, {"報告書の名前がとても長い", "12 MiB", "y"}, {"éé", "", ""}}
	for columns, want := range map[int]string{
		0: "NAME                        SIZE  TO\na                            1 B  x\n報告書の名前がとても長い  12 MiB  y\néé",
		// Cut to the terminal's width.
		30: "NAME                  SIZE  TO\na                      1 B  x\n報告書の名前がと…   12 MiB  y\néé",
		// Narrower than any use.
		5: "NAME            SIZE  TO\na                1 B  x\n報告書の名…   12 MiB  y\néé",
	} {
		got := strings.Join(table(head, rows, columns), "\n")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d columns: %s", columns, d)
		}
	}
}

// On a terminal a fetch has a short summary, and a failure nothing: the log has it.
func TestFetchedForPeople(t *testing.T) {
	t.Parallel()
	r := many(2, 1, 3)
	for i := range r.Items {
		r.Items[i].Tree, r.Items[i].Files, r.Items[i].Bytes, r.Items[i].Digest = "1", 2, 2048, transfer.DigestVerified
	}
	r.Destination.Abs, r.Published = "/home/me/out", true
	failed := many(2, 1, 3)
	failed.Err = errors.New("broken")
	for want, r := range map[string]*Result{
		"2 artifacts, 4 files, 4.0 KiB into /home/me/out\n" +
			"RUN  ARTIFACT  FILES     SIZE  SHA-256   INTO\n" +
			"7    000           2  2.0 KiB  verified  out/000\n" +
			"7    001           2  2.0 KiB  verified  out/001\n": r,
		"": failed,
	} {
		var b bytes.Buffer
		p := Printer{Out: &b, Redact: plain, Now: time.Now, Columns: func() int { return 80 }}
		if err := p.Fetched(r); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Error(d)
		}
	}
}
