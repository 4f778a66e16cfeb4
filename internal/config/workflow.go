package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Workflow reports whether the step of a workflow is asked for.
func (f *Flags) Workflow() bool { return f.workflow }

// Step returns the step of a workflow that does what the flags say, as YAML. The error is a
// *UsageError.
func (f *Flags) Step(ctx context.Context, lookup func(string) (string, bool)) (string, error) {
	r := f.reader(lookup)
	r.locate(ctx, stepMachine{})
	r.tokenless = true
	cfg, err := r.read()
	if err != nil {
		return "", &UsageError{Err: err}
	}
	needs := "read"
	if cfg.Delete {
		needs = "write"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# The job needs permissions: {actions: %s}.\n- uses: OWNER/artifetch@v1\n  with:\n", needs)
	for i := range table {
		in := &table[i]
		v := f.inputs[in.Name]
		switch {
		case in.Secret && v.set:
			fmt.Fprintf(&b, "    %s: ${{ secrets.%s }}\n", in.Name, strings.ToUpper(strings.ReplaceAll(in.Name, "-", "_")))
		case v.set:
			b.WriteString("    " + in.Name + ":" + yamlValue(v.texts) + "\n")
		case in.Name == "workflow" && !cfg.ByID():
			// Without it a step takes runs of its own workflow only.
			b.WriteString("    workflow: '*'\n")
		}
	}
	return strings.TrimSuffix(b.String(), "  with:\n"), nil
}

// stepMachine stands for what a step has from its job.
type stepMachine struct{}

func (stepMachine) Remotes(context.Context) ([]Remote, error) {
	return []Remote{{Name: "origin", URL: "https://github.com/owner/name"}}, nil
}

func (stepMachine) Token(context.Context, string) string { return "" }

// plainYAML are values that YAML reads as the texts that they are, wherever they stand.
var plainYAML = lazyRegexp(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// yamlValue returns a value, or a list with one item a line, for behind a key that is
// indented by four blanks.
func yamlValue(items []string) string {
	if len(items) == 1 && plainYAML().MatchString(items[0]) || len(items) == 1 && isBoolOrNumber(items[0]) {
		return " " + items[0]
	}
	text := strings.Join(items, "\n")
	// An expression's beginning is escaped, as otherwise the runner would evaluate it.
	text = strings.ReplaceAll(text, "${{", "${{ '${{' }}")
	plainLines := true
	for line := range strings.SplitSeq(text, "\n") {
		plainLines = plainLines && line != "" && line == strings.TrimSpace(line) && !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' })
	}
	if strings.Contains(text, "\n") && plainLines {
		return " |\n      " + strings.ReplaceAll(text, "\n", "\n      ")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // a string of JSON is one of YAML
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string does not fail
	return " " + strings.TrimSuffix(b.String(), "\n")
}

var number = lazyRegexp(`^[1-9][0-9]*$`)

// isBoolOrNumber reports whether a value is one that YAML may read as its own type: the
// runner turns it back into the same text.
func isBoolOrNumber(v string) bool {
	_, err := parseBool(v)
	return err == nil || number().MatchString(v)
}
