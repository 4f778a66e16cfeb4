package docs

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// on is the trigger of an event.
func on(tr trigger) []func(*world, *githubsim.Run) trigger {
	return []func(*world, *githubsim.Run) trigger{func(*world, *githubsim.Run) trigger { return tr }}
}

// after is the trigger of a workflow_run event by the run that a function chooses.
func after(choose func(w *world, before *githubsim.Run) *githubsim.Run) func(*world, *githubsim.Run) trigger {
	return func(w *world, before *githubsim.Run) trigger {
		run := choose(w, before)
		return trigger{event: "workflow_run", payload: map[string]any{"workflow_run": map[string]any{"id": run.ID, "conclusion": run.Conclusion}}}
	}
}

// build is the content of a build.sh.
const build = "#!/bin/sh\nprintf 'current build' > app.bin\n"

// recipes are the recipes by heading.
var recipes = map[string]recipe{
	"A complete workflow": {
		arrange: func(_ *testing.T, w *world) {
			w.checkout["deploy.sh"] = "#!/bin/sh\necho \"$2: $(cat \"$1\"/index.html)\" > deployed\n"
			w.past(3*time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("a")}, "site", zip("index.html", "good"))
			w.past(2*time.Hour, "ci.yml", githubsim.Run{Conclusion: "failure"}, "site", zip("index.html", "failed"))
			w.past(time.Hour, "other.yml", githubsim.Run{}, "site", zip("index.html", "other"))
			w.past(time.Minute, "ci.yml", githubsim.Run{HeadSHA: sha("b")}, "logs", zip("log", "x"))
		},
		files: map[string]string{"deploy: public/index.html": "good", "deploy: deployed": sha("a") + ": good\n"},
	},
	"The run that triggered this workflow": {
		triggers: []func(*world, *githubsim.Run) trigger{after(func(w *world, _ *githubsim.Run) *githubsim.Run {
			run := w.past(time.Hour, "ci.yml", githubsim.Run{}, "site", zip("index.html", "triggering"), "logs", zip("log", "x"))
			w.past(time.Minute, "ci.yml", githubsim.Run{}, "site", zip("index.html", "newer"))
			return run
		})},
		files: map[string]string{"deploy: public/index.html": "triggering"},
	},
	"Report on pull requests from forks": {
		arrange: func(_ *testing.T, w *world) { w.checkout["test.sh"] = "#!/bin/sh\necho 'covered: 91.4%'\n" },
		triggers: []func(*world, *githubsim.Run) trigger{
			func(w *world, _ *githubsim.Run) trigger {
				return trigger{event: "pull_request", head: "fix", run: githubsim.Run{HeadRepo: w.AddFork("mallory/app"), HeadSHA: sha("c"), HeadBranch: "fix"}}
			},
			after(func(_ *world, before *githubsim.Run) *githubsim.Run { return before }),
		},
		commands: map[string]string{"gh": `printf '%s\n' "$@" > "$GITHUB_WORKSPACE/gh.args"`},
		files: map[string]string{
			"test: coverage.txt": "covered: 91.4%\n", "report: $TEMP/coverage/coverage.txt": "covered: 91.4%\n",
			"report: gh.args": "api\nrepos/octo/app/statuses/" + sha("c") + "\n-f\nstate=success\n-f\ncontext=coverage\n-f\ndescription=91.4%\n",
		},
		log: []string{"comes from the fork mallory/app", "treat them as untrusted"},
	},
	"The newest build of this branch, or else of main": {
		arrange: func(_ *testing.T, w *world) {
			w.past(3*time.Hour, "ci.yml", githubsim.Run{HeadBranch: "feature"}, "app", zip("app.bin", "feature"), "logs", zip("log", "x"))
			w.past(2*time.Hour, "ci.yml", githubsim.Run{HeadBranch: "other"}, "app", zip("app.bin", "other"))
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "app", zip("app.bin", "main"))
			w.past(time.Minute, "e2e.yml", githubsim.Run{HeadBranch: "feature"}, "app", zip("app.bin", "not of ci.yml"))
		},
		triggers: on(trigger{event: "pull_request", head: "feature", run: githubsim.Run{HeadBranch: "feature"}}),
		files:    map[string]string{"e2e: app/app.bin": "feature"},
	},
	"This commit's build, once it is done": {
		arrange: func(_ *testing.T, w *world) {
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "app", zip("app.bin", "older"))
			run := w.past(time.Minute, "ci.yml", githubsim.Run{HeadSHA: sha("d"), Status: "in_progress"})
			w.Change(githubsim.Change{At: w.clock.Now().Add(5 * time.Minute), Do: func() {
				run.AddArtifact(githubsim.Artifact{Name: "app", Blob: zip("app.bin", "of this commit"), CreatedAt: w.clock.Now()})
				run.AddArtifact(githubsim.Artifact{Name: "logs", Blob: zip("log", "x"), CreatedAt: w.clock.Now()})
				w.Finish(run, "success")
			}})
		},
		triggers: on(trigger{
			event: "pull_request", head: "feature", run: githubsim.Run{HeadBranch: "feature", HeadSHA: sha("e")}, // the merge commit
			payload: map[string]any{"pull_request": map[string]any{"head": map[string]any{"sha": sha("d")}}},
		}),
		files: map[string]string{"smoke: app/app.bin": "of this commit"},
	},
	"The build of a pull request": {
		arrange: func(_ *testing.T, w *world) {
			fork := w.AddFork("mallory/app")
			w.repo.AddPull(githubsim.Pull{Number: 7, HeadRepo: fork, HeadSHA: sha("f"), HeadBranch: "fix"})
			w.past(time.Hour, "ci.yml", githubsim.Run{Event: "pull_request", HeadRepo: fork, HeadSHA: sha("f"), HeadBranch: "fix"},
				"app", zip("app.bin", "of 7"), "logs", zip("log", "x"))
			w.past(30*time.Minute, "lint.yml", githubsim.Run{Event: "pull_request", HeadRepo: fork, HeadSHA: sha("f"), HeadBranch: "fix"}, "app", zip("app.bin", "linted"))
			w.past(time.Minute, "ci.yml", githubsim.Run{}, "app", zip("app.bin", "of main"))
		},
		triggers: on(trigger{event: "workflow_dispatch", inputs: map[string]any{"pr": 7.0}}),
		files:    map[string]string{"try: $TEMP/app/app.bin": "of 7"},
		outputs:  map[string]string{"try: build.from-fork": "true", "try: build.head-sha": sha("f")},
	},
	"The build of a tag": {
		arrange: func(_ *testing.T, w *world) {
			w.repo.AddAnnotatedTag("v1.2.3", sha("1"))
			w.past(48*time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("1")}, "packages", zip("app.deb", "1.2.3"), "logs", zip("log", "x"))
			w.past(2*time.Hour, "lint.yml", githubsim.Run{HeadSHA: sha("1")}, "packages", zip("app.deb", "linted"))
			w.past(time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("2")}, "packages", zip("app.deb", "newer"))
		},
		triggers: on(trigger{event: "release", payload: map[string]any{"release": map[string]any{"tag_name": "v1.2.3"}}}),
		files:    map[string]string{"publish: packages/app.deb": "1.2.3"},
	},
	"Compare with main": {
		arrange: func(_ *testing.T, w *world) {
			w.checkout["build.sh"] = build
			w.past(2*time.Hour, "size.yml", githubsim.Run{}, "size", zip("size.txt", "10\n"), "logs", zip("log", "x"))
			w.past(time.Hour, "size.yml", githubsim.Run{HeadBranch: "feature"}, "size", zip("size.txt", "99\n"))
		},
		triggers: on(trigger{event: "pull_request", head: "feature", run: githubsim.Run{HeadBranch: "feature"}}),
		files: map[string]string{
			"size: app.bin": "current build", "size: size.txt": "13\n", "size: main/size.txt": "10\n", "size: difference.txt": "3 bytes more than main\n",
		},
		idle: map[string]string{"if-no-artifact-found": "it is for the first time, see the variant 'the first comparison'"},
	},
	"A monorepo: the newest build of each component": {
		arrange: func(_ *testing.T, w *world) {
			w.past(3*time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("1")}, "api", zip("api.bin", "old"), "web", zip("web.bin", "old"))
			w.past(2*time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("2")}, "api", zip("api.bin", "new"), "logs", zip("log", "x"))
			w.past(time.Hour, "ci.yml", githubsim.Run{HeadSHA: sha("3"), HeadBranch: "feature"}, "api", zip("api.bin", "feature"), "web", zip("web.bin", "feature"))
			w.past(time.Minute, "lint.yml", githubsim.Run{HeadSHA: sha("4")}, "api", zip("api.bin", "linted"), "web", zip("web.bin", "linted"))
		},
		files: map[string]string{
			"compose: components/api/api.bin": "new", "compose: components/web/web.bin": "old",
			"compose: components/versions.txt": fmt.Sprintf("api %s\nweb %s\n", sha("2"), sha("1")),
		},
	},
	"Logs of the last failure": {
		arrange: func(_ *testing.T, w *world) {
			w.past(30*24*time.Hour, "ci.yml", githubsim.Run{Conclusion: "failure"}, "logs-unit", zip("log", "long ago"))
			w.past(2*time.Hour, "ci.yml", githubsim.Run{Conclusion: "failure", ID: 4711}, "logs-unit", zip("log", "assertion failed"), "app", zip("x", "x"))
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "logs-unit", zip("log", "ok"))
			w.past(time.Minute, "lint.yml", githubsim.Run{Conclusion: "failure"}, "logs-lint", zip("log", "style"))
		},
		files: map[string]string{"triage: logs/logs-unit/log": "assertion failed"},
		log:   []string{"logs of https://github.com/octo/app/actions/runs/4711"},
		idle:  map[string]string{"max-age": "it bounds how far back the search goes, see the variant 'a failure of last month'"},
	},
	"The last ten runs": {
		arrange: func(_ *testing.T, w *world) {
			for i := range int64(12) {
				w.past(time.Duration(20-i)*time.Hour, "benchmark.yml", githubsim.Run{ID: 100 + i}, "times", zip("times.csv", fmt.Sprintf("%d\n", 100+i)), "logs", zip("log", "x"))
			}
			w.past(time.Minute, "benchmark.yml", githubsim.Run{HeadBranch: "feature"}, "times", zip("times.csv", "feature\n"))
			w.past(time.Minute, "ci.yml", githubsim.Run{}, "times", zip("times.csv", "not of the benchmark\n"))
		},
		files: lastTen(),
	},
	"Another repository, with a GitHub App": {
		arrange: func(t *testing.T, w *world) {
			t.Helper()
			key, err := privateKey()
			if err != nil {
				t.Fatal(err)
			}
			w.AddApp(githubsim.App{ID: 99, Owner: "octo", Access: githubsim.Read})
			w.secrets["READER_APP_ID"], w.secrets["READER_APP_KEY"] = "99", key
			library := w.AddPrivateRepo("octo/library")
			w.pastOf(library, 2*time.Hour, "build.yml", githubsim.Run{}, "headers", zip("lib.h", "int f();"), "logs", zip("log", "x"))
			w.pastOf(library, time.Hour, "build.yml", githubsim.Run{HeadBranch: "next"}, "headers", zip("lib.h", "int g();"))
		},
		files: map[string]string{"vendor: include/lib.h": "int f();"},
	},
	"GitHub Enterprise Server": {
		options: githubsim.Options{Enterprise: true},
		arrange: func(t *testing.T, w *world) {
			t.Helper()
			w.checkout["certs/company.pem"] = w.secure(t)
			w.past(2*time.Hour, "ci.yml", githubsim.Run{}, "site", zip("index.html", "from the server"), "logs", zip("log", "x"))
			w.past(time.Hour, "lint.yml", githubsim.Run{}, "site", zip("index.html", "not of ci.yml"))
		},
		files: map[string]string{"deploy: public/index.html": "from the server"},
	},
	"An artifact of a parallel job": {
		arrange: func(_ *testing.T, w *world) {
			w.checkout["build.sh"], w.checkout["prepare.sh"] = build, "#!/bin/sh\necho prepared\n"
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "app", zip("app.bin", "earlier"))
		},
		triggers: on(trigger{event: "push"}),
		files:    map[string]string{"build: app.bin": "current build", "test: app.bin": "current build"},
		idle:     map[string]string{"wait": "the test runs one job after the other, see the variant 'a build that takes longer'"},
	},
	"The current run first, or else an earlier one": {
		arrange: func(_ *testing.T, w *world) {
			w.checkout["build.sh"], w.checkout["changed.sh"] = build, "#!/bin/sh\necho docs=true\n"
			w.past(time.Hour, "docs.yml", githubsim.Run{}, "docs", zip("app.bin", "earlier"))
		},
		triggers: on(trigger{event: "push"}),
		files:    map[string]string{"build: app.bin": "current build", "check: docs/app.bin": "current build"},
		outputs:  map[string]string{"build: changes.docs": "true"},
		idle:     map[string]string{"branch": "it is for where the current run has none, see the variant 'a run that builds nothing'"},
	},
	"Exactly what an earlier job uploaded": {
		arrange: func(_ *testing.T, w *world) { w.checkout["build.sh"] = build },
		files:   map[string]string{"build: app.bin": "current build", "sign: app.bin": "current build"},
		idle:    map[string]string{"expect-digest": "the artifact is not replaced here, see the variant 'an artifact that is replaced'"},
	},
	"Artifacts shared among the jobs of a matrix": {
		triggers: on(trigger{event: "push"}),
		arrange: func(_ *testing.T, w *world) {
			w.past(time.Hour, "test.yml", githubsim.Run{}, "results-old", zip("old.txt", "x"))
		},
		files: map[string]string{
			"test (unit): results/unit.txt": "unit passed\n", "test (api): results/api.txt": "api passed\n",
			"test (web): results/web.txt": "web passed\n", "test (e2e): results/e2e.txt": "e2e passed\n",
			"report (1): results/e2e.txt": "e2e passed\n", "report (1): results/unit.txt": "unit passed\n",
			"report (2): results/web.txt": "web passed\n", "report (2): results/api.txt": "api passed\n",
		},
		idle: map[string]string{"pattern": "the run has no other artifacts"},
	},
	"One job for each artifact": {
		arrange: func(_ *testing.T, w *world) {
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "image-api", zip("image.tar", "api"), "image-web", zip("image.tar", "web"), "logs", zip("log", "x"))
			w.past(time.Minute, "lint.yml", githubsim.Run{}, "image-lint", zip("image.tar", "lint"))
		},
		files:   map[string]string{"scan (image-api): image/image.tar": "api", "scan (image-web): image/image.tar": "web"},
		outputs: map[string]string{"find: images.artifact-count": "2"},
		idle:    map[string]string{"run-id": "an id needs no run; it proves that the artifact is of that run"},
	},
	"Only some files of a large artifact": {
		arrange: func(_ *testing.T, w *world) {
			w.past(time.Hour, "ci.yml", githubsim.Run{}, "build", largeBuild(), "logs", zip("bin/log", "x"))
			w.past(time.Minute, "lint.yml", githubsim.Run{}, "build", zip("bin/lint", "x"))
		},
		files: map[string]string{"symbols: build/bin/app": "app", "symbols: build/bin/lib/x.so": "so"},
		check: func(w *world) error {
			var n int64
			for _, r := range w.Log() {
				if r.Host == githubsim.Storage {
					n += r.Bytes
				}
			}
			if n > 256<<10 {
				return fmt.Errorf("%d bytes were fetched", n)
			}
			return nil
		},
	},
	"Permissions and symlinks": {
		arrange:  func(_ *testing.T, w *world) { w.checkout["tool.sh"] = "#!/bin/sh\necho 1.2.3\n" },
		triggers: on(trigger{event: "push"}),
		files: map[string]string{
			"build: tools/tool.sh*": "#!/bin/sh\necho 1.2.3\n", "build: tools/t@": "tool.sh", "build: tools.tar.gz": anything,
			"use: tools/tool.sh*": "#!/bin/sh\necho 1.2.3\n", "use: tools/t@": "tool.sh", "use: version.txt": "1.2.3\n",
		},
	},
	"Several artifacts side by side": {
		arrange: func(_ *testing.T, w *world) {
			w.past(2*time.Hour, "site.yml", githubsim.Run{}, "site", zip("index.html", "site"), "logs", zip("log", "x"))
			w.past(2*time.Hour, "api.yml", githubsim.Run{}, "reference", zip("reference.html", "reference"), "logs", zip("log", "x"))
			w.past(time.Hour, "lint.yml", githubsim.Run{}, "site", zip("index.html", "lint"), "reference", zip("reference.html", "lint"))
		},
		files: map[string]string{"assemble: public/index.html": "site", "assemble: public/reference.html": "reference"},
	},
	"Is there such an artifact?": {
		arrange: func(_ *testing.T, w *world) {
			w.checkout["build.sh"] = build
			w.past(30*24*time.Hour, "fixtures.yml", githubsim.Run{}, "fixtures", zip("x", "x"))
			w.past(time.Hour, "fixtures.yml", githubsim.Run{}, "logs", zip("log", "x"))
		},
		files:   map[string]string{"fixtures: app.bin": "current build"},
		outputs: map[string]string{"fixtures: fixtures.found": "false"},
	},
	"Delete after fetching": {
		triggers: []func(*world, *githubsim.Run) trigger{after(func(w *world, _ *githubsim.Run) *githubsim.Run {
			return w.past(time.Hour, "nightly.yml", githubsim.Run{}, "dump", zip("dump.sql", "rows"), "logs", zip("log", "x"))
		})},
		files: map[string]string{"collect: dump/dump.sql": "rows"},
		check: func(w *world) error {
			if left := w.repo.Artifacts(); len(left) != 1 {
				return fmt.Errorf("the artifacts %v are left, want that of the logs", left)
			}
			return nil
		},
	},
	"The command in a script": {
		arrange: func(_ *testing.T, w *world) {
			w.past(2*time.Hour, "ci.yml", githubsim.Run{ID: 4711}, "site", zip("index.html", "good"), "logs", zip("log", "x"))
			w.past(time.Hour, "lint.yml", githubsim.Run{}, "site", zip("index.html", "not of ci.yml"))
		},
		commands: map[string]string{"gh": `mkdir -p "$RUNNER_TEMP/a/artifetch_1.2.3_linux_amd64" && cp "$WRAPPER" "$RUNNER_TEMP/a/artifetch_1.2.3_linux_amd64/" &&
tar -C "$RUNNER_TEMP/a" -czf artifetch.tar.gz artifetch_1.2.3_linux_amd64 && rm -r "$RUNNER_TEMP/a"`},
		files: map[string]string{"script: public/index.html": "good", "script: artifetch*": anything, "script: artifetch.tar.gz": anything},
		log:   []string{"1 files of run 4711"},
	},
}

// anything is a file's content that does not matter.
const anything = "\x00anything"

func lastTen() map[string]string {
	files := map[string]string{}
	trend := ""
	for id := 102; id < 112; id++ {
		files[fmt.Sprintf("trend: history/%d/times/times.csv", id)] = fmt.Sprintf("%d\n", id)
		trend += fmt.Sprintf("%d\n", id)
	}
	files["trend: trend.csv"] = trend
	return files
}

// largeBuild is an archive of 8 MiB, made once for all runs of its recipe.
var largeBuild = sync.OnceValue(func() githubsim.Blob {
	return githubsim.Zip(githubsim.File{Name: "bin/app", Body: "app"}, githubsim.File{Name: "bin/app.pdb", Body: "symbols"},
		githubsim.File{Name: "bin/lib/x.so", Body: "so"}, githubsim.File{Name: "data/large.bin", Body: string(make([]byte, 8<<20)), Stored: true})
})
