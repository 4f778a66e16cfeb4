package machine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/machine"
)

// programs answers command lines.
type programs map[string]string

func (p programs) run(_ context.Context, program string, args ...string) ([]byte, error) {
	out, ok := p[program]
	if !ok {
		return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
	}
	if text, ok := p[strings.Join(append([]string{program}, args...), " ")]; ok {
		out = text
	}
	if text, failed := strings.CutPrefix(out, "! "); failed {
		return nil, &exec.ExitError{Stderr: []byte(text)}
	}
	return []byte(out), nil
}

func TestRemotes(t *testing.T) {
	t.Parallel()
	const config1 = `git config --get-regexp ^remote\..*\.gh-resolved$`
	tests := map[string]struct {
		remotes, noted string
		want           []config.Remote
		err            string
	}{
		"one":          {"origin\tgit@github.com:o/r (fetch)\norigin\tgit@github.com:o/r (push)\n", "! ", []config.Remote{{Name: "origin", URL: "git@github.com:o/r"}}, ""},
		"upstream":     {"a\tu:a (fetch)\norigin\tu:o (fetch)\nupstream\tu:u (fetch)\n", "! ", []config.Remote{{Name: "upstream", URL: "u:u"}, {Name: "origin", URL: "u:o"}}, ""},
		"resolved":     {"a.b\tu:a (fetch)\norigin\tu:o (fetch)\nupstream\tu:u (fetch)\n", "remote.a.b.gh-resolved base\n", []config.Remote{{Name: "a.b", URL: "u:a", Resolved: "base"}, {Name: "upstream", URL: "u:u"}, {Name: "origin", URL: "u:o"}}, ""},
		"elsewhere":    {"origin\tu:o (fetch)\n", "remote.origin.gh-resolved octo/app\nremote.gone.gh-resolved base\n", []config.Remote{{Name: "origin", URL: "u:o", Resolved: "octo/app"}}, ""},
		"one other":    {"mine\tu:o (fetch)\nmine\tu:p (push)\n", "", []config.Remote{{Name: "mine", URL: "u:o"}}, ""},
		"two others":   {"mine\tu:o (fetch)\nyours\tu:p (fetch)\n", "", nil, "none of the git remotes is called upstream or origin"},
		"two URLs":     {"origin\tu:o (fetch)\norigin\tu:p (fetch)\n", "", []config.Remote{{Name: "origin", URL: "u:o"}}, ""},
		"with filter":  {"origin\tu:o (fetch) [blob:none]\n", "", []config.Remote{{Name: "origin", URL: "u:o"}}, ""},
		"with blanks":  {"origin\t/a b (fetch)/c (fetch)\n", "", []config.Remote{{Name: "origin", URL: "/a b (fetch)/c"}}, ""},
		"Windows":      {"origin\tu:o (fetch)\r\n", "remote.origin.gh-resolved base\r\n", []config.Remote{{Name: "origin", URL: "u:o", Resolved: "base"}}, ""},
		"none":         {"", "", nil, "the git repository of the current directory has no remotes"},
		"no clone":     {"! fatal: not a git repository (or any of the parent directories): .git\n", "", nil, "git knows no remotes of the current directory: not a git repository (or any of the parent directories): .git"},
		"says nothing": {"! ", "", nil, "git knows no remotes of the current directory: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := machine.Machine{Run: programs{"git": "", "git remote -v": tt.remotes, config1: tt.noted}.run}
			got, err := m.Remotes(t.Context())
			if d := cmp.Diff(tt.want, got); d != "" || (err != nil) != (tt.err != "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%v (-want +got)\n%s", err, d)
			}
		})
	}
	for _, m := range []machine.Machine{{}, {Run: programs{}.run}} {
		if _, err := m.Remotes(t.Context()); err == nil || !strings.Contains(err.Error(), "not installed") {
			t.Errorf("without git: %v", err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]programs{
		"gho_abc": {"gh": "! unknown flag\n", "gh auth token --hostname github.com": "gho_abc\n"},
		"":        {"gh": "! no oauth token found for github.com\n"},
	} {
		if got := (machine.Machine{Run: p.run}).Token(t.Context(), "github.com"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, m := range []machine.Machine{{}, {Run: programs{}.run}} {
		if got := m.Token(t.Context(), "github.com"); got != "" {
			t.Errorf("without gh: %q", got)
		}
	}
}

// What the real git knows: insteadOf, worktrees, sub-directories, and what gh noted.
func TestGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	clone, worktree, sub := filepath.Join(dir, "clone"), filepath.Join(dir, "worktree"), filepath.Join(dir, "clone", "a", "b")
	environ := []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + dir,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}
	in := func(dir string) machine.Run {
		return func(ctx context.Context, program string, args ...string) ([]byte, error) {
			cmd := exec.CommandContext(ctx, git, args...)
			if program != "git" {
				return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
			}
			cmd.Dir, cmd.Env = dir, environ
			return cmd.Output()
		}
	}
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"init -q", "config url.git@github.com:.insteadOf gh:", "remote add origin gh:me/app.git", "remote add upstream https://github.com/octo/app",
		"commit -q --allow-empty -m x", "worktree add -q " + worktree,
	} {
		if _, err := in(clone)(t.Context(), "git", strings.Fields(args)...); err != nil {
			t.Fatalf("git %s: %v", args, err)
		}
	}
	want := []config.Remote{{Name: "upstream", URL: "https://github.com/octo/app"}, {Name: "origin", URL: "git@github.com:me/app.git"}}
	check := func(dir string, want []config.Remote) {
		t.Helper()
		got, err := machine.Machine{Run: in(dir)}.Remotes(t.Context())
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", dir, err, d)
		}
	}
	for _, d := range []string{clone, sub, worktree} {
		check(d, want)
	}
	if _, err := in(clone)(t.Context(), "git", "config", "remote.origin.gh-resolved", "base"); err != nil {
		t.Fatal(err)
	}
	check(worktree, []config.Remote{{Name: "origin", URL: "git@github.com:me/app.git", Resolved: "base"}, {Name: "upstream", URL: "https://github.com/octo/app"}})
	if _, err := (machine.Machine{Run: in(dir)}).Remotes(t.Context()); err == nil || !strings.Contains(err.Error(), "not a git repository") || errors.Is(err, exec.ErrNotFound) {
		t.Errorf("outside of a clone: %v", err)
	}
}

func TestExec(t *testing.T) {
	t.Parallel()
	if _, err := machine.Exec(t.Context(), "artifetch-has-no-such-program"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a program that is not installed: %v", err)
	}
	out, err := machine.Exec(t.Context(), "go", "env", "GOOS")
	if err != nil || strings.TrimSpace(string(out)) != runtime.GOOS {
		t.Errorf("%q, %v", out, err)
	}
	_, err = machine.Exec(t.Context(), "go", "no-such-command")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || !strings.Contains(string(exit.Stderr), "no-such-command") {
		t.Errorf("a program that fails: %v", err)
	}
}
