package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestLimitOfTheHour searches through runs with 100 artifacts each: whichever list is
// read, that takes a request for each of them.
func TestLimitOfTheHour(t *testing.T) {
	t.Parallel()
	var bin strings.Builder
	for i := range 100 {
		fmt.Fprintf(&bin, " bin-%d", i)
	}
	const costly, reserved = "the search has sent 101 requests so far: ", "not sent, because the search has sent "
	for name, tt := range map[string]struct {
		limit    string
		runs     int
		newest   string // a run
		inputs   []string
		want     string // what was found
		says     []string
		lacks    []string
		most     int
		fetching bool
	}{
		"enough is left": {limit: "1000", runs: 104, inputs: []string{"pattern", "nope-*"}, most: 1000,
			says:  []string{costly, "requests sent to GitHub's API; to find runs and artifacts: ", " would narrow it"},
			lacks: []string{reserved}},
		"the last hundred": {limit: "160", runs: 70, inputs: []string{"pattern", "nope-*"}, most: 60,
			says:  []string{"::error::", reserved, " requests, the rate limit has 100 left until ", "and a search leaves the last 100 to others", "narrow it by ", "use a GitHub App (app-id), or run the step again after "},
			lacks: []string{costly, "artifacts found", "Did you mean"}},
		"limits are off": {limit: "-1", runs: 104, inputs: []string{"pattern", "nope-*"}, most: 1000,
			says: []string{costly}, lacks: []string{reserved}},
		"a search that ends before":      {limit: "60", runs: 10, newest: "105: dist", inputs: []string{"name", "dist"}, want: "105: dist", most: 8, lacks: []string{costly, reserved, "to find runs and artifacts"}},
		"runs by id are no search":       {limit: "160", runs: 70, inputs: []string{"run-id", ids(1, 70)}, most: 140, want: "70: "},
		"downloads may spend the rest":   {limit: "110", runs: 10, newest: "105:" + bin.String(), inputs: []string{"dry-run", "false", "skip-decompress", "true", "pattern", "bin-*"}, fetching: true, most: 110, want: "105: "},
		"a policy does not make it pass": {limit: "160", runs: 70, inputs: []string{"pattern", "nope-*", "if-no-artifact-found", "ignore"}, most: 60, says: []string{"::error::"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := []string{"server rate-limit=" + tt.limit, fmt.Sprintf("1..%d:%s", tt.runs, bin.String())}
			if tt.newest != "" {
				world = append(world, tt.newest)
			}
			w := newSearchWorld(t, world)
			found, n, got := w.find(t, in(tt.inputs...))
			if n > tt.most {
				t.Errorf("%d requests, more than %d", n, tt.most)
			}
			if tt.want != "" && !strings.HasPrefix(found, tt.want) || (got.outputs["found"] == "true") != (tt.want != "") {
				t.Errorf("found %s, want %s", found, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(got.log, s) {
					t.Errorf("the log lacks %q", s)
				}
			}
			for _, s := range tt.lacks {
				if strings.Contains(got.log, s) {
					t.Errorf("the log says %q", s)
				}
			}
			if tt.fetching && w.Count(githubsim.Storage) == 0 {
				t.Error("nothing was fetched")
			}
			if t.Failed() {
				t.Log("\n" + got.log)
			}
		})
	}
}

// ids lists numbers, a line each, the highest first.
func ids(from, to int) string {
	var list []string
	for id := to; id >= from; id-- {
		list = append(list, fmt.Sprint(id))
	}
	return strings.Join(list, "\n")
}
