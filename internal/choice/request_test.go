package choice_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/choice"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
)

// read reads inputs and variables: names in lower case are inputs. It returns what they
// ask for.
func read(t *testing.T, pairs ...string) (search.Request, error) {
	t.Helper()
	vars := map[string]string{
		"GITHUB_REPOSITORY": "octo/app", "GITHUB_REPOSITORY_ID": "5", "GITHUB_RUN_ID": "77", "GITHUB_API_URL": "https://api.github.com",
		"GITHUB_WORKFLOW_REF": "octo/app/.github/workflows/ci.yml@refs/heads/main", "INPUT_GITHUB-TOKEN": "t", "INPUT_REPOSITORY": "octo/app",
	}
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i]
		if strings.ToLower(name) == name {
			name = config.EnvName(name)
		}
		vars[name] = pairs[i+1]
	}
	cfg, err := config.FromEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return choice.NewRequest(cfg, actions.ReadContext(func(name string) string { return vars[name] }))
}

func TestNewRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	event := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	triggered := func(by string, more ...string) []string {
		return append([]string{"GITHUB_EVENT_NAME", "workflow_run", "GITHUB_EVENT_PATH", by}, more...)
	}
	told, untold, broken := event("told", `{"workflow_run":{"id":42}}`), event("untold", `{}`), event("broken", `{`)
	app, lib := artifact.Repo{Owner: "octo", Name: "app"}, artifact.Repo{Owner: "octo", Name: "lib"}
	for name, tt := range map[string]struct {
		in []string
		is func(search.Request) bool
	}{
		"the current run": {nil, func(r search.Request) bool {
			return r.Own == app && r.OwnID == 5 && r.CurrentRun == 77 && r.CurrentWorkflow == "ci.yml" && r.Trigger == 0 && len(r.RunIDs) == 0 && r.AskCurrent
		}},
		"an input of the search":      {[]string{"branch", "main"}, func(r search.Request) bool { return slices.Equal(r.Branches, []string{"main"}) && !r.AskCurrent }},
		"a wait":                      {[]string{"wait", "1m"}, func(r search.Request) bool { return r.Waiting && r.AskCurrent }},
		"by id":                       {[]string{"run-id", "7"}, func(r search.Request) bool { return slices.Equal(r.RunIDs, []int64{7}) && len(r.Conclusions) == 0 }},
		"by id, conditions overruled": {[]string{"run-id", "7", "event", "push"}, func(r search.Request) bool { return slices.Equal(r.Events, []string{"push"}) }},
		"current":                     {[]string{"run-id", "current"}, func(r search.Request) bool { return slices.Equal(r.RunIDs, []int64{77}) }},
		"current, and its id":         {[]string{"run-id", "77,current"}, func(r search.Request) bool { return slices.Equal(r.RunIDs, []int64{77}) }},
		"addresses": {[]string{"run-id", "https://github.com/octo/lib/actions/runs/7"}, func(r search.Request) bool {
			return r.RunRepos[7] == lib && slices.Equal(r.Repos, []artifact.Repo{lib})
		}},
		"triggered":                      {triggered(told), func(r search.Request) bool { return r.Trigger == 42 }},
		"triggered, untold":              {triggered(untold), func(r search.Request) bool { return r.Trigger == search.UnknownTrigger }},
		"triggered, but a search":        {triggered(broken, "branch", "main"), func(r search.Request) bool { return r.Trigger == 0 }},
		"triggered, but by id":           {triggered(broken, "artifact-ids", "3"), func(r search.Request) bool { return r.Trigger == 0 }},
		"triggered, but elsewhere":       {triggered(broken, "repository", "octo/lib"), func(r search.Request) bool { return r.Trigger == search.UnknownTrigger }},
		"by id, in a run without its id": {[]string{"run-id", "7", "GITHUB_RUN_ID", "x"}, func(r search.Request) bool { return r.CurrentRun == 0 }},
		"a workflow of another":          {[]string{"GITHUB_WORKFLOW_REF", ""}, func(r search.Request) bool { return r.CurrentWorkflow == "" }},
	} {
		if req, err := read(t, tt.in...); err != nil || !tt.is(req) {
			t.Errorf("%s: %+v, %v", name, req, err)
		}
	}
	for name, tt := range map[string]struct {
		in   []string
		says string
	}{
		"a search without its run": {[]string{"GITHUB_RUN_ID", "x"}, "GITHUB_RUN_ID"},
		"current without its run":  {[]string{"run-id", "current", "GITHUB_RUN_ID", "x"}, "GITHUB_RUN_ID"},
		"a broken event":           {triggered(broken), "GITHUB_EVENT_PATH"},
	} {
		if _, err := read(t, tt.in...); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
