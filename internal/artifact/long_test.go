package artifact

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// instant is a server that answers at once, and has every run and artifact.
type instant struct {
	Source
	artifacts []Artifact
	runs      []Run
}

func (s instant) Run(_ context.Context, repo Repo, id int64) (Run, error) {
	return Run{ID: id, Repo: repo, Status: completed}, nil
}

func (s instant) Artifact(_ context.Context, repo Repo, id int64) (Artifact, error) {
	return Artifact{ID: id, Repo: repo, Name: fmt.Sprint(id), Run: &RunRef{ID: id}}, nil
}

func (s instant) Artifacts(_ context.Context, repo Repo, _ Query) (Page[Artifact], error) {
	if s.artifacts == nil {
		return Page[Artifact]{Items: []Artifact{{ID: 1, Repo: repo, Name: "dist"}}}, nil
	}
	return Page[Artifact]{Items: s.artifacts}, nil
}

func (s instant) Runs(context.Context, Repo, RunQuery) (Page[Run], error) {
	return Page[Run]{Items: s.runs}, nil
}

// BenchmarkLongLists shows that time grows with the length of lists, not with
// its square: each case in a tenth of the length beside it.
func BenchmarkLongLists(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		var names []string
		var ids []int64
		var artifacts []Artifact
		var runs []Run
		for i := 1; i <= n; i++ {
			names, ids = append(names, fmt.Sprint("part-", i)), append(ids, int64(i))
			artifacts = append(artifacts, Artifact{ID: int64(i), Repo: app, Name: names[i-1], Run: &RunRef{ID: 7}})
		}
		for i := range 100 {
			runs = append(runs, Run{ID: int64(i), Repo: app, Event: "x", CreatedAt: epoch.Add(-time.Duration(i) * time.Hour)})
		}
		one := []Repo{app}
		for name, tt := range map[string]struct {
			source instant
			req    Request
		}{
			"artifact ids":    {instant{}, Request{Repos: one, ArtifactIDs: ids}},
			"run ids":         {instant{}, Request{Repos: one, RunIDs: ids}},
			"names":           {instant{artifacts: artifacts}, Request{Repos: one, RunIDs: ids[:1], Select: Selector{Names: names}}},
			"names, none":     {instant{}, Request{Repos: one, RunIDs: ids[:1], Select: Selector{Names: names}, Brief: true}},
			"exact patterns":  {instant{artifacts: artifacts}, Request{Repos: one, RunIDs: ids[:1], Select: Selector{Patterns: names}}},
			"events":          {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Events: names, Brief: true}},
			"all artifacts":   {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Brief: true}},
			"pattern, search": {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Select: Selector{Patterns: []string{"part-*"}}, Brief: true}},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					_, _ = Chooser{Source: tt.source}.Choose(b.Context(), tt.req)
				}
			})
		}
	}
}
