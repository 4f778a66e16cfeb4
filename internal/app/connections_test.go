package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A hundred small artifacts take one connection to the API, and one to the storage for each
// artifact at a time.
func TestConnections(t *testing.T) {
	t.Parallel()
	const artifacts, atATime = 100, 8
	w := newWorld(t, githubsim.Options{TLS: true})
	run := w.app.AddRun(githubsim.Run{ID: 77, Workflow: w.app.AddWorkflow("Parts", ".github/workflows/parts.yml")})
	for i := range artifacts {
		run.AddArtifact(githubsim.Artifact{Name: fmt.Sprint("part-", i), Blob: files("a.txt", "a")})
	}
	got := w.step(t.Context(), t, in("run-id", "77", "concurrency", fmt.Sprint(atATime), "ca-cert", string(w.CA())))
	if got.code != 0 || len(got.files) != artifacts {
		t.Fatalf("exit code %d, %d files\n%s", got.code, len(got.files), got.log)
	}
	if n := w.Connections(githubsim.API); n != 1 {
		t.Errorf("%d connections to the API", n)
	}
	again := w.Count(githubsim.Storage) - artifacts // requests for parts that were late, which end with their connection
	if n := w.Connections(githubsim.Storage); n > atATime+again {
		t.Errorf("%d connections to the storage, want at most %d and %d", n, atATime, again)
	}
	if n := w.Count(githubsim.API); n != 2+artifacts {
		t.Errorf("%d requests to the API", n)
	}
}

// The API is asked for compressed answers, and the storage for the bytes as they are stored,
// without a range, too: the digest is theirs.
func TestCompressionIsForTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{Gzip: true})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Header: http.Header{"Content-Range": nil}})
	if got := w.step(t.Context(), t, in("name", "dist")); got.code != 0 || got.list() != "a.txt=a2" {
		t.Errorf("exit code %d, files %s\n%s", got.code, got.list(), got.log)
	}
	whole := false
	for _, r := range w.Log() {
		whole = whole || r.Host == githubsim.Storage && r.Header.Get("Range") == ""
		want := map[githubsim.Host]string{githubsim.API: "gzip", githubsim.Storage: "identity"}[r.Host]
		if asked := r.Header.Get("Accept-Encoding"); asked != want {
			t.Errorf("%s asks for %q", r.Path, asked)
		}
	}
	if !whole {
		t.Error("the storage was not asked for all of the artifact")
	}
}

// Asking for the URL early takes no further request, and none where nothing is fetched.
func TestRequestsOfOneArtifact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in           map[string]string
		api, storage int
	}{
		"by its id":          {in("artifact-ids", "12"), 3, 1},
		"by its run":         {in("run-id", "1", "name", "logs"), 3, 1},
		"a dry run":          {in("artifact-ids", "12", "dry-run", "true"), 2, 0},
		"a dry run of a run": {in("run-id", "1", "name", "logs", "dry-run", "true"), 2, 0},
		"too few digests":    {in("artifact-ids", "12", "expect-digest", strings.Repeat("0", 64)+"\n"+strings.Repeat("1", 64)), 2, 0},
		"a name for no file": {in("artifact-ids", "25"), 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			tt.in["INPUT_CONCURRENCY"] = "1" // else a busy machine makes answers late, and they are requested again
			got := w.step(t.Context(), t, tt.in)
			if api, storage := w.Count(githubsim.API), w.Count(githubsim.Storage); api != tt.api || storage != tt.storage {
				t.Errorf("%d requests to the API and %d to the storage, want %d and %d\n%s", api, storage, tt.api, tt.storage, got.log)
			}
		})
	}
}
