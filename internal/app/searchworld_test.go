package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// searchTime is when the searches happen. The current run is 90000, which is
// under way and holds "mine".
var searchTime = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// searchWorld is a world written down, a line a run or a range of runs, oldest
// first, a minute apart:
//
//	7 branch=dev conclusion=failure: dist logs old!
//	10..99 fork: dist
//
// After the colon come the artifacts; "!" marks an expired one, "*700" is its size, "#70"
// its id, and "+45m" how long after its run it was made; "x-{0..9}" are ten of them. The
// commit of run 7 is 00000007 and zeros. Other lines are:
//
//	as plain                      the world of testdata/search/plain.txt
//	server enterprise             what the server is like; see serverOptions
//	times 9000 2h 1h              run 9000 is 2h old, and others 1h older for each id less
//	current: dist                 what the current run holds besides
//	tag v1                        at the commit of run 1
//	annotated-tag v1              the same, with an object of its own
//	branch v1                     the same, a branch
//	pull 7 from=fork branch=fix   a pull request with run 50's commit as its head
//	pull 7 deleted branch=fix     the same, of a repository that was deleted
//	attempt 4: dist               what a second attempt of a run uploads
//	disable twin1                 a workflow
//	forbid /repos/octo/app/pulls  paths for which the token lacks the permission
//
// The server lies and changes by these lines; paths are below /repos/octo/app/actions:
//
//	lie runs narrowed=branch lacks=9000     see the method lie
//	gone artifacts/70/zip 410               a path, and 404 or 410
//	after 1 artifacts delete-artifact 70    once that list was asked for
//	after 1 runs delete-run 8               or a range of ids, 8..99
//	after 1 runs add 9001 branch=dev: dist
//	after 1 artifacts attempt 9: dist
//	renamed octo/old                        a former name of octo/app
type searchWorld struct {
	*githubsim.Sim
	repos     map[string]*githubsim.Repo
	workflows map[string]*githubsim.Workflow
	runs      map[int]*githubsim.Run
	lastAt    time.Time
	times     func(id int) time.Time // nil: by lastAt
	mine      []string               // what the current run holds
	zips      bool                   // artifacts are archives, and not just bytes

	now   func() time.Time
	ahead time.Duration // of the server's clock
	pause func(context.Context, time.Duration) error
}

func (w *searchWorld) run(id int) *githubsim.Run { return w.runs[id] }

func shaOf(id int) string { return fmt.Sprintf("%08x%032d", id, 0) }

func newSearchWorld(t *testing.T, lines []string) *searchWorld {
	t.Helper()
	opt := serverOptions(t, lines)
	w := &searchWorld{now: func() time.Time { return searchTime }, repos: map[string]*githubsim.Repo{}, workflows: map[string]*githubsim.Workflow{}, runs: map[int]*githubsim.Run{}}
	opt.Now = func() time.Time { return w.now().Add(w.ahead) }
	opt.Brief = true
	w.Sim = githubsim.New(opt)
	t.Cleanup(w.Close)
	w.repos["app"], w.repos["lib"] = w.AddRepo("octo/app"), w.AddRepo("octo/lib")
	w.repos["fork"] = w.AddFork("evil/app")
	w.AddToken("ghs_token", "octo/app", githubsim.Read)
	w.AddToken("ghs_token", "octo/lib", githubsim.Read)
	for _, name := range []string{"ci", "nightly", "twin1", "twin2"} {
		w.workflows[name] = w.repos["app"].AddWorkflow(strings.TrimRight(strings.ToUpper(name), "12"), ".github/workflows/"+name+".yml")
	}
	w.workflows["pages"] = w.repos["app"].AddWorkflow("pages build", "dynamic/pages/pages-build")
	w.workflows["odd"] = w.repos["app"].AddWorkflow("build / all.yml", ".github/workflows/odd.yml")
	w.workflows["blank"] = w.repos["app"].AddWorkflow("BLANK", ".github/workflows/my build.yml")
	w.workflows["at"] = w.repos["app"].AddWorkflow("AT", ".github/workflows/deploy@2.yml")
	w.workflows["lib"] = w.repos["lib"].AddWorkflow("Library", ".github/workflows/lib.yml")
	// A run without an age is a minute younger than the one before it.
	w.lastAt = searchTime.Add(-100 * time.Hour)
	w.read(t, lines)
	w.add(t, 90000, []string{"status=in_progress", "age=1m"}, append(w.mine, "mine"))
	return w
}

// serverOptions reads the line that says what the server is like.
func serverOptions(t *testing.T, lines []string) githubsim.Options {
	t.Helper()
	var opt githubsim.Options
	for _, line := range lines {
		words, ok := strings.CutPrefix(line, "server ")
		for _, word := range strings.Fields(words) {
			switch {
			case !ok:
			case word == "enterprise":
				opt.Enterprise = true
			case word == "ignore-name":
				opt.IgnoreName = true
			case strings.HasPrefix(word, "rate-limit="):
				opt.RateLimit = number(t, strings.TrimPrefix(word, "rate-limit="))
			case word == "zips": // read has read it
			default:
				t.Fatalf("unknown word %q", word)
			}
		}
	}
	return opt
}

func (w *searchWorld) read(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		what, rest, _ := strings.Cut(line, " ")
		app, commit := w.repos["app"], shaOf(1)
		switch what {
		case "":
		case "server": // serverOptions has read most of it
			w.zips = strings.Contains(rest, "zips")
		case "times":
			w.setTimes(t, strings.Fields(rest))
		case "current:":
			w.mine = strings.Fields(rest)
		case "as":
			text, err := os.ReadFile(filepath.Join("testdata/search", rest+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			w.read(t, strings.Split(strings.TrimSpace(string(text)), "\n"))
		case "tag":
			app.AddTag(rest, commit)
		case "annotated-tag":
			app.AddAnnotatedTag(rest, commit)
		case "branch":
			app.AddBranch(rest, commit)
		case "pull":
			w.pull(t, strings.Fields(rest))
		case "attempt":
			w.attempt(t, rest)
		case "disable":
			w.workflows[rest].Disabled = true
		case "forbid":
			w.Fault(githubsim.Fault{Host: githubsim.API, Path: rest, Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
		case "lie":
			w.Lie(lie(t, strings.Fields(rest)))
		case "gone":
			w.gone(t, strings.Fields(rest))
		case "after":
			w.after(t, rest)
		case "renamed":
			w.Rename(rest, app)
		default:
			w.line(t, line)
		}
	}
}

func (w *searchWorld) attempt(t *testing.T, line string) {
	t.Helper()
	id, names, _ := strings.Cut(line, ":")
	for _, name := range strings.Fields(names) {
		w.Attempt(int64(number(t, id)), githubsim.Artifact{Name: name, CreatedAt: searchTime.Add(-time.Hour)})
	}
}

func (w *searchWorld) pull(t *testing.T, words []string) {
	t.Helper()
	pull := githubsim.Pull{Number: number(t, words[0]), HeadSHA: shaOf(50)}
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "from":
			pull.HeadRepo = w.repos[value]
		case "deleted":
			pull.HeadRepoDeleted = true
		case "branch":
			pull.HeadBranch = value
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	w.repos["app"].AddPull(pull)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *searchWorld) line(t *testing.T, line string) {
	t.Helper()
	head, artifacts, _ := strings.Cut(line, ":")
	words := strings.Fields(head)
	from, to := idRange(t, words[0])
	for id := from; id <= to; id++ {
		w.add(t, id, words[1:], strings.Fields(artifacts))
	}
}

// idRange reads a range of ids, or a single one.
func idRange(t *testing.T, text string) (from, to int) {
	t.Helper()
	first, last, isRange := strings.Cut(text, "..")
	if !isRange {
		last = first
	}
	return number(t, first), number(t, last)
}

func (w *searchWorld) add(t *testing.T, id int, words, artifacts []string) {
	t.Helper()
	w.lastAt = w.lastAt.Add(time.Minute)
	repo := w.repos["app"]
	run := githubsim.Run{ID: int64(id), Workflow: w.workflows["ci"], HeadSHA: shaOf(id), CreatedAt: w.lastAt}
	if w.times != nil {
		run.CreatedAt = w.times(id)
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "in":
			repo, run.Workflow = w.repos[value], w.workflows[value]
		case "workflow":
			run.Workflow = w.workflows[value]
		case "branch":
			run.HeadBranch = value
		case "event":
			run.Event = value
		case "actor":
			run.Actor = value
		case "conclusion":
			run.Conclusion = value
		case "status":
			run.Status = value
		case "fork":
			run.HeadRepo = w.repos["fork"]
		case "deleted":
			run.HeadRepoDeleted = true
		case "number":
			run.Number = number(t, value)
		case "commit":
			run.HeadSHA = shaOf(number(t, value))
		case "age":
			run.CreatedAt = searchTime.Add(-duration(t, value))
		case "ended":
			run.UpdatedAt = searchTime.Add(-duration(t, value))
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	if run.UpdatedAt.IsZero() {
		run.UpdatedAt = run.CreatedAt.Add(time.Minute)
	}
	added := repo.AddRun(run)
	w.runs[id] = added
	for i, text := range several(t, artifacts) {
		added.AddArtifact(w.artifact(t, text, added.CreatedAt, i))
	}
}

// several writes out texts with {0..9}.
func several(t *testing.T, texts []string) []string {
	t.Helper()
	var all []string
	for _, text := range texts {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			all = append(all, text)
			continue
		}
		span, after, _ := strings.Cut(rest, "}")
		from, to, _ := strings.Cut(span, "..")
		for n := number(t, from); n <= number(t, to); n++ {
			all = append(all, fmt.Sprint(before, n, after))
		}
	}
	return all
}

// hundred is what most artifacts hold. Worlds have thousands of them, so it is made and
// hashed once.
var (
	hundred       = githubsim.Bytes(make([]byte, 100))
	hundredDigest = "sha256:" + hexOf(hundred)
)

// artifact reads the artifact number i of a run, with its marks.
func (w *searchWorld) artifact(t *testing.T, text string, created time.Time, i int) githubsim.Artifact {
	t.Helper()
	a := githubsim.Artifact{Blob: hundred, Digest: hundredDigest, CreatedAt: created.Add(time.Duration(10+i) * time.Second)}
	if w.zips {
		a.Blob, a.Digest = nil, ""
	}
	text, a.Expired = strings.CutSuffix(text, "!")
	if rest, after, ok := strings.Cut(text, "+"); ok {
		text, a.CreatedAt = rest, created.Add(duration(t, after))
	}
	if rest, id, ok := strings.Cut(text, "#"); ok {
		text, a.ID = rest, int64(number(t, id))
	}
	if rest, size, ok := strings.Cut(text, "*"); ok {
		text, a.Blob, a.Digest = rest, githubsim.Bytes(make([]byte, number(t, size))), ""
	}
	a.Name = text
	return a
}

// find is a dry run, unless env says otherwise; it returns what it found, "run: names"
// from the newest run on, or the error, and the requests that it cost. Of more than 20
// artifacts of a run it returns the number.
func (w *searchWorld) find(t *testing.T, env map[string]string) (found string, requests int, got finished) {
	t.Helper()
	all := in("GITHUB_RUN_ID", "90000", "GITHUB_REPOSITORY_ID", strconv.FormatInt(w.repos["app"].ID, 10), "github-token", "ghs_token", "dry-run", "true", "if-no-artifact-found", "fail")
	maps.Copy(all, env)
	base := world{Sim: w.Sim, now: w.now, pause: w.pause}
	w.ResetLog()
	got = base.step(t.Context(), t, all)
	var artifacts []artifactOutput
	var runs []runOutput
	for name, v := range map[string]any{"artifacts": &artifacts, "runs": &runs} {
		if err := json.Unmarshal([]byte(got.outputs[name]), v); err != nil {
			t.Fatal(err)
		}
	}
	var list []string
	for _, r := range runs {
		var names []string
		for _, a := range artifacts {
			if a.RunID == r.RunID {
				names = append(names, a.Name)
			}
		}
		if n := len(names); n > 20 {
			names = []string{fmt.Sprint(n), "artifacts"}
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d: %s", r.RunID, strings.Join(names, " "))))
	}
	found = strings.Join(list, " | ")
	if got.outputs["found"] != "true" {
		found = got.log
	}
	return found, w.Count(githubsim.API), got
}
