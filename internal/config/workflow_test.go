package config_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/config"
)

// printed returns what --print-workflow prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags := config.NewFlags(config.Fetch, set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := flags.Take(set.Args()); err != nil {
		t.Fatal(err)
	}
	text, err := flags.Step(t.Context(), env{}.lookup)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPrintWorkflow(t *testing.T) {
	t.Parallel()
	got := printed(t, "-R", "o/r", "--branch", "main", "--branch", "dev", "-p", "report-*", "-D", "out", "--delete", "--runs=2", "--github-token", "s3cret", "--print-workflow")
	want := `# The job needs permissions: {actions: write}.
- uses: OWNER/artifetch@v1
  with:
    github-token: ${{ secrets.GITHUB_TOKEN }}
    repository: o/r
    workflow: '*'
    branch: |
      main
      dev
    runs: 2
    pattern: "report-*"
    path: out
    delete: true
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The step means what the flags mean, whatever the values look like.
func TestPrintWorkflowMeansTheSame(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"4711"}, {"https://github.com/octo/app/actions/runs/4711"}, {"--workflow", "ci.yml", "-n", "dist", "-n", "true"}, {"-n", "yes"}, {"-n", "0x1f"}, {"-n", "1e3"},
		{"-n", `a"b: c # d`}, {"-n", "'x'"}, {"-p", "!logs-*", "-p", "*"}, {"-n", "報告", "-n", "b"}, {"-n", " x", "-n", "- y"}, {"--files", "{a,b}/**", "--merge-multiple"},
		{"--max-age", "2w", "--wait", "10m", "--conclusion", "any"}, {"--name-regex", `^a\d+$`}, {"-n", "null"}, {"-n", "~"}, {"-n", "2026-01-01"}, {"--path", "~/x"}, {"--workflow", "*"},
		{"-n", "Null"}, {"-n", "True"}, {"-n", "TRUE"}, {"-n", "FALSE"}, {"-n", "nan"}, {"--branch", "1.10"}, {"-n", "0123"}, {"-n", "0o17"}, {"-n", "0"}, {"-n", "1234567890123456"},
	} {
		text := printed(t, args...)
		var steps []struct {
			With map[string]yaml.Node
		}
		if err := yaml.Unmarshal([]byte(text), &steps); err != nil || len(steps) != 1 {
			t.Errorf("%q: %v\n%s", args, err, text)
			continue
		}
		in := inputs{}
		for name, node := range steps[0].With {
			in[name] = passed(t, node)
		}
		byStep, err := config.FromEnv(with(in).lookup)
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, text)
			continue
		}
		byFlags, err := fromArgs(config.Fetch, args, env{"GITHUB_TOKEN": "job-token", "GITHUB_REPOSITORY": "octo/app"}.lookup, nil)
		if err != nil {
			t.Fatal(err)
		}
		if byFlags.Workflow == "" && !byFlags.ByID() {
			byFlags.Workflow = "*" // which a command without it means
		}
		if d := diff(byFlags, byStep); d != "" {
			t.Errorf("%q (-flags +step)\n%s\n%s", args, d, text)
		}
	}
}

// passed returns the text that the runner passes for a value of a workflow: it writes a
// boolean in lower case, and a number with 15 digits at most.
func passed(t *testing.T, value yaml.Node) string {
	t.Helper()
	switch value.ShortTag() {
	case "!!null":
		return ""
	case "!!bool":
		return strings.ToLower(value.Value)
	case "!!int", "!!float":
		var n float64
		if err := value.Decode(&n); err != nil {
			t.Error(err)
		}
		return strconv.FormatFloat(n, 'G', 15, 64)
	}
	return value.Value
}
