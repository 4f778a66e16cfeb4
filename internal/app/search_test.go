package app

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestSearch runs the cases of testdata/search, a file each, in the format of
// golang.org/x/tools/txtar. The text before the first section says what the case
// is. The sections are:
//
//	world     what the server has, as newSearchWorld reads it
//	inputs    name=value; lines of one name are the lines of one value
//	finds     the runs taken, newest first, and their artifacts; or else
//	fails     a part of the error
//	or        what may be found instead, or "fails" and a part of the error, if a
//	          warning annotation or the error tells of a doubt
//	warns     the warning annotations, a part of each a line; none if there is no line
//	says      parts of the log, one a line; $ at the end is the end of a line
//	lacks     texts that the log must not have, one a line
//	requests  how many requests to the API may be sent at most, besides the one
//	          that asks the current run for its own artifacts
func TestSearch(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/search/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		name, _ := strings.CutPrefix(filepath.ToSlash(file), "testdata/search/")
		t.Run(strings.TrimSuffix(name, ".txtar"), func(t *testing.T) {
			t.Parallel()
			testSearch(t, readCase(t, file))
		})
	}
}

func testSearch(t *testing.T, c map[string][]string) {
	t.Helper()
	w := newSearchWorld(t, c["world"])
	values := map[string][]string{}
	for _, line := range c["inputs"] {
		name, value, _ := strings.Cut(line, "=")
		values[name] = append(values[name], value)
	}
	var inputs []string
	for name, lines := range values {
		inputs = append(inputs, name, strings.Join(lines, "\n"))
	}
	most, err := strconv.Atoi(strings.Join(c["requests"], ""))
	if err != nil || len(c["finds"])+len(c["fails"]) == 0 {
		t.Fatalf("a case has requests, and finds or fails: %v", err)
	}

	found, requests, got := w.find(t, in(inputs...))
	if want := strings.Join(c["finds"], " | "); want != "" && found != want && !doubted(c["or"], found, got) {
		t.Errorf("found %s, want %s", found, want)
	} else if warns, given := c["warns"]; given && found == want {
		testWarnings(t, got.log, warns)
	}
	if want := strings.Join(c["fails"], "\n"); want != "" && (got.outputs["found"] != "false" || !strings.Contains(got.log, want)) {
		t.Errorf("want the error %q", want)
	}
	for _, text := range c["says"] {
		if text, whole := strings.CutSuffix(text, "$"); whole && !strings.Contains(got.log, text+"\n") || !strings.Contains(got.log, text) {
			t.Errorf("the log lacks %q", text)
		}
	}
	for _, text := range c["lacks"] {
		if strings.Contains(got.log, text) {
			t.Errorf("the log says %q", text)
		}
	}
	for _, r := range w.Log() {
		if strings.HasSuffix(r.Path, "/runs/90000/artifacts") {
			requests--
		}
	}
	if requests > most {
		t.Errorf("%d requests, more than %d", requests, most)
	}
	if t.Failed() {
		t.Log("\n" + got.log)
		for _, r := range w.Log() {
			if r.Host == githubsim.API {
				t.Log(r.Path, r.Query, r.Status)
			}
		}
	}
}

// doubted reports whether the outcome is the one that a case allows if it is doubted.
func doubted(or []string, found string, got finished) bool {
	want := strings.Join(or, " | ")
	if text, fails := strings.CutPrefix(want, "fails "); fails {
		return got.outputs["found"] == "false" && strings.Contains(got.log, text)
	}
	return found == want && strings.Contains(got.log, "::warning")
}

// testWarnings compares the warning annotations of a log with parts of them.
func testWarnings(t *testing.T, log string, want []string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "::warning") {
			got = append(got, line)
		}
	}
	for _, text := range want {
		i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, text) })
		if i < 0 {
			t.Errorf("no warning has %q", text)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	for _, line := range got {
		t.Errorf("a warning that was not expected: %s", line)
	}
}

// readCase reads the sections of a txtar file, each as its lines.
func readCase(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string][]string{}
	known := " world inputs finds fails or warns says lacks requests "
	section := "comment"
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(name, " --") {
			if section = strings.TrimSuffix(name, " --"); !strings.Contains(known, " "+section+" ") {
				t.Fatalf("unknown section %q", section)
			}
			sections[section] = []string{}
			continue
		}
		sections[section] = append(sections[section], line)
	}
	return sections
}
