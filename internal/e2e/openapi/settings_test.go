//go:build openapi

package openapi

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/artifetch/artifetch/internal/testdir"
)

// TestSettings: github.com's description has every call that internal/release/settings.sh
// prints, and allows its body.
func TestSettings(t *testing.T) {
	t.Parallel()
	doc := load(t, *github)
	calls := settings(t)
	if len(calls) < 10 {
		t.Errorf("there are %d calls", len(calls))
	}
	for _, c := range calls {
		op := operation(doc, c.method, "/"+c.path)
		if op == nil {
			t.Errorf("%s %s is not described", c.method, c.path)
			continue
		}
		if op.RequestBody == nil || c.body == "" {
			if c.body != "" || op.RequestBody != nil && op.RequestBody.Value.Required {
				t.Errorf("%s %s: a body is missing, or is not allowed", c.method, c.path)
			}
			continue
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(c.body), &body); err != nil {
			t.Errorf("%s %s: %v\n%s", c.method, c.path, err, c.body)
			continue
		}
		schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
		if err := schema.VisitJSON(body); err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
		for name := range body {
			if schema.Properties[name] == nil && len(schema.AnyOf)+len(schema.OneOf) == 0 {
				t.Errorf("%s %s: there is no %s", c.method, c.path, name)
			}
		}
	}
}

type call struct{ method, path, body string }

// settings runs what settings.sh prints, with a gh that notes its arguments and input.
func settings(t *testing.T) []call {
	t.Helper()
	script, err := exec.CommandContext(t.Context(), "../../release/settings.sh", "octo/artifetch", "octocat").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gh := `#!/bin/sh
case $2 in users/*) echo 42; exit ;; esac
printf '%s %s\n' "$3" "$4" >>"$NOTES"
case $5 in --input) cat >>"$NOTES" ;; esac
printf '\0' >>"$NOTES"
`
	if err := testdir.WriteProgram(filepath.Join(dir, "gh"), strings.NewReader(gh)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "NOTES="+filepath.Join(dir, "notes"))
	cmd.Stdin = strings.NewReader(string(script))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	notes, err := os.ReadFile(filepath.Join(dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	for note := range strings.SplitSeq(strings.TrimSuffix(string(notes), "\x00"), "\x00") {
		head, body, _ := strings.Cut(note, "\n")
		method, path, _ := strings.Cut(head, " ")
		calls = append(calls, call{method: method, path: path, body: body})
	}
	return calls
}

// operation returns the operation that the description has for a path, or nil.
func operation(doc *openapi3.T, method, path string) *openapi3.Operation {
	for template, item := range doc.Paths.Map() {
		want, got := strings.Split(template, "/"), strings.Split(path, "/")
		if slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") }) {
			if op := item.GetOperation(method); op != nil {
				return op
			}
		}
	}
	return nil
}
