package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/search"
)

// notFoundHint returns the one piece of advice that is most likely to help. Advice on where
// the artifact is comes before guesses at what was meant.
func (a audience) notFoundHint(nf *search.NotFoundError) string {
	// A name that no run ever had is more likely to be wrong than to come.
	pending := len(nf.Pending) > 0 && nf.Waited == 0 && !nf.Nowhere
	// If the list filtered by conclusion may lack runs, a run with another conclusion is no
	// reason to ask for that conclusion.
	unsure := slices.ContainsFunc(nf.Doubts, func(d search.Doubt) bool { return slices.Contains(d.Filters, "conclusion") })
	switch {
	case nf.InCurrent:
		return "The current run has it: add " + a.set("run-id", "current")
	case nf.Default.File != "" && nf.Final:
		return fmt.Sprintf("Set %s to the file of the workflow whose artifacts you want, or %s for any", a.name("workflow"), a.set("workflow", "*"))
	case nf.Overlooked.ID != 0 && nf.LimitHit:
		return fmt.Sprintf("Run %d has it and meets all conditions, but lies beyond %[2]s: raise %[2]s, or set %[3]s", nf.Overlooked.ID, a.name("search-limit"), a.setID("run-id", nf.Overlooked.ID))
	case nf.Overlooked.ID != 0:
		return fmt.Sprintf("Run %d has it and meets all conditions, but GitHub did not list it in time: %s, or set %s", nf.Overlooked.ID, a.rerun(), a.setID("run-id", nf.Overlooked.ID))
	case nf.Failed.ID != 0 && !unsure && (!pending || !nf.Pending[0].CreatedAt.After(nf.Failed.CreatedAt)):
		return strings.TrimSuffix(a.failedHint(nf.Failed)+". "+a.elsewhereHint(nf), ". ")
	case nf.Elsewhere.ID != 0:
		return a.elsewhereHint(nf)
	case nf.ElsewhereFailed.ID != 0 && !unsure && nf.ElsewhereFailed.Conclusion != "":
		return fmt.Sprintf("Run %d of another workflow has it, but its conclusion is %s: set %s and %s", nf.ElsewhereFailed.ID, nf.ElsewhereFailed.Conclusion,
			a.set("workflow", cmp.Or(workflowFile(nf.ElsewhereFailed), "*")), a.set("conclusion", nf.ElsewhereFailed.Conclusion))
	case nf.UnknownOrigin > 0 && nf.Forks == 0:
		return fmt.Sprintf("Runs that may be a fork's do not count unless %s, and the server does not say where some runs come from; "+
			"a run that you trust can be named with %s", a.says("allow-forks is true", "--allow-forks is given"), a.name("run-id"))
	case nf.Forks > 0, nf.ForkPR != "":
		return "Runs from forks do not count unless " + a.says("allow-forks is true", "--allow-forks is given") + "; a fork's author decides what its artifacts hold"
	case unsure:
		return "GitHub may list it later: " + a.rerun() + " then, or name the run with " + a.name("run-id")
	case nf.DidYouMean != "":
		return fmt.Sprintf("Did you mean %q?", nf.DidYouMean)
	case nf.Near.Input != "":
		return fmt.Sprintf("Did you mean %s?", a.set(nf.Near.Input, nf.Near.Value))
	case len(nf.Expired) > 0 && !nf.Nowhere:
		return "Run the workflow again to make a new one, or upload it with a longer retention-days"
	case nf.Permission == string(githubapi.ContentsRead):
		return fmt.Sprintf("%s takes a full SHA, an unambiguous abbreviation of at least 7 digits, or a tag; %s and %s are for branches and pull requests. "+
			"In a private repository the token also needs %s", a.name("commit"), a.name("branch"), a.name("pr"), a.says("permissions: {contents: read}", "Contents read"))
	case nf.Permission != "" && nf.Permission != string(githubapi.ActionsRead):
		return "If it exists, the token may not see it: " +
			a.says(fmt.Sprintf("for the job's own repository, add permissions: {%s} to the job", nf.Permission),
				ownToken(githubapi.Permission(nf.Permission), nf.Repo.String()))
	case nf.LimitHit:
		return fmt.Sprintf("Narrow the search by %s, %s or %s, raise %s, or name the run with %s",
			a.name("branch"), a.name("commit"), a.name("workflow"), a.name("search-limit"), a.name("run-id"))
	case pending:
		return fmt.Sprintf("Run %d is still under way: %s would wait for it", nf.Pending[0].ID, a.set("wait", "10m"))
	case nf.PullRequest != 0:
		return fmt.Sprintf("The branch is a pull request's ref, which no run has: did you mean %s?", a.setID("pr", int64(nf.PullRequest)))
	case nf.NoCommit:
		return "No run of that commit is known. " +
			a.says("In the jobs of a pull request github.sha is GitHub's merge commit, which no run has: use pr, or github.event.pull_request.head.sha",
				"A pull request's merge commit has no run: use --pr, or the commit at the head of its branch")
	case nf.Nowhere:
		return "Check how it is spelt, and whether the step that uploads it runs"
	case nf.Settled && nf.RunID == 0:
		return "Check the id: it is the number behind /runs/ or /artifacts/ in the address, not the number that a list of runs shows. The run or artifact may also have been deleted"
	case nf.RunID == 0 && len(nf.Where) > 0 && nf.Examined == 0 && len(nf.Workflows) == 0:
		return "Check these conditions, or name the run with " + a.name("run-id")
	case nf.Default.File != "":
		return fmt.Sprintf("If another workflow makes it, set %s to its file, or %s for any", a.name("workflow"), a.set("workflow", "*"))
	}
	return ""
}

// failedHint returns the advice to take a run whatever its conclusion.
func (a audience) failedHint(r artifact.Run) string {
	if r.Conclusion == "" {
		return fmt.Sprintf("Run %d has it, but the server does not say how it ended: %s would take it", r.ID, a.set("conclusion", "any"))
	}
	return fmt.Sprintf("Run %d has it, but its conclusion is %s: %s, or any, would take it", r.ID, r.Conclusion, a.set("conclusion", r.Conclusion))
}

// elsewhereHint returns the advice to take a run of another workflow, or nothing where
// none is known.
func (a audience) elsewhereHint(nf *search.NotFoundError) string {
	if nf.Elsewhere.ID == 0 {
		return ""
	}
	other := a.set("workflow", "*") + " for any"
	if file := workflowFile(nf.Elsewhere); file != "" {
		other = a.set("workflow", file) + ", or " + other
	}
	return fmt.Sprintf("Run %d of another workflow has it: set %s", nf.Elsewhere.ID, other)
}

// workflowFile returns the file of a run's workflow, or nothing if the server does not say.
func workflowFile(r artifact.Run) string {
	if r.WorkflowPath == "" {
		return ""
	}
	return path.Base(r.WorkflowPath)
}
