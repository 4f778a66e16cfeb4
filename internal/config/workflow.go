package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/lazy"
)

// Workflow reports whether --print-workflow is given.
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

// stepMachine has the repository that a step gets from its job.
type stepMachine struct{}

func (stepMachine) Remotes(context.Context) ([]Remote, error) {
	return []Remote{{Name: "origin", URL: "https://github.com/owner/name"}}, nil
}

func (stepMachine) Token(context.Context, string) string { return "" }

// plainYAML finds texts that need no quotes in YAML, wherever they stand, unless they are
// one of the words or numbers of its core schema.
var plainYAML = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9_./@+-]*$`)

// numberYAML finds numbers of the core schema that begin with a digit.
var numberYAML = lazy.Regexp(`^(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9A-Fa-f]+)$`)

// IsPlainYAML reports whether a workflow may give this value to an input without quotes.
// The runner parses numbers and words such as null, and writes them in its own way: the
// branch 1.10 would become 1.1. It keeps 15 digits of a number.
func IsPlainYAML(v string) bool {
	switch {
	case !plainYAML().MatchString(v):
		return false
	case numberYAML().MatchString(v):
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && n < 1e15 && strconv.FormatInt(n, 10) == v
	case strings.EqualFold(v, "null"):
		return false
	case strings.EqualFold(v, "true"), strings.EqualFold(v, "false"):
		return v == strings.ToLower(v)
	}
	return true
}

// yamlValue returns what follows the colon of a key that is indented by four blanks: a
// value, or a list with one item a line.
func yamlValue(items []string) string {
	if len(items) == 1 && IsPlainYAML(items[0]) {
		return " " + items[0]
	}
	text := strings.Join(items, "\n")
	// The beginning of an expression is escaped: the runner would evaluate it.
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
