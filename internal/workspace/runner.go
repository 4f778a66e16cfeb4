package workspace

import (
	"cmp"
	"path"
	"strings"
)

// RunnerLayout reads from the environment of a step how the runner laid out its
// directories. A container action finds its workspace at /github/workspace.
// RUNNER_WORKSPACE is the parent of the workspace on the host: the runner does not
// translate it. Before 2.329.0 the runner neither mounted nor translated RUNNER_TEMP. HOME
// lies in the host's temporary directory (ContainerActionHandler of actions/runner).
func RunnerLayout(getenv func(string) string) Layout {
	l := Layout{Workspace: getenv("GITHUB_WORKSPACE"), Temp: getenv("RUNNER_TEMP"), Home: getenv("HOME")}
	l.Container = l.Workspace == "/github/workspace"
	if !l.Container {
		return l
	}
	if !strings.HasPrefix(l.Temp, "/github/") {
		l.Temp, l.HostTemp = "", l.Temp
	}
	if host := getenv("RUNNER_WORKSPACE"); host != "" {
		l.HostWorkspace = path.Join(host, path.Base(getenv("GITHUB_REPOSITORY")))
		l.HostTemp = cmp.Or(l.HostTemp, path.Join(path.Dir(host), "_temp"))
	}
	if l.HostTemp != "" {
		l.HostHome = path.Join(l.HostTemp, "_github_home")
	}
	return l
}

// MachineLayout is the layout of a command that runs in dir, perhaps as part of a step.
func MachineLayout(getenv func(string) string, dir string) Layout {
	return Layout{Dir: dir, Home: getenv("HOME"), RunnerTemp: getenv("RUNNER_TEMP")}
}
