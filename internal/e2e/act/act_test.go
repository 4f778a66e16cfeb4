//go:build container

// Package act runs a workflow with act, whose steps use this repository's
// action: from the image that run.sh of the package container has built,
// against internal/githubsim. act starts a container action as the runner does, except
// that it has paths of its own. Run as a user other than root, it shows whether later
// steps can change and delete what was fetched.
package act

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

var act = flag.String("act", "", "the executable of act")

const token = "ghs_e2e0123456789"

func TestWorkflow(t *testing.T) {
	sim := githubsim.New(githubsim.Options{})
	defer sim.Close()
	sim.AddToken(token, "octo/app", githubsim.Read)
	repo := sim.AddRepo("octo/app")
	run := repo.AddRun(githubsim.Run{ID: 100, Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml")})
	run.AddArtifact(githubsim.Artifact{Name: "dist", Blob: githubsim.Zip(
		githubsim.File{Name: "a.txt", Body: "a"}, githubsim.File{Name: "d/b.txt", Body: "b"}, githubsim.File{Name: "bin/run", Body: "#!", Mode: 0o755})})
	for _, name := range []string{"part-1", "part-2", "part-3", "part-4", "part-5", "part-6"} {
		run.AddArtifact(githubsim.Artifact{Name: name, Blob: githubsim.Zip(githubsim.File{Name: "x", Body: name})})
	}

	dir := t.TempDir()
	checkout(t, filepath.Join(dir, "app"))
	cache := filepath.Join(dir, "act")
	for _, d := range []string{cache, filepath.Join(dir, "home")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, *act, "push", "-W", filepath.Join(dir, "app", ".github", "workflows", "e2e.yml"),
		"-P", "ubuntu-latest=-self-hosted", "--pull=false", "--rebuild=false", "--no-cache-server", "--action-cache-path", cache,
		"--container-options", "--network host -v "+cache+":"+cache, "--env", "GITHUB_API_URL="+sim.APIURL, "-s", "GITHUB_TOKEN="+token)
	cmd.Dir = filepath.Join(dir, "app")
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(dir, "home"), "XDG_CACHE_HOME="+cache, "XDG_CONFIG_HOME="+cache, "DO_NOT_TRACK=1")
	// Never as root: root could change and delete whatever a container leaves.
	uid := os.Getuid()
	if uid == 0 {
		uid = 1001
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1001, Gid: 1001}}
		own(t, filepath.Dir(dir), dir)
	}
	out, err := cmd.CombinedOutput()
	log := string(out)
	t.Log(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`the message: artifact "nope" not found in run 100 of octo/app`,
		fmt.Sprintf("user %d, left a.txt", uid),
		`::warning::artifact "nope" not found in run 100 of octo/app`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	shares := map[string][]string{}
	var all []string
	for _, m := range regexp.MustCompile(`part (\d) has (part-\d)`).FindAllStringSubmatch(log, -1) {
		shares[m[1]] = append(shares[m[1]], m[2])
		all = append(all, m[2])
	}
	slices.Sort(all)
	if want := []string{"part-1", "part-2", "part-3", "part-4", "part-5", "part-6"}; len(shares) != 3 || !slices.Equal(all, want) {
		t.Errorf("the jobs' shares are %v", shares)
	}
	// What the containers made is the user's to remove.
	rm := exec.CommandContext(t.Context(), "rm", "-r", cache)
	rm.SysProcAttr = cmd.SysProcAttr
	if out, err := rm.CombinedOutput(); err != nil {
		t.Errorf("something is left that the user cannot remove: %s", out)
	}
}

// checkout makes a repository of the action and the workflow.
func checkout(t *testing.T, dir string) {
	t.Helper()
	workflows := filepath.Join(dir, ".github", "workflows")
	if err := os.MkdirAll(workflows, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"workflow.yml": filepath.Join(workflows, "e2e.yml"), "../../../action.yml": filepath.Join(dir, "action.yml"), "../../../Dockerfile": filepath.Join(dir, "Dockerfile")} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", "main"},
		{"remote", "add", "origin", "https://github.com/octo/app"},
		{"add", "."},
		{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "--quiet", "--message", "e2e"},
	} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = dir
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// own gives a tree to the user that act runs as, and lets that user in.
func own(t *testing.T, above, dir string) {
	t.Helper()
	for _, d := range []string{above, filepath.Dir(above)} {
		info, err := os.Stat(d)
		if err == nil {
			err = os.Chmod(d, info.Mode().Perm()|0o111)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, 1001, 1001)
	})
	if err != nil {
		t.Fatal(err)
	}
}
