package app

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// scripted is the time in the scripts.
var scripted = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// TestScripts runs the scripts in testdata/command. Beside testscript's own, they have
// these commands:
//
//	artifetch ARGS    runs the command in process, with its stdout and stderr in pipes
//	tty ARGS          the same on a terminal of 80 columns
//	ends CODE         checks the exit code of the last one
//	requests N BYTES  checks that the storage sent no more bytes, and was asked no more often
//
// $API is the simulator's API, where octo/app and octo/lib are; git and gh are fakes that
// answer with the files git.txt and gh.txt, where a script has them.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "command"), UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			w := scriptWorld()
			env.Defer(w.Close)
			env.Values[worldKey{}] = &scene{sim: w}
			env.Setenv("API", w.APIURL)
			env.Setenv("GITHUB_API_URL", w.APIURL)
			env.Setenv("GITHUB_TOKEN", "ghs_owner")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"artifetch": func(ts *testscript.TestScript, _ bool, args []string) { run(ts, args, nil) },
			"tty":       func(ts *testscript.TestScript, _ bool, args []string) { run(ts, args, func() int { return 80 }) },
			"ends": func(ts *testscript.TestScript, _ bool, args []string) {
				if got := strconv.Itoa(of(ts).code); len(args) != 1 || got != args[0] {
					ts.Fatalf("exit code %s", got)
				}
			},
			"requests": func(ts *testscript.TestScript, _ bool, args []string) { of(ts).requests(ts, args) },
		},
	})
}

type worldKey struct{}

// scene is the state of a script.
type scene struct {
	sim  *githubsim.Sim
	code int
}

func of(ts *testscript.TestScript) *scene { return ts.Value(worldKey{}).(*scene) }

// run runs the command.
func run(ts *testscript.TestScript, args []string, columns func() int) {
	dir := ts.MkAbs(".")
	s := of(ts)
	s.sim.ResetLog()
	env := scriptEnv(dir, func(k string) (string, bool) { v := ts.Getenv(k); return v, v != "" })
	env.Args, env.Stdout, env.Stderr, env.Columns, env.OutColumns = args, ts.Stdout(), ts.Stderr(), columns, columns
	s.code = Main(context.Background(), env)
}

// scriptEnv is the machine of a command that runs in dir: what git and gh print is in the
// files git.txt and gh.txt there.
func scriptEnv(dir string, lookup func(string) (string, bool)) Env {
	return Env{
		Version: "v1.2.3", Lookup: lookup, Environ: func() []string { return nil }, Getwd: func() (string, error) { return dir, nil },
		Now: func() time.Time { return scripted }, TempDir: dir,
		Run: func(_ context.Context, program string, args ...string) ([]byte, error) {
			out, err := os.ReadFile(filepath.Join(dir, program+".txt"))
			if err != nil {
				return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
			}
			if line := strings.Join(args, " "); line != "remote -v" && !strings.HasPrefix(line, "auth token --hostname ") {
				return nil, &exec.ExitError{}
			}
			return out, nil
		},
	}
}

// requests checks what the storage was asked for.
func (s *scene) requests(ts *testscript.TestScript, args []string) {
	n, bytes := fetched(s.sim)
	for i, got := range []int64{int64(n), bytes} {
		if most, err := strconv.ParseInt(args[i], 10, 64); err != nil || got > most {
			ts.Fatalf("%d requests to the storage, %d bytes", n, bytes)
		}
	}
}

// scriptWorld has three runs of octo/app, whose times, sizes and names do not change.
func scriptWorld() *githubsim.Sim {
	w := githubsim.New(githubsim.Options{Now: func() time.Time { return scripted }})
	app, lib := w.AddRepo("octo/app"), w.AddRepo("octo/lib")
	for _, repo := range []string{"octo/app", "octo/lib"} {
		w.AddToken("ghs_owner", repo, githubsim.Write)
		w.AddToken("ghs_nothing", repo, githubsim.None)
	}
	ci := app.AddWorkflow("CI", ".github/workflows/ci.yml")
	at := func(d time.Duration) time.Time { return scripted.Add(-d) }
	big := func(seed string) string { return strings.Repeat("0123456789abcdef"+seed, 1<<12) }
	r1 := app.AddRun(githubsim.Run{ID: 4710, Workflow: ci, CreatedAt: at(50 * time.Hour)})
	r1.AddArtifact(githubsim.Artifact{ID: 101, Name: "dist", Blob: files("app.js", big("a"), "css/site.css", "body {}", "index.html", "<h1>1</h1>\n", "old.txt", "gone")})
	r1.AddArtifact(githubsim.Artifact{ID: 102, Name: "report", Blob: files("junit.xml", "<testsuites/>")})
	r1.AddArtifact(githubsim.Artifact{ID: 103, Name: "only-before", Blob: files("x", "x")})
	r2 := app.AddRun(githubsim.Run{ID: 4711, Workflow: ci, CreatedAt: at(3 * time.Hour)})
	r2.AddArtifact(githubsim.Artifact{ID: 111, Name: "dist", Blob: files("app.js", big("b"), "css/site.css", "body {}", "index.html", "<h1>22</h1>\n", "new/n.txt", "new")})
	r2.AddArtifact(githubsim.Artifact{ID: 112, Name: "report", Blob: files("junit.xml", "<testsuites/>")})
	r2.AddArtifact(githubsim.Artifact{ID: 113, Name: "app.jar", Blob: githubsim.Bytes([]byte("PK, not really")), ContentType: "application/java-archive", ContentDisposition: `attachment; filename="app.jar"`})
	build := lib.AddWorkflow("Build", ".github/workflows/build.yml")
	r3 := lib.AddRun(githubsim.Run{ID: 5001, Workflow: build, CreatedAt: at(time.Hour)})
	r3.AddArtifact(githubsim.Artifact{ID: 201, Name: hostileName, ContentType: "application/zip", Blob: files("a\u009b31m/\x1b[2J.txt", "x", "::error::b", "y", "##[error]c\r\nd", "z")})
	return w
}

// hostileName would write to a terminal, and issue a workflow command.
const hostileName = "\x1b[2J##[error]x\r::warning::y"
