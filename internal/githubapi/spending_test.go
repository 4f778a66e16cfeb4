package githubapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/search"
)

// TestReserve sends requests one after another, or side by side, until they are refused.
func TestReserve(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limit, reserve int
		atOnce         int
		ask            int
		want           int // how many are answered
	}{
		"the last 100 stay":                    {limit: 200, reserve: 100, ask: 150, want: 100},
		"side by side, too":                    {limit: 200, reserve: 100, atOnce: 8, ask: 150, want: 100},
		"a modest search may spend them":       {limit: 120, reserve: 100, ask: 51, want: 51},
		"a search that has sent more does not": {limit: 120, reserve: 100, ask: 52, want: 51},
		"without a reserve":                    {limit: 150, ask: 140, want: 140},
		"no limits":                            {limit: -1, reserve: 100, ask: 150, want: 150},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := time.Now()
			f := newFixture(t, githubsim.Options{RateLimit: tt.limit, Now: func() time.Time { return at }}, Auth{Token: "tok"})
			c := f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Reserve: tt.reserve})
			asked := make(chan struct{}, tt.ask)
			for range tt.ask {
				asked <- struct{}{}
			}
			close(asked)
			var all sync.WaitGroup
			for range max(tt.atOnce, 1) {
				all.Go(func() {
					for range asked {
						_, err := c.Run(t.Context(), app, f.run.ID)
						if reserved := (*ReserveError)(nil); err != nil && (!errors.As(err, &reserved) || reserved.Left != tt.limit-tt.want) {
							t.Errorf("unexpected error %v", err)
						}
					}
				})
			}
			all.Wait()
			if n := c.Requests(); n != tt.want || c.Costs()[SingleRuns] != tt.want {
				t.Errorf("%d requests were sent, want %d; %v", n, tt.want, c.Costs())
			}
			if tt.want == tt.ask {
				return
			}
			_, err := c.Runs(t.Context(), app, search.RunQuery{})
			want := fmt.Sprintf("list runs of octo/app: not sent, because the search has sent %d requests, the rate limit has %d left until ", tt.want, tt.limit-tt.want)
			if e, ok := asError(err); !ok || e.Kind != Reserved || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
			if _, err := c.DownloadURL(t.Context(), app, f.run.AddArtifact(githubsim.Artifact{Name: "dist"}).ID); err != nil {
				t.Errorf("a download is refused: %v", err)
			}
		})
	}
}

// TestReserveOfAnApp has a GitHub App whose own limit is nearly spent. The limit of its
// installation counts: the requests are sent with the installation's token.
func TestReserveOfAnApp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{RateLimit: 160}, Auth{})
	granted := f.AddApp(githubsim.App{Owner: "octo", Access: githubsim.Read})
	f.Fault(githubsim.Fault{Path: "/app/installations/*/access_tokens", Times: -1, Header: http.Header{
		"X-Ratelimit-Remaining": {"7"}, "X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(2*time.Hour).Unix(), 10)},
	}})
	auth := &App{ID: strconv.FormatInt(granted.ID, 10), PrivateKey: privateKey(), Repos: []artifact.Repo{app}}
	c := f.newWith(t, f.APIURL, Options{Auth: Auth{App: auth}, Reserve: 100})
	answered := 0
	for range 80 {
		_, err := c.Run(t.Context(), app, f.run.ID)
		if e, ok := asError(err); err != nil && (!ok || e.Kind != Reserved) {
			t.Fatal(err)
		}
		if err == nil {
			answered++
		}
	}
	if answered != 60 {
		t.Errorf("%d requests were answered, want 60", answered)
	}
}

// TestReserveAndReset asks again after the limit is whole again.
func TestReserveAndReset(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	server := now.Add(3 * time.Hour) // its clock
	f := newFixture(t, githubsim.Options{RateLimit: 160, Now: func() time.Time { return server }}, Auth{})
	c := f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Reserve: 100, Now: func() time.Time { return now }})
	ask := func() error { _, err := c.Run(t.Context(), app, f.run.ID); return err }
	for range 60 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(); err == nil {
		t.Error("a request of the reserve is sent")
	}
	now = now.Add(time.Hour)
	if err := ask(); err != nil {
		t.Errorf("after the reset: %v", err)
	}
}

// TestReserveAndConditions repeats conditional requests, which cost nothing.
func TestReserveAndConditions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{RateLimit: 160}, Auth{})
	c := f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Reserve: 100, Conditional: true})
	for i := range 60 {
		if _, err := c.Runs(t.Context(), app, search.RunQuery{Branch: fmt.Sprint("b", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Runs(t.Context(), app, search.RunQuery{Branch: "another"}); err == nil {
		t.Error("a request of the reserve is sent")
	}
	for range 3 {
		if _, err := c.Runs(t.Context(), app, search.RunQuery{Branch: "b1"}); err != nil {
			t.Errorf("a conditional request: %v", err)
		}
	}
	if sent := c.Costs(); sent.Total() != 60 || sent[RunPages] != 60 {
		t.Errorf("counted %v, with what was answered with 304", sent)
	}
}

// TestCosts counts each kind of request as what it is, and reports them once.
func TestCosts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, githubsim.Options{}, Auth{})
	var heard []Costs
	c := f.newWith(t, f.APIURL, Options{Auth: Auth{Token: "tok"}, Costly: func(sent Costs) { heard = append(heard, sent) }})
	a := f.run.AddArtifact(githubsim.Artifact{Name: "dist"})
	f.repo.AddBranch("main", "")
	f.Fault(githubsim.Fault{Path: "/repos/octo/app/actions/runs", Status: http.StatusBadGateway}) // and once more
	for _, ask := range []func() error{
		func() error { _, err := c.Artifacts(t.Context(), app, search.ArtifactQuery{}); return err },
		func() error { _, err := c.Artifacts(t.Context(), app, search.ArtifactQuery{Name: "dist"}); return err },
		func() error {
			_, err := c.Artifacts(t.Context(), app, search.ArtifactQuery{RunID: f.run.ID, Name: "dist"})
			return err
		},
		func() error { _, err := c.Runs(t.Context(), app, search.RunQuery{}); return err },
		func() error { _, err := c.Run(t.Context(), app, f.run.ID); return err },
		func() error { _, err := c.Workflows(t.Context(), app); return err },
		func() error { return c.Branch(t.Context(), app, "main") },
		func() error { _, err := c.DownloadURL(t.Context(), app, a.ID); return err },
		func() error { return c.Repository(t.Context(), app) },
	} {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	want := Costs{ArtifactPages: 1, NamedPages: 1, OwnLists: 1, RunPages: 2, SingleRuns: 1, Names: 2}
	got := c.Costs()
	got[NoSearch] = 0
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 120 {
		if _, err := c.Run(t.Context(), app, f.run.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard) != 1 || heard[0].Total() != 101 {
		t.Errorf("heard of %v", heard)
	}
}
