package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Of a long list of ids that begins with a wrong one, few are asked for.
func TestLongListsOfIDs(t *testing.T) {
	t.Parallel()
	var ids []string
	for id := range 1000 {
		ids = append(ids, fmt.Sprint(100_000+id))
	}
	for name, in := range map[string]map[string]string{
		"artifact-ids":            in("artifact-ids", strings.Join(ids, ",")),
		"run-id":                  in("run-id", strings.Join(ids, "\n")),
		"artifact-ids, 2 repos":   in("repository", "octo/lib\nocto/app", "artifact-ids", "51,"+strings.Join(ids, ",")),
		"run-id, in a repository": in("repository", "octo/lib", "run-id", "5,"+strings.Join(ids, ",")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			got := w.step(t.Context(), t, in)
			most := 12 // eight at a time, one to see whether the repository is there, and the artifacts of a run
			if strings.Contains(name, "2 repos") {
				most += 1001 // an id may be in either
			}
			if n := w.Count(githubsim.API); got.code != 1 || n > most {
				t.Errorf("exit code %d, %d requests", got.code, n)
			}
			if n := len(got.outputs["error-message"]); n == 0 || n > 1000 {
				t.Errorf("the message has %d bytes: %s", n, got.outputs["error-message"])
			}
		})
	}
}
