package search

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

var (
	app   = artifact.Repo{Owner: "octo", Name: "app"}
	lib   = artifact.Repo{Owner: "octo", Name: "lib"}
	ok    = []string{"success"}
	epoch = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
)

func sampleWorld() *world {
	w := &world{}
	w.run(1)
	w.run(2, failed)
	w.run(3, fork)
	w.run(4, deleted)
	w.run(5)
	w.run(6, func(r *artifact.Run) {
		r.WorkflowPath, r.Conclusion, r.Status = ".github/workflows/ci.yml", "", "in_progress"
	})
	w.run(7, in(lib, 2))
	w.run(8, func(r *artifact.Run) { r.WorkflowPath = ".github/workflows/nightly.yml" })
	w.artifact(10, 1, "dist")
	w.artifact(11, 1, "logs")
	w.artifact(12, 1, "old", expired)
	w.artifact(20, 2, "dist")
	w.artifact(30, 3, "dist")
	w.artifact(40, 4, "dist")
	w.artifact(50, 5, "logs")
	w.artifact(52, 5, "logs") // a second attempt
	w.artifact(51, 5, "docs")
	w.artifact(60, 6, "fresh")
	w.artifact(70, 7, "dist")
	w.artifact(80, 8, "report-linux")
	w.artifact(81, 8, "report-macos")
	return w
}

func TestChoose(t *testing.T) {
	t.Parallel()
	names := func(n ...string) artifact.Selector { return artifact.Selector{Names: n} }
	tests := map[string]struct {
		req  Request
		want string // artifact ids, newest first, then | and run ids; or the error's text
	}{
		"run id takes all":               {Request{RunIDs: []int64{1}}, "11 10|1"},
		"run id, one name":               {Request{RunIDs: []int64{1}, Select: names("dist")}, "10|1"},
		"run id, two names":              {Request{RunIDs: []int64{1}, Select: names("dist", "logs")}, "11 10|1"},
		"run id whatever its conclusion": {Request{RunIDs: []int64{2}}, "20|2"},
		"run id of a fork":               {Request{RunIDs: []int64{3}}, "30|3"},
		"newest attempt of a name":       {Request{RunIDs: []int64{5}}, "52 51|5"},
		"several runs, newest first":     {Request{RunIDs: []int64{1, 2}, Select: names("dist")}, "20 10|2 1"},
		"one of several runs lacks it":   {Request{RunIDs: []int64{1, 5}, Select: names("dist")}, `artifact "dist" not found in run 5 of octo/app; the run has "docs", "logs"`},
		"one of several names missing":   {Request{RunIDs: []int64{1}, Select: names("dist", "nope")}, `artifacts "dist", "nope" not found in run 1 of octo/app; missing: "nope"; the run has "dist", "logs", "old"`},
		"expired only":                   {Request{RunIDs: []int64{1}, Select: names("old")}, `artifact "old" not found in run 1 of octo/app; it was there (artifact 12), but expired on 2026-04-01`},
		"gone counts as expired":         {Request{RunIDs: []int64{2}, Gone: map[int64]bool{20: true}}, `an artifact not found in run 2 of octo/app; it was there (artifact 20), but expired`},
		"gone falls back to older":       {Request{RunIDs: []int64{5}, Gone: map[int64]bool{52: true}}, "51 50|5"},
		"pattern":                        {Request{RunIDs: []int64{8}, Select: artifact.Selector{Patterns: []string{"report-*", "!*-macos"}}}, "80|8"},
		"regexp":                         {Request{RunIDs: []int64{8}, Select: artifact.Selector{Regexp: regexp.MustCompile("mac")}}, "81|8"},
		"pattern without a match":        {Request{RunIDs: []int64{5}, Select: artifact.Selector{Patterns: []string{"x*"}}}, `an artifact whose name matches the pattern "x*" not found in run 5 of octo/app; the run has "docs", "logs"`},
		"unknown run":                    {Request{RunIDs: []int64{999}}, "run 999 of octo/app: not found"},

		"artifact ids":                {Request{ArtifactIDs: []int64{10, 81}}, "81 10|8 1"},
		"artifact id, expired":        {Request{ArtifactIDs: []int64{12}}, "artifact 12 not found in octo/app; it was there (artifact 12), but expired on 2026-04-01"},
		"artifact id, unknown":        {Request{ArtifactIDs: []int64{999}}, "artifact 999 of octo/app: not found"},
		"artifact ids over two repos": {Request{Repos: []artifact.Repo{app, lib}, ArtifactIDs: []int64{70, 10}}, "70 10|7 1"},
		"one artifact id nowhere":     {Request{Repos: []artifact.Repo{app, lib}, ArtifactIDs: []int64{70, 10, 99}}, "artifact 99 not found in octo/app, octo/lib"},
		"nothing of one repo":         {Request{Repos: []artifact.Repo{app, lib}, ArtifactIDs: []int64{10}}, "artifact 10 not found in octo/lib"},
		"run ids over two repos":      {Request{Repos: []artifact.Repo{app, lib}, RunIDs: []int64{1, 7}, Select: names("dist")}, "70 10|7 1"},
		"one run id nowhere":          {Request{Repos: []artifact.Repo{app, lib}, RunIDs: []int64{1, 7, 99}}, "run 99 not found in octo/app, octo/lib"},

		"trigger":                      {Request{Own: app, Trigger: 2, CurrentRun: 6}, "20|2"},
		"trigger from a fork":          {Request{Own: app, Trigger: 3}, "the triggering run 3 of octo/app comes from the fork evil/app, so its artifacts cannot be trusted"},
		"trigger from a deleted fork":  {Request{Own: app, Trigger: 4}, "the triggering run 4 of octo/app comes from a fork that was deleted, so its artifacts cannot be trusted"},
		"trigger from a fork, allowed": {Request{Own: app, Trigger: 3, AllowForks: true}, "30|3"},
		"trigger elsewhere: search":    {Request{Repos: []artifact.Repo{lib}, Own: app, Trigger: 3}, "70|7"},

		"search: newest that has it":     {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: names("dist")}, "10|1"},
		"search: everything":             {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok}, "52 51|5"},
		"search: forks allowed":          {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: names("dist"), AllowForks: true}, "40|4"},
		"search: current run left out":   {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, CurrentRun: 5}, "11 10|1"},
		"search: any workflow elsewhere": {Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Patterns: []string{"report-*"}}}, "81 80|8"},
		"search: own workflow only":      {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Patterns: []string{"report-*"}}}, `an artifact whose name matches the pattern "report-*" not found in octo/app, workflow "ci.yml", conclusion success; looked at 6 runs (2: it comes from a fork, and allow-forks is false; 2: no artifact matches; 1: its conclusion is "failure", not success; 1: its status is "in_progress", not success); the newest run that fits (5) has "docs", "logs"; workflow is not set, so it is ci.yml, the workflow of this step`},
		"search: two repositories":       {Request{Repos: []artifact.Repo{app, lib}, Conclusions: ok, Select: names("dist")}, "70 10|7 1"},
		"search: limit":                  {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: names("dist"), SearchLimit: 3}, `artifact "dist" not found in octo/app, workflow "ci.yml", conclusion success; gave up at search-limit, after 3 runs (1: it comes from a fork, and allow-forks is false; 1: it lacks "dist"; 1: its status is "in_progress", not success); the newest run that fits (5) has "docs", "logs"; workflow is not set, so it is ci.yml, the workflow of this step`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.req.Repos == nil {
				tt.req.Repos = []artifact.Repo{app}
			}
			plan, err := Chooser{Source: sampleWorld()}.Choose(t.Context(), tt.req)
			if got := describe(plan, err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The date on which an artifact is to expire did not come true if it has expired before.
func TestExpiredBeforeItsDate(t *testing.T) {
	t.Parallel()
	for now, want := range map[time.Time]string{
		epoch:                  "it was there (artifact 12), but expired",
		epoch.AddDate(0, 3, 1): "it was there (artifact 12), but expired on 2026-04-01",
	} {
		for _, req := range []Request{{RunIDs: []int64{1}, Select: artifact.Selector{Names: []string{"old"}}}, {Select: artifact.Selector{Names: []string{"old"}}}, {ArtifactIDs: []int64{12}}} {
			req.Repos = []artifact.Repo{app}
			_, err := Chooser{Source: sampleWorld(), Now: func() time.Time { return now }}.Choose(t.Context(), req)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "2026-04") != (now != epoch) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
}

func describe(plan *Plan, err error) string {
	if err != nil {
		return err.Error()
	}
	var ids, runs []string
	for _, i := range plan.Items {
		ids = append(ids, fmt.Sprint(i.Artifact.ID))
	}
	for _, r := range plan.Runs {
		runs = append(runs, fmt.Sprint(r.ID))
	}
	return strings.Join(ids, " ") + "|" + strings.Join(runs, " ")
}

func TestHelpOnFailure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		req       Request
		mean      string
		inCurrent bool
	}{
		"typing error":               {Request{RunIDs: []int64{1}, Select: artifact.Selector{Names: []string{"dits"}}}, "dist", false},
		"case":                       {Request{RunIDs: []int64{1}, Select: artifact.Selector{Names: []string{"DIST"}}}, "dist", false},
		"a pattern":                  {Request{RunIDs: []int64{1}, Select: artifact.Selector{Patterns: []string{"!x", "x*", "Dist.zip"}}}, "dist", false},
		"a pattern with wildcards":   {Request{RunIDs: []int64{1}, Select: artifact.Selector{Patterns: []string{"dits*"}}}, "", false},
		"a pattern in another case":  {Request{RunIDs: []int64{1}, Select: artifact.Selector{Patterns: []string{"!D?", "x", "DI[A-Z]*"}}}, "dist", false},
		"taken away by another case": {Request{RunIDs: []int64{1}, Select: artifact.Selector{Patterns: []string{"Dist*", "!di*"}}}, "", false},
		"search: near pattern":       {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Patterns: []string{"doc"}}}, "docs", false},
		"nothing near":               {Request{RunIDs: []int64{1}, Select: artifact.Selector{Names: []string{"windows-x64"}}}, "", false},
		"search: near name":          {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, Select: artifact.Selector{Names: []string{"doc"}}}, "docs", false},
		"search: in the current run": {Request{Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, CurrentRun: 6, Select: artifact.Selector{Names: []string{"fresh"}}}, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.req.Repos, tt.req.SearchLimit = []artifact.Repo{app}, 1000
			_, err := Chooser{Source: sampleWorld()}.Choose(t.Context(), tt.req)
			nf, ok := errors.AsType[*NotFoundError](err)
			if !ok {
				t.Fatalf("got %v, want a NotFoundError", err)
			}
			if nf.DidYouMean != tt.mean || nf.InCurrent != tt.inCurrent {
				t.Errorf("did you mean %q, in current %v; want %q, %v", nf.DidYouMean, nf.InCurrent, tt.mean, tt.inCurrent)
			}
		})
	}
}

func TestPassedOver(t *testing.T) {
	t.Parallel()
	plan, err := Chooser{Source: sampleWorld()}.Choose(t.Context(), Request{
		Repos: []artifact.Repo{app}, Own: app, CurrentWorkflow: "ci.yml", Conclusions: ok, CurrentRun: 6, Select: artifact.Selector{Names: []string{"dist"}}, SearchLimit: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range plan.PassedOver {
		got = append(got, fmt.Sprintf("%d %s", p.Run.ID, p.Reason))
	}
	want := []string{
		"6 it is the current run",
		`5 it lacks "dist"`,
		"4 it comes from a fork, and allow-forks is false",
		"3 it comes from a fork, and allow-forks is false",
		`2 its conclusion is "failure", not success`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// troubled is a server that answers only with an error when it is first asked for the
// artifacts of a run.
type troubled struct {
	*world
	run  int64
	seen atomic.Bool
}

func (s *troubled) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	if q.RunID == s.run && s.seen.CompareAndSwap(false, true) {
		return Page[artifact.Artifact]{}, errors.New("502 Bad Gateway")
	}
	return s.world.Artifacts(ctx, repo, q)
}

// The list of artifacts is empty. Only the runs' own lists, which the explanation of the
// failure asks for, have the artifact; that of the newest run cannot be read there.
func TestEmptyListOfArtifacts(t *testing.T) {
	t.Parallel()
	w := &world{lies: lies{late: map[int64]bool{}}}
	for id := int64(1); id <= 5; id++ {
		w.run(id)
		w.artifact(id, id, "dist")
		w.lies.late[id] = true
	}
	plan, err := Chooser{Source: &troubled{world: w, run: 5}, Now: w.now}.Choose(t.Context(), Request{Repos: []artifact.Repo{app}, Select: artifact.Selector{Names: []string{"dist"}}})
	if got := describe(plan, err); got != "5|5" {
		t.Errorf("got %s, want 5|5: %q", got, w.calls)
	}
}
