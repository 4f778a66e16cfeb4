package workspace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onRunner is the environment of a container action whose workspace is
// /home/runner/work/app/app on the runner's host. other variables come last.
func onRunner(temp string, other ...string) func(string) string {
	vars := map[string]string{
		"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_REPOSITORY": "octo/app", "HOME": "/github/home",
		"RUNNER_WORKSPACE": "/home/runner/work/app", "RUNNER_TEMP": temp,
	}
	for i := 0; i < len(other); i += 2 {
		vars[other[i]] = other[i+1]
	}
	return func(name string) string { return vars[name] }
}

// A runner before 2.329 neither mounts its temporary directory nor maps its
// path, so RUNNER_TEMP is the host's.
func TestLayoutOfOldRunner(t *testing.T) {
	t.Parallel()
	for _, hostWorkspace := range []string{"/home/runner/work/app", ""} {
		l := RunnerLayout(onRunner("/home/runner/work/_temp", "RUNNER_WORKSPACE", hostWorkspace))
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

// A host's temporary directory need not lie beside its workspaces.
func TestLayoutOfTempElsewhere(t *testing.T) {
	t.Parallel()
	l := RunnerLayout(onRunner("/mnt/temp"))
	if l.Temp != "" || l.HostTemp != "/mnt/temp" || l.HostHome != "/mnt/temp/_github_home" || l.HostWorkspace != "/home/runner/work/app/app" {
		t.Errorf("%+v", l)
	}
}

func TestLayoutOfNewRunner(t *testing.T) {
	t.Parallel()
	l := RunnerLayout(onRunner("/github/runner_temp"))
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

// Outside of a container the directories are those of the host, and a command has no
// workspace.
func TestLayoutWithoutContainer(t *testing.T) {
	t.Parallel()
	env := onRunner("/runner/_temp", "GITHUB_WORKSPACE", "/runner/app/app", "RUNNER_WORKSPACE", "/runner/app", "HOME", "/home/me")
	for name, tt := range map[string]struct{ got, want Layout }{
		"step":    {RunnerLayout(env), Layout{Workspace: "/runner/app/app", Temp: "/runner/_temp", Home: "/home/me"}},
		"command": {MachineLayout(env, "/src"), Layout{Dir: "/src", RunnerTemp: "/runner/_temp", Home: "/home/me"}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}
