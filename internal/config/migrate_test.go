package config_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/artifetch/artifetch/internal/config"
)

// The expressions that the steps below use, in the workflow that runs them: a
// pull request's head, merged by GitHub, in octo/app.
var expressions = strings.NewReplacer(
	"${{ github.token }}", "job-token",
	"${{ github.repository }}", "octo/app",
	"${{ github.run_id }}", "77",
	"${{ github.ref }}", "refs/heads/main",
	"${{secrets.GITHUB_TOKEN}}", "job-token",
	"${{ secrets.GH_PAT }}", "a-pat",
	"${{ secrets.MISSING }}", "",
	"${{github.event.pull_request.number}}", "12",
	"${{ github.event.workflow_run.id }}", "4711",
	"${{github.event.pull_request.head.sha || github.sha}}", sha,
	"${{ needs.upload.outputs.artifact-id }}", "98",
	"${{ matrix.os }}", "linux",
)

const sha = "0123456789abcdef0123456789abcdef01234567"

// step does what the runner does with a step: defaults and empty strings for
// the inputs that action.yml declares, then the step's own values. Inputs
// that are not declared come through too, but cost a warning.
func step(t *testing.T, withYAML string) (e env, unexpected []string) {
	t.Helper()
	e = job()
	declared := readAction(t).Inputs
	for name, in := range declared {
		e[config.EnvName(name)] = expressions.Replace(in.Default.Value)
	}
	var with map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(withYAML), &with); err != nil {
		t.Fatal(err)
	}
	for name, v := range with {
		if _, ok := declared[name]; !ok {
			unexpected = append(unexpected, name)
		}
		if v.Tag == "!!null" {
			v.Value = ""
		}
		e[config.EnvName(name)] = expressions.Replace(v.Value)
	}
	for name, v := range e {
		if strings.Contains(v, "${{") {
			t.Fatalf("%s: unknown expression %s", name, v)
		}
	}
	return e, unexpected
}

type migration struct {
	name, with string
	want       func(c *config.Config)
	warnings   int
}

// Steps written for actions/download-artifact: its README of v8, its
// MIGRATION.md and its own workflows.
var official = []migration{
	{name: "all artifacts"},
	{name: "one artifact", with: "name: my-artifact",
		want: func(c *config.Config) { c.Names = []string{"my-artifact"} }},
	{name: "one artifact into a directory", with: "name: my-artifact\npath: your/destination/dir",
		want: func(c *config.Config) { c.Names = []string{"my-artifact"}; c.Path = "your/destination/dir" }},
	{name: "tilde", with: "name: my-artifact\npath: ~/download/path",
		want: func(c *config.Config) { c.Names = []string{"my-artifact"}; c.Path = "~/download/path" }},
	{name: "a file that is not zipped", with: "name: my-artifact.json",
		want: func(c *config.Config) { c.Names = []string{"my-artifact.json"} }},
	{name: "by id", with: "artifact-ids: 12345",
		want: func(c *config.Config) { c.ArtifactIDs = []int64{12345} }},
	{name: "by id into a directory", with: "artifact-ids: 12345\npath: your/destination/dir",
		want: func(c *config.Config) { c.ArtifactIDs = []int64{12345}; c.Path = "your/destination/dir" }},
	{name: "by ids", with: "artifact-ids: 12345,67890\npath: path/to/artifacts",
		want: func(c *config.Config) { c.ArtifactIDs = []int64{12345, 67890}; c.Path = "path/to/artifacts" }},
	{name: "by ids with blanks", with: "artifact-ids: ' 12345 , 67890 '",
		want: func(c *config.Config) { c.ArtifactIDs = []int64{12345, 67890} }},
	{name: "by an earlier job's id", with: "artifact-ids: ${{ needs.upload.outputs.artifact-id }}",
		want: func(c *config.Config) { c.ArtifactIDs = []int64{98} }},
	{name: "all into a directory", with: "path: path/to/artifacts",
		want: func(c *config.Config) { c.Path = "path/to/artifacts" }},
	{name: "all into the same directory", with: "path: path/to/artifacts\nmerge-multiple: true",
		want: func(c *config.Config) { c.Path = "path/to/artifacts"; c.MergeMultiple = true }},
	{name: "pattern", with: "path: my-artifact\npattern: my-artifact-*\nmerge-multiple: true",
		want: func(c *config.Config) {
			c.Path, c.Patterns, c.MergeMultiple = "my-artifact", []string{"my-artifact-*"}, true
		}},
	{name: "pattern with alternatives", with: "pattern: 'build-{linux,macos}-[0-9]?'",
		want: func(c *config.Config) { c.Patterns = []string{"build-{linux,macos}-[0-9]?"} }},
	{name: "pattern that takes away", with: "pattern: '!debug-*'",
		want: func(c *config.Config) { c.Patterns = []string{"!debug-*"} }},
	{name: "pattern is ignored beside name", with: "name: a\npattern: b*", warnings: 1,
		want: func(c *config.Config) { c.Names = []string{"a"} }},
	{name: "another repository's run", with: "name: my-other-artifact\ngithub-token: ${{ secrets.GH_PAT }}\nrepository: actions/toolkit\nrun-id: 1234",
		want: func(c *config.Config) {
			c.Names, c.Token, c.Repositories, c.RunIDs = []string{"my-other-artifact"}, "a-pat", repos("actions/toolkit"), []int64{1234}
		}},
	{name: "ids of another run", with: "artifact-ids: 5\nrun-id: 1234\ngithub-token: ${{ secrets.GH_PAT }}",
		want: func(c *config.Config) { c.ArtifactIDs, c.RunIDs, c.Token = []int64{5}, []int64{1234}, "a-pat" }},
	{name: "its default run, written down", with: "name: a\nrun-id: ${{ github.run_id }}",
		want: func(c *config.Config) { c.Names = []string{"a"}; c.RunIDs = []int64{77} }},
	{name: "triggering run", with: "run-id: ${{ github.event.workflow_run.id }}\ngithub-token: ${{secrets.GITHUB_TOKEN}}",
		want: func(c *config.Config) { c.RunIDs = []int64{4711} }},
	{name: "not decompressed", with: "name: a\nskip-decompress: true",
		want: func(c *config.Config) { c.Names = []string{"a"}; c.SkipDecompress = true }},
	{name: "digest mismatch", with: "name: a\ndigest-mismatch: warn",
		want: func(c *config.Config) { c.Names = []string{"a"}; c.DigestMismatch = config.MismatchWarn }},
	{name: "every input empty", with: "name:\nartifact-ids:\npath:\npattern:\nmerge-multiple:\nrepository:\nrun-id:\nskip-decompress:\ndigest-mismatch:"},
	{name: "name in a matrix", with: "name: my-artifact-${{ matrix.os }}",
		want: func(c *config.Config) { c.Names = []string{"my-artifact-linux"} }},
}

// Steps written for dawidd6/action-download-artifact: its README and its own
// workflow.
var dawidd6 = []migration{
	{name: "latest", with: "workflow: upload.yml\nname: artifact\npath: artifact",
		want: func(c *config.Config) { c.Workflow, c.Names, c.Path = "upload.yml", []string{"artifact"}, "artifact" }},
	{name: "any workflow", with: "name: artifact\npath: artifact\nworkflow_search: true",
		want: func(c *config.Config) { c.Workflow, c.Names, c.Path = "*", []string{"artifact"}, "artifact" }},
	{name: "workflow and workflow_search", with: "workflow: upload.yml\nworkflow_search: true",
		want: func(c *config.Config) { c.Workflow = "upload.yml" }},
	{name: "workflow by id", with: "workflow: 1234567",
		want: func(c *config.Config) { c.Workflow = "1234567" }},
	{name: "branch", with: "workflow: upload.yml\nname: artifact\nbranch: master",
		want: func(c *config.Config) {
			c.Workflow, c.Names, c.Branches = "upload.yml", []string{"artifact"}, []string{"master"}
		}},
	{name: "branch of this run", with: "branch: ${{ github.ref }}",
		want: func(c *config.Config) { c.Branches = []string{"main"} }},
	{name: "pull request", with: "name: artifact\npr: ${{github.event.pull_request.number}}",
		want: func(c *config.Config) { c.Names, c.PR = []string{"artifact"}, 12 }},
	{name: "commit", with: "name: artifact\ncommit: ${{github.event.pull_request.head.sha || github.sha}}",
		want: func(c *config.Config) { c.Names, c.Commit = []string{"artifact"}, sha }},
	{name: "ref that is a branch", with: "ref: master",
		want: func(c *config.Config) { c.Ref = "master" }},
	{name: "ref that is a commit", with: "ref: ${{github.event.pull_request.head.sha || github.sha}}",
		want: func(c *config.Config) { c.Ref = sha }},
	{name: "all artifacts of a workflow", with: "workflow: upload.yml",
		want: func(c *config.Config) { c.Workflow = "upload.yml" }},
	{name: "regular expression", with: "name: artifact.\nname_is_regexp: true",
		want: func(c *config.Config) { c.NameRegex = regexp.MustCompile("artifact.") }},
	{name: "anchored expression, merged", with: "name: ^artifact_.*$\nname_is_regexp: true\nmerge_multiple: true\npath: out",
		want: func(c *config.Config) {
			c.NameRegex, c.MergeMultiple, c.Path = regexp.MustCompile("^artifact_.*$"), true, "out"
		}},
	{name: "regular expression and search_artifacts", with: "name: artifact.\nname_is_regexp: true\npath: artifact\nsearch_artifacts: true",
		want: func(c *config.Config) { c.NameRegex, c.Path = regexp.MustCompile("artifact."), "artifact" }},
	{name: "empty conclusion", with: "name: artifact\nworkflow_conclusion:",
		want: func(c *config.Config) { c.Names = []string{"artifact"}; c.Conclusions = nil }},
	{name: "conclusion as an empty string", with: `workflow_conclusion: ""`,
		want: func(c *config.Config) { c.Conclusions = nil }},
	{name: "its default conclusion", with: "workflow_conclusion: success"},
	{name: "a conclusion", with: "workflow_conclusion: timed_out",
		want: func(c *config.Config) { c.Conclusions = []string{"timed_out"} }},
	{name: "a status", with: "workflow_conclusion: completed",
		want: func(c *config.Config) { c.Conclusions = []string{"completed"} }},
	{name: "not unpacked", with: "name: artifact\npath: artifact\nskip_unpack: true",
		want: func(c *config.Config) {
			c.Names, c.Path, c.SkipDecompress, c.SkipUnpack = []string{"artifact"}, "artifact", true, true
		}},
	{name: "not unpacked, by both names", with: "skip_unpack: true\nskip-decompress: true",
		want: func(c *config.Config) { c.SkipDecompress = true }},
	{name: "not unpacked, by the new name only", with: "skip_unpack: false\nskip-decompress: true",
		want: func(c *config.Config) { c.SkipDecompress = true }},
	{name: "use_unzip", with: "name: artifact\nuse_unzip: true",
		want: func(c *config.Config) { c.Names = []string{"artifact"} }},
	{name: "dry run", with: "name: artifact\ndry_run: true",
		want: func(c *config.Config) { c.Names = []string{"artifact"}; c.DryRun = true }},
	{name: "no dry run", with: `dry_run: "false"`},
	{name: "check_artifacts", with: "name: artifact\ncheck_artifacts: true",
		want: func(c *config.Config) { c.Names = []string{"artifact"} }},
	{name: "triggering run", with: "run_id: ${{ github.event.workflow_run.id }}\nname: artifact",
		want: func(c *config.Config) { c.RunIDs, c.Names = []int64{4711}, []string{"artifact"} }},
	{name: "run id and workflow", with: "workflow: upload.yml\nrun_id: 1122334455",
		want: func(c *config.Config) { c.RunIDs = []int64{1122334455} }},
	{name: "run number", with: "workflow: upload.yml\nrun_number: 34",
		want: func(c *config.Config) { c.Workflow, c.RunNumber = "upload.yml", 34 }},
	{name: "event", with: "event: push",
		want: func(c *config.Config) { c.Events = []string{"push"} }},
	{name: "another repository", with: "repo: o/lib\ngithub_token: ${{ secrets.GH_PAT }}",
		want: func(c *config.Config) { c.Repositories, c.Token = repos("o/lib"), "a-pat" }},
	{name: "own repository", with: "repo: ${{ github.repository }}\ngithub_token: ${{secrets.GITHUB_TOKEN}}"},
	{name: "a secret that does not exist", with: "github_token: ${{ secrets.MISSING }}"},
	{name: "forks", with: "allow_forks: true",
		want: func(c *config.Config) { c.AllowForks = true }},
	{name: "nothing found", with: "name: artifact\nif_no_artifact_found: ignore",
		want: func(c *config.Config) { c.Names, c.IfNoArtifactFound = []string{"artifact"}, config.Ignore }},
	{name: "every default written down", with: `
github_token: ${{ github.token }}
workflow_search: false
workflow_conclusion: success
repo: ${{ github.repository }}
pr:
commit:
branch:
ref:
event:
run_id:
run_number:
name_is_regexp: false
path: ./
allow_forks: false
check_artifacts: false
search_artifacts: false
skip_unpack: false
if_no_artifact_found: fail
use_unzip: false
merge_multiple: false`,
		want: func(c *config.Config) { c.Path = "./" }},
}

// A step that used another action keeps working when only its uses: changes.
func TestMigration(t *testing.T) {
	t.Parallel()
	for from, table := range map[string][]migration{"download-artifact": official, "dawidd6": dawidd6} {
		for _, m := range table {
			t.Run(fmt.Sprintf("%s/%s", from, m.name), func(t *testing.T) {
				t.Parallel()
				e, unexpected := step(t, m.with)
				if len(unexpected) > 0 {
					t.Errorf("the runner warns of unexpected inputs: %q", unexpected)
				}
				got, err := config.FromEnv(e.lookup)
				if err != nil {
					t.Fatal(err)
				}
				want := defaults()
				if m.want != nil {
					m.want(want)
				}
				want.Warnings, want.Empty = got.Warnings, got.Empty
				if d := diff(want, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
				if len(got.Warnings) != m.warnings {
					t.Errorf("got warnings %q, want %d", got.Warnings, m.warnings)
				}
			})
		}
	}
}

// Every input that the other actions declare is declared here.
func TestOtherActionsInputsAreDeclared(t *testing.T) {
	t.Parallel()
	declared := readAction(t).Inputs
	for _, name := range strings.Fields(`
		name artifact-ids path pattern merge-multiple github-token repository run-id skip-decompress digest-mismatch
		github_token workflow workflow_search workflow_conclusion repo pr commit branch ref event run_id run_number name
		name_is_regexp path allow_forks check_artifacts search_artifacts skip_unpack dry_run if_no_artifact_found use_unzip merge_multiple`) {
		if _, ok := declared[name]; !ok {
			t.Errorf("%s is not declared", name)
		}
	}
	for _, name := range strings.Fields("download-path artifacts error_message dry_run found_artifact") {
		if _, ok := readAction(t).Outputs[name]; !ok {
			t.Errorf("the output %s is not declared", name)
		}
	}
}
