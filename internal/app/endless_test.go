package app

import (
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Lists that never end make the step fail; the step does not read for ever.
func TestEndlessPages(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"a name": in("name", "nothing"), "a pattern": in("pattern", "nothing-*"), "a workflow by its name": in("workflow", "No such", "name", "x"),
		"of a run": in("run-id", "1", "pattern", "nothing-*"), "any workflow": in("workflow", "*", "name", "nothing"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{EndlessPages: true})
			f := w.step(t.Context(), t, env)
			if n := w.Count(githubsim.API); f.code != exitFailure || n > 60 {
				t.Errorf("exit %d after %d requests:\n%s", f.code, n, f.log)
			}
		})
	}
}

// A reset counts by GitHub's clock: with a runner's that is an hour off, the
// step waits as long as it has to.
func TestResetWithAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		w := newWorld(t, githubsim.Options{})
		w.now = func() time.Time { return time.Now().Add(off) }
		w.Fault(githubsim.Fault{Host: githubsim.API, PrimaryLimit: 5 * time.Second})
		f := w.step(t.Context(), t, in("name", "dist"))
		if f.code != exitOK {
			t.Errorf("%s off: exit %d\n%s", off, f.code, f.log)
		}
	}
}
