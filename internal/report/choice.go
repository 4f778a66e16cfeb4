package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/words"
)

// Plan says what was chosen, and where it comes from. items are those of this job.
func (l *Log) Plan(plan *search.Plan, items []artifact.Item) {
	if !l.Config.Reads {
		some(l, plan.Runs, "run", l.run)
	}
	l.foreign(plan.Runs, items)
	l.fewer(plan)
	if idle := (artifact.Selector{Patterns: l.Config.Patterns}).Idle(plan.Items); len(idle) > 0 {
		l.Out.Warningf("%s: no artifact matches %s", l.audience().name("pattern"), words.Quoted(idle[:min(len(idle), maxNames)], len(idle)))
	}
	l.growing(plan.Runs)
	l.unmet(plan.Unmet)
	l.inCurrent(plan)
	l.doubts(plan.Doubts)
	if l.Config.Reads {
		return // the Printer shows the rest
	}
	l.passedOver(plan.PassedOver)
	some(l, plan.Superseded, "artifact", func(a artifact.Artifact) string {
		return fmt.Sprintf("artifact %d %q (%s) is left out: a newer one has the same name", a.ID, a.Name, dateTime(a.CreatedAt))
	})
	some(l, items, "artifact", func(item artifact.Item) string {
		a := item.Artifact
		return fmt.Sprintf("artifact %d %q, %s, to %s", a.ID, a.Name, words.Bytes(a.Size), path.Join(l.Destination.Output, l.Layout.Dir(item)))
	})
}

// unmet warns of runs that were named although they do not meet a condition that was
// given, too.
func (l *Log) unmet(list []search.Unmet) {
	var warnings []string
	for _, u := range list {
		warnings = append(warnings, fmt.Sprintf("run %d of %s is taken, because %s names it, but it does not meet what else was asked for: %s", u.Run.ID, u.Run.Repo, l.audience().name("run-id"), u.Reason))
	}
	l.warnings(warnings, "runs that do not meet what was asked for")
}

// growing says that the current run may still get artifacts that were asked for: a wait
// ends with the first match, because the run goes on at least as long as this step.
func (l *Log) growing(runs []artifact.Run) {
	if l.Config.Wait == 0 || len(l.Config.Names) > 0 || len(l.Config.ArtifactIDs) > 0 {
		return
	}
	current, _ := l.Runner.RunID()
	for _, run := range runs {
		if run.ID == current && run.UnderWay() {
			l.Out.Infof("run %d is still under way, and more artifacts may follow: give their names with %s to wait for them", run.ID, l.audience().name("name"))
		}
	}
}

// inCurrent says that the current run also has what was taken from an earlier one. In
// actions/download-artifact the current run is the default. So this is a warning, unless
// an input says that a search is meant.
func (l *Log) inCurrent(plan *search.Plan) {
	if !plan.InCurrent {
		return
	}
	tell := l.Out.Warningf
	if l.Config.Searches() {
		tell = l.Out.Infof
	}
	own, _ := artifact.ParseRepo(l.Runner.Repository)
	for _, run := range plan.Runs { // newest first
		if run.Repo.Equal(own) || run.RepoID != 0 && run.RepoID == l.Runner.RepositoryID { // by a former name
			a := l.audience()
			tell("the current run (%s) also has what was asked for, but it was taken from the earlier run %d: "+
				"%s takes it from the current run, and %s does so if the current run has it", l.Runner.Run, run.ID, a.set("run-id", "current"), a.set("current-first", "true"))
			return
		}
	}
}

// run describes a run in one line.
func (l *Log) run(run artifact.Run) string {
	if run.Stub {
		return fmt.Sprintf("run %d of %s: it no longer exists; its commit was %s on %s", run.ID, run.Repo, shortSHA(run.HeadSHA), run.HeadBranch)
	}
	return fmt.Sprintf("run %d of %s: %s, %s on %s at %s, %s, %s %s", run.ID, run.Repo, run.Label(), run.Event,
		run.HeadBranch, shortSHA(run.HeadSHA), cmp.Or(run.Conclusion, run.Status, "unknown state"), ago(l.Now(), run.CreatedAt), run.URL)
}

// fewer warns of each repository in which fewer runs were found than asked for.
func (l *Log) fewer(plan *search.Plan) {
	if l.Config.ByID() {
		return
	}
	why := "no other run fits"
	switch {
	case plan.LimitHit:
		why = l.audience().name("search-limit") + " was reached"
	case len(l.Config.Branches) > 1 || l.Config.PR != 0:
		why = "only the first branch or commit with a run that fits counts, and no other run of it fits"
	}
	found := map[artifact.Repo]int{}
	for _, run := range plan.Runs {
		found[run.Repo.Fold()]++
	}
	var warnings []string
	for _, repo := range l.Config.Repositories {
		where := ""
		if len(l.Config.Repositories) > 1 {
			where = " in " + repo.String()
		}
		if n := found[repo.Fold()]; n < l.Config.Runs {
			warnings = append(warnings, fmt.Sprintf("%s asked for, and %d found%s: %s", words.Count(l.Config.Runs, "run"), n, where, why))
		}
	}
	l.warnings(warnings, "repositories in which fewer were found")
}

// maxPassedOver bounds the passed-over runs that are listed.
const maxPassedOver = 50

func (l *Log) passedOver(passed []search.PassedOver) {
	if len(passed) == 0 {
		return
	}
	defer l.Out.Group("%s passed over", words.Count(len(passed), "run"))()
	shown := worthShowing(passed)
	for _, p := range shown {
		have := ""
		if _, sentence := artifactsOf(p); len(p.Names) > 0 || !p.Fits { // else the reason says it
			have = "; " + sentence
		}
		repo := ""
		if p.Run.Repo != passed[0].Run.Repo || p.Run.Repo != passed[len(passed)-1].Run.Repo {
			repo = " of " + p.Run.Repo.String()
		}
		l.Out.Infof("run %d%s (%s): %s%s", p.Run.ID, repo, branchLabel(p.Run), p.Reason, have)
	}
	if more := len(passed) - len(shown); more > 0 {
		l.Out.Infof("and %d more", more)
	}
}

// artifactsOf says what is known of a passed-over run's artifacts: for a table's cell, and
// in a sentence.
func artifactsOf(p search.PassedOver) (cell, sentence string) {
	switch {
	case len(p.Names) > 0:
		names := fewNames(p.Names)
		return names, "it has " + names
	case p.Look == search.LookedAtAll:
		return "none", "it has no artifacts"
	case p.Look == search.LookedForNames:
		return "none of the artifacts asked for", "it has none of the artifacts asked for"
	}
	return "not looked at", "its artifacts were not looked at"
}

// worthShowing returns the newest of the passed-over runs, and the first few older ones
// that meet all conditions: their artifacts are known.
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

// fewNames joins a list of names, or the beginning of a long list.
func fewNames(names []string) string {
	return words.List(names[:min(len(names), maxNames)], len(names), ", ")
}

// branchLabel names a run and its branch, as far as they are known.
func branchLabel(r artifact.Run) string {
	if r.Stub {
		return r.HeadBranch
	}
	return fmt.Sprintf("%s, %s", r.Label(), r.HeadBranch)
}

func shortSHA(sha string) string { return sha[:min(len(sha), 7)] }

// dateTime formats a time.
func dateTime(t time.Time) string {
	if t.IsZero() {
		return "of an unknown time"
	}
	return t.UTC().Format(time.DateTime)
}

// ago says how long ago a time was.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "at an unknown time"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return words.Count(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return words.Count(int(d.Hours()), "hour") + " ago"
	}
	return words.Count(int(d.Hours()/24), "day") + " ago"
}
