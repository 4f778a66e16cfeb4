//go:build openapi

// Package openapi validates the simulator's answers by GitHub's own OpenAPI
// descriptions of github.com and of GitHub Enterprise Server 3.8. run.sh
// fetches the descriptions and names them in the flags.
package openapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/artifetch/artifetch/internal/githubsim"
)

var (
	github = flag.String("api", "", "the description of github.com's API, JSON")
	ghes38 = flag.String("ghes", "", "the description of GHES 3.8's API, JSON")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *github == "" || *ghes38 == "" {
		fmt.Fprintln(os.Stderr, "run internal/e2e/openapi/run.sh: it fetches the descriptions that this test needs")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// request is one request to the simulator and the path of the description
// that its answer has to follow.
type request struct {
	name, method, template, path, token string
	status                              int
	body                                string
}

const jwt = "a.b.c"

func requests(run, artifact, expired, installation int64) []request {
	const repo, tmpl = "/repos/octo/app", "/repos/{owner}/{repo}"
	id := func(format string, id int64) string { return fmt.Sprintf(format, id) }
	return []request{
		{name: "repository", template: tmpl, path: repo},
		{name: "list artifacts", template: tmpl + "/actions/artifacts", path: repo + "/actions/artifacts?per_page=2&name=dist"},
		{name: "list artifacts, page 2", template: tmpl + "/actions/artifacts", path: repo + "/actions/artifacts?per_page=1&page=2"},
		{name: "list artifacts, none", template: tmpl + "/actions/artifacts", path: repo + "/actions/artifacts?name=none"},
		{name: "get artifact", template: tmpl + "/actions/artifacts/{artifact_id}", path: repo + id("/actions/artifacts/%d", artifact)},
		{name: "get expired", template: tmpl + "/actions/artifacts/{artifact_id}", path: repo + id("/actions/artifacts/%d", expired)},
		{name: "download", template: tmpl + "/actions/artifacts/{artifact_id}/{archive_format}", path: repo + id("/actions/artifacts/%d/zip", artifact), status: 302},
		{name: "download expired", template: tmpl + "/actions/artifacts/{artifact_id}/{archive_format}", path: repo + id("/actions/artifacts/%d/zip", expired), status: 410},
		{name: "list runs", template: tmpl + "/actions/runs", path: repo + "/actions/runs?status=success"},
		{name: "get run", template: tmpl + "/actions/runs/{run_id}", path: repo + id("/actions/runs/%d", run)},
		{name: "list run's artifacts", template: tmpl + "/actions/runs/{run_id}/artifacts", path: repo + id("/actions/runs/%d/artifacts", run)},
		{name: "list workflow's runs", template: tmpl + "/actions/workflows/{workflow_id}/runs", path: repo + "/actions/workflows/ci.yml/runs"},
		{name: "list runs, narrowed", template: tmpl + "/actions/runs", path: repo + "/actions/runs?created=%3E%3D2020-01-01T00:00:00Z&branch=main&event=push&actor=octocat"},
		{name: "list workflows", template: tmpl + "/actions/workflows", path: repo + "/actions/workflows?per_page=100"},
		{name: "pull request", template: tmpl + "/pulls/{pull_number}", path: repo + "/pulls/1"},
		{name: "pull request of a deleted fork", template: tmpl + "/pulls/{pull_number}", path: repo + "/pulls/2"},
		{name: "no pull request", template: tmpl + "/pulls/{pull_number}", path: repo + "/pulls/3", status: 404},
		{name: "branch", template: tmpl + "/branches/{branch}", path: repo + "/branches/feature/x"},
		{name: "no branch", template: tmpl + "/branches/{branch}", path: repo + "/branches/none", status: 404},
		{name: "no commit", template: tmpl + "/commits/{ref}", path: repo + "/commits/tags/none", status: 422},
		{name: "installation", template: tmpl + "/installation", path: repo + "/installation", token: jwt},
		{name: "access token", method: http.MethodPost, template: "/app/installations/{installation_id}/access_tokens", path: id("/app/installations/%d/access_tokens", installation), token: jwt, status: 201, body: `{"repositories":["app"],"permissions":{"actions":"read"}}`},
		{name: "not found", template: tmpl, path: "/repos/octo/none", status: 404},
		{name: "too many requests", template: tmpl, path: "/repos/octo/app", status: 403},
		{name: "delete", method: http.MethodDelete, template: tmpl + "/actions/artifacts/{artifact_id}", path: repo + id("/actions/artifacts/%d", artifact), status: 204},
	}
}

// undescribed are answers that GitHub gives and the descriptions leave out.
var undescribed = map[string]string{
	"github.com/pull request of a deleted fork": "recent descriptions have no null for the head's repository, GHES 3.8's has",
	"ghes/download expired":                     "GHES 3.8's description has no 410 for downloads, its documentation has",
}

func TestAnswersFollowGitHubsDescriptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file string
		opt  githubsim.Options
	}{"github.com": {*github, githubsim.Options{}}, "ghes": {*ghes38, githubsim.Options{Enterprise: true}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := load(t, tt.file)
			sim := githubsim.New(tt.opt)
			defer sim.Close()
			sim.AddToken("tok", "octo/app", githubsim.Write)
			_, path, _ := strings.Cut(strings.TrimPrefix(sim.APIURL, "http://"), "/")
			sim.Fault(githubsim.Fault{Path: strings.TrimSuffix("/"+path, "/") + "/repos/octo/app", Skip: 1, SecondaryLimit: 1})
			repo := sim.AddRepo("octo/app")
			ci := repo.AddWorkflow("CI", ".github/workflows/ci.yml")
			run := repo.AddRun(githubsim.Run{Workflow: ci})
			repo.AddRun(githubsim.Run{Workflow: ci, HeadRepo: sim.AddFork("fork/app"), Status: "in_progress"})
			dist := run.AddArtifact(githubsim.Artifact{Name: "dist"})
			old := run.AddArtifact(githubsim.Artifact{Name: "old", Expired: true, NoDigest: true})
			repo.AddBranch("feature/x", run.HeadSHA)
			repo.AddPull(githubsim.Pull{Number: 1})
			repo.AddPull(githubsim.Pull{Number: 2, HeadRepoDeleted: true})
			app := sim.AddApp(githubsim.App{Owner: "octo", Access: githubsim.Read})
			for _, r := range requests(run.ID, dist.ID, old.ID, app.InstallationID) {
				if why, ok := undescribed[name+"/"+r.name]; ok {
					t.Logf("%s: %s", r.name, why)
					continue
				}
				if err := check(t.Context(), doc, sim.APIURL, r); err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
			}
		})
	}
}

// load reads a description. Loading resolves every reference in it.
func load(t *testing.T, file string) *openapi3.T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// check sends a request and validates the answer.
func check(ctx context.Context, doc *openapi3.T, base string, r request) error {
	method := cmp.Or(r.method, http.MethodGet)
	req, err := http.NewRequestWithContext(ctx, method, base+r.path, strings.NewReader(r.body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+cmp.Or(r.token, "tok"))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if want := cmp.Or(r.status, http.StatusOK); res.StatusCode != want {
		return fmt.Errorf("answered %d, want %d: %s", res.StatusCode, want, body)
	}
	item := doc.Paths.Value(r.template)
	if item == nil || item.GetOperation(method) == nil {
		return fmt.Errorf("%s %s is not described", method, r.template)
	}
	if item.GetOperation(method).Responses.Status(res.StatusCode) == nil {
		return fmt.Errorf("the status %d is not described", res.StatusCode)
	}
	route := &routers.Route{Spec: doc, Path: r.template, PathItem: item, Method: method, Operation: item.GetOperation(method)}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// The check itself has to be able to fail.
func TestCheckFails(t *testing.T) {
	t.Parallel()
	doc := load(t, *github)
	item := doc.Paths.Value("/repos/{owner}/{repo}/actions/artifacts/{artifact_id}")
	schema := item.Get.Responses.Status(http.StatusOK).Value.Content.Get("application/json").Schema.Value
	var v any
	if err := json.Unmarshal([]byte(`{"id":"7"}`), &v); err != nil {
		t.Fatal(err)
	}
	if schema.VisitJSON(v) == nil {
		t.Error("an artifact without a name passed")
	}
}
