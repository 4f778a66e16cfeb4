package app

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

var update = flag.Bool("update", false, "write what the tests expect in testdata anew")

// TestMessages compares what a step says in each situation in which people need advice,
// with a file a situation. Read the files: they are what a person sees of a failed run.
func TestMessages(t *testing.T) {
	t.Parallel()
	api := func(f githubsim.Fault) []githubsim.Fault {
		f.Host, f.Times = githubsim.API, -1
		return []githubsim.Fault{f}
	}
	storage := func(f githubsim.Fault) []githubsim.Fault {
		f.Host, f.Times = githubsim.Storage, -1
		return []githubsim.Fault{f}
	}
	damaged := []githubsim.Fault{{Host: githubsim.Storage, Corrupt: 46}}
	page := githubsim.Fault{Status: 200, Body: "<html>Log in</html>", Header: map[string][]string{"Content-Type": {"text/html"}}}
	situations := map[string]struct {
		in     map[string]string
		before []string // files that exist
		faults []githubsim.Fault
	}{
		"no-permission":             {in: in("github-token", "ghs_nothing", "run-id", "1")},
		"private-or-wrong-name":     {in: in("repository", "octo/secret", "run-id", "1")},
		"bad-token":                 {in: in("github-token", "ghs_other", "run-id", "1")},
		"empty-token":               {in: in("github-token", "", "run-id", "1")},
		"rate-limit":                {in: in("run-id", "1"), faults: api(githubsim.Fault{PrimaryLimit: time.Hour})},
		"secondary-limit":           {in: in("run-id", "1"), faults: api(githubsim.Fault{SecondaryLimit: time.Hour})},
		"github-in-trouble":         {in: in("run-id", "1"), faults: api(githubsim.Fault{Status: 502, Body: "<html>"})},
		"github-does-not-answer":    {in: in("run-id", "1"), faults: api(githubsim.Fault{Drop: true})},
		"a-page-instead-of-the-api": {in: in("run-id", "1"), faults: api(page)},

		"name-misspelt":            {in: in("name", "dits")},
		"one-of-two-names-missing": {in: in("name", "dist\nnope", "run-id", "1")},
		"only-in-the-current-run":  {in: in("name", "fresh")},
		"expired":                  {in: in("name", "old", "run-id", "2")},
		"no-such-run":              {in: in("run-id", "99")},
		"no-such-workflow":         {in: in("workflow", "cj.yml", "name", "dist")},
		"no-such-branch":           {in: in("branch", "mian", "name", "dist")},
		"no-pattern-matches":       {in: in("pattern", "win-*", "run-id", "1")},
		"no-file-matches":          {in: in("name", "dist", "run-id", "1", "files", "b.text")},
		"another-conclusion":       {in: in("conclusion", "failure", "name", "dist")},
		"triggered-by-a-fork":      {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":3}}`, "name", "dist")},
		"triggered-by-unknown":     {in: in("GITHUB_EVENT_NAME", "workflow_run", "event", "{}", "name", "dist")},

		"wrong-inputs":                {in: in("max-size", "5 potatoes", "if-exists", "replace", "run-id", "latest", "delete", "yes")},
		"inputs-that-exclude-another": {in: in("run-id", "1", "branch", "main", "name", "dist", "artifact-ids", "11")},
		"empty-inputs":                {in: in("commit", "", "pr", "", "name", "dits")},
		"empty-pr-with-forks":         {in: in("pr", "", "allow-forks", "true", "name", "dist")},
		"empty-expect-digest":         {in: in("expect-digest", "", "name", "dist")},
		"unknown-glob-syntax":         {in: in("pattern", "@(a|b)")},
		"unknown-regexp-syntax":       {in: in("name-regex", "^(?!x)")},

		"path-outside":           {in: in("name", "dist", "path", "/etc")},
		"path-is-a-file":         {in: in("name", "dist", "path", "out"), before: []string{"out=x"}},
		"workspace-not-there":    {in: in("name", "dist", "GITHUB_WORKSPACE", "/nowhere")},
		"exists-already":         {in: in("name", "dist", "if-exists", "fail"), before: []string{"a.txt=mine"}},
		"too-many-files":         {in: in("name", "dist", "run-id", "1", "max-files", "1")},
		"too-large":              {in: in("name", "dist", "run-id", "1", "max-size", "3")},
		"files-of-the-same-name": {in: in("run-id", "1", "merge-multiple", "true", "if-exists", "fail")},

		"digest-differs":      {in: in("name", "dist", "run-id", "1"), faults: damaged},
		"digest-not-expected": {in: in("name", "dist", "expect-digest", strings.Repeat("0", 64))},
		"too-few-digests":     {in: in("run-id", "1", "expect-digest", strings.Repeat("0", 64))},
		"hostile-archive":     {in: in("name", "evil", "run-id", "2")},
		"hostile-name":        {in: in("name", "..", "run-id", "2")},
		"storage-breaks-off":  {in: in("name", "dist", "run-id", "1"), faults: storage(githubsim.Fault{Drop: true})},
		"storage-in-trouble":  {in: in("name", "dist", "run-id", "1"), faults: storage(githubsim.Fault{Status: 503})},
		"storage-refuses":     {in: in("name", "dist", "run-id", "1"), faults: storage(githubsim.Fault{Status: 403, Body: "<Error><Code>AuthorizationFailure</Code></Error>"})},
		"a-page-as-artifact":  {in: in("name", "raw", "run-id", "2"), faults: storage(page)},
		"deletion-forbidden":  {in: in("github-token", "ghs_reader", "name", "dist", "run-id", "1", "delete", "true")},
		"certificate-is-none": {in: in("ca-cert", "x.pem", "run-id", "1"), before: []string{"x.pem=x"}},
		"certificate-missing": {in: in("ca-cert", "no.pem", "run-id", "1")},
		"outputs-unwritable":  {in: in("name", "dist", "GITHUB_OUTPUT", "/nowhere/out", "GITHUB_STEP_SUMMARY", "/nowhere/sum")},
	}
	for name, s := range situations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			for _, f := range s.faults {
				w.Fault(f)
			}
			got := w.step(t.Context(), t, s.in, s.before...)
			if got.code != 1 {
				t.Errorf("exit code %d", got.code)
			}
			said := messages(got.log)
			if twice := doubled.FindString(said); twice != "" {
				t.Errorf("it says %q", twice)
			}
			golden(t, filepath.Join("messages", name+".txt"), strings.TrimSuffix(said, "\n"))
		})
	}
	files, err := filepath.Glob("testdata/messages/*.txt")
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); !slices.Contains(slices.Collect(maps.Keys(situations)), name) {
			t.Errorf("%s is of no situation", f)
		}
	}
	if err != nil || len(files) == 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// doubled is what two texts leave when they are put together carelessly.
var doubled = regexp.MustCompile(`[a-z)]\.\. |: :|\. \.|(Not Found|Forbidden): (Not Found|Forbidden)`)

// changing are the parts of messages that differ from run to run.
var changing = regexp.MustCompile(`127\.0\.0\.1:\d+|/[^ ]*/(Test[^ ]*?/001|artifetch-test-\d+)|\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d UTC)?|[0-9a-f]{64}|\.artifetch-[A-Z2-7]+`)

// messages returns the annotations of a log.
func messages(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "::error") || strings.HasPrefix(line, "::warning") {
			b.WriteString(changing.ReplaceAllString(line, "[…]"))
		}
	}
	return b.String()
}

// golden compares a text with a file of testdata, or writes the file anew.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	text += "\n"
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || text != string(want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, text, want)
	}
}
