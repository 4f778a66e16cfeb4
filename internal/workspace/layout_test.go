//go:build unix

package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	ws, tmp, home := filepath.Join(top, "ws"), filepath.Join(top, "tmp"), filepath.Join(top, "home")
	for _, d := range []string{ws, tmp, home} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	step := Layout{
		Workspace: ws, Temp: tmp, Home: home, Container: true,
		HostWorkspace: "/home/runner/work/r/r", HostTemp: "/home/runner/work/_temp", HostHome: "/home/runner/work/_temp/_github_home",
	}
	noTemp := step // a runner before 2.329.0
	noTemp.Temp = ""
	unknownHost := Layout{Workspace: ws, Temp: tmp, Home: home, Container: true}
	onlyTemp := Layout{Workspace: ws, Temp: tmp, Container: true, HostTemp: "/h/_temp"}
	local := Layout{Dir: ws, Home: home}
	tests := map[string]struct {
		l                 Layout
		path              string
		abs, output, host string // or the error in abs
	}{
		"dot":              {step, ".", ws, ".", "/home/runner/work/r/r"},
		"empty":            {step, "", ws, ".", "/home/runner/work/r/r"},
		"relative":         {step, "a/b", ws + "/a/b", "a/b", "/home/runner/work/r/r/a/b"},
		"relative, dots":   {step, "./a/../b/", ws + "/b", "b", "/home/runner/work/r/r/b"},
		"dots in a name":   {step, "..a", ws + "/..a", "..a", "/home/runner/work/r/r/..a"},
		"out of it":        {step, "../x", `path "../x" lies outside of the directories that outlive this container, so the files would be lost; choose one below ` + ws, "", ""},
		"absolute":         {step, ws + "/a", ws + "/a", "a", "/home/runner/work/r/r/a"},
		"temp":             {step, tmp + "/a", tmp + "/a", tmp + "/a", "/home/runner/work/_temp/a"},
		"temp not there":   {noTemp, tmp + "/a", "lies outside", "", ""},
		"home":             {step, "~/a", home + "/a", home + "/a", "/home/runner/work/_temp/_github_home/a"},
		"home itself":      {step, "~", home, home, "/home/runner/work/_temp/_github_home"},
		"home, host hides": {unknownHost, "~/a", home + "/a", home + "/a", home + "/a"},
		"no home":          {Layout{Workspace: ws}, "~/a", "needs HOME", "", ""},
		"a user's home":    {step, "~root/a", ws + "/~root/a", "~root/a", "/home/runner/work/r/r/~root/a"},
		"elsewhere":        {step, "/etc", "lies outside", "", ""},
		"prefix only":      {step, ws + "x", "lies outside", "", ""},
		"not in container": {Layout{Workspace: ws}, "/etc", "lies outside of the directories a step may write to", "", ""},
		"NUL":              {step, "a\x00", "holds a NUL", "", ""},
		"missing mount":    {Layout{Workspace: ws + "/none", Container: true}, "a", "which is not there: it has to be mounted into this container", "", ""},
		"missing root":     {Layout{Workspace: ws + "/none"}, "a", "which cannot be used", "", ""},

		"job container":                {step, "/__w/r/r/a/b", ws + "/a/b", "a/b", "/home/runner/work/r/r/a/b"},
		"its workspace":                {step, "/__w/r/r", ws, ".", "/home/runner/work/r/r"},
		"its workspace, host unknown":  {unknownHost, "/__w/x/x/a", ws + "/a", "a", ws + "/a"},
		"its temp":                     {step, "/__w/_temp/x", tmp + "/x", tmp + "/x", "/home/runner/work/_temp/x"},
		"its home":                     {step, "/__w/_temp/_github_home/x", home + "/x", home + "/x", "/home/runner/work/_temp/_github_home/x"},
		"its temp, prefix only":        {step, "/__w/_tempest/x", "lies outside", "", ""},
		"its temp, not mounted":        {noTemp, "/__w/_temp/x", "lies in /__w/_temp, which is not mounted", "", ""},
		"beside its workspace":         {step, "/__w/r/x", "lies outside", "", ""},
		"above its workspace":          {step, "/__w/r", "lies outside", "", ""},
		"another's workspace":          {step, "/__w/q/q/a", "lies outside", "", ""},
		"out of its workspace":         {step, "/__w/r/r/../x", "lies outside", "", ""},
		"job container, but no action": {Layout{Workspace: ws}, "/__w/r/r/a", "lies outside", "", ""},

		"host path":             {step, "/home/runner/work/r/r/a", ws + "/a", "a", "/home/runner/work/r/r/a"},
		"host temp":             {step, "/home/runner/work/_temp/a", tmp + "/a", tmp + "/a", "/home/runner/work/_temp/a"},
		"host temp alone":       {onlyTemp, "/h/_temp/a", tmp + "/a", tmp + "/a", "/h/_temp/a"},
		"host home":             {step, "/home/runner/work/_temp/_github_home/a", home + "/a", home + "/a", "/home/runner/work/_temp/_github_home/a"},
		"host temp not mounted": {noTemp, "/home/runner/work/_temp/a", "lies in /home/runner/work/_temp, which is not mounted into this container", "", ""},

		"the runner's files":      {step, tmp + "/_runner_file_commands", "lies in " + tmp + "/_runner_file_commands, which is the runner's own", "", ""},
		"the runner's, below":     {step, tmp + "/_Runner_File_Commands/x", "which is the runner's own", "", ""},
		"the runner's event":      {step, tmp + "/x/../_github_workflow/", "which is the runner's own", "", ""},
		"the runner's, host":      {step, "/home/runner/work/_temp/_github_workflow", "which is the runner's own", "", ""},
		"the runner's, job":       {step, "/__w/_temp/_runner_file_commands/x", "which is the runner's own", "", ""},
		"the runner's, command":   {Layout{Dir: ws, RunnerTemp: tmp}, tmp + "/_runner_file_commands", "which is the runner's own", "", ""},
		"beside the runner's":     {step, tmp + "/_runner_file_commands2", tmp + "/_runner_file_commands2", tmp + "/_runner_file_commands2", "/home/runner/work/_temp/_runner_file_commands2"},
		"too long":                {step, strings.Repeat("d/", 2400), "is an absolute path of ", "", ""},
		"too long, local":         {local, "/" + strings.Repeat("d/", 2400), "is an absolute path of 4800 bytes; other steps can open at most 4031", "", ""},
		"too long with the stage": {step, strings.Repeat("d/", 2020), "is an absolute path of ", "", ""},
		"too long on the host":    {Layout{Workspace: ws, HostWorkspace: "/" + strings.Repeat("h/", 1000)}, strings.Repeat("d/", 1100), "is an absolute path of ", "", ""},
		"a name too long":         {step, "a/" + strings.Repeat("n", 256), "has a directory name of 256 bytes", "", ""},
		"a long name":             {step, strings.Repeat("n", 255), ws + "/" + strings.Repeat("n", 255), strings.Repeat("n", 255), "/home/runner/work/r/r/" + strings.Repeat("n", 255)},

		"local":            {local, "a", ws + "/a", "a", ws + "/a"},
		"local, outside":   {local, tmp + "/a/b", tmp + "/a/b", tmp + "/a/b", tmp + "/a/b"},
		"local, up":        {local, "../tmp", tmp, tmp, tmp},
		"local, a file":    {Layout{Dir: tmp}, os.Args[0], "which is a file", "", ""},
		"local, in a file": {Layout{Dir: tmp}, os.Args[0] + "/x", "leads through " + os.Args[0], "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := tt.l.Resolve(tt.path)
			if err != nil {
				if pe, ok := errors.AsType[*PathError](err); !ok || tt.host != "" || !strings.Contains(pe.Error(), tt.abs) {
					t.Fatalf("got %v, want %q", err, tt.abs)
				}
				return
			}
			if d.Abs != tt.abs || d.Output != tt.output || d.HostPath != tt.host || filepath.Join(d.Root, d.Rel) != d.Abs {
				t.Errorf("got %+v", d)
			}
		})
	}
}
