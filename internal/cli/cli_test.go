package cli_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/artifetch/artifetch/internal/cli"
	"github.com/artifetch/artifetch/internal/config"
)

// bare is a machine without git and gh.
type bare struct{}

func (bare) Remotes(context.Context) ([]config.Remote, error) { return nil, errors.New("no git") }
func (bare) Token(context.Context, string) string             { return "" }

// line is a command line with a token in the environment.
func line(out *strings.Builder, args ...string) cli.Line {
	return cli.Line{
		Args: args, Version: "v1.2.3", Machine: bare{}, Out: out,
		Lookup: func(name string) (string, bool) {
			if name == "GITHUB_TOKEN" {
				return "ghs_secret", true
			}
			return "", false
		},
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for args, tt := range map[string]struct {
		verb    config.Verb
		command string
		is      func(*config.Config) bool
	}{
		"-R octo/app -n dist -D out":                  {config.Fetch, "artifetch", func(c *config.Config) bool { return c.Path == "out" && !c.DryRun && !c.Reads }},
		"-R octo/app 7 --quiet":                       {config.Fetch, "artifetch", func(c *config.Config) bool { return slices.Equal(c.RunIDs, []int64{7}) && c.Quiet }},
		"list -R octo/app --json":                     {config.List, "artifetch list", func(c *config.Config) bool { return c.DryRun && c.Reads && c.JSON }},
		"ls --repository=octo/app 7":                  {config.Ls, "artifetch ls", func(c *config.Config) bool { return fmt.Sprint(c.Repositories) == "[octo/app]" }},
		"cat a/b.txt -R octo/app -n x":                {config.Cat, "artifetch cat", func(c *config.Config) bool { return c.File == "a/b.txt" && slices.Equal(c.Names, []string{"x"}) }},
		"diff 7 8 -R octo/app":                        {config.Diff, "artifetch diff", func(c *config.Config) bool { return slices.Equal(c.RunIDs, []int64{7, 8}) }},
		"-R octo/app -n dist --no-proxy":              {"", "artifetch", nil},
		"lits -R octo/app":                            {"", "artifetch", nil},
		"list -R octo/app --quiet --json --max-age x": {"", "artifetch list", func(c *config.Config) bool { return c.Quiet && c.JSON }},
		"--quiet --nmae dist":                         {"", "artifetch", func(c *config.Config) bool { return c.Quiet }},
		"diff 7 -R octo/app --json":                   {"", "artifetch diff", func(c *config.Config) bool { return c.JSON }},
		"cat":                                         {"", "artifetch cat", nil},
		"-n dist":                                     {"", "artifetch", nil},
		"":                                            {"", "artifetch", nil},
		"completion":                                  {"", "artifetch completion", nil},
		"completion tcsh":                             {"", "artifetch completion", nil},
		"completion bash zsh":                         {"", "artifetch completion", nil},
		"completion --json":                           {"", "artifetch completion", nil},
		"--print-workflow -R octo/app --max-size x":   {"", "artifetch", nil},
		"__complete":                                  {"", "artifetch __complete", nil},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			call, err := line(&out, strings.Fields(args)...).Read(t.Context())
			_, wrong := errors.AsType[*config.UsageError](err)
			if call.Verb != tt.verb || call.Command != tt.command || wrong != (tt.verb == "") || (err != nil) != wrong || out.Len() > 0 {
				t.Errorf("%+v, %v, %q", call, err, &out)
			}
			if tt.is != nil && !tt.is(call.Config) {
				t.Errorf("%+v", call.Config)
			}
			if secrets := call.Config.Secrets(); tt.is != nil && !slices.Contains(secrets, "ghs_secret") {
				t.Errorf("secrets: %q", secrets)
			}
		})
	}
}

// What needs no run is answered at once, whatever else the line says.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--version":                          "artifetch v1.2.3\n",
		"--version dist --max-size x":        "artifetch v1.2.3\n",
		"--help":                             "--skip-decompress",
		"ls --help":                          "artifetch ls [RUN | ARTIFACT]... [flags]",
		"help cat":                           "artifetch cat PATH",
		"completion --help":                  "source <(artifetch completion bash)",
		"completion bash":                    "__start_artifetch",
		"completion zsh":                     "#compdef artifetch",
		"completion fish":                    "complete -c artifetch",
		"__complete l":                       "list\tlist the artifacts",
		"__complete completion z":            "zsh\n",
		"__complete --max-s":                 "--max-size\trefuse to write more",
		"__complete ls --max-f":              "--max-files\trefuse archives",
		"__completeNoDesc ls --max-f":        "--max-files\n",
		"--print-workflow -R octo/app -n x":  "    name: x\n",
		"--print-workflow --github-token=t0": "    github-token: ${{ secrets.GITHUB_TOKEN }}\n",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			call, err := line(&out, strings.Fields(args)...).Read(t.Context())
			if err != nil || call.Verb != "" || call.Config == nil || !strings.Contains(out.String(), want) {
				t.Errorf("%+v, %v\n%s", call, err, &out)
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// An answer that cannot be written is no mistake of the line.
func TestOutFails(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--version", "--help", "diff --help", "completion --help", "completion bash", "completion zsh", "completion fish", "--print-workflow -R octo/app -n x"} {
		l := line(nil, strings.Fields(args)...)
		l.Out = full{}
		call, err := l.Read(t.Context())
		if _, wrong := errors.AsType[*config.UsageError](err); !errors.Is(err, syscall.ENOSPC) || wrong || call.Verb != "" {
			t.Errorf("%s: %+v, %v", args, call, err)
		}
	}
}

// BenchmarkRead reads a command line as a run does, once. It is most of what happens before
// the first request.
func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := line(nil, "--run-id", "7", "-R", "octo/app", "-D", "out").Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
