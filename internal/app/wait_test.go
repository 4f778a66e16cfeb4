package app

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestWait waits on a clock on which time passes in pauses only.
func TestWait(t *testing.T) {
	t.Parallel()
	const random = -1 // because requests are repeated
	finish := func(conclusion string) func(*searchWorld) {
		return func(w *searchWorld) { w.Finish(w.run(7), conclusion) }
	}
	upload := func(w *searchWorld) { w.Attempt(7, githubsim.Artifact{Name: "dist"}) }
	mine := func(w *searchWorld) { w.Attempt(90000, githubsim.Artifact{Name: "dist"}) }
	add := func(line, artifacts string) func(*searchWorld) {
		return func(w *searchWorld) {
			words := strings.Fields(line)
			w.add(t, number(t, words[0]), words[1:], strings.Fields(artifacts))
		}
	}
	tests := map[string]struct {
		world string
		ahead time.Duration                        // of the server's clock, which dates what the world has
		at    map[time.Duration]func(*searchWorld) // what happens when
		in    map[string]string
		want  string
		says  []string
		took  time.Duration
		spent int // requests that count
	}{
		"until it is completed": {world: "1:\n7 status=in_progress: dist", at: map[time.Duration]func(*searchWorld){3 * time.Minute: finish("success")},
			in: in("name", "dist", "wait", "10m"), want: "7: dist", says: []string{"run 7 (CI #2) is in_progress", "of them free, as nothing had changed"}, took: 3*time.Minute + 41*time.Second, spent: 4},
		"until it has the artifact": {world: "7 status=in_progress:", at: map[time.Duration]func(*searchWorld){time.Minute: upload},
			in: in("name", "dist", "conclusion", "any", "wait", "10m"), want: "7: dist", took: 66 * time.Second, spent: 4},
		"it fails": {world: "7 status=queued: dist", at: map[time.Duration]func(*searchWorld){time.Minute: finish("failure")},
			in: in("name", "dist", "wait", "10m"), want: "no waited 10m0s, and no run that could match is under way", took: 10 * time.Minute, spent: 4},
		"time is up": {world: "7 status=in_progress: dist", in: in("name", "dist", "wait", "90s"),
			want: "no waited 1m30s, and run 7 (CI #1) is still in_progress", took: 90 * time.Second, spent: 3},
		"nothing under way": {world: "7: logs", in: in("name", "dist", "wait", "5m"),
			want: "no waited 5m0s, and no run that could match is under way", took: 5 * time.Minute, spent: 4},
		"on another branch": {world: "7 status=in_progress branch=dev: dist", in: in("name", "dist", "branch", "main", "wait", "5m"),
			want: "no waited 5m0s, and no run", took: 5 * time.Minute, spent: 3},
		"of a fork": {world: "7 status=in_progress fork: dist", in: in("name", "dist", "wait", "5m"),
			want: "no waited 5m0s, and no run", took: 5 * time.Minute, spent: 3},
		"nothing under way, and then there is": {world: "7: logs", at: map[time.Duration]func(*searchWorld){150 * time.Second: add("8 age=-150s", "dist")},
			in: in("name", "dist", "wait", "10m"), want: "8: dist", took: 161 * time.Second, spent: 6},
		"the list of artifacts is empty": {world: "lie artifacts empty\n7 age=2h ended=1h: dist", in: in("name", "dist", "wait", "10m"), want: "7: dist", spent: 5},
		"all of a run": {world: "7 status=in_progress: one", at: map[time.Duration]func(*searchWorld){time.Minute: upload, 2 * time.Minute: finish("failure")},
			in: in("conclusion", "any", "wait", "10m"), want: "7: one dist", says: []string{"run 7 (CI #1) is in_progress"}, took: 161 * time.Second, spent: 5},
		"all of a run in a status": {world: "7 status=in_progress: one", in: in("conclusion", "in_progress", "wait", "10m"), want: "7: one", spent: 3},
		"no such workflow":         {world: "7: logs", in: in("name", "dist", "workflow", "none.yml", "wait", "10m"), want: "no workflow \"none.yml\" not found", spent: 4},
		"no such repository":       {world: "7: logs", in: in("name", "dist", "repository", "octo/none", "wait", "10m"), want: "no list runs of octo/none: GitHub answered 404", spent: 2},
		"the server is in trouble": {world: "7: logs", at: map[time.Duration]func(*searchWorld){
			5 * time.Second: func(w *searchWorld) {
				w.Fault(githubsim.Fault{Host: githubsim.API, Path: below + "artifacts", Status: 503, Times: 4})
			}, time.Minute: upload,
		}, in: in("name", "dist", "wait", "10m"), want: "7: dist", took: random, says: []string{"503 Service Unavailable", "looking again in 8s"}, spent: 9},
		"no such token": {world: "7: logs", in: in("name", "dist", "github-token", "none", "wait", "10m"), want: "no 401 Unauthorized", spent: 3},

		"the current run": {world: "7: dist", at: map[time.Duration]func(*searchWorld){6 * time.Second: mine},
			in: in("run-id", "current", "name", "dist", "wait", "2m"), want: "90000: dist", took: 13 * time.Second, spent: 3},
		"the current run, all of it": {world: "7: dist", in: in("run-id", "current", "wait", "2m"), want: "90000: mine",
			says: []string{"run 90000 is still under way, and more artifacts may follow"}, spent: 2},
		"the current run, no longer": {world: "7: dist", in: in("run-id", "current", "name", "dist", "wait", "2m"),
			want: "no waited 2m0s, and run 90000 (CI #2) is still in_progress", took: 2 * time.Minute, spent: 3},
		"the current run, without wait": {world: "7: dist", in: in("run-id", "current", "name", "dist"), want: "no wait: 10m would wait for it", spent: 3},
		"the current run first": {world: "7: logs", at: map[time.Duration]func(*searchWorld){6 * time.Second: mine},
			in: in("current-first", "true", "name", "dist", "wait", "2m"), want: "90000: dist", took: 13 * time.Second, spent: 6},
		"the current run first, but an earlier one has it": {world: "7 status=in_progress: dist", at: map[time.Duration]func(*searchWorld){time.Minute: finish("success")},
			in: in("current-first", "true", "name", "dist", "wait", "10m"), want: "7: dist", took: 66 * time.Second, spent: 4},
		"the current run first, and any artifact of it": {world: "7: dist", in: in("current-first", "true", "pattern", "m*", "wait", "10m"), want: "90000: mine",
			says: []string{"run 90000 is still under way, and more artifacts may follow"}, spent: 2},
		"the current run first, and then the trigger": {world: "7: logs", at: map[time.Duration]func(*searchWorld){6 * time.Second: mine},
			in: in("current-first", "true", "name", "dist", "wait", "2m", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`), want: "90000: dist", took: 13 * time.Second, spent: 5},
		"the trigger, and not yet the current run": {world: "7: logs", at: map[time.Duration]func(*searchWorld){6 * time.Second: upload, time.Minute: mine},
			in: in("current-first", "true", "name", "dist", "wait", "2m", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`), want: "7: dist", took: 13 * time.Second, spent: 4},
		"the current run first, by a former name": {world: "renamed octo/old\n7: logs", at: map[time.Duration]func(*searchWorld){6 * time.Second: mine},
			in: in("repository", "octo/old", "current-first", "true", "name", "dist", "wait", "2m"), want: "90000: dist", took: 13 * time.Second, spent: random},
		"a run that is deleted": {world: "6: logs\n7 status=in_progress: logs", at: map[time.Duration]func(*searchWorld){20 * time.Second: func(w *searchWorld) { w.repos["app"].DeleteRun(7) }},
			in: in("run-id", "7", "name", "dist", "wait", "10m"), want: "no run 7 not found in octo/app; waited 1m24s", took: 84 * time.Second, spent: random},
		"a match that is deleted": {world: "6: dist\n7 status=in_progress: dist", at: map[time.Duration]func(*searchWorld){20 * time.Second: func(w *searchWorld) { w.repos["app"].DeleteRun(7) }},
			in: in("name", "dist", "conclusion", "in_progress\nfailure", "wait", "1m"), want: "7: dist", took: 0, spent: random},
		"a run, deleted and another one created": {world: "7 status=in_progress: dist", at: map[time.Duration]func(*searchWorld){
			20 * time.Second: func(w *searchWorld) { w.repos["app"].DeleteRun(7) }, time.Minute: add("8 age=-60s", "dist")},
			in: in("name", "dist", "wait", "10m"), want: "8: dist", took: 66 * time.Second, spent: random},
		"several names, one after the other": {world: "7 status=in_progress: logs", at: map[time.Duration]func(*searchWorld){20 * time.Second: upload, time.Minute: finish("success")},
			in: in("name", "dist\nlogs", "wait", "10m"), want: "7: logs dist", took: 66 * time.Second, spent: random},
		"a name that no run ever had": {world: "7 status=in_progress: logs", in: in("name", "nope", "wait", "1m"),
			want: "no no run of the repository has it", took: time.Minute, spent: random},
		"a run": {world: "7 status=in_progress: logs", at: map[time.Duration]func(*searchWorld){time.Minute: upload},
			in: in("run-id", "7", "name", "dist", "wait", "10m"), want: "7: dist", took: 66 * time.Second, spent: 3},
		"a run, all of it": {world: "7 status=in_progress: logs", at: map[time.Duration]func(*searchWorld){time.Minute: upload, 2 * time.Minute: finish("failure")},
			in: in("run-id", "7", "wait", "10m"), want: "7: logs dist", took: 161 * time.Second, says: []string{"run 7 of octo/app is not completed, so its artifacts may not all be there yet"}, spent: 3},
		"a run, all of it, no longer": {world: "7 status=in_progress: logs", in: in("run-id", "7", "wait", "1m"),
			want: "no run 7 of octo/app is not completed, so its artifacts may not all be there yet; waited 1m0s, and run 7 (CI #1) is still in_progress", took: time.Minute, spent: 1},
		"a run, all of it, without wait": {world: "7 status=in_progress: logs", in: in("run-id", "7"), want: "7: logs", spent: 2},
		"a run that ends without it": {world: "7 status=in_progress: logs", at: map[time.Duration]func(*searchWorld){time.Minute: finish("failure")},
			in: in("run-id", "7", "name", "dist", "wait", "10m"), want: "no waited 2m6s, and the run is over", took: 126 * time.Second, spent: 4},
		"a run that has ended": {world: "7 ended=40s: logs", in: in("run-id", "7", "name", "dist", "wait", "10m"),
			want: "no waited 20s, and the run is over", took: 20 * time.Second, spent: 3},
		"a run that has ended, by a clock ahead": {ahead: time.Hour, world: "7 ended=-3580s: logs", in: in("run-id", "7", "name", "dist", "wait", "10m"),
			want: "no waited 40s, and the run is over", took: 40 * time.Second, spent: 3},
		"a run that has ended, by a clock behind": {ahead: -time.Hour, world: "7 ended=3640s: logs", in: in("run-id", "7", "name", "dist", "wait", "10m"),
			want: "no waited 20s, and the run is over", took: 20 * time.Second, spent: 3},
		"a run that ended long ago": {world: "7 ended=1h: logs", in: in("run-id", "7", "name", "dist", "wait", "10m"), want: `no artifact "dist" not found in run 7`, spent: 3},
		"a run, listed late": {world: "7 ended=5s: logs", at: map[time.Duration]func(*searchWorld){30 * time.Second: upload},
			in: in("run-id", "7", "name", "dist", "wait", "10m"), want: "7: dist", took: 41 * time.Second, spent: 3},
		"a run that does not exist": {world: "7: dist", in: in("run-id", "8", "name", "dist", "wait", "10m"), want: "no run 8 not found in octo/app; waited 1m0s", took: time.Minute, spent: 13},
		"a run that appears": {world: "7: dist", at: map[time.Duration]func(*searchWorld){20 * time.Second: add("8 age=-20s", "dist")},
			in: in("run-id", "8", "name", "dist", "wait", "10m"), want: "8: dist", took: 24 * time.Second, spent: 8},
		"several runs, all of them": {world: "7: logs\n8: dist", at: map[time.Duration]func(*searchWorld){6 * time.Second: mine},
			in: in("run-id", "8\ncurrent", "name", "dist", "wait", "2m"), want: "90000: dist | 8: dist", took: 13 * time.Second, spent: 5},
		"several runs, one of them over": {world: "7 ended=1h: logs", in: in("run-id", "current\n7", "name", "dist", "wait", "2m"), want: `no artifact "dist" not found in run 7`, spent: 6},
		"two repositories, one id in neither": {world: "7 status=in_progress: logs\n8 in=lib status=in_progress: logs", in: in("repository", "octo/app\nocto/lib", "run-id", "7,8,99", "wait", "10m"),
			want: "no run 99 not found in octo/app, octo/lib; waited 1m0s", took: time.Minute, spent: random},
		"an artifact that does not exist": {world: "7: dist", in: in("artifact-ids", "1", "wait", "10m"), want: "no artifact 1 not found in octo/app; waited 1m0s", took: time.Minute, spent: 13},
		"an artifact that appears": {world: "7: dist", at: map[time.Duration]func(*searchWorld){20 * time.Second: func(w *searchWorld) { w.Attempt(7, githubsim.Artifact{ID: 4711, Name: "late"}) }},
			in: in("artifact-ids", "4711", "wait", "10m"), want: "7: late", took: 24 * time.Second, spent: 8},
		"the trigger, listed late": {world: "7:", at: map[time.Duration]func(*searchWorld){30 * time.Second: upload},
			in: in("name", "dist", "wait", "5m", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`), want: "7: dist", took: 41 * time.Second, spent: 3},
		"without wait": {world: "7 status=in_progress: dist", in: in("name", "dist"),
			want: "no Run 7 is still under way: wait: 10m would wait for it", spent: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSearchWorld(t, strings.Split(tt.world, "\n"))
			var passed atomic.Int64 // the server reads the clock, too
			w.ahead = tt.ahead
			w.now = func() time.Time { return searchTime.Add(time.Duration(passed.Load())) }
			w.pause = func(ctx context.Context, d time.Duration) error {
				passed.Add(int64(d))
				for after, happens := range tt.at {
					if time.Duration(passed.Load()) >= after {
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
			if took := time.Duration(passed.Load()).Round(time.Second); took != tt.took && tt.took != random {
				t.Errorf("took %s, want %s", took, tt.took)
			}
			spent := 0
			for _, r := range w.Log() {
				if r.Host == githubsim.API && r.Status != 304 {
					spent++
				}
			}
			if spent != tt.spent && tt.spent != random {
				t.Errorf("%d requests that count, want %d", spent, tt.spent)
			}
			if t.Failed() {
				t.Log("\n" + got.log)
			}
		})
	}
}
