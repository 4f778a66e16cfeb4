package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]githubsim.Options{
		"github.com": {}, "enterprise": {Enterprise: true}, "name ignored": {Enterprise: true, IgnoreName: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, opt, Auth{Token: "tok"})
			other := f.repo.AddRun(githubsim.Run{Workflow: f.repo.AddWorkflow("Other", ".github/workflows/other.yml")})
			for i := range 250 {
				f.run.AddArtifact(githubsim.Artifact{Name: fmt.Sprintf("a%d", i%125)})
			}
			dist := other.AddArtifact(githubsim.Artifact{Name: "dist", Blob: githubsim.Bytes([]byte("x"))})

			all, err := allArtifacts(t.Context(), f.client, search.ArtifactQuery{})
			if err != nil || len(all) != 251 || f.Count(githubsim.API) != 3 {
				t.Fatalf("%d artifacts in %d requests, %v; want 251 in 3", len(all), f.Count(githubsim.API), err)
			}
			named, err := allArtifacts(t.Context(), f.client, search.ArtifactQuery{Name: "a7"})
			if err != nil || !opt.IgnoreName && len(named) != 2 || opt.IgnoreName && len(named) != 251 {
				t.Errorf("by name: %v, %v", named, err)
			}
			ofRun, err := allArtifacts(t.Context(), f.client, search.ArtifactQuery{RunID: other.ID, Name: "dist"})
			if err != nil || len(ofRun) != 1 {
				t.Fatalf("of a run: %v, %v", ofRun, err)
			}
			one, err := f.client.Artifact(t.Context(), app, dist.ID)
			if err != nil || one.ID != ofRun[0].ID || one.Size != 1 || one.Name != "dist" || !one.CreatedAt.Equal(dist.CreatedAt) || !one.ExpiresAt.Equal(dist.ExpiresAt) {
				t.Errorf("one: %+v, %v", one, err)
			}
			if opt.Enterprise {
				if one.Digest != "" || one.Run != nil {
					t.Errorf("GHES 3.8 gave %+v", one)
				}
			} else if one.Digest != dist.Digest || one.Run == nil || one.Run.ID != other.ID || one.Run.HeadRepoID != f.repo.ID {
				t.Errorf("github.com gave %+v", one)
			}
		})
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	fork := f.AddFork("evil/app")
	wf := f.run.Workflow
	f.repo.AddRun(githubsim.Run{Workflow: wf, HeadRepo: fork, Event: "pull_request", Actor: "eve", HeadBranch: "a/b"})
	gone := f.repo.AddRun(githubsim.Run{Workflow: wf, HeadRepoDeleted: true, Conclusion: "failure", Title: "Fix"})
	other := f.repo.AddRun(githubsim.Run{Workflow: f.repo.AddWorkflow("Nightly", ".github/workflows/nightly.yml")})
	tests := map[string]struct {
		q    search.RunQuery
		want string // run numbers, newest first
	}{
		"all":         {search.RunQuery{}, "1 3 2 1"},
		"of workflow": {search.RunQuery{Workflow: "ci.yml"}, "3 2 1"},
		"of id":       {search.RunQuery{Workflow: fmt.Sprint(other.Workflow.ID)}, "1"},
		"status":      {search.RunQuery{Workflow: "ci.yml", Status: "success"}, "2 1"},
		"branch":      {search.RunQuery{Branch: "a/b"}, "2"},
		"event":       {search.RunQuery{Event: "pull_request", Actor: "eve"}, "2"},
		"sha":         {search.RunQuery{HeadSHA: gone.HeadSHA}, "3"},
		"small pages": {search.RunQuery{PerPage: 1}, "1 3 2 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs, err := allRuns(t.Context(), f.client, tt.q)
			var got []string
			for _, r := range runs {
				got = append(got, fmt.Sprint(r.Number))
			}
			if err != nil || strings.Join(got, " ") != tt.want {
				t.Errorf("%v, %v; want %s", got, err, tt.want)
			}
		})
	}
	run, err := f.client.Run(t.Context(), app, gone.ID)
	want := artifact.Run{
		ID: gone.ID, Repo: app, RepoID: f.repo.ID, RepoName: "octo/app", Workflow: "CI", WorkflowID: wf.ID, WorkflowPath: ".github/workflows/ci.yml",
		Number: 3, Attempt: 1, Title: "Fix", Event: "push", Actor: "octocat", Status: "completed", Conclusion: "failure",
		HeadBranch: "main", HeadSHA: gone.HeadSHA, URL: run.URL, CreatedAt: run.CreatedAt, UpdatedAt: run.UpdatedAt,
		StartedAt: run.CreatedAt, HeadRepoDeleted: true,
	}
	if err != nil || run != want || !run.CreatedAt.Equal(gone.CreatedAt) || run.Origin() != artifact.OriginFork {
		t.Errorf("got  %+v\nwant %+v\n%v", run, want, err)
	}
}

func TestDownloadAndDelete(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	a := f.run.AddArtifact(githubsim.Artifact{Name: "dist"})
	u, err := f.client.DownloadURL(t.Context(), app, a.ID)
	if err != nil || !strings.HasPrefix(u.String(), f.StorageURL+"/") || u.Query().Get("sig") == "" {
		t.Fatalf("%v, %v", u, err)
	}
	if f.Count(githubsim.Storage) != 0 {
		t.Error("the redirect was followed")
	}
	f.Fault(githubsim.Fault{Method: http.MethodDelete, Skip: 1, Status: http.StatusBadGateway})
	if err := f.client.Delete(t.Context(), app, a.ID); err != nil || len(f.repo.Artifacts()) != 0 {
		t.Errorf("%v left, %v", f.repo.Artifacts(), err)
	}
	// The next one is answered 502, and its repetition 404.
	if err := f.client.Delete(t.Context(), app, a.ID); err != nil {
		t.Errorf("deleted in vain: %v", err)
	}
	if err := f.client.Delete(t.Context(), app, a.ID); !errors.Is(err, artifact.ErrNotFound) {
		t.Errorf("deleted what is not there: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	tests := map[string]struct {
		token string
		fault githubsim.Fault
		do    func(context.Context, *fixture) error
		kind  Kind
		tries int
		text  string
	}{
		"bad token":        {"wrong", githubsim.Fault{}, get, BadToken, 1, "get run 1003 of octo/app: GitHub answered 401 Unauthorized: Bad credentials"},
		"no permission":    {"none", githubsim.Fault{}, get, NoPermission, 1, "403 Forbidden: Resource not accessible by integration"},
		"may not delete":   {"read", githubsim.Fault{}, del, NoPermission, 1, "delete artifact 1 of octo/app: GitHub answered 403"},
		"anonymous":        {"", githubsim.Fault{}, download, BadToken, 1, "Requires authentication"},
		"private":          {"other", githubsim.Fault{Status: 404, Body: `{"message":"Not Found"}`}, get, NotFound, 1, "answered 404 Not Found"},
		"no such run":      {"tok", githubsim.Fault{}, func(ctx context.Context, f *fixture) error { _, err := f.client.Run(ctx, app, 1); return err }, NotFound, 1, "get run 1"},
		"no such artifact": {"tok", githubsim.Fault{}, func(ctx context.Context, f *fixture) error { _, err := f.client.Artifact(ctx, app, 1); return err }, NotFound, 1, "get artifact 1"},
		"no such workflow": {"tok", githubsim.Fault{}, func(ctx context.Context, f *fixture) error {
			_, err := allRuns(ctx, f.client, search.RunQuery{Workflow: "no.yml"})
			return err
		}, NotFound, 1, `list runs of workflow "no.yml"`},
		"no such repository": {"tok", githubsim.Fault{}, func(ctx context.Context, f *fixture) error {
			return f.client.Repository(ctx, artifact.Repo{Owner: "octo", Name: "nope"})
		}, NotFound, 1, "get repository of octo/nope"},
		"gone":                {"tok", githubsim.Fault{Status: 410, Body: `{"message":"Artifact has expired"}`}, download, Gone, 1, "410 Gone: Artifact has expired"},
		"primary, late":       {"tok", githubsim.Fault{PrimaryLimit: hour}, get, PrimaryLimit, 1, "the rate limit is used up until"},
		"primary, for ever":   {"tok", githubsim.Fault{PrimaryLimit: time.Second, Times: -1}, get, PrimaryLimit, 3, "used up"},
		"secondary, long":     {"tok", githubsim.Fault{SecondaryLimit: hour}, get, SecondaryLimit, 1, "the secondary rate limit is exceeded"},
		"secondary, for ever": {"tok", githubsim.Fault{SecondaryLimit: -1, Times: -1}, get, SecondaryLimit, 3, "secondary rate limit"},
		"busy, for ever":      {"tok", githubsim.Fault{Status: 503, Times: -1}, get, ServerError, 3, "503 Service Unavailable"},
		"no connection":       {"tok", githubsim.Fault{Drop: true, Times: -1}, get, Network, 3, "no answer"},
		"invalid":             {"tok", githubsim.Fault{Status: 422, Body: `{"message":"Validation Failed"}`}, get, InvalidRequest, 1, "422 Unprocessable Entity: Validation Failed"},
		"a proxy's page":      {"tok", githubsim.Fault{Status: 200, Body: "<html>login</html>"}, get, UnexpectedAnswer, 1, "the answer is not JSON"},
		"another run":         {"tok", githubsim.Fault{Status: 200, Body: `{"id": 7}`}, get, UnexpectedAnswer, 1, "get run 1003 of octo/app: GitHub answered 200 OK: the answer is JSON, but not GitHub's"},
		"another artifact": {"tok", githubsim.Fault{Status: 200, Body: `{"id": 7, "name": "dist"}`}, func(ctx context.Context, f *fixture) error {
			_, err := f.client.Artifact(ctx, app, 42)
			return err
		}, UnexpectedAnswer, 1, "get artifact 42 of octo/app: GitHub answered 200 OK: the answer is JSON, but not GitHub's"},
		"a proxy's error":     {"tok", githubsim.Fault{Status: 403, Body: "<html>forbidden</html>"}, get, UnexpectedAnswer, 1, "403 Forbidden"},
		"no redirect":         {"tok", githubsim.Fault{Status: 200, Body: "{}"}, download, UnexpectedAnswer, 1, "it does not redirect to the storage"},
		"redirect to nowhere": {"tok", githubsim.Fault{Status: 302}, download, UnexpectedAnswer, 1, "redirect has no valid target"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, githubsim.Options{}, Auth{Token: tt.token})
			f.AddToken("none", "octo/app", githubsim.None)
			f.AddToken("read", "octo/app", githubsim.Read)
			f.AddToken("other", "octo/other", githubsim.Read)
			f.run.AddArtifact(githubsim.Artifact{ID: 42, Name: "dist"})
			if tt.fault.Status != 0 || tt.fault.Drop || tt.fault.PrimaryLimit != 0 || tt.fault.SecondaryLimit != 0 {
				f.Fault(tt.fault)
			}
			err := tt.do(t.Context(), f)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tt.kind || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("got %v; want kind %d and %q", err, tt.kind, tt.text)
			}
			if n := f.Count(githubsim.API); n != tt.tries || f.client.Requests() != n {
				t.Errorf("%d requests, %d counted; want %d", n, f.client.Requests(), tt.tries)
			}
			if tt.token != "" && strings.Contains(err.Error(), tt.token+" ") {
				t.Error("the token is in the error")
			}
			if tt.kind == PrimaryLimit && e.Reset.IsZero() {
				t.Error("no time of reset")
			}
		})
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault    githubsim.Fault
		from, to time.Duration
	}{
		"primary":                {githubsim.Fault{PrimaryLimit: time.Minute}, 58 * time.Second, 62 * time.Second},
		"secondary":              {githubsim.Fault{SecondaryLimit: 7 * time.Second}, 7 * time.Second, 7 * time.Second},
		"secondary without time": {githubsim.Fault{SecondaryLimit: -1}, time.Minute, time.Minute},
		"429":                    {githubsim.Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, 3 * time.Second, 3 * time.Second},
		"502":                    {githubsim.Fault{Status: 502}, 1, time.Second},
		"reset":                  {githubsim.Fault{Drop: true}, 1, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
			f.Fault(tt.fault)
			if err := get(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if len(f.pauses) != 1 || f.pauses[0] < tt.from || f.pauses[0] > tt.to {
				t.Errorf("paused %v, want once between %v and %v", f.pauses, tt.from, tt.to)
			}
		})
	}
}

// The last request of the hour is sent like the others. The one after it is sent, too:
// GitHub refuses it.
func TestLastRequestOfTheHour(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{RateLimit: 1}, Auth{Token: "tok"})
	if err := get(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	err := get(t.Context(), f)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != PrimaryLimit || f.Count(githubsim.API) != 2 {
		t.Errorf("%v after %d requests", err, f.Count(githubsim.API))
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := get(ctx, f); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A renamed repository redirects within the API; the token goes along. A
// redirect to another host is not followed.
func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	f := newFixture(t, githubsim.Options{}, Auth{Token: "tok"})
	redirect := func(status int, to string) githubsim.Fault {
		return githubsim.Fault{Path: "/repos/old/name/*/*/*", Status: status, Header: http.Header{"Location": {to}}}
	}
	old := artifact.Repo{Owner: "old", Name: "name"}
	f.Fault(redirect(http.StatusMovedPermanently, f.APIURL+fmt.Sprintf("/repos/octo/app/actions/runs/%d", f.run.ID)))
	if _, err := f.client.Run(t.Context(), old, f.run.ID); err != nil {
		t.Error(err)
	}
	for _, status := range []int{301, 302, 307, 308} {
		f.Fault(redirect(status, elsewhere.URL))
		if _, err := f.client.Run(t.Context(), old, f.run.ID); err == nil {
			t.Errorf("a redirect %d to another host was taken for an answer", status)
		}
	}
	for _, r := range f.Log() {
		if r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("%s %s came with %q", r.Method, r.Path, r.Header.Get("Authorization"))
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{Enterprise: true}, Auth{Token: "tok"})
	if err := get(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	r := f.Log()[0]
	if !strings.HasPrefix(r.Path, "/api/v3/repos/octo/app/") {
		t.Errorf("path %s", r.Path)
	}
	for k, want := range map[string]string{
		"Accept": "application/vnd.github+json", "X-Github-Api-Version": "2022-11-28", "User-Agent": "artifetch/test", "Authorization": "Bearer tok",
	} {
		if !slices.Equal(r.Header[k], []string{want}) {
			t.Errorf("%s: %q", k, r.Header[k])
		}
	}
}
