package app

import (
	"fmt"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/words"
)

// warnForeign warns of what is taken, although it is not known to be of the
// repository's own commits.
func (j *job) warnForeign(runs []artifact.Run, items []artifact.Item) {
	var warnings []string
	warn := func(format string, args ...any) {
		warnings = append(warnings, fmt.Sprintf(format, args...)+j.privileged())
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
			warn("the server does not say which run made artifact %d of %s, so that it may be a fork's, whose author would have decided what it holds; treat it as untrusted",
				a.ID, a.Repo)
		}
	}
	for i, text := range warnings {
		if i == maxWarnings {
			j.log.Warningf("and %d more that come, or may come, from forks", len(warnings)-i)
			break
		}
		j.log.Warningf("%s", text)
	}
}

// isOrphan reports whether the server does not tell the run of an artifact.
func isOrphan(item artifact.Item) bool { return item.Run.ID == 0 }

// orphans counts the artifacts whose run the server does not tell.
func (r *result) orphans() int {
	n := 0
	for _, p := range r.items {
		if isOrphan(p.Item) {
			n++
		}
	}
	return n
}

// orphanLine is what the summary says of them.
func (r *result) orphanLine() string {
	n := r.orphans()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("Of %s the server does not tell the run: **perhaps from a fork**\n\n", words.Count(n, "artifact"))
}

// origin is the output from-fork: that of the newest run taken, and empty where
// nothing was. An artifact whose run the server does not tell may be of a newer
// one.
func (r *result) origin() string {
	newest, orphans := artifact.OriginUnknown, r.orphans()
	if len(r.runs) > 0 {
		newest = r.runs[0].Origin()
	}
	switch {
	case len(r.runs) == 0 && orphans == 0:
		return ""
	case orphans > 0 && newest == artifact.OriginOwn:
		newest = artifact.OriginUnknown
	}
	return fmt.Sprint(fromFork(newest))
}

// fromFork is an origin as the outputs have it.
func fromFork(o artifact.Origin) any {
	switch o {
	case artifact.OriginOwn:
		return false
	case artifact.OriginFork:
		return true
	}
	return "unknown"
}
