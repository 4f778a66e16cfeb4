//go:build official

package docs

import (
	"flag"
	"maps"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	modules = flag.String("modules", "", "the directory of the libraries of actions/download-artifact")
	clone   = flag.String("dawidd6", "", "a clone of dawidd6/action-download-artifact; empty skips its examples")
)

// TestOfficialLibrary compares the record of what actions/download-artifact gives with what
// its libraries fetch from the simulator.
func TestOfficialLibrary(t *testing.T) {
	t.Parallel()
	driver, err := filepath.Abs("official/drive.mjs")
	if err != nil {
		t.Fatal(err)
	}
	prove(t, "actions/download-artifact", driver, map[string]string{"MODULES": *modules, "JOB_TOKEN": "${{ github.token }}"})
}

// TestCommunityAction compares the record of what dawidd6/action-download-artifact gives
// with what a clone of that action fetches: it is not on npm.
func TestCommunityAction(t *testing.T) {
	t.Parallel()
	if *clone == "" {
		t.Skip("no clone is given")
	}
	defaults := map[string]string{
		"github_token": "${{ github.token }}", "repo": own, "workflow_conclusion": "success", "path": "./", "if_no_artifact_found": "fail", "allow_forks": "false",
		"workflow_search": "false", "name_is_regexp": "false", "check_artifacts": "false", "search_artifacts": "false", "skip_unpack": "false", "use_unzip": "false", "merge_multiple": "false",
	}
	env := map[string]string{}
	for name, v := range defaults {
		env[inputVariable(name)] = v
	}
	prove(t, "dawidd6/action-download-artifact", filepath.Join(*clone, "main.js"), env)
}

// prove runs a program for Node.js with the inputs of an action's examples, and compares what
// it gives with the record.
func prove(t *testing.T, from, program string, defaults map[string]string) {
	t.Helper()
	for _, e := range readExamples(t)[from] {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(defaults)
			for name, v := range e.With {
				switch {
				case name == "path" && filepath.IsAbs(v):
					t.Skip("it would be written outside of the test's directory")
				case name == "run-id" && v == "current":
					v = "${{ github.run_id }}" // its default
				}
				env[inputVariable(name)] = v
			}
			for name, v := range e.Defaults {
				env[inputVariable(name)] = v
			}
			got, log := e.perform(t, from, &step{ID: "it", Run: "exec node '" + program + "'", Env: env})
			want := e.There
			if want == nil {
				want = e.Here
			}
			if diff := cmp.Diff(want.Files, got.Files, cmpopts.EquateEmpty()); diff != "" || want.Exit != got.Exit {
				t.Errorf("exit code %d, want %d; files (-recorded +got)\n%s\n%s", got.Exit, want.Exit, diff, log)
			}
			for name, v := range want.Outputs {
				if e.There != nil && from != "actions/download-artifact" && got.Outputs[name] != v {
					t.Errorf("the output %s is %q, want %q", name, got.Outputs[name], v)
				}
			}
		})
	}
}
