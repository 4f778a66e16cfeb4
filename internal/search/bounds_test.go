package search

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/artifact"
)

// After the first failure no further requests are begun, however long the list is.
func TestFailuresEndLongLists(t *testing.T) {
	t.Parallel()
	const many = 1000
	var ids []int64
	w := &world{}
	for id := int64(1); id <= many; id++ {
		ids = append(ids, id)
		w.runs = append(w.runs, artifact.Run{ID: id, Repo: app, RepoID: 1, HeadRepoID: 1, Status: artifact.Completed, Conclusion: "success"})
		w.artifacts = append(w.artifacts, artifact.Artifact{ID: id, Repo: app, Name: fmt.Sprint(id), Run: &artifact.RunRef{ID: id}})
	}
	without := func(gone int64) *world {
		v := &world{gone: []int64{gone}, runs: w.runs}
		for _, a := range w.artifacts {
			if a.ID != gone {
				v.artifacts = append(v.artifacts, a)
			}
		}
		return v
	}
	repos := func(n int) []artifact.Repo {
		list := make([]artifact.Repo, n)
		for i := range list {
			list[i] = artifact.Repo{Owner: "octo", Name: fmt.Sprintf("r%d", i)}
		}
		return list
	}
	one := []artifact.Repo{app}
	tests := map[string]struct {
		gone int64
		req  Request
		want string
		most int // requests
	}{
		"artifacts, the first":            {1, Request{Repos: one, ArtifactIDs: ids}, "artifact 1 of octo/app: not found", maxConcurrent},
		"artifacts, in the middle":        {500, Request{Repos: one, ArtifactIDs: ids}, "artifact 500 of octo/app: not found", 500 + maxConcurrent},
		"artifacts, the last":             {many, Request{Repos: one, ArtifactIDs: ids}, "artifact 1000 of octo/app: not found", many},
		"artifacts, in the last of two":   {1, Request{Repos: []artifact.Repo{lib, app}, ArtifactIDs: append([]int64{70}, ids...)}, "artifact 1 not found in octo/lib, octo/app", many + 1 + maxConcurrent},
		"runs, the first":                 {1, Request{Repos: one, RunIDs: ids}, "run 1 of octo/app: not found", 2 * maxConcurrent},
		"runs, in the middle":             {500, Request{Repos: one, RunIDs: ids}, "run 500 of octo/app: not found", 2 * (500 + maxConcurrent)},
		"repositories, none has it":       {0, Request{Repos: repos(8000), Select: artifact.Selector{Names: []string{"dist"}}, Brief: true}, `artifact "dist" not found in octo/r0; no run of the repository has it`, 2 * maxConcurrent},
		"repositories, by artifact id":    {0, Request{Repos: repos(8000), ArtifactIDs: ids[:1]}, "artifact 1 not found in octo/r0", 1},
		"repositories, and too few ids":   {0, Request{Repos: append([]artifact.Repo{app}, repos(8000)...), ArtifactIDs: ids}, "artifacts 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 990 more not found in octo/r0", many},
		"a run that lacks it, the first":  {0, Request{Repos: one, RunIDs: ids, Select: artifact.Selector{Names: []string{"1000"}}, Brief: true}, `artifact "1000" not found in run 1 of octo/app; the run has no other artifacts`, 2 * maxConcurrent},
		"a run that lacks it, the second": {0, Request{Repos: one, RunIDs: ids, Select: artifact.Selector{Names: []string{"1"}}, Brief: true}, `artifact "1" not found in run 2 of octo/app; the run has no other artifacts`, 2 * (maxConcurrent + 1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := without(tt.gone)
			if len(tt.req.Repos) == 2 {
				v.artifacts = append(v.artifacts, artifact.Artifact{ID: 70_000, Repo: lib, Name: "x"})
				tt.req.ArtifactIDs[0] = 70_000
			}
			_, err := Chooser{Source: v}.Choose(t.Context(), tt.req)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if len(v.calls) > tt.most {
				t.Errorf("%d requests, at most %d are needed", len(v.calls), tt.most)
			}
		})
	}
}

// Messages name only the first few of many things.
func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	const many = 5000
	long := strings.Repeat("x", 10_000)
	var names []string
	var ids []int64
	var repos []artifact.Repo
	for i := range many {
		names = append(names, fmt.Sprintf("%s%d", long[:100], i))
		ids = append(ids, int64(i+1))
		repos = append(repos, artifact.Repo{Owner: "octo", Name: fmt.Sprint("r", i)})
	}
	other := strings.Repeat("y", 10_000)
	huge := []string{other, other + "1", other + "2", other + "3"}
	w := &world{}
	w.run(1, failed, func(r *artifact.Run) { r.HeadBranch = long })
	w.artifact(10, 1, long)
	for i := range 100 {
		w.artifact(int64(20+i), 1, names[i])
	}
	for name, req := range map[string]Request{
		"names":                {RunIDs: []int64{1}, Select: artifact.Selector{Names: names}},
		"long names":           {RunIDs: []int64{1}, Select: artifact.Selector{Names: huge}},
		"patterns":             {RunIDs: []int64{1}, Select: artifact.Selector{Patterns: names[many/2:]}},
		"branches":             {Branches: names[:20]},
		"long branches":        {Branches: huge},
		"events":               {Events: names},
		"conclusions":          {Conclusions: names},
		"run ids":              {Repos: []artifact.Repo{lib, app}, RunIDs: ids[1:]},
		"artifact ids":         {Repos: []artifact.Repo{lib, app}, ArtifactIDs: ids[100:]},
		"repositories":         {Repos: append([]artifact.Repo{app}, repos...), ArtifactIDs: []int64{10}},
		"a long workflow":      {Workflow: long + ".yml"},
		"a long name of one":   {Workflow: long},
		"a long actor":         {Actor: long},
		"many names, a search": {Select: artifact.Selector{Names: names}},
	} {
		if req.Repos == nil {
			req.Repos = []artifact.Repo{app}
		}
		plan, err := Chooser{Source: w}.Choose(t.Context(), req)
		if err == nil {
			t.Errorf("%s: found", name)
			continue
		}
		if n := len(err.Error()); n > 8<<10 {
			t.Errorf("%s: the error has %d bytes", name, n)
		}
		for _, p := range plan.PassedOver {
			if len(p.Reason) > 2<<10 {
				t.Errorf("%s: a reason has %d bytes", name, len(p.Reason))
			}
		}
	}
}
