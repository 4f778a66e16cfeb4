package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
// What follows the colon are artifacts; "!" marks an expired one. The commit
// of run 7 is 00000007 and zeros.
type searchWorld struct {
	*githubsim.Sim
	repos     map[string]*githubsim.Repo
	workflows map[string]*githubsim.Workflow
	runs      map[int]*githubsim.Run
	lastAt    time.Time

	now   func() time.Time
	pause func(context.Context, time.Duration) error
}

func (w *searchWorld) run(id int) *githubsim.Run { return w.runs[id] }

func shaOf(id int) string { return fmt.Sprintf("%08x%032d", id, 0) }

func newSearchWorld(t *testing.T, opt githubsim.Options, text string) *searchWorld {
	t.Helper()
	opt.Now = func() time.Time { return searchTime }
	w := &searchWorld{Sim: githubsim.New(opt), repos: map[string]*githubsim.Repo{}, workflows: map[string]*githubsim.Workflow{}, runs: map[int]*githubsim.Run{}}
	t.Cleanup(w.Close)
	w.now = opt.Now
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
	w.workflows["lib"] = w.repos["lib"].AddWorkflow("Library", ".github/workflows/lib.yml")
	// What has no age is as old as its place in the world has it.
	w.lastAt = searchTime.Add(-100 * time.Hour)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			w.line(t, line)
		}
	}
	w.add(t, 90000, []string{"status=in_progress", "age=1m"}, []string{"mine"})
	return w
}

func (w *searchWorld) line(t *testing.T, line string) {
	t.Helper()
	head, artifacts, _ := strings.Cut(line, ":")
	words := strings.Fields(head)
	from, to, isRange := strings.Cut(words[0], "..")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil {
		t.Fatalf("no run in %q", line)
	}
	for id := first; id <= last; id++ {
		w.add(t, id, words[1:], strings.Fields(artifacts))
	}
}

func (w *searchWorld) add(t *testing.T, id int, words, artifacts []string) {
	t.Helper()
	w.lastAt = w.lastAt.Add(time.Minute)
	repo := w.repos["app"]
	run := githubsim.Run{ID: int64(id), Workflow: w.workflows["ci"], HeadSHA: shaOf(id), CreatedAt: w.lastAt}
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
			run.Number, _ = strconv.Atoi(value)
		case "commit":
			n, _ := strconv.Atoi(value)
			run.HeadSHA = shaOf(n)
		case "age":
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			run.CreatedAt = searchTime.Add(-d)
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	added := repo.AddRun(run)
	w.runs[id] = added
	for i, name := range artifacts {
		size := 100
		name, expired := strings.CutSuffix(name, "!")
		name, text, sized := strings.Cut(name, "*")
		if sized {
			size, _ = strconv.Atoi(text)
		}
		added.AddArtifact(githubsim.Artifact{
			Name: name, Expired: expired, Blob: githubsim.Bytes(make([]byte, size)),
			CreatedAt: added.CreatedAt.Add(time.Duration(10+i) * time.Second),
		})
	}
}

// find is a dry run; it returns what it found, "run: names" from the newest
// run on, or the error, and the requests that it cost.
func (w *searchWorld) find(t *testing.T, env map[string]string) (found string, requests int, got finished) {
	t.Helper()
	all := in("GITHUB_RUN_ID", "90000", "github-token", "ghs_token", "dry-run", "true", "if-no-artifact-found", "fail")
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
		s := fmt.Sprintf("%d:", r.RunID)
		for _, a := range artifacts {
			if a.RunID == r.RunID {
				s += " " + a.Name
			}
		}
		list = append(list, s)
	}
	found = strings.Join(list, " | ")
	if got.outputs["found"] != "true" {
		found = got.log
	}
	return found, w.Count(githubsim.API), got
}

// attempt adds a second "dist" to run 4.
func attempt(w *searchWorld) {
	w.Attempt(4, githubsim.Artifact{Name: "dist", CreatedAt: searchTime.Add(-time.Hour)})
}

// tag adds a tag at the commit of run 1.
func tag(name string) func(*searchWorld) {
	return func(w *searchWorld) { w.repos["app"].AddTag(name, shaOf(1)) }
}

// annotated adds a tag that is no name of the commit of run 1 but an object
// that names it.
func annotated(name string) func(*searchWorld) {
	return func(w *searchWorld) { w.repos["app"].AddAnnotatedTag(name, shaOf(1)) }
}

func branch(name string) func(*searchWorld) {
	return func(w *searchWorld) { w.repos["app"].AddBranch(name, shaOf(1)) }
}

// pull adds pull request 7, its head the commit of run 50; no repository is
// one that was deleted.
func pull(repo, branch string) func(*searchWorld) {
	return func(w *searchWorld) {
		w.repos["app"].AddPull(githubsim.Pull{
			Number: 7, HeadBranch: branch, HeadSHA: shaOf(50), HeadRepo: w.repos[repo], HeadRepoDeleted: repo == "",
		})
	}
}

func forbid(path string) func(*searchWorld) {
	return func(w *searchWorld) {
		w.Fault(githubsim.Fault{Host: githubsim.API, Path: path, Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	}
}
