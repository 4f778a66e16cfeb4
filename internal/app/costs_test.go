package app_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/search"
)

var nothing = githubsim.Bytes(nil)

// history is a repository's past: runs, a minute apart, oldest first.
type history struct {
	*githubsim.Sim
	repo       *githubsim.Repo
	ci, others *githubsim.Workflow
	fork       *githubsim.Repo
	at         time.Time
	runs       []int64       // ids of ci's runs, oldest first
	artifacts  []int64       // ids, oldest first
	ago        time.Duration // how long before the search the last run was created; 0: months
}

func newHistory(t *testing.T) *history {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h := &history{Sim: githubsim.New(githubsim.Options{Now: func() time.Time { return at.AddDate(0, 3, 0) }, RateLimit: 1e6, Brief: true}), at: at}
	t.Cleanup(h.Close)
	h.repo = h.AddRepo("octo/app")
	h.ci = h.repo.AddWorkflow("CI", ".github/workflows/ci.yml")
	h.others = h.repo.AddWorkflow("Others", ".github/workflows/others.yml")
	h.fork = h.AddFork("evil/app")
	h.AddToken("ghs_token", "octo/app", githubsim.Read)
	return h
}

// add adds n runs alike, each with these artifacts.
func (h *history) add(n int, run githubsim.Run, artifacts ...string) {
	for range n {
		h.at = h.at.Add(time.Minute)
		r := run
		r.CreatedAt = h.at
		switch r.Workflow {
		case nil:
			r.Workflow = h.ci
		case otherWorkflow:
			r.Workflow = h.others
		}
		if r.HeadRepo == forkRepo {
			r.HeadRepo = h.fork
		}
		added := h.repo.AddRun(r)
		if r.Workflow == h.ci {
			h.runs = append(h.runs, added.ID)
		}
		for _, name := range artifacts {
			a := added.AddArtifact(githubsim.Artifact{Name: name, NoDigest: true, Blob: nothing, CreatedAt: h.at.Add(10 * time.Second)})
			h.artifacts = append(h.artifacts, a.ID)
		}
	}
}

// search answers a request as the action would ask it, and returns how many requests that
// took.
func (h *history) search(t *testing.T, req search.Request) (*search.Plan, int, error) {
	t.Helper()
	u, err := url.Parse(h.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := httpx.NewTransport(httpx.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	api, err := githubapi.New(githubapi.Options{BaseURL: u, Auth: githubapi.Auth{Token: "ghs_token"}, Transport: transport, UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	app := artifact.Repo{Owner: "octo", Name: "app"}
	req.Own, req.CurrentWorkflow = app, "ci.yml"
	if req.Repos == nil {
		req.Repos = []artifact.Repo{app}
	}
	if req.Conclusions == nil {
		req.Conclusions = []string{"success"}
	}
	h.ResetLog()
	chooser := search.Chooser{Source: api}
	if h.ago > 0 {
		chooser.Now = func() time.Time { return h.at.Add(h.ago) }
	}
	plan, err := chooser.Choose(t.Context(), req)
	return plan, h.Count(githubsim.API), err
}

// testFound fails unless the run that was found is want runs of ci older than the newest; -1
// means that none was found.
func (h *history) testFound(t *testing.T, plan *search.Plan, err error, want int) {
	t.Helper()
	back := -1
	if err == nil {
		if i := slices.Index(h.runs, plan.Runs[0].ID); i >= 0 {
			back = len(h.runs) - 1 - i
		}
	}
	if nf := (*search.NotFoundError)(nil); back != want || err != nil && !errors.As(err, &nf) {
		t.Errorf("found the run %d back, want %d; %v", back, want, err)
	}
}

// testCost searches, and fails unless that takes the wanted number of requests and finds the
// run that is back runs from the newest.
func (h *history) testCost(t *testing.T, req search.Request, want, back int) {
	t.Helper()
	plan, n, err := h.search(t, req)
	if n != want {
		t.Errorf("%d requests, want %d", n, want)
		for _, r := range h.Log()[:min(n, 40)] {
			t.Log(r.Path, r.Query)
		}
	}
	h.testFound(t, plan, err, back)
}

func names(n ...string) artifact.Selector { return artifact.Selector{Names: n} }

var failed = githubsim.Run{Conclusion: "failure"}

// past is a number of runs alike.
type past struct {
	n         int
	run       githubsim.Run
	artifacts []string
}

// TestCosts holds the table of costs in the comment of search's type search, and the
// tables of docs/benchmarks.md, to the simulator's log.
func TestCosts(t *testing.T) {
	t.Parallel()
	dist := []string{"dist"}
	back := func(n int) map[string][]past {
		return map[string][]past{
			"rare":   {{10, githubsim.Run{}, nil}, {4, githubsim.Run{}, dist}, {n, githubsim.Run{}, []string{"other"}}},
			"common": {{200, githubsim.Run{}, dist}, {n, failed, dist}},
		}
	}
	tests := []struct {
		name string
		past []past // oldest first
		req  search.Request
		want int
		back int // how far back from the newest run the run is that is found; -1 for none
	}{
		{"the newest run holds it, by name", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: names("dist")}, 2, 0},
		{"the newest run holds it, by pattern", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: artifact.Selector{Patterns: []string{"d*"}}}, 3, 0},
		{"the newest run holds it, all", []past{{300, githubsim.Run{}, dist}}, search.Request{}, 3, 0},
		{"the newest run holds all of 2 names", []past{{300, githubsim.Run{}, []string{"a", "b"}}}, search.Request{Select: names("a", "b")}, 3, 0},
		{"the newest run holds all of 3 names", []past{{300, githubsim.Run{}, []string{"a", "b", "c"}}}, search.Request{Select: names("a", "b", "c")}, 4, 0},
		{"the newest run holds all of 9 names", []past{{100, githubsim.Run{}, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}}}, search.Request{Select: names("a", "b", "c", "d", "e", "f", "g", "h", "i")}, 5, 0},
		{"rare, 0 runs back", back(0)["rare"], search.Request{Select: names("dist")}, 2, 0},
		{"rare, 50 runs back", back(50)["rare"], search.Request{Select: names("dist")}, 2, 50},
		{"rare, 800 runs back", back(800)["rare"], search.Request{Select: names("dist")}, 3, 800},
		{"rare, 5,000 runs back", back(5000)["rare"], search.Request{Select: names("dist")}, 3, 5000},
		{"common, 0 runs back", back(0)["common"], search.Request{Select: names("dist")}, 2, 0},
		{"common, 50 runs back", back(50)["common"], search.Request{Select: names("dist")}, 2, 50},
		{"common, 800 runs back", back(800)["common"], search.Request{Select: names("dist")}, 5, 800},
		{"common, 5,000 runs back", back(5000)["common"], search.Request{Select: names("dist")}, 5, 5000},
		{"rare, the newest that holds it failed", append(back(400)["rare"], past{1, failed, dist}, past{400, githubsim.Run{}, nil}), search.Request{Select: names("dist")}, 4, 801},
		{"common, a branch that is rarely built", []past{{1, githubsim.Run{HeadBranch: "release"}, dist}, {900, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), Branches: []string{"release"}}, 4, 900},
		{"the same, 500 back", []past{{1, githubsim.Run{HeadBranch: "release"}, dist}, {500, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), Branches: []string{"release"}}, 9, 500},
		{"common, a commit", []past{{1, githubsim.Run{HeadSHA: "00000000000000000000000000000000000000aa"}, dist}, {900, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), Commit: "00000000000000000000000000000000000000aa"}, 4, 900},
		{"run number, 800 runs back", []past{{1000, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), RunNumber: 200}, 4, 800},
		{"run number, 4,999 runs back", []past{{5000, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), RunNumber: 1}, 4, 4999},
		{"run number of the newest", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), RunNumber: 300}, 2, 0},
		{"run number that there is not", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), RunNumber: 301}, 2, -1},
		{"run number, two of three deleted", append([]past{{400, githubsim.Run{}, dist}}, gaps(600)...), search.Request{Select: names("dist"), RunNumber: 200}, 5, 800},
		{"no run holds it", []past{{900, githubsim.Run{}, nil}}, search.Request{Select: names("dist")}, 2 + 3, -1},
		{"runs of another workflow hold it, 10 for each of ours", wrong(300, 10), search.Request{Select: names("dist"), SearchLimit: 200}, 28, -1},
		{"the worst case: 150 for each of ours", wrong(40, 150), search.Request{Select: names("dist"), SearchLimit: 30}, 41, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			for _, p := range tt.past {
				h.add(p.n, p.run, p.artifacts...)
			}
			h.testCost(t, tt.req, tt.want, tt.back)
		})
	}
}

// TestCostsOfCandidates has k newer runs that hold a rare artifact and do not
// count, up to 8 of them, in a history of up to 1,500 runs. One row whose cost
// grows has every k; for the others, few, many and one number in between show the same.
func TestCostsOfCandidates(t *testing.T) {
	t.Parallel()
	other := githubsim.Run{Workflow: otherWorkflow}
	cancelled := githubsim.Run{Conclusion: "cancelled"}
	const apart = 110 // more than a page
	spread := func(run githubsim.Run) func(int) []past {
		return func(k int) []past {
			list := []past{{10, githubsim.Run{}, nil}, {4, githubsim.Run{}, []string{"dist"}}}
			for range k {
				list = append(list, past{apart, githubsim.Run{}, nil}, past{1, run, []string{"dist"}})
			}
			return append(list, past{apart, githubsim.Run{}, nil})
		}
	}
	clustered := func(run githubsim.Run) func(int) []past {
		return func(k int) []past {
			list := []past{{150, githubsim.Run{}, nil}, {4, githubsim.Run{}, []string{"dist"}}}
			for range k {
				list = append(list, past{3, githubsim.Run{}, nil}, past{1, run, []string{"dist"}})
			}
			return append(list, past{200, githubsim.Run{}, nil})
		}
	}
	allApart := func(k int) []past { // the runs that count are not side by side either
		list := []past{{10, githubsim.Run{}, nil}}
		for range 4 {
			list = append(list, past{1, githubsim.Run{}, []string{"dist"}}, past{apart, githubsim.Run{}, nil})
		}
		for range k {
			list = append(list, past{1, failed, []string{"dist"}}, past{apart, githubsim.Run{}, nil})
		}
		return list
	}
	tests := map[string]struct {
		past func(k int) []past
		want map[int]int // by k
	}{
		"failed, far apart":         {spread(failed), map[int]int{0: 3, 1: 4, 2: 4, 5: 4, 8: 4}},
		"failed, close together":    {clustered(failed), map[int]int{0: 3, 1: 3, 2: 3, 5: 3, 8: 3}},
		"failed, nothing close":     {allApart, map[int]int{0: 4, 1: 4, 2: 4, 5: 4, 8: 4}},
		"of a fork, far apart":      {spread(githubsim.Run{HeadRepo: forkRepo}), map[int]int{0: 3, 1: 3, 2: 3, 5: 3, 8: 3}},
		"another branch, far apart": {spread(githubsim.Run{HeadBranch: "dev"}), map[int]int{0: 3, 1: 3, 2: 3, 5: 3, 8: 3}},
		"other workflow, close":     {clustered(other), map[int]int{0: 3, 1: 3, 2: 3, 5: 3, 8: 3}},
		"other workflow, far apart": {spread(other), map[int]int{0: 3, 1: 5, 2: 6, 3: 7, 4: 8, 5: 9, 6: 10, 7: 11, 8: 12}},
		"cancelled, far apart":      {spread(cancelled), map[int]int{0: 3, 1: 5, 2: 6, 5: 9, 8: 12}},
		"cancelled, close together": {clustered(cancelled), map[int]int{0: 3, 1: 3, 2: 3, 5: 3, 8: 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k, want := range tt.want {
				h := newHistory(t)
				for _, p := range tt.past(k) {
					h.add(p.n, p.run, p.artifacts...)
				}
				req := search.Request{Select: names("dist"), Branches: []string{"main"}}
				plan, n, err := h.search(t, req)
				if err != nil || plan.Runs[0].Conclusion != "success" || plan.Runs[0].WorkflowID != h.ci.ID || n != want {
					t.Errorf("k=%d: %d requests, want %d; %v", k, n, want, err)
				}
				h.Close()
			}
		})
	}
}

// gaps is a past, from number 401 on, in which only every third run was not
// deleted.
func gaps(n int) []past {
	var list []past
	for i := range n {
		list = append(list, past{1, githubsim.Run{Number: 401 + 3*i}, []string{"dist"}})
	}
	return list
}

// These stand for the workflow and the fork of a world that is made later.
var (
	otherWorkflow = new(githubsim.Workflow)
	forkRepo      = new(githubsim.Repo)
)

// wrong is a past in which runs of another workflow hold "dist" all the time.
func wrong(n, others int) []past {
	var list []past
	for range n {
		list = append(list, past{1, githubsim.Run{}, nil}, past{others, githubsim.Run{Workflow: otherWorkflow}, []string{"dist"}})
	}
	return list
}

// TestCostsOfOddShapes counts the requests of searches in repositories of unusual shapes.
// The figures are those of docs/benchmarks.md.
func TestCostsOfOddShapes(t *testing.T) {
	t.Parallel()
	dist, other, hit := []string{"dist"}, []string{"other"}, []string{"hit"}
	pattern := artifact.Selector{Patterns: []string{"hit*"}}
	regex := artifact.Selector{Regexp: regexp.MustCompile("^hit")}
	many := make([]string, 150)
	for i := range many {
		many[i] = fmt.Sprint("part-", i)
	}
	none := githubsim.Run{}
	others := githubsim.Run{Workflow: otherWorkflow}
	event := func(name string) githubsim.Run { return githubsim.Run{Event: name} }
	branches := []string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "main"}
	tests := []struct {
		name string
		past []past // oldest first
		odd  func(*history)
		req  search.Request
		want int
		back int // as in TestCosts
	}{
		{name: "pattern, 500 back, the newest has 150", past: []past{{100, none, other}, {1, none, hit}, {499, none, other}, {1, none, many}}, req: search.Request{Select: pattern}, want: 12, back: 500},
		{name: "pattern, none in 100, the newest has 150", past: []past{{99, none, other}, {1, none, many}}, req: search.Request{Select: pattern}, want: 6, back: -1},
		{name: "another workflow 120 times in a minute", past: []past{{50, none, nil}, {1, none, dist}, {380, none, nil}}, odd: func(h *history) { h.burst(120, others, "dist") }, req: search.Request{Select: names("dist")}, want: 5, back: 380},
		{name: "one out of place, 700 back", past: []past{{100, none, other}, {1, none, hit}, {700, none, other}}, odd: func(h *history) { h.misplace(95, 50) }, req: search.Request{Select: pattern}, want: 11, back: 700},
		{name: "one out of place, none in 60", past: []past{{60, none, []string{"other", "another"}}}, odd: func(h *history) { h.misplace(95, 50) }, req: search.Request{Select: pattern}, want: 4, back: -1},
		{name: "pattern, 3,000 back", past: []past{{500, none, other}, {1, none, hit}, {3000, none, other}}, req: search.Request{Select: pattern, SearchLimit: 10000}, want: 35, back: 3000},
		{name: "regex, 3,000 back", past: []past{{500, none, other}, {1, none, hit}, {3000, none, other}}, req: search.Request{Select: regex, SearchLimit: 10000}, want: 35, back: 3000},
		{name: "ours never, 29 other workflows always", past: wrong(300, 29), req: search.Request{Select: names("dist")}, want: 112, back: -1},
		{name: "two events, 800 back", past: []past{{200, event("schedule"), dist}, {800, event("pull_request"), dist}}, req: search.Request{Select: names("dist"), Events: []string{"push", "schedule"}}, want: 5, back: 800},
		{name: "two conclusions, 800 back", past: []past{{200, none, dist}, {800, failed, dist}}, req: search.Request{Select: names("dist"), Conclusions: []string{"success", "neutral"}}, want: 5, back: 800},
		{name: "ten branches, only the last exists", past: []past{{300, githubsim.Run{HeadBranch: "main"}, dist}}, req: search.Request{Select: names("dist"), Branches: branches}, want: 4, back: 0},
		{name: "ten branches, only the last exists, 300 back", past: []past{{200, githubsim.Run{HeadBranch: "main"}, dist}, {300, githubsim.Run{HeadBranch: "x"}, dist}}, req: search.Request{Select: names("dist"), Branches: branches}, want: 8, back: 300},
		{name: "pull request, its head", past: []past{{300, none, dist}, {1, githubsim.Run{HeadSHA: headSHA, HeadBranch: "fix", Event: "pull_request"}, dist}, {40, none, dist}}, odd: func(h *history) { h.pull() }, req: search.Request{Select: names("dist"), PR: 7}, want: 3, back: 40},
		{name: "three repositories, a pattern that nothing matches", odd: (*history).varied, req: search.Request{Repos: threeRepos, Select: artifact.Selector{Patterns: []string{"nope-*"}}}, want: 31, back: -1},
		{name: "the same, of a branch", odd: (*history).varied, req: search.Request{Repos: threeRepos, Branches: []string{"dev"}, Select: artifact.Selector{Patterns: []string{"nope-*"}}}, want: 31, back: -1},
		{name: "the same, all lists shuffled", odd: func(h *history) {
			h.varied()
			h.Lie(githubsim.Lie{Order: githubsim.Shuffled, Seed: 3})
		}, req: search.Request{Repos: threeRepos, Select: artifact.Selector{Patterns: []string{"nope-*"}}}, want: 38, back: -1},
		{name: "pull request, its head branch", past: []past{{300, none, dist}, {1, githubsim.Run{HeadBranch: "fix", Event: "pull_request"}, dist}, {40, none, dist}}, odd: func(h *history) { h.pull() }, req: search.Request{Select: names("dist"), PR: 7}, want: 5, back: 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			for _, p := range tt.past {
				h.add(p.n, p.run, p.artifacts...)
			}
			if tt.odd != nil {
				tt.odd(h)
			}
			h.testCost(t, tt.req, tt.want, tt.back)
		})
	}
}

// Runs of the last day may have ended just now, whatever the lists of artifacts say. It takes
// a page or two more to see that none did.
func TestCostsOfRecentRuns(t *testing.T) {
	t.Parallel()
	dist := []string{"dist"}
	branches := []string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "main"}
	for _, tt := range []struct {
		name string
		past []past // oldest first
		req  search.Request
		want int
		back int // as in TestCosts
	}{
		{"rare, 50 runs back", []past{{20, githubsim.Run{}, dist}, {50, githubsim.Run{}, nil}}, search.Request{Select: names("dist")}, 2, 50},
		{"rare, 800 runs back", []past{{20, githubsim.Run{}, dist}, {800, githubsim.Run{}, nil}}, search.Request{Select: names("dist")}, 4, 800},
		{"common", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: names("dist")}, 2, 0},
		{"pattern", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: artifact.Selector{Patterns: []string{"d*"}}}, 3, 0},
		{"ten branches, only the last exists", []past{{300, githubsim.Run{}, dist}}, search.Request{Select: names("dist"), Branches: branches}, 6, 0},
		{"ten branches, only the last exists, 300 back", []past{{200, githubsim.Run{}, dist}, {300, githubsim.Run{HeadBranch: "x"}, dist}}, search.Request{Select: names("dist"), Branches: branches}, 10, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			h.ago = time.Hour
			for _, p := range tt.past {
				h.add(p.n, p.run, p.artifacts...)
			}
			h.testCost(t, tt.req, tt.want, tt.back)
		})
	}
}

// threeRepos are octo/app and those that varied adds.
var threeRepos = []artifact.Repo{{Owner: "octo", Name: "app"}, {Owner: "octo", Name: "lib"}, {Owner: "octo", Name: "web"}}

// varied adds several hundred runs of all kinds to each of three repositories, with up to
// three artifacts each.
func (h *history) varied() {
	r := rand.New(rand.NewPCG(1, 17))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for _, repo := range threeRepos {
		if repo.Name != "app" {
			h.repo = h.AddRepo(repo.String())
			h.ci = h.repo.AddWorkflow("CI", ".github/workflows/ci.yml")
			h.others = h.repo.AddWorkflow("Others", ".github/workflows/others.yml")
		}
		h.AddToken("ghs_token", repo.String(), githubsim.Read)
		for range 300 + r.IntN(400) {
			h.at = h.at.Add(time.Duration(r.IntN(90)) * time.Minute)
			run := githubsim.Run{Conclusion: pick("success", "success", "failure", "cancelled"), Event: pick("push", "push", "schedule"), HeadBranch: pick("main", "main", "dev")}
			if r.IntN(3) == 0 {
				run.Workflow = otherWorkflow
			}
			h.add(1, run, []string{"dist", "logs", "coverage"}[:r.IntN(4)]...)
		}
	}
}

const headSHA = "00000000000000000000000000000000000000bb"

// pull adds pull request 7, of the branch "fix".
func (h *history) pull() {
	h.repo.AddPull(githubsim.Pull{Number: 7, HeadSHA: headSHA, HeadBranch: "fix"})
}

// burst adds n runs alike within a minute, each with these artifacts.
func (h *history) burst(n int, run githubsim.Run, artifacts ...string) {
	end := h.at.Add(2 * time.Minute)
	for i := range n {
		h.at = end.Add(time.Duration(i-n)*time.Minute/time.Duration(n) - time.Minute)
		h.add(1, run, artifacts...)
	}
}

// misplace makes lists of artifacts have an artifact in the wrong place: the one at place
// from, counted from the newest, is at place to.
func (h *history) misplace(from, to int) {
	h.Lie(githubsim.Lie{List: githubsim.ListArtifacts, Moved: map[int64]int{h.artifacts[len(h.artifacts)-1-from]: to}})
}
