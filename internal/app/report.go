package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

const (
	// maxWarnings bounds the warnings of one kind: a run's annotations are few.
	maxWarnings = 10
	// maxLogged bounds the lines of one kind.
	maxLogged = 1000
	// maxNames bounds the names in a line.
	maxNames = 20
)

// logSome logs the first n things, and how many more there are.
func logSome[T any](log *actions.Log, list []T, noun string, line func(T) string) {
	for _, t := range list[:min(len(list), maxLogged)] {
		log.Infof("%s", line(t))
	}
	if more := len(list) - maxLogged; more > 0 {
		log.Infof("and %s", words.Count(more, "more "+noun))
	}
}

// fewNames is a list of names, or the beginning of a long one.
func fewNames(names []string) string {
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %s more", strings.Join(names[:maxNames], ", "), humanize.Comma(int64(more)))
	}
	return strings.Join(names, ", ")
}

// report tells the log how the run ended.
func report(log *actions.Log, res *result) {
	if !res.explained {
		logPassedOver(log, res.passedOver)
	}
	var many *config.Errors
	switch {
	case errors.As(res.err, &many):
		for _, p := range many.Problems {
			log.Errorf("%v", p)
		}
	case res.err != nil:
		log.Errorf("%s", message(res.err))
	case res.notFound != nil && res.warn:
		log.Warningf("%s", message(res.notFound))
	case res.notFound != nil:
		log.Infof("%s", message(res.notFound))
	case res.dryRun:
		log.Infof("dry run: nothing was written")
	default:
		log.Infof("%s into %s", res.total(), res.dest.Abs)
	}
}

func logPassedOver(log *actions.Log, passed []search.PassedOver) {
	if len(passed) == 0 {
		return
	}
	defer log.Group("%s passed over", words.Count(len(passed), "run"))()
	shown := worthShowing(passed)
	for _, p := range shown {
		have := ""
		if len(p.Names) > 0 {
			have = "; it has " + fewNames(p.Names)
		}
		repo := ""
		if p.Run.Repo != passed[0].Run.Repo || p.Run.Repo != passed[len(passed)-1].Run.Repo {
			repo = " of " + p.Run.Repo.String()
		}
		log.Infof("run %d%s (%s): %s%s", p.Run.ID, repo, runLabel(p.Run), p.Reason, have)
	}
	if more := len(passed) - len(shown); more > 0 {
		log.Infof("and %d more", more)
	}
}

// worthShowing are the newest of the runs passed over, and of those further
// down the first few that meet all conditions: their artifacts are known.
func worthShowing(passed []search.PassedOver) []search.PassedOver {
	const fitting = 3
	if len(passed) <= maxPassedOver {
		return passed
	}
	shown := slices.Clone(passed[:maxPassedOver])
	for _, p := range passed[maxPassedOver:] {
		if p.Fits && len(shown) < maxPassedOver+fitting {
			shown = append(shown, p)
		}
	}
	return shown
}

// runLabel tells a run to a person as far as it is known.
func runLabel(r artifact.Run) string {
	if r.Stub {
		return r.HeadBranch
	}
	return fmt.Sprintf("%s, %s", r.Label(), r.HeadBranch)
}

// logPlan says what was chosen, and where it comes from.
func (j *job) logPlan(plan *search.Plan, items []artifact.Item) {
	logSome(j.log, plan.Runs, "run", j.runText)
	j.warnForeign(plan.Runs, items)
	j.logFewer(plan)
	if plan.ByStatus {
		j.log.Infof("more than %d runs back only those that GitHub's filter by conclusion lists were looked at; it is known to miss some of the last weeks, so a newer run that fits is possible",
			2*search.PerPage)
	}
	logPassedOver(j.log, plan.PassedOver)
	logSome(j.log, plan.Superseded, "artifact", func(a artifact.Artifact) string {
		return fmt.Sprintf("artifact %d %q (%s) is left out: a newer one has its name", a.ID, a.Name, dateTime(a.CreatedAt))
	})
	l := layout(j.cfg)
	logSome(j.log, items, "artifact", func(item artifact.Item) string {
		a := item.Artifact
		return fmt.Sprintf("artifact %d %q, %s, to %s", a.ID, a.Name, words.Bytes(a.Size), path.Join(j.dest.Output, l.Dir(item)))
	})
}

// runText is a run in a line.
func (j *job) runText(run artifact.Run) string {
	if run.Stub {
		return fmt.Sprintf("run %d of %s: no longer there; its commit was %s on %s", run.ID, run.Repo, shortSHA(run.HeadSHA), run.HeadBranch)
	}
	return fmt.Sprintf("run %d of %s: %s, %s on %s at %s, %s, %s %s", run.ID, run.Repo, run.Label(), run.Event,
		run.HeadBranch, shortSHA(run.HeadSHA), cmp.Or(run.Conclusion, run.Status, "unknown state"), ago(j.now(), run.CreatedAt), run.URL)
}

// logFewer warns of a repository in which fewer runs were found than asked
// for.
func (j *job) logFewer(plan *search.Plan) {
	if j.cfg.ByID() {
		return
	}
	why := "no more fit"
	switch {
	case plan.LimitHit:
		why = "search-limit does not let more be looked at"
	case len(j.cfg.Branches) > 1 || j.cfg.PR != 0:
		why = "no more fit of the first branch or commit that has any, and others are not taken to fill up"
	}
	found := map[string]int{}
	for _, run := range plan.Runs {
		found[strings.ToLower(run.Repo.String())]++
	}
	warnings := 0
	for _, repo := range repos(j.cfg) {
		where := ""
		if len(j.cfg.Repositories) > 1 {
			where = " in " + repo.String()
		}
		n := found[strings.ToLower(repo.String())]
		if n >= j.cfg.Runs {
			continue
		}
		if warnings++; warnings <= maxWarnings {
			j.log.Warningf("%s asked for, and %d found%s: %s", words.Count(j.cfg.Runs, "run"), n, where, why)
		}
	}
	if warnings > maxWarnings {
		j.log.Warningf("and as few in %d more repositories", warnings-maxWarnings)
	}
}

// privileged adds to the warning of a fork's run where the job has rights
// that the fork's author has not, and its files are about to be among those
// that later steps may run. Source: GitHub Security Lab, "Preventing pwn
// requests".
func (j *job) privileged() string {
	event := j.runner.EventName
	if !j.isPrivileged() || j.cfg.DryRun || j.dest.Root != j.runner.Workspace {
		return ""
	}
	return fmt.Sprintf(". This workflow runs with the repository's secrets (%s), and the files are about to be written inside the workspace, "+
		"where later steps may run them: write them elsewhere, path: ${{ runner.temp }}/artifacts, and handle them as data "+
		"(https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/)", event)
}

// isPrivileged reports whether the job's event gives it rights that whoever
// caused the event need not have.
func (j *job) isPrivileged() bool {
	return j.runner.EventName == "pull_request_target" || j.runner.EventName == "workflow_run"
}

// warnGitHub warns where a privileged job's artifacts changed what was in a
// .github directory: local actions there are run by later steps, and workflows
// by whoever commits them.
func (j *job) warnGitHub(r workspace.Report) {
	if r.InGitHub == 0 || !j.isPrivileged() {
		return
	}
	list := make([]string, 0, len(r.GitHub))
	for _, p := range r.GitHub {
		list = append(list, fmt.Sprintf("%q of %q", p.Path, p.Label))
	}
	more := ""
	if n := r.InGitHub - len(list); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	j.log.Warningf("artifacts wrote into a .github directory that was there (%s%s), and this workflow runs with the repository's secrets (%s): "+
		"run no action and commit no workflow from there, or write artifacts elsewhere, path: ${{ runner.temp }}/artifacts",
		strings.Join(list, ", "), more, j.runner.EventName)
}

// logWait tells of a pause before looking again.
func (j *job) logWait(nf *search.NotFoundError, pause time.Duration) {
	pending := "no run that could match is under way"
	if len(nf.Pending) > 0 {
		r := nf.Pending[0]
		pending = fmt.Sprintf("run %d (%s) is %s", r.ID, r.Label(), r.Status)
	}
	j.log.Infof("%s not found yet, %s; looking again in %s", nf.What, pending, pause.Round(time.Second))
}

// logReport tells of files whose place was taken.
func (j *job) logReport(r workspace.Report) {
	for i, c := range r.Conflicts {
		if i == maxWarnings {
			break
		}
		j.log.Warningf("%q is in %q and in %q: that of %q, the newest, was taken", c.Path, c.Winner, c.Loser, c.Winner)
	}
	if more := r.Conflicting - min(len(r.Conflicts), maxWarnings); more > 0 {
		j.log.Warningf("and %d more files that several artifacts have", more)
	}
	j.warnGitHub(r)
	if r.Replaced > 0 {
		j.log.Infof("%s replaced", words.Count(r.Replaced, "file"))
	}
	if r.Skipped > 0 {
		j.log.Infof("%s left as they were (if-exists: skip)", words.Count(r.Skipped, "file"))
	}
}

// logRecovered tells of runs that were killed while they wrote to the
// destination.
func (j *job) logRecovered(all []workspace.Recovery) {
	warnings := 0
	warn := func(format string, args ...any) {
		if warnings++; warnings <= maxWarnings {
			j.log.Warningf(format, args...)
		}
	}
	for _, r := range all {
		switch {
		case r.Err != nil:
			warn("%s, which a run that was killed left, is still there: %v", r.Stage, r.Err)
		case r.Undone > 0 || len(r.Left) > 0:
			warn("a run that was killed had begun to write files into place; %s undone", words.Count(r.Undone, "change"))
		default:
			j.log.Infof("removed %s, which a run that was killed left", r.Stage)
		}
		for _, p := range r.Left {
			warn("%q was changed after a run that was killed had written it, and is left as it is", p)
		}
	}
	if more := warnings - maxWarnings; more > 0 {
		j.log.Warningf("and %d more of what killed runs left", more)
	}
}

// logFiles lists the files that the input files chooses of an artifact.
func (j *job) logFiles(item *transfer.Item, list transfer.Listing) {
	if list.Files == 0 {
		j.log.Infof("artifact %q: no file matches files", item.Artifact.Name)
		return
	}
	defer j.log.Group("artifact %q: %s, %s", item.Artifact.Name, words.Count(list.Files, "file"), words.Bytes(item.Bytes))()
	for _, e := range list.First {
		link := ""
		if e.Mode&fs.ModeSymlink != 0 {
			link = ", a symlink"
		}
		j.log.Infof("%s, %s%s", e.Name, words.Bytes(e.Size), link)
	}
	if more := list.Files - len(list.First); more > 0 {
		j.log.Infof("and %d more", more)
	}
}

// logEvent tells of what happens while artifacts are fetched.
func (j *job) logEvent(e transfer.Event) {
	switch e := e.(type) {
	case transfer.StartOver:
		j.log.Infof("%v; starting over", e.Err)
	case transfer.UnknownDigest:
		j.log.Warningf("artifact %q: its digest %s is of an unknown algorithm and was not checked", e.Artifact.Name, e.Artifact.Digest)
	case transfer.Mismatch:
		switch j.cfg.DigestMismatch {
		case config.MismatchInfo:
			j.log.Infof("%v", e.Err)
		case config.MismatchWarn:
			j.log.Warningf("%v", e.Err)
		}
	case transfer.CaseCollisions:
		for _, pair := range e.Pairs {
			j.log.Warningf("artifact %q: %q and %q differ in case only; on a file system that ignores case one would be lost",
				e.Artifact.Name, pair[0], pair[1])
		}
		if e.More > 0 {
			j.log.Warningf("artifact %q: %d more names differ in case only", e.Artifact.Name, e.More)
		}
	}
}

// configMessage is all problems with the inputs on one line.
func configMessage(e *config.Errors) string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.Error()
	}
	return strings.Join(list, "; ")
}

// deleteError says that fetching worked and deleting did not.
type deleteError struct{ errs []error }

func (e *deleteError) Error() string {
	list := make([]string, len(e.errs))
	for i, err := range e.errs {
		list[i] = err.Error()
	}
	return fmt.Sprintf("the files are in place, but artifacts could not be deleted on GitHub: %s", strings.Join(list, "; "))
}

func (e *deleteError) Unwrap() []error { return e.errs }
