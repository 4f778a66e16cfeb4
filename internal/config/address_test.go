package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
)

// names returns the names of a Config's repositories, with blanks between them.
func names(cfg *config.Config) string {
	return strings.Trim(fmt.Sprint(cfg.Repositories), "[]")
}

// texts returns the names of repositories by id.
func texts(repos map[int64]artifact.Repo) map[int64]string {
	named := map[int64]string{}
	for id, repo := range repos {
		named[id] = repo.String()
	}
	return named
}

// The addresses of runs and artifacts stand for an id and a repository.
func TestAddresses(t *testing.T) {
	t.Parallel()
	type ids = []int64
	type homes = map[int64]string
	ghes := "https://ghe.example.com/api/v3"
	tests := map[string]struct {
		in        inputs
		repos     string
		runs      ids
		runsAt    homes
		artifacts ids
		at        homes
		err       string
	}{
		"a run":                      {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"its attempt":                {in: inputs{"run_id": "https://github.com/octo/lib/actions/runs/5/attempts/2"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"its job":                    {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5/job/77?pr=3#step:4:1"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"a job of its attempt":       {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5/attempts/1/job/77/"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"other hosts of the server":  {in: inputs{"run-id": "https://GitHub.com:443/octo/lib/actions/runs/5\nhttps://www.github.com/octo/lib/actions/runs/6"}, repos: "octo/lib", runs: ids{5, 6}, runsAt: homes{5: "octo/lib", 6: "octo/lib"}},
		"in the API":                 {in: inputs{"run-id": "https://api.github.com/repos/octo/lib/actions/runs/5/artifacts"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"an owner called repos":      {in: inputs{"run-id": "https://github.com/repos/lib/actions/runs/5"}, repos: "repos/lib", runs: ids{5}, runsAt: homes{5: "repos/lib"}},
		"in an enterprise":           {in: inputs{"run-id": "https://ghe.example.com/octo/lib/actions/runs/5", "github-api-url": ghes}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"in an enterprise's API":     {in: inputs{"run-id": "https://ghe.example.com/api/v3/repos/octo/lib/actions/runs/5", "github-api-url": ghes}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"in ghe.com":                 {in: inputs{"run-id": "https://octo.ghe.com/octo/lib/actions/runs/5", "github-api-url": "https://api.octo.ghe.com"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"with the current run":       {in: inputs{"run-id": "current\nhttps://github.com/octo/lib/actions/runs/5"}, repos: "octo/app octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"with an id":                 {in: inputs{"run-id": "6,https://github.com/octo/lib/actions/runs/5"}, repos: "octo/app octo/lib", runs: ids{6, 5}, runsAt: homes{5: "octo/lib"}},
		"the same run twice":         {in: inputs{"run-id": "5,https://github.com/octo/app/actions/runs/5,https://github.com/Octo/App/actions/runs/5"}, repos: "octo/app", runs: ids{5}, runsAt: homes{5: "octo/app"}},
		"of the current repository":  {in: inputs{"run-id": "https://github.com/Octo/App/actions/runs/5"}, repos: "Octo/App", runs: ids{5}, runsAt: homes{5: "Octo/App"}},
		"with its repository":        {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5", "repository": "Octo/Lib"}, repos: "Octo/Lib", runs: ids{5}, runsAt: homes{5: "Octo/Lib"}},
		"with two repositories":      {in: inputs{"run-id": "6,https://github.com/octo/lib/actions/runs/5", "repository": "octo/web,octo/lib"}, repos: "octo/web octo/lib", runs: ids{6, 5}, runsAt: homes{5: "octo/lib"}},
		"without a repository":       {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5", "repository": "", "GITHUB_REPOSITORY": ""}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}},
		"an artifact":                {in: inputs{"artifact-ids": "https://github.com/octo/lib/actions/runs/5/artifacts/51"}, repos: "octo/lib", artifacts: ids{51}, at: homes{51: "octo/lib"}},
		"an artifact, and an id":     {in: inputs{"artifact-ids": "https://github.com/octo/lib/actions/runs/5/artifacts/51?x=1, 52"}, repos: "octo/app octo/lib", artifacts: ids{51, 52}, at: homes{51: "octo/lib"}},
		"an artifact in the API":     {in: inputs{"artifact-ids": "https://api.github.com/repos/octo/lib/actions/artifacts/51/zip"}, repos: "octo/lib", artifacts: ids{51}, at: homes{51: "octo/lib"}},
		"an artifact of a suite":     {in: inputs{"artifact-ids": "https://github.com/octo/lib/suites/9/artifacts/51"}, repos: "octo/lib", artifacts: ids{51}, at: homes{51: "octo/lib"}},
		"an artifact of a named run": {in: inputs{"artifact-ids": "51", "run-id": "https://github.com/octo/lib/actions/runs/5"}, repos: "octo/lib", runs: ids{5}, runsAt: homes{5: "octo/lib"}, artifacts: ids{51}},

		"another server":          {in: inputs{"run-id": "https://ghe.example.com/octo/lib/actions/runs/5"}, err: `run-id: "https://ghe.example.com/octo/lib/actions/runs/5" is on another server than the one that is asked, github.com`},
		"another port":            {in: inputs{"artifact-ids": "https://github.com:8443/octo/lib/actions/runs/5/artifacts/1"}, err: `is on another server`},
		"github.com, not ours":    {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5", "github-api-url": ghes}, err: `is on another server than the one that is asked, ghe.example.com`},
		"another repository":      {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5", "repository": "octo/web"}, err: `run-id: "https://github.com/octo/lib/actions/runs/5" is of octo/lib, which repository does not name`},
		"one of two repositories": {in: inputs{"run-id": "https://github.com/octo/x/actions/runs/5", "repo": "octo/app\nocto/web"}, err: `is of octo/x, which repo does not name`},
		"two repositories":        {in: inputs{"run-id": "https://github.com/octo/x/actions/runs/5\nhttps://github.com/octo/y/actions/runs/5"}, err: `run-id gives the id 5 for octo/x and for octo/y`},
		"no scheme":               {in: inputs{"run-id": "github.com/octo/lib/actions/runs/5"}, err: `run-id: "github.com/octo/lib/actions/runs/5" lacks https:// in front; accepted: current, or ids`},
		"another scheme":          {in: inputs{"run-id": "ssh://github.com/octo/lib/actions/runs/5"}, err: `is not an address`},
		"a password":              {in: inputs{"run-id": "https://u:secret@github.com/octo/lib/actions/runs/5"}, err: `run-id: [redacted] holds a user or a password`},
		"a signature":             {in: inputs{"artifact-ids": "https://x.blob.core.windows.net/a/b/c.zip?sig=secret"}, err: `artifact-ids: "https://x.blob.core.windows.net/a/b/c.zip?***" is not the address of an artifact`},
		"of an artifact":          {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/5/artifacts/51"}, err: `is the address of an artifact, which is for artifact-ids`},
		"of a run":                {in: inputs{"artifact-ids": "https://github.com/octo/lib/actions/runs/5"}, err: `is the address of a run, which is for run-id`},
		"of a workflow":           {in: inputs{"run-id": "https://github.com/octo/lib/actions/workflows/ci.yml"}, err: `is not the address of a run`},
		"of nothing":              {in: inputs{"run-id": "https://github.com"}, err: `is an address without the owner and the name of a repository`},
		"of a check":              {in: inputs{"run-id": "https://github.com/octo/lib/runs/5"}, err: `is not the address of a run`},
		"no number":               {in: inputs{"run-id": "https://github.com/octo/lib/actions/runs/latest"}, err: `holds the id "latest", which is not a whole number from 1`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.FromEnv(with(tt.in).lookup)
			if tt.err != "" {
				all, ok := errors.AsType[*config.Errors](err)
				if !ok || len(all.Problems) != 1 || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got  %v\nwant %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := []any{names(cfg), cfg.RunIDs, texts(cfg.RunRepos), cfg.ArtifactIDs, texts(cfg.ArtifactRepos)}
			if d := cmp.Diff([]any{tt.repos, tt.runs, tt.runsAt, tt.artifacts, tt.at}, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// The conditions beside run-id are kept apart: they choose nothing.
func TestOverruled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    inputs
		want  func(*config.Config)
		notes []string
	}{
		{inputs{"run-id": "1"}, func(*config.Config) {}, nil},
		{inputs{"run-id": "1", "workflow": "ci.yml", "wait": "1m"}, func(c *config.Config) { c.Workflow = "ci.yml" }, nil},
		{inputs{"run_id": "1", "workflow_search": "true", "workflow_conclusion": "success"}, func(c *config.Config) { c.Workflow = "*" }, nil},
		{inputs{"run-id": "1", "conclusion": "success"}, func(c *config.Config) { c.Conclusions = []string{"success"} }, nil},
		{
			inputs{"run-id": "1", "conclusion": "any", "event": "push", "run_number": "3"},
			func(c *config.Config) { c.Events, c.RunNumber = []string{"push"}, 3 },
			[]string{"run-id names the runs, so nothing is searched and these are not looked at: event, conclusion, run_number"},
		},
		{inputs{"artifact-ids": "1", "event": "push"}, func(*config.Config) {}, nil},
	} {
		cfg, err := config.FromEnv(with(tt.in).lookup)
		if err != nil {
			t.Fatal(err)
		}
		want := &config.Config{}
		tt.want(want)
		if d := diff(want, cfg.Overruled()); d != "" {
			t.Errorf("%v (-want +got)\n%s", tt.in, d)
		}
		if d := cmp.Diff(tt.notes, cfg.Notes); d != "" {
			t.Errorf("%v (-want +got)\n%s", tt.in, d)
		}
	}
}
