package choice_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/choice"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
)

// start is the time by our clock.
var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

var (
	octo   = artifact.Repo{Owner: "octo", Name: "app"}
	absent = &githubapi.Error{Kind: githubapi.NotFound, Status: http.StatusNotFound, Repo: octo, Subject: "run 7"}
	hidden = &githubapi.Error{Kind: githubapi.NotFound, Status: http.StatusNotFound, Repo: octo}
	busy   = &githubapi.Error{Kind: githubapi.ServerError, Status: http.StatusBadGateway, Repo: octo}
	denied = &githubapi.Error{Kind: githubapi.BadToken, Status: http.StatusUnauthorized, Repo: octo}
)

// server is asked for a run by its id. It answers with one error after the other, and with
// the last one for ever.
type server struct {
	search.Source

	errs   []error
	looks  int
	hidden error // of the repository
	ahead  time.Duration
}

func (s *server) Run(context.Context, artifact.Repo, int64) (artifact.Run, error) {
	err := s.errs[min(s.looks, len(s.errs)-1)]
	s.looks++
	return artifact.Run{ID: 7, Repo: octo, Status: "completed", CreatedAt: start.Add(10 * time.Minute)}, err
}

func (s *server) Artifacts(context.Context, artifact.Repo, search.ArtifactQuery) (search.Page[artifact.Artifact], error) {
	return search.Page[artifact.Artifact]{Items: []artifact.Artifact{{ID: 1, Name: "dist", Repo: octo}}}, nil
}

func (s *server) Repository(context.Context, artifact.Repo) error { return s.hidden }
func (s *server) Ahead() time.Duration                            { return s.ahead }

// run7 are choices of run 7, with a clock that only pauses move. waited is their sum.
func run7(s *server, wait time.Duration) (choices *choice.Choices, waited *time.Duration) {
	waited = new(time.Duration)
	return choice.New(choice.Options{
		Server: s, Wait: wait, Now: func() time.Time { return start.Add(*waited) },
		Request: search.Request{Repos: []artifact.Repo{octo}, RunIDs: []int64{7}, Waiting: wait > 0, Gone: map[int64]bool{}},
		Pause: func(_ context.Context, d time.Duration) error {
			*waited += d
			return nil
		},
	}), waited
}

// A run that does not exist is told from a repository that may not be seen, and only
// what may pass with time is waited for.
func TestNext(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server server
		wait   time.Duration
		absent bool  // the run is not found
		want   error // another failure
		waits  bool
	}{
		"found":                   {server: server{errs: []error{nil}}},
		"not found":               {server: server{errs: []error{absent}}, absent: true},
		"a hidden repository":     {server: server{errs: []error{absent}, hidden: hidden}, want: hidden},
		"a repository by itself":  {server: server{errs: []error{hidden}}, want: hidden},
		"not yet found":           {server: server{errs: []error{absent, absent, nil}}, wait: time.Hour, waits: true},
		"hidden, while waiting":   {server: server{errs: []error{absent}, hidden: hidden}, wait: time.Hour, want: hidden},
		"a server in trouble":     {server: server{errs: []error{busy}}, want: busy},
		"in trouble, in a wait":   {server: server{errs: []error{busy, busy, nil}}, wait: time.Hour, waits: true},
		"a bad token, in a wait":  {server: server{errs: []error{denied}}, wait: time.Hour, want: denied},
		"in trouble, to the last": {server: server{errs: []error{busy}}, wait: time.Hour, waits: true, want: busy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			choices, waited := run7(&tt.server, tt.wait)
			plan, err := choices.Next(t.Context())
			nf, isAbsent := errors.AsType[*search.NotFoundError](err)
			switch {
			case isAbsent != tt.absent || isAbsent && (nf.What != "run 7" || nf.Repo != octo || !nf.Settled || nf.Final):
				t.Errorf("%+v, %v", nf, err)
			case !tt.absent && !errors.Is(err, tt.want):
				t.Errorf("%v, want %v", err, tt.want)
			case err == nil && len(plan.Items) != 1:
				t.Errorf("%+v", plan)
			}
			if (*waited > 0) != tt.waits || *waited > tt.wait {
				t.Errorf("waited %s", *waited)
			}
		})
	}
}

// A run's age is that by the clock of the server.
func TestNextByTheServersClock(t *testing.T) {
	t.Parallel()
	for ahead, old := range map[time.Duration]bool{0: false, 30 * time.Minute: false, time.Hour: true} {
		choices := choice.New(choice.Options{
			Server: &server{errs: []error{nil}, ahead: ahead}, Now: func() time.Time { return start },
			Request: search.Request{Repos: []artifact.Repo{octo}, RunIDs: []int64{7}, MaxAge: 30 * time.Minute},
		})
		plan, err := choices.Next(t.Context())
		if err != nil || (len(plan.Unmet) > 0) != old {
			t.Errorf("%s ahead: %+v, %v", ahead, plan, err)
		}
	}
}

// All choices together wait for as long as one may.
func TestNextWaitsOnce(t *testing.T) {
	t.Parallel()
	choices, waited := run7(&server{errs: []error{busy}}, 10*time.Minute)
	for range 3 {
		if _, err := choices.Next(t.Context()); !errors.Is(err, busy) {
			t.Error(err)
		}
		if *waited != 10*time.Minute {
			t.Errorf("waited %s", *waited)
		}
	}
}

// An artifact that has expired is not chosen again. Each time, more of the others are
// checked, but none that is known to be gone, or is fetched.
func TestWithout(t *testing.T) {
	t.Parallel()
	var asked []int
	var others []transfer.Item
	for id := range int64(100) {
		others = append(others, transfer.Item{Item: artifact.Item{Artifact: artifact.Artifact{ID: 100 + id}}})
	}
	others[0].Tree = "fetched"
	now := func() time.Time { return time.Unix(0, 0) }
	gone := map[int64]bool{101: true}
	broken := errors.New("broken")
	var fails error
	choices := choice.New(choice.Options{
		Server: &server{errs: []error{nil}}, Now: now,
		Request: search.Request{Repos: []artifact.Repo{octo}, RunIDs: []int64{7}, Gone: gone},
		Expired: func(_ context.Context, artifacts []artifact.Artifact) (ids []int64, err error) {
			asked = append(asked, len(artifacts))
			for _, a := range artifacts {
				if a.ID == 100 || a.ID == 101 {
					t.Errorf("asked for %d", a.ID)
				}
				if a.ID < 105 {
					ids = append(ids, a.ID)
				}
			}
			return ids, fails
		},
	})
	for i := range int64(3) {
		if err := choices.Without(t.Context(), 200+i, others); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(asked); got != "[0 8 64]" {
		t.Errorf("asked for %s artifacts", got)
	}
	if len(gone) != 1 {
		t.Errorf("the request was changed: %v", gone)
	}
	if _, err := choices.Next(t.Context()); err != nil {
		t.Error(err)
	}
	if err := choices.Without(t.Context(), 1, nil); err != nil {
		t.Error(err)
	}
	if _, err := choices.Next(t.Context()); err == nil {
		t.Error("what has expired was chosen again")
	}
	if fails = broken; !errors.Is(choices.Without(t.Context(), 2, others), broken) {
		t.Error("an error was lost")
	}
}
