package search

import (
	"context"
	"fmt"
	"testing"

	"github.com/artifetch/artifetch/internal/artifact"
)

// shrinking is a server on which artifacts in front are deleted after some requests.
type shrinking struct {
	*world
	after  map[int]int // requests → artifacts deleted
	served int
}

func (s *shrinking) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	p, err := s.world.Artifacts(ctx, repo, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served++
	s.artifacts = s.artifacts[s.after[s.served]:]
	return p, err
}

// No artifact is missed because others are deleted while the list is read, page by page or
// side by side.
func TestPagesThatShrink(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]map[int]int{
		"nothing is deleted":          {},
		"one, after the first page":   {1: 1},
		"two, after the first page":   {1: 2},
		"one, among others":           {4: 1},
		"after each of several":       {2: 1, 3: 1, 4: 2, 6: 1},
		"again while it is reread":    {1: 1, 13: 2, 14: 1},
		"as the list comes to an end": {10: 3},
		"as many as two pages have":   {5: 25},
		"most of what was read":       {7: 58},
		"while pages are reread":      {2: 1, 3: 12, 4: 1, 5: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &shrinking{world: &world{perPage: 10}, after: after}
			w.run(1)
			deleted := 0
			for _, n := range after {
				deleted += n
			}
			const all = 100
			for id := int64(all); id > 0; id-- {
				w.artifact(id, 1, fmt.Sprintf("a-%d", id))
			}
			list, err := listArtifacts(t.Context(), w, app, ArtifactQuery{RunID: 1})
			has := map[int64]bool{}
			for _, a := range list {
				has[a.ID] = true
			}
			for id := int64(1); id <= int64(all-deleted); id++ {
				if !has[id] {
					t.Errorf("%d is missing; %v, %d requests", id, err, w.served)
				}
			}
			if most := 2*10 + 10; w.served > most {
				t.Errorf("%d requests, more than %d", w.served, most)
			}
		})
	}
}
