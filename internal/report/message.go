package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// message says what happened, and what to do about it. It is the only place that turns
// errors into advice.
func (a audience) message(err error) string {
	text := err.Error()
	if many, ok := errors.AsType[*config.Errors](err); ok {
		text = joinErrors(many.Problems)
	}
	if h := a.hint(err); h != "" {
		return strings.TrimRight(text, ".") + ". " + h
	}
	return text
}

// hint returns the advice for an error, or nothing.
func (a audience) hint(err error) string {
	if _, ok := errors.AsType[*workspace.UndoError](err); ok {
		return "The message says what could not be undone; check that before " + a.says("the step runs", "it runs") + " again"
	}
	if _, ok := errors.AsType[*StdoutError](err); ok {
		return "" // the place is the reader's choice
	}
	if nf, ok := errors.AsType[*search.NotFoundError](err); ok {
		return a.notFoundHint(nf)
	}
	if none, ok := errors.AsType[*transfer.NoFilesError](err); ok {
		return noFilesHint(none)
	}
	if none, ok := errors.AsType[*transfer.NoFileError](err); ok {
		if near := none.Near(); len(near) > 0 {
			return fmt.Sprintf("Did you mean %s?", words.Quoted(near, len(near)))
		}
		return ""
	}
	if _, ok := errors.AsType[*inspect.SeveralError](err); ok {
		return "Give one of these paths"
	}
	if fork, ok := errors.AsType[*search.ForkError](err); ok {
		doubt := ""
		if fork.Run.Origin() == artifact.OriginUnknown {
			doubt = "It may be a fork. "
		}
		return fmt.Sprintf("%sAnybody can open a pull request from a fork and choose what its artifacts hold. "+
			"If this workflow treats them as untrusted data (never runs them, never in the workspace of a privileged job), set %s; "+
			"otherwise take a run of your own with %s. Run: %s", doubt, a.set("allow-forks", "true"), a.name("run-id"), fork.Run.URL)
	}
	if errors.Is(err, search.ErrUnknownTrigger) {
		return fmt.Sprintf("Give %s, or an input of the search such as %s", a.name("run-id"), a.name("workflow"))
	}
	if _, ok := errors.AsType[*search.SameNameError](err); ok {
		return "They would go to the same place: fetch each " + a.says("in a step of its own", "by itself") + ", or set " + a.set("merge-multiple", "true")
	}
	if ambiguous, ok := errors.AsType[*search.AmbiguousError](err); ok {
		return fmt.Sprintf("Give one of these as %s", a.name(ambiguous.Input))
	}
	if api, ok := errors.AsType[*githubapi.Error](err); ok {
		return a.apiHint(api)
	}
	return a.fetchHint(err)
}

// fetchHint returns the advice for an error of fetching, extracting or publishing what was
// chosen, or nothing.
func (a audience) fetchHint(err error) string {
	if differs, ok := errors.AsType[*transfer.DigestError](err); ok {
		again := "The bytes are not those that were uploaded; " + a.rerun() + ", and if it happens again, upload the artifact anew"
		if differs.Final {
			return again
		}
		return again + ". " + a.set("digest-mismatch", "warn") + " lets it pass"
	}
	if _, ok := errors.AsType[*transfer.ExpectError](err); ok {
		return "Nothing was written. Check that " + a.name("expect-digest") + " is the artifact-digest of the upload of these very artifacts (same run, same attempt); " +
			"if it is, they are not what was uploaded: find out who replaced them"
	}
	if _, ok := errors.AsType[*transfer.CountError](err); ok {
		return fmt.Sprintf("Nothing was fetched. %s takes one digest for each artifact: choose artifacts by %s or %s, or give the missing digests; "+
			"with %s, put the artifact's name behind each digest", a.name("expect-digest"), a.name("name"), a.name("artifact-ids"), a.name("shard"))
	}
	if _, ok := errors.AsType[*transfer.PageError](err); ok {
		return "Nothing was written. A proxy, a login page or an error of the storage was sent instead of the artifact: check whether " + a.machine() + " can reach " +
			"the storage without a proxy (NO_PROXY), and " + a.rerun()
	}
	if _, ok := errors.AsType[*transfer.EncodingError](err); ok {
		return "Nothing was written. Let " + a.machine() + " reach the storage without that proxy (NO_PROXY), or have the proxy pass the answers of the storage on unchanged"
	}
	if _, ok := errors.AsType[*transfer.UnsoundError](err); ok {
		return "Nothing was written. No digest proves that the archive was uploaded like this, so it is kept only if it is intact; " + a.rerun() + ", or upload the artifact anew"
	}
	if _, ok := errors.AsType[*unpack.RefusedError](err); ok {
		return "Nothing was written. If you trust the artifact, " + a.set("skip-decompress", "true") + " keeps the archive as it is; otherwise find out who made it"
	}
	if _, ok := errors.AsType[*workspace.LinkError](err); ok {
		return "Nothing was written. Symlinks may only lead to places in the destination; find out who made the artifact, " +
			"or choose a path that no other files are in, without " + a.name("merge-multiple")
	}
	if protected, ok := errors.AsType[*workspace.ProtectedError](err); ok {
		return a.protectedHint(protected)
	}
	if place, ok := errors.AsType[*workspace.PlaceError](err); ok {
		return a.placeHint(place)
	}
	if limit, ok := errors.AsType[*unpack.LimitError](err); ok {
		return fmt.Sprintf("Nothing was written. Raise %s if that is what you expect", a.name(limitInput(limit)))
	}
	if _, ok := errors.AsType[*workspace.ExistsError](err); ok {
		return "Nothing was written, because " + a.name("if-exists") + " is fail; overwrite and skip are the other choices"
	}
	if handOn, ok := errors.AsType[*HandOnError](err); ok {
		return handOnHint(handOn)
	}
	if _, ok := errors.AsType[*transfer.StreamError](err); ok {
		return a.says("Leave out dry-run to fetch it, or leave out files to see which artifacts would be taken without their files",
			"Fetch it: run artifetch without a verb and without --dry-run")
	}
	if _, ok := errors.AsType[*CertificateError](err); ok || errors.Is(err, httpx.ErrNoCertificate) {
		return "Give the path of a PEM file in the workspace, or PEM text"
	}
	return a.systemHint(err)
}

// handOnHint says what to check, and what is lost.
func handOnHint(e *HandOnError) string {
	var variables, lost []string
	for _, err := range e.Errs {
		if file, ok := errors.AsType[*actions.FileError](err); ok {
			variables = append(variables, file.Variable)
			lost = append(lost, map[string]string{"GITHUB_OUTPUT": "later steps get no outputs", "GITHUB_STEP_SUMMARY": "there is no summary"}[file.Variable])
		}
	}
	if len(variables) == 0 {
		return ""
	}
	text := fmt.Sprintf("The runner sets %s, and a step must not: if none did, check that the runner's temporary directory exists, that this process's user may write to it, "+
		"and that it has free space. Without that, %s", strings.Join(variables, " and "), strings.Join(lost, ", and "))
	if e.Published {
		text += "; the files are in place"
	}
	return text
}

func noFilesHint(e *transfer.NoFilesError) string {
	near := e.Near()
	for i, g := range near {
		near[i] = quotedGlob(g)
	}
	switch {
	case len(near) > 0:
		return fmt.Sprintf("Did you mean %s?", words.List(near, len(near), ", "))
	case e.TakenAway:
		return "The globs that begin with ! exclude all files that the others match"
	}
	return "Globs are on whole paths in the artifact: * stays within a directory, ** crosses directories, and the name of a directory takes all below it"
}

// quotedGlob quotes a glob such that a step can have it as it is shown: only in single
// quotes is a backslash of YAML, or of a shell, one backslash.
func quotedGlob(g string) string {
	other := func(r rune) bool { return r == '\'' || !strconv.IsPrint(r) }
	if strings.Contains(g, `\`) && utf8.ValidString(g) && !strings.ContainsFunc(g, other) {
		return "'" + g + "'"
	}
	return strconv.Quote(g)
}

func (a audience) protectedHint(e *workspace.ProtectedError) string {
	if e.Runner {
		return "Nothing was written. Files there set variables and paths of later steps; find out who made the artifact, or choose another path"
	}
	return "Nothing was written. Git runs commands that its configuration and hooks name, at the latest when the checkout action cleans up; " +
		"choose a path that has no repository in it, leave these files out with " + a.set("files", "!**/.git/**") + ", or, if you mean to change the repository, choose a path inside of that directory"
}

func (a audience) placeHint(e *workspace.PlaceError) string {
	if e.Mount {
		return "Nothing was written. Mount a directory that can be written to, choose another path, or leave these files out: " + a.name("files") + " takes globs, and a glob that begins with ! excludes files"
	}
	return "Nothing was written. Remove the attribute (chattr), or choose another path"
}

func (a audience) systemHint(err error) string {
	var quota *spool.QuotaError
	var truncated *fetch.TruncatedError
	var late *fetch.WaitError
	var differs *fetch.MD5Error
	var refused *fetch.StorageError
	if hint := a.networkHint(err, false); hint != "" {
		return hint
	}
	switch {
	case errors.As(err, &quota), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		what := "disk space"
		if quota == nil {
			what += ", or inodes (df -i shows them),"
		}
		return "Free " + what + " on " + a.machine() + ", choose fewer artifacts, or set " + a.name("path") + " to a larger disk; nothing was written to the destination"
	case errors.Is(err, syscall.EROFS):
		return "The file system is read-only there: mount it so that it can be written to, or choose another path; nothing was written to the destination"
	case errors.Is(err, fs.ErrPermission):
		return "The user that this process runs as may not do that: check who owns the directory and its mode (ls -ld)" + a.says(", and what earlier steps left there", "") + ", or choose another path; " +
			"nothing was written to the destination"
	case errors.As(err, &late):
		return "The storage, or the network to it, is too slow; " + a.rerun() + ", nothing was written to the destination"
	case errors.As(err, &differs):
		return "The bytes are not those that were stored; " + a.rerun() + ", and if it happens again, upload the artifact anew"
	case errors.As(err, &truncated):
		return "The storage kept breaking off; " + a.rerun() + ", nothing was written to the destination"
	case errors.As(err, &refused):
		return a.storageHint(refused.Status)
	case errors.Is(err, context.Canceled):
		return a.says("The job was cancelled", "It was interrupted") + "; nothing was written to the destination"
	case httpx.IsTemporary(err):
		return a.storageHint(0)
	}
	return ""
}

// storageHint returns the advice for a storage that did not send an artifact. status is 0
// if it did not answer.
func (a audience) storageHint(status int) string {
	if status == 0 || httpx.TemporaryStatus(status) {
		return "GitHub's storage or the network is in trouble; see https://www.githubstatus.com and " + a.rerun() + ", nothing was written to the destination"
	}
	return "The storage does not accept the signed URL that GitHub gave: check whether a proxy or a firewall answers in its place, and whether " + a.machine() + "'s clock is right; " +
		"nothing was written to the destination"
}

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

func (a audience) apiHint(e *githubapi.Error) string {
	switch e.Kind {
	case githubapi.BadToken:
		return a.tokenHint(e)
	case githubapi.NoPermission:
		return "The token may not do this: " + a.grant(e.Needs, e.Repo)
	case githubapi.NotFound:
		return fmt.Sprintf("Either the name is wrong, or %s is private and the token cannot see it: %s", e.Repo,
			a.says("give github-token a token with Actions read on it", ownToken(githubapi.ActionsRead, "it")))
	case githubapi.Gone:
		if !strings.HasPrefix(e.Subject, "artifact ") {
			return fmt.Sprintf("It was there, and is not any more: check that %s still exists, and that Actions are enabled in it", e.Repo)
		}
		return "The artifact has expired; run the workflow again to make a new one"
	case githubapi.PrimaryLimit:
		return fmt.Sprintf("The token's requests for this hour are spent: wait until then, %s, or use a GitHub App (%s)", a.anotherToken(), a.name("app-id"))
	case githubapi.Reserved:
		if reserve, ok := errors.AsType[*githubapi.ReserveError](e.Err); ok {
			return a.reserveHint(reserve)
		}
	case githubapi.SecondaryLimit:
		return a.says("Run the step again later, or run fewer such jobs at once", "Run it again later, or run fewer such commands at once")
	case githubapi.Network:
		return cmp.Or(a.networkHint(e.Err, true), a.inTrouble())
	case githubapi.ServerError:
		return a.inTrouble()
	case githubapi.InvalidRequest:
		if e.Status == http.StatusProxyAuthRequired {
			return "A proxy answered in GitHub's place: give its user and password in HTTPS_PROXY (HTTP_PROXY for an http address)"
		}
	case githubapi.UnexpectedAnswer:
		return "Check " + a.name("github-api-url") + ", and whether a proxy answers in GitHub's place"
	}
	return ""
}

// inTrouble is the advice for a fault that the user can do nothing about.
func (a audience) inTrouble() string {
	return "GitHub or the network is in trouble; see https://www.githubstatus.com and " + a.rerun()
}

// limitInput names the input that sets a limit.
func limitInput(e *unpack.LimitError) string {
	if e.What == unpack.Files {
		return "max-files"
	}
	return "max-size"
}

// joinErrors joins errors into one line.
func joinErrors[E error](errs []E) string {
	list := make([]string, len(errs))
	for i, err := range errs {
		list[i] = err.Error()
	}
	return strings.Join(list, "; ")
}
