// Command demo shows artifetch's main job without an account or a network:
// it starts the simulator of GitHub with believable data, runs the action
// against it as a step of a workflow would, and prints the log, the outputs,
// the job summary and the files that arrived.
//
// With arguments it runs the command artifetch with these arguments against the
// same simulator, in the current directory: go run ./internal/demo list.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/app"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if args := os.Args[1:]; len(args) > 0 {
		code := command(ctx, app.Env{
			Args: args, Stdout: os.Stdout, Stderr: os.Stderr, Columns: process.Columns(os.Stderr), OutColumns: process.Columns(os.Stdout),
			Getwd: os.Getwd, TempDir: os.TempDir(),
		})
		stop()
		os.Exit(code)
	}
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// command runs the command artifetch against the simulator, and returns its exit code. env
// has the arguments and the streams.
func command(ctx context.Context, env app.Env) int {
	sim := githubsim.New(githubsim.Options{})
	defer sim.Close()
	populate(sim)
	variables := map[string]string{
		"GITHUB_API_URL": sim.APIURL, "GITHUB_REPOSITORY": "octo/shop", "GITHUB_TOKEN": "ghs_demo",
		"HOME": os.Getenv("HOME"), "NO_COLOR": os.Getenv("NO_COLOR"), "TERM": os.Getenv("TERM"),
	}
	env.Version = "demo"
	env.Lookup, env.Environ = environment(variables)
	return app.Main(ctx, env)
}

// environment returns the functions that read an environment of these variables alone.
func environment(variables map[string]string) (lookup func(string) (string, bool), environ func() []string) {
	lookup = func(k string) (string, bool) { v, ok := variables[k]; return v, ok }
	return lookup, func() []string { return nil } // no input is misspelt
}

// step is the workflow's step that the demo runs.
const step = `- uses: OWNER/artifetch@v1
  with:
    workflow_conclusion: success
    name: |
      site
      coverage
    path: deploy`

func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "artifetch-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, sub := range []string{"workspace", "temp", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	sim := githubsim.New(githubsim.Options{})
	defer sim.Close()
	current := populate(sim)
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": sim.APIURL, "GITHUB_REPOSITORY": "octo/shop", "GITHUB_RUN_ID": fmt.Sprint(current),
		"GITHUB_WORKFLOW_REF": "octo/shop/.github/workflows/ci.yml@refs/heads/main", "GITHUB_EVENT_NAME": "push",
		"GITHUB_WORKSPACE": filepath.Join(dir, "workspace"), "RUNNER_TEMP": filepath.Join(dir, "temp"), "HOME": filepath.Join(dir, "home"),
		"GITHUB_OUTPUT": filepath.Join(dir, "temp", "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "temp", "summary"),
		"INPUT_GITHUB-TOKEN": "ghs_demo", "INPUT_REPOSITORY": "octo/shop", "INPUT_WORKFLOW_CONCLUSION": "success",
		"INPUT_NAME": "site\ncoverage", "INPUT_PATH": "deploy",
	}
	fmt.Fprintf(out, "A workflow of octo/shop has this step:\n\n%s\n", indent(step))
	heading(out, "Log")
	lookup, environ := environment(env)
	code := app.Main(ctx, app.Env{Version: "demo", Stdout: out, Stderr: os.Stderr, Getwd: os.Getwd, Lookup: lookup, Environ: environ})
	heading(out, "Outputs")
	if err := show(out, env["GITHUB_OUTPUT"]); err != nil {
		return err
	}
	heading(out, "Job summary")
	if err := show(out, env["GITHUB_STEP_SUMMARY"]); err != nil {
		return err
	}
	heading(out, "Files in the workspace")
	if err := tree(out, env["GITHUB_WORKSPACE"]); err != nil {
		return err
	}
	heading(out, "Requests to GitHub")
	for _, r := range sim.Log() {
		fmt.Fprintf(out, "%-7s %s %s -> %d, %s\n", r.Host, r.Method, r.Path, r.Status, humanize.IBytes(uint64(max(r.Bytes, 0))))
	}
	if code != 0 {
		return fmt.Errorf("the step failed with exit code %d", code)
	}
	return nil
}

// populate gives octo/shop a history whose newest run is not the one to take, and returns
// the id of the run in progress.
func populate(sim *githubsim.Sim) int64 {
	sim.AddToken("ghs_demo", "octo/shop", githubsim.Read)
	shop := sim.AddPrivateRepo("octo/shop")
	fork := sim.AddFork("mallory/shop")
	ci := shop.AddWorkflow("CI", ".github/workflows/ci.yml")
	start := time.Now().Add(-26 * time.Hour)
	add := func(after time.Duration, r githubsim.Run) *githubsim.Run {
		r.Workflow, r.CreatedAt = ci, start.Add(after)
		return shop.AddRun(r)
	}
	good := add(0, githubsim.Run{Title: "Add the checkout page"})
	good.AddArtifact(githubsim.Artifact{Name: "site", CreatedAt: start.Add(time.Minute), Blob: site("first attempt")})
	good.AddArtifact(githubsim.Artifact{Name: "site", CreatedAt: start.Add(time.Hour), Blob: site("second attempt")})
	good.AddArtifact(githubsim.Artifact{Name: "coverage", Blob: githubsim.Zip(githubsim.File{Name: "coverage.txt", Body: "total: 91.4 %\n"})})
	good.AddArtifact(githubsim.Artifact{Name: "logs", Blob: githubsim.Zip(githubsim.File{Name: "build.log", Body: "ok\n"})})
	add(20*time.Hour, githubsim.Run{Title: "Steal the token", HeadRepo: fork, Event: "pull_request"}).
		AddArtifact(githubsim.Artifact{Name: "site", Blob: site("evil")})
	add(22*time.Hour, githubsim.Run{Title: "Half a feature", Conclusion: "failure"}).AddArtifact(githubsim.Artifact{Name: "site", Blob: site("broken")})
	add(24*time.Hour, githubsim.Run{Title: "Fix the docs"}).AddArtifact(githubsim.Artifact{Name: "coverage"})
	return add(26*time.Hour, githubsim.Run{Title: "Deploy", Status: "in_progress"}).ID
}

func site(version string) githubsim.Blob {
	return githubsim.Zip(
		githubsim.File{Name: "index.html", Body: "<h1>Shop, " + version + "</h1>\n"},
		githubsim.File{Name: "assets/app.js", Body: strings.Repeat("console.log('hello');\n", 40_000)},
		githubsim.File{Name: "bin/deploy.sh", Body: "#!/bin/sh\necho deploying\n", Mode: 0o755},
	)
}

func heading(out io.Writer, title string) { fmt.Fprintf(out, "\n== %s\n\n", title) }

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

func show(out io.Writer, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, strings.TrimSpace(string(data)))
	return err
}

func tree(out io.Writer, dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s %9s  %s\n", info.Mode(), humanize.IBytes(uint64(max(info.Size(), 0))), filepath.ToSlash(rel))
		}
		return err
	})
}
