package githubapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

// Another forge is another value: nothing of GitHub's is left in its requests, or in what
// is made of its answers.
func TestAnotherForge(t *testing.T) {
	t.Parallel()
	other := &forge{
		name:    "Hearth",
		header:  http.Header{"Accept": {"application/json"}, "X-Hearth": {"1"}},
		sha:     "text/plain",
		perPage: "limit",
		until:   func(t time.Time) string { return "until " + t.UTC().Format(time.DateOnly) },
		limit: func(a *answer) *limit {
			if a.status != http.StatusTooManyRequests {
				return nil
			}
			return &limit{kind: SecondaryLimit, pause: time.Hour, asks: true}
		},
		allowance: func(http.Header) *allowance { return nil },
		message: func(body []byte) (string, bool) {
			var text struct{ Reason string }
			err := json.Unmarshal(body, &text)
			return text.Reason, err == nil
		},
	}
	const sha = "0123456789abcdef0123456789abcdef01234567"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Hearth") != "1" || r.Header.Get("X-Github-Api-Version") != "" {
			t.Errorf("headers of %s: %v", r.URL, r.Header)
		}
		answers := map[string]func(http.ResponseWriter, *http.Request){
			"/api/v1/repos/o/r/actions/runs?created=until+2026-05-01&limit=50": says(200, `{"workflow_runs":[{"id":1}]}`),
			"/api/v1/repos/o/r/actions/runs/2":                                 says(403, `{"reason":"no fire"}`),
			"/api/v1/repos/o/r/actions/runs/3":                                 says(429, `{"reason":"too warm"}`),
			"/api/v1/repos/o/r/commits/0123456":                                says(200, sha),
		}
		answer := answers[r.URL.RequestURI()]
		if answer == nil {
			t.Errorf("asked for %s", r.URL)
			answer = says(404, "{}")
		}
		if accept := r.Header.Get("Accept"); (accept == "text/plain") != (r.URL.Path == "/api/v1/repos/o/r/commits/0123456") {
			t.Errorf("%s accepts %s", r.URL, accept)
		}
		answer(w, r)
	}))
	defer srv.Close()
	u, _ := url.Parse(srv.URL + "/api/v1")
	c, err := newClient(Options{BaseURL: u, Transport: srv.Client().Transport, Policy: httpx.Policy{MaxTries: 1}}, other)
	if err != nil {
		t.Fatal(err)
	}
	repo := artifact.Repo{Owner: "o", Name: "r"}
	runs, err := c.Runs(t.Context(), repo, search.RunQuery{Until: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), PerPage: 50})
	if err != nil || len(runs.Items) != 1 {
		t.Errorf("%d runs, %v", len(runs.Items), err)
	}
	if got, err := c.Commit(t.Context(), repo, "0123456"); got != sha || err != nil {
		t.Errorf("commit %s, %v", got, err)
	}
	for id, want := range map[int64]string{
		2: "get run 2 of o/r: Hearth answered 403 Forbidden: no fire",
		3: "get run 3 of o/r: the secondary rate limit is exceeded; Hearth asks for a pause of 1h0m0s: too warm",
	} {
		if _, err := c.Run(t.Context(), repo, id); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
