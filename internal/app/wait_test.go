package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestWait waits on a clock on which time passes in pauses only.
func TestWait(t *testing.T) {
	t.Parallel()
	finish := func(conclusion string) func(*searchWorld) {
		return func(w *searchWorld) { w.Finish(w.run(7), conclusion) }
	}
	upload := func(w *searchWorld) { w.Attempt(7, githubsim.Artifact{Name: "dist"}) }
	tests := map[string]struct {
		world string
		at    map[time.Duration]func(*searchWorld) // what happens when
		in    map[string]string
		want  string
		says  []string
		took  time.Duration
		spent int // requests that count
	}{
		"until it is completed": {world: "1:\n7 status=in_progress: dist", at: map[time.Duration]func(*searchWorld){3 * time.Minute: finish("success")},
			in: in("name", "dist", "wait", "10m"), want: "7: dist", says: []string{"run 7 (CI #2) is in_progress", "of them free, as nothing had changed"}, took: 3*time.Minute + 41*time.Second, spent: 3},
		"until it has the artifact": {world: "7 status=in_progress:", at: map[time.Duration]func(*searchWorld){time.Minute: upload},
			in: in("name", "dist", "conclusion", "any", "wait", "10m"), want: "7: dist", took: 66 * time.Second, spent: 3},
		"it fails": {world: "7 status=queued: dist", at: map[time.Duration]func(*searchWorld){time.Minute: finish("failure")},
			in: in("name", "dist", "wait", "10m"), want: "no waited 2m41s, and no run that could match is under way", took: 161 * time.Second, spent: 4},
		"time is up": {world: "7 status=in_progress: dist", in: in("name", "dist", "wait", "90s"),
			want: "no waited 1m30s, and run 7 (CI #1) is still in_progress", took: 90 * time.Second, spent: 3},
		"nothing under way": {world: "7: logs", in: in("name", "dist", "wait", "1h"),
			want: "no waited 2m0s, and no run that could match is under way", took: 2 * time.Minute, spent: 4},
		"on another branch": {world: "7 status=in_progress branch=dev: dist", in: in("name", "dist", "branch", "main", "wait", "1h"),
			want: "no waited 2m0s, and no run", took: 2 * time.Minute, spent: 3},
		"of a fork": {world: "7 status=in_progress fork: dist", in: in("name", "dist", "wait", "1h"),
			want: "no waited 2m0s, and no run", took: 2 * time.Minute, spent: 3},
		"the trigger, listed late": {world: "7:", at: map[time.Duration]func(*searchWorld){30 * time.Second: upload},
			in: in("name", "dist", "wait", "5m", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`), want: "7: dist", took: 41 * time.Second, spent: 3},
		"without wait": {world: "7 status=in_progress: dist", in: in("name", "dist"),
			want: "no Run 7 is still under way: wait: 10m would wait for it", spent: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSearchWorld(t, strings.Split(tt.world, "\n"))
			now := searchTime
			w.now = func() time.Time { return now }
			w.pause = func(ctx context.Context, d time.Duration) error {
				now = now.Add(d)
				for after, happens := range tt.at {
					if !now.Before(searchTime.Add(after)) {
						happens(w)
						delete(tt.at, after)
					}
				}
				return context.Cause(ctx)
			}
			found, _, got := w.find(t, tt.in)
			want, fails := strings.CutPrefix(tt.want, "no ")
			if fails && !strings.Contains(got.log, want) || !fails && found != want {
				t.Errorf("found %s, want %s", found, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(got.log, s) {
					t.Errorf("the log lacks %q", s)
				}
			}
			if took := now.Sub(searchTime).Round(time.Second); took != tt.took {
				t.Errorf("took %s, want %s", took, tt.took)
			}
			spent := 0
			for _, r := range w.Log() {
				if r.Host == githubsim.API && r.Status != 304 {
					spent++
				}
			}
			if spent != tt.spent {
				t.Errorf("%d requests that count, want %d", spent, tt.spent)
			}
			if t.Failed() {
				t.Log("\n" + got.log)
			}
		})
	}
}
