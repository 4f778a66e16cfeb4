package githubsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listed is what a list says: ids in its order, total_count, and the pages it links to.
type listed struct {
	ids   string
	total int
	links string
}

// list asks for a list below o/r.
func list(t *testing.T, s *Sim, path string) listed {
	t.Helper()
	res, body := ask(t, http.MethodGet, s.APIURL+"/repos/o/r/actions/"+path, "Authorization", "Bearer tok")
	if res == nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s", path, res, body)
	}
	return readList(t, res, body)
}

func readList(t *testing.T, res *reply, body string) listed {
	t.Helper()
	type item struct{ ID int64 }
	var all struct {
		TotalCount int    `json:"total_count"`
		Runs       []item `json:"workflow_runs"`
		Artifacts  []item
		Workflows  []item
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, v := range slices.Concat(all.Runs, all.Artifacts, all.Workflows) {
		ids = append(ids, strconv.FormatInt(v.ID, 10))
	}
	return listed{strings.Join(ids, " "), all.TotalCount, res.Header.Get("Link")}
}

// history has runs 1 to 5, a minute apart, the last a minute ago, with artifacts 11 to
// 15 called "dist". Run 4 is of the branch dev.
func history(t *testing.T) (*Sim, *Repo, *time.Time) {
	t.Helper()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := New(Options{Now: func() time.Time { return now }})
	t.Cleanup(s.Close)
	s.AddToken("tok", "o/r", Write)
	r := s.AddRepo("o/r")
	ci := r.AddWorkflow("CI", ".github/workflows/ci.yml")
	for id := int64(1); id <= 5; id++ {
		run := Run{ID: id, Workflow: ci, CreatedAt: now.Add(time.Duration(id-6) * time.Minute)}
		if id == 4 {
			run.HeadBranch = "dev"
		}
		r.AddRun(run).AddArtifact(Artifact{ID: 10 + id, Name: "dist", CreatedAt: run.CreatedAt})
	}
	return s, r, &now
}

func TestLies(t *testing.T) {
	t.Parallel()
	const all, workflow = "runs", "workflows/ci.yml/runs"
	for name, tt := range map[string]struct {
		lies []Lie
		says map[string]string // by list
	}{
		"none": {nil, map[string]string{
			all: "5 4 3 2 1", all + "?branch=dev": "4", workflow: "5 4 3 2 1", "artifacts": "15 14 13 12 11", "artifacts?name=dist": "15 14 13 12 11",
		}},
		"a filter lacks a run": {[]Lie{{List: ListRuns, Narrowed: "branch", Runs: []int64{5}}}, map[string]string{
			all + "?branch=main": "3 2 1", all + "?branch=main&status=success": "3 2 1", all + "?status=success": "5 4 3 2 1", all: "5 4 3 2 1",
			all + "?branch=": "5 4 3 2 1", workflow + "?branch=main": "5 3 2 1", "artifacts": "15 14 13 12 11",
		}},
		"any list lags": {[]Lie{{Narrowed: "event", Younger: 150 * time.Second}}, map[string]string{
			all + "?event=push": "3 2 1", workflow + "?event=push": "3 2 1", workflow: "5 4 3 2 1",
		}},
		"several filters": {[]Lie{{Narrowed: "actor", Newest: 2}, {Narrowed: "head_sha", Empty: true}, {Narrowed: "created", Runs: []int64{2, 3}}}, map[string]string{
			all + "?actor=octocat": "3 2 1", all + "?head_sha=" + strings.Repeat("0", 40): "", all + "?created=%3E%3D2020-01-01T00:00:00Z": "5 4 1",
			all + "?actor=Octocat&created=%3E%3D2020-01-01T00:00:00Z": "1",
		}},
		"a workflow": {[]Lie{{List: ListWorkflowRuns, Newest: 1}}, map[string]string{workflow: "4 3 2 1", workflow + "?status=success": "4 3 2 1", all: "5 4 3 2 1"}},
		"just created": {[]Lie{{List: ListRuns, Narrowed: Unnarrowed, Newest: 1}}, map[string]string{
			all: "4 3 2 1", all + "?per_page=2": "4 3", all + "?status=success": "5 4 3 2 1", workflow: "5 4 3 2 1",
		}},
		"artifacts of a run": {[]Lie{{List: ListArtifacts, Runs: []int64{5}}}, map[string]string{
			"artifacts": "14 13 12 11", "artifacts?name=dist": "14 13 12 11", "runs/5/artifacts": "15", all: "5 4 3 2 1",
		}},
		"artifacts of a name":   {[]Lie{{Narrowed: "name", Artifacts: []int64{14, 12}}}, map[string]string{"artifacts": "15 14 13 12 11", "artifacts?name=dist": "15 13 11"}},
		"a run's own artifacts": {[]Lie{{List: ListRunArtifacts, Empty: true}}, map[string]string{"artifacts": "15 14 13 12 11", "runs/5/artifacts": ""}},
		"no workflows":          {[]Lie{{List: ListWorkflows, Empty: true}}, map[string]string{"workflows": "", workflow: "5 4 3 2 1"}},
		"oldest first":          {[]Lie{{List: ListRuns, Order: OldestFirst}}, map[string]string{all: "1 2 3 4 5", all + "?per_page=2&page=2": "3 4", "artifacts": "15 14 13 12 11"}},
		"shuffled":              {[]Lie{{List: ListArtifacts, Order: Shuffled, Seed: 1}}, map[string]string{"artifacts": "14 15 12 13 11", "artifacts?per_page=2&page=2": "12 13", all: "5 4 3 2 1"}},
		"by id":                 {[]Lie{{List: ListRuns, Order: ByID}, {List: ListRuns, Moved: map[int64]int{3: 0}}}, map[string]string{all: "3 5 4 2 1"}},
		"shuffled otherwise":    {[]Lie{{List: ListArtifacts, Order: Shuffled, Seed: 2}}, map[string]string{"artifacts": "13 12 11 15 14"}},
		"shuffled, some left":   {[]Lie{{Order: Shuffled, Seed: 1}, {Runs: []int64{1}}}, map[string]string{"artifacts": "14 15 12 13"}},
		"one out of place":      {[]Lie{{List: ListRuns, Moved: map[int64]int{5: 3}}}, map[string]string{all: "4 3 2 5 1"}},
		"two out of place":      {[]Lie{{List: ListRuns, Moved: map[int64]int{5: 3, 1: 0}}}, map[string]string{all: "1 4 3 5 2"}},
		"one at the end":        {[]Lie{{List: ListArtifacts, Moved: map[int64]int{15: 100, 999: 0}}}, map[string]string{"artifacts": "14 13 12 11 15"}},
		"another repository":    {[]Lie{{Repo: "o/s", Empty: true}}, map[string]string{all: "5 4 3 2 1"}},
		"this repository":       {[]Lie{{Repo: "O/R", Empty: true}}, map[string]string{all: "", "artifacts": "", "runs/5/artifacts": "", "workflows": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := history(t)
			for _, l := range tt.lies {
				s.Lie(l)
			}
			for path, want := range tt.says {
				got := list(t, s, path)
				if path == "workflows" && want != "" {
					t.Fatal("workflows have no fixed ids")
				}
				if got.ids != want {
					t.Errorf("%s: %q, want %q", path, got.ids, want)
				}
				if whole := len(strings.Fields(want)); !strings.Contains(path, "per_page") && got.total != whole {
					t.Errorf("%s: total_count %d, want %d", path, got.total, whole)
				}
			}
		})
	}
}

// A lie ends at its time, or after so many requests.
func TestLiesEnd(t *testing.T) {
	t.Parallel()
	s, _, now := history(t)
	s.Lie(Lie{List: ListRuns, Skip: 1, Times: 2, Runs: []int64{5}})
	s.Lie(Lie{List: ListArtifacts, Until: now.Add(time.Minute), Runs: []int64{5}})
	for i, want := range []string{"5 4 3 2 1", "4 3 2 1", "4 3 2 1", "5 4 3 2 1"} {
		if got := list(t, s, "runs"); got.ids != want {
			t.Errorf("request %d: %q, want %q", i+1, got.ids, want)
		}
	}
	if got := list(t, s, "artifacts"); got.ids != "14 13 12 11" {
		t.Errorf("before its end: %q", got.ids)
	}
	*now = now.Add(time.Minute)
	if got := list(t, s, "artifacts"); got.ids != "15 14 13 12 11" {
		t.Errorf("after its end: %q", got.ids)
	}
}

// What is deleted or created between two pages moves what follows.
func TestChanges(t *testing.T) {
	t.Parallel()
	const artifacts, runs = "/repos/o/r/actions/artifacts", "/repos/o/r/actions/runs"
	for name, tt := range map[string]struct {
		path   string
		do     func(*Repo)
		second listed // page 2, after page 1 of two items
	}{
		"an artifact is deleted": {artifacts, func(r *Repo) { r.DeleteArtifact(15) }, listed{ids: "12 11", total: 4}},
		"an artifact is created": {artifacts, func(r *Repo) { r.runs[4].AddArtifact(Artifact{ID: 16, Name: "x"}) }, listed{ids: "14 13", total: 6}},
		"a run is deleted":       {runs, func(r *Repo) { r.DeleteRun(5) }, listed{ids: "2 1", total: 4}},
		"a run is created":       {runs, func(r *Repo) { r.AddRun(Run{ID: 6, Workflow: r.workflows[0]}) }, listed{ids: "4 3", total: 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, _ := history(t)
			s.Change(Change{Path: tt.path, After: 1, Do: func() { tt.do(r) }})
			what := strings.TrimPrefix(tt.path, "/repos/o/r/actions/") + "?per_page=2&page="
			first, second := list(t, s, what+"1"), list(t, s, what+"2")
			if first.total != 5 || len(strings.Fields(first.ids)) != 2 {
				t.Errorf("page 1: %+v", first)
			}
			if second.ids != tt.second.ids || second.total != tt.second.total {
				t.Errorf("page 2: %+v, want %+v", second, tt.second)
			}
		})
	}
}

// A deleted run has no artifacts any more.
func TestDeletedRun(t *testing.T) {
	t.Parallel()
	s, r, _ := history(t)
	r.DeleteRun(5)
	if got := list(t, s, "artifacts"); got.ids != "14 13 12 11" {
		t.Errorf("artifacts %q", got.ids)
	}
	for _, path := range []string{"runs/5", "runs/5/artifacts", "artifacts/15", "artifacts/15/zip"} {
		if res, body := ask(t, http.MethodGet, s.APIURL+"/repos/o/r/actions/"+path, "Authorization", "Bearer tok"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

// A run appears at a time of the server's clock, or when it was asked for often enough.
func TestLaterAppearance(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change Change
		polls  string // the newest run, poll by poll, 20 seconds apart
	}{
		"at a time":         {Change{At: time.Date(2026, 1, 1, 12, 0, 30, 0, time.UTC)}, "5 5 6 6"},
		"after two polls":   {Change{After: 2}, "5 5 6 6"},
		"polls of its list": {Change{After: 1, Path: "/repos/o/r/actions/runs"}, "5 6 6 6"},
		"of another list":   {Change{After: 1, Path: "/repos/o/r/actions/artifacts"}, "5 5 5 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, now := history(t)
			tt.change.Do = func() { r.AddRun(Run{ID: 6, Workflow: r.workflows[0]}) }
			s.Change(tt.change)
			var polls []string
			for range 4 {
				newest, _, _ := strings.Cut(list(t, s, "runs").ids, " ")
				polls = append(polls, newest)
				*now = now.Add(20 * time.Second)
			}
			if got := strings.Join(polls, " "); got != tt.polls {
				t.Errorf("%s, want %s", got, tt.polls)
			}
		})
	}
}

// Single things vanish, though lists have them: that is a Fault with GitHub's words.
func TestVanished(t *testing.T) {
	t.Parallel()
	s, _, _ := history(t)
	const repo = "/repos/o/r/actions/"
	for path, f := range map[string]Fault{
		"runs/5":                {Status: 404, Message: "Not Found"},
		"runs/5/artifacts":      {Status: 404, Message: "Not Found"},
		"artifacts/15/zip":      {Status: 410, Message: "Artifact has expired"},
		"workflows/ci.yml/runs": {Status: 404, Message: "Not Found"},
	} {
		f.Path, f.Times = repo+path, -1
		s.Fault(f)
		for range 2 {
			res, body := ask(t, http.MethodGet, s.APIURL+repo+path, "Authorization", "Bearer tok")
			var says struct{ Message string }
			if err := json.Unmarshal([]byte(body), &says); err != nil || res.StatusCode != f.Status || says.Message != f.Message {
				t.Errorf("%s: %d %s", path, res.StatusCode, body)
			}
		}
	}
	if got := list(t, s, "runs"); got.ids != "5 4 3 2 1" {
		t.Errorf("runs %q", got.ids)
	}
}

// A former name leads to the repository's id, below which all is as below its name.
func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]Options{"github.com": {}, "Enterprise Server": {Enterprise: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, run := setUp(t, opt)
			a := run.AddArtifact(Artifact{Name: "dist"})
			id := run.repo.ID
			s.Rename("o/old", run.repo)
			for path, status := range map[string]int{
				"": 200, "/actions/runs?per_page=5&branch=main": 200, fmt.Sprintf("/actions/runs/%d/artifacts", run.ID): 200,
				fmt.Sprintf("/actions/artifacts/%d/zip", a.ID): 302, "/actions/runs/999": 404, "/branches/none": 404,
			} {
				res, body := ask(t, http.MethodGet, s.APIURL+"/repos/O/Old"+path, "Authorization", "Bearer tok")
				to := res.Header.Get("Location")
				if want := fmt.Sprintf("%s/repositories/%d%s", s.APIURL, id, path); res.StatusCode != http.StatusMovedPermanently || to != want {
					t.Fatalf("%s: %d %s to %s, want %s", path, res.StatusCode, body, to, want)
				}
				if res, body = ask(t, http.MethodGet, to, "Authorization", "Bearer tok"); res.StatusCode != status {
					t.Errorf("%s: %d %s", to, res.StatusCode, body)
				}
				if strings.Contains(body, "o/old") {
					t.Errorf("%s has the former name: %s", to, body)
				}
			}
			if res, body := ask(t, http.MethodGet, fmt.Sprintf("%s/repositories/%d/actions/runs", s.APIURL, id+1000), "Authorization", "Bearer tok"); res.StatusCode != http.StatusNotFound {
				t.Errorf("another id: %d %s", res.StatusCode, body)
			}
		})
	}
}

// Links name the repository by its id and keep the parameters.
func TestLinks(t *testing.T) {
	t.Parallel()
	s, r, _ := history(t)
	at := fmt.Sprintf("%s/repositories/%d/actions/runs?", s.APIURL, r.ID)
	link := func(rel string, page int) string {
		return fmt.Sprintf(`<%sbranch=main&page=%d&per_page=1>; rel="%s"`, at, page, rel)
	}
	for page, want := range map[int][]string{
		1: {link("next", 2), link("last", 4)},
		2: {link("prev", 1), link("next", 3), link("last", 4), link("first", 1)},
		4: {link("prev", 3), link("first", 1)},
	} {
		got := list(t, s, fmt.Sprintf("runs?branch=main&per_page=1&page=%d", page))
		if got.links != strings.Join(want, ", ") || got.total != 4 {
			t.Errorf("page %d: %d in all, %s", page, got.total, got.links)
		}
	}
	// A list narrowed by a parameter ends after 1,000 runs, but counts all.
	for range 1100 {
		r.AddRun(Run{Workflow: r.workflows[0]})
	}
	got := list(t, s, "runs?branch=main&per_page=100&page=10")
	if got.total != 1104 || len(strings.Fields(got.ids)) != 100 || strings.Contains(got.links, "next") {
		t.Errorf("%d in all, %s", got.total, got.links)
	}
}
