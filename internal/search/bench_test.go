package search

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// instant is a server that answers at once, and has every run and artifact.
type instant struct {
	Source
	artifacts []artifact.Artifact
	runs      []artifact.Run
}

func (s instant) Run(_ context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	return artifact.Run{ID: id, Repo: repo, Status: artifact.Completed}, nil
}

func (s instant) Artifact(_ context.Context, repo artifact.Repo, id int64) (artifact.Artifact, error) {
	return artifact.Artifact{ID: id, Repo: repo, Name: fmt.Sprint(id), Run: &artifact.RunRef{ID: id}}, nil
}

func (s instant) Artifacts(_ context.Context, repo artifact.Repo, _ ArtifactQuery) (Page[artifact.Artifact], error) {
	if s.artifacts == nil {
		return Page[artifact.Artifact]{Items: []artifact.Artifact{{ID: 1, Repo: repo, Name: "dist"}}}, nil
	}
	return Page[artifact.Artifact]{Items: s.artifacts}, nil
}

func (s instant) Runs(context.Context, artifact.Repo, RunQuery) (Page[artifact.Run], error) {
	return Page[artifact.Run]{Items: s.runs}, nil
}

// BenchmarkLongLists shows that time grows with the length of lists, not with
// its square: each case in a tenth of the length beside it.
func BenchmarkLongLists(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		var names []string
		var ids []int64
		var artifacts []artifact.Artifact
		var runs []artifact.Run
		for i := 1; i <= n; i++ {
			names, ids = append(names, fmt.Sprint("part-", i)), append(ids, int64(i))
			artifacts = append(artifacts, artifact.Artifact{ID: int64(i), Repo: app, Name: names[i-1], Run: &artifact.RunRef{ID: 7}})
		}
		for i := range 100 {
			runs = append(runs, artifact.Run{ID: int64(i), Repo: app, Event: "x", CreatedAt: epoch.Add(-time.Duration(i) * time.Hour)})
		}
		one := []artifact.Repo{app}
		for name, tt := range map[string]struct {
			source instant
			req    Request
		}{
			"artifact ids":    {instant{}, Request{Repos: one, ArtifactIDs: ids}},
			"run ids":         {instant{}, Request{Repos: one, RunIDs: ids}},
			"names":           {instant{artifacts: artifacts}, Request{Repos: one, RunIDs: ids[:1], Select: artifact.Selector{Names: names}}},
			"names, none":     {instant{}, Request{Repos: one, RunIDs: ids[:1], Select: artifact.Selector{Names: names}, Brief: true}},
			"exact patterns":  {instant{artifacts: artifacts}, Request{Repos: one, RunIDs: ids[:1], Select: artifact.Selector{Patterns: names}}},
			"events":          {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Events: names, Brief: true}},
			"all artifacts":   {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Brief: true}},
			"pattern, search": {instant{runs: runs, artifacts: artifacts}, Request{Repos: one, Select: artifact.Selector{Patterns: []string{"part-*"}}, Brief: true}},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					_, _ = Chooser{Source: tt.source}.Choose(b.Context(), tt.req)
				}
			})
		}
	}
}
