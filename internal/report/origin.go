package report

import (
	"fmt"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/words"
)

// privileged reports whether the job's event gives the job rights that the person who
// caused the event may lack.
func (l *Log) privileged() bool {
	return l.Runner.EventName == "pull_request_target" || l.Runner.EventName == "workflow_run"
}

// secrets returns the end of a warning about a fork's run: what to do if the job has rights
// that the fork's author lacks, and the files are about to be written where later steps may
// run them; else nothing. Source: GitHub Security Lab, "Preventing pwn requests".
func (l *Log) secrets() string {
	if !l.privileged() || l.Config.DryRun || l.Destination.Root != l.Destination.Workspace {
		return ""
	}
	return fmt.Sprintf(". This workflow runs with the repository's secrets (%s), and the files are about to be written inside the workspace, "+
		"where later steps may run them: write them elsewhere, path: ${{ runner.temp }}/artifacts, and handle them as data "+
		"(https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/)", l.Runner.EventName)
}

// foreign warns of runs and artifacts that are taken although they are not known to
// come from the repository's own commits.
func (l *Log) foreign(runs []artifact.Run, items []artifact.Item) {
	var warnings []string
	warn := func(format string, args ...any) {
		warnings = append(warnings, fmt.Sprintf(format, args...)+l.secrets())
	}
	for _, run := range runs {
		switch run.Origin() {
		case artifact.OriginOwn:
		case artifact.OriginFork:
			warn("run %d comes from %s, not from %s: whoever opened the pull request decided what its artifacts hold; treat them as untrusted",
				run.ID, run.Whence(), run.Repo)
		default:
			warn("the server does not say whether run %d of %s comes from a fork, whose author would have decided what its artifacts hold; treat them as untrusted",
				run.ID, run.Repo)
		}
	}
	for _, item := range items {
		if a := item.Artifact; isOrphan(item) {
			warn("the server does not say which run made artifact %d of %s, so it may come from a fork, whose author would have decided what it holds; treat it as untrusted",
				a.ID, a.Repo)
		}
	}
	l.warnings(warnings, "that come, or may come, from forks")
}

// isOrphan reports whether the server does not say which run made an artifact.
func isOrphan(item artifact.Item) bool { return item.Run.ID == 0 }

// orphans counts the artifacts whose run the server does not name.
func (r *Result) orphans() int {
	n := 0
	for _, p := range r.Items {
		if isOrphan(p.Item) {
			n++
		}
	}
	return n
}

// orphanLine is the summary's line about artifacts whose run is not known, or nothing.
func (r *Result) orphanLine() string {
	n := r.orphans()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("The server does not say which run made %s: **perhaps from a fork**\n\n", words.Count(n, "artifact"))
}

// fromFork returns the output from-fork: the origin of the newest run taken, or nil if no
// run was taken. An artifact whose run is not known may be of a newer run.
func (r *Result) fromFork() any {
	newest, orphans := artifact.OriginUnknown, r.orphans()
	if len(r.Runs) > 0 {
		newest = r.Runs[0].Origin()
	}
	switch {
	case len(r.Runs) == 0 && orphans == 0:
		return nil
	case orphans > 0 && newest == artifact.OriginOwn:
		newest = artifact.OriginUnknown
	}
	return fromFork(newest)
}

// fromFork returns an origin as a value of the output from-fork.
func fromFork(o artifact.Origin) any {
	switch o {
	case artifact.OriginOwn:
		return false
	case artifact.OriginFork:
		return true
	}
	return "unknown"
}
