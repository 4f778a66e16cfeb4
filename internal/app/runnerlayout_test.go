package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/config"
)

// onRunner is the environment of a container action whose workspace is
// /home/runner/work/app/app on the runner's host.
func onRunner(t *testing.T, temp string) (Env, actions.Context) {
	t.Helper()
	vars := map[string]string{
		"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_REPOSITORY": "octo/app", "HOME": "/github/home",
		"RUNNER_WORKSPACE": "/home/runner/work/app", "RUNNER_TEMP": temp,
	}
	env := Env{Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }}
	return env, actions.ReadContext(env.get)
}

// A runner before 2.329 neither mounts its temporary directory nor maps its
// path, so RUNNER_TEMP is the host's.
func TestLayoutOfOldRunner(t *testing.T) {
	t.Parallel()
	for _, hostWorkspace := range []bool{true, false} {
		env, runner := onRunner(t, "/home/runner/work/_temp")
		if !hostWorkspace {
			lookup := env.Lookup
			env.Lookup = func(name string) (string, bool) {
				if name == "RUNNER_WORKSPACE" {
					return "", false
				}
				return lookup(name)
			}
		}
		l, err := runnerLayout(env, runner)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"/home/runner/work/_temp/x", "/__w/_temp/x"} {
			_, err := l.Resolve(p)
			if err == nil || !strings.Contains(err.Error(), "not mounted into this container; runner 2.329.0 or later mounts it") {
				t.Errorf("%s: %v", p, err)
			}
		}
		// HOME is mounted by all of them, though it lies in temp.
		if got, err := l.Locate("/home/runner/work/_temp/_github_home/x"); err != nil || got != "/github/home/x" {
			t.Errorf("HOME: %s, %v", got, err)
		}
	}
}

func TestLayoutOfNewRunner(t *testing.T) {
	t.Parallel()
	env, runner := onRunner(t, "/github/runner_temp")
	l, err := runnerLayout(env, runner)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{
		"~/x":                             "/github/home/x",
		"x":                               "/github/workspace/x",
		"/home/runner/work/app/app/x":     "/github/workspace/x",
		"/home/runner/work/_temp/x":       "/github/runner_temp/x",
		"/__w/app/app/x":                  "/github/workspace/x",
		"/__w/_temp/_github_home/x":       "/github/home/x",
		"/home/runner/work/_temp/_github": "/github/runner_temp/_github",
	} {
		if got, err := l.Locate(p); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", p, got, err, want)
		}
	}
	// A directory that is there stands for HOME.
	l.Home = t.TempDir()
	d, err := l.Resolve("~/x")
	if want := "/home/runner/work/_temp/_github_home/x"; err != nil || d.HostPath != want {
		t.Errorf("~/x is %s on the host, %v; want %s", d.HostPath, err, want)
	}
}

// The file of ca-cert is looked for where path would be.
func TestReadCA(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "ca.pem"), []byte("certificates"), 0o600); err != nil {
		t.Fatal(err)
	}
	env, runner := onRunner(t, "/home/runner/work/_temp")
	runner.Home = home
	read := func(name string) (string, error) {
		places, err := runnerLayout(env, runner)
		if err != nil {
			t.Fatal(err)
		}
		pem, err := readCA(&config.Config{CACert: name}, places)
		return string(pem), err
	}
	for _, name := range []string{"~/ca.pem", "/__w/_temp/_github_home/ca.pem", "/home/runner/work/_temp/_github_home/ca.pem"} {
		if got, err := read(name); got != "certificates" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"ca.pem":                         "open /github/workspace/ca.pem",
		"/__w/app/app/ca.pem":            "open /github/workspace/ca.pem",
		"/home/runner/work/_temp/ca.pem": "runner 2.329.0 or later mounts it",
	} {
		if _, err := read(name); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "ca-cert: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
