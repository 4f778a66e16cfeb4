package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

const (
	// maxWarnings bounds the warnings of one kind: GitHub shows few annotations of a run.
	maxWarnings = 10
	// maxLogged bounds the lines of one kind.
	maxLogged = 1000
	// maxNames bounds the names in a line.
	maxNames = 20
)

// Log puts what happens during a run into words. Ended and the methods that are called after
// a run (Left, NoSummary, Failed, Usage) use the fields Out, Brief and Person only.
type Log struct {
	Out         *actions.Log
	Config      *config.Config
	Runner      actions.Context
	Destination workspace.Destination
	Layout      transfer.Layout
	Now         func() time.Time
	// Brief is set if a Printer tells people what a run that did not fail has done.
	Brief bool
	// Person is set for a command: advice speaks of flags and of tokens on the machine.
	Person bool
}

// Inputs says what is odd, though not wrong, about the inputs.
func (l *Log) Inputs() {
	for _, w := range l.Config.Warnings {
		l.Out.Warningf("%s", w)
	}
	for _, n := range l.Config.Notes {
		l.Out.Infof("%s", n)
	}
	l.emptyInputs()
}

// insteadOf says, by input, what happens if the input is given with an empty value.
var insteadOf = map[string]string{
	"run-id":       "the run is searched",
	"artifact-ids": "artifacts are chosen by name",
	"branch":       "runs of any branch are taken",
	"commit":       "runs of any commit are taken",
	"pr":           "runs of any pull request, or of none, are taken",
	"event":        "runs of any event are taken",
	"actor":        "runs of any actor are taken",
	"run-number":   "runs of any number are taken",
	"max-age":      "runs of any age are taken",
	"github-token": "a token of the environment is used, or none",
}

// emptyInputs warns of inputs that were given with an empty value, most often because an
// expression names something that does not exist: a search without that condition may take
// a run that the workflow's author did not mean.
func (l *Log) emptyInputs() {
	for _, in := range l.Config.Empty {
		l.Out.TitledWarningf("An input is empty", "%s was given, but is empty, so it is ignored: %s. Check the expression that it is set to, or leave %[1]s out",
			in.By, cmp.Or(insteadOf[in.Name], "its default is used"))
	}
}

// Retry reports a request that failed and will be sent again.
func (l *Log) Retry(err error, wait time.Duration) {
	l.Out.Infof("%v; next try in %s", err, wait.Round(time.Millisecond))
}

// Wait reports a pause before the next search, and why the last one does not do.
func (l *Log) Wait(err error, pause time.Duration) {
	nf, ok := errors.AsType[*search.NotFoundError](err)
	if !ok {
		l.Out.Infof("%v; looking again in %s", err, pause.Round(time.Second))
		return
	}
	pending := "no run that could match is under way"
	switch {
	case nf.Growing:
		l.Out.Infof("run %d of %s is not completed, so its artifacts may not all be there yet; looking again in %s", nf.RunID, nf.Repo, pause.Round(time.Second))
		return
	case nf.Settled && nf.RunID != 0:
		pending = "and the run is over"
	case nf.Settled:
		pending = "and the server does not know it"
	case len(nf.Pending) > 0:
		r := nf.Pending[0]
		pending = fmt.Sprintf("run %d (%s) is %s", r.ID, r.Label(), r.Status)
	}
	l.Out.Infof("%s not found yet, %s; looking again in %s", nf.What, pending, pause.Round(time.Second))
}

// Shard says how many of the artifacts are this job's.
func (l *Log) Shard(mine, all int) {
	l.Out.Infof("shard %d/%d: %d of %s", l.Config.Shard.Index, l.Config.Shard.Count, mine, words.Count(all, "artifact"))
}

// Expired reports that an artifact has expired or was deleted, so that the choice is
// made again.
func (l *Log) Expired(err error) { l.Out.Infof("%v; choosing again without it", err) }

// Recovered reports what became of runs that were killed while they wrote to the
// destination.
func (l *Log) Recovered(all []workspace.Recovery) {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	for _, r := range all {
		switch {
		case r.Err != nil:
			warn("%s, which a killed run left, is still there: %v", r.Stage, r.Err)
		case r.Undone > 0 || len(r.Left) > 0:
			warn("a killed run had begun to move files into place; %s undone", words.Were(r.Undone, "change"))
		default:
			l.Out.Infof("removed %s, which a killed run left", r.Stage)
		}
		for _, p := range r.Left {
			warn("%q was written by a killed run and has changed since, so it is left as it is", p)
		}
	}
	l.warnings(warnings, "about killed runs")
}

// Owner warns that files cannot be given to the workspace's owner.
func (l *Log) Owner(err error) {
	l.Out.Warningf("%v; the files will belong to this process's user, and later steps that run as another user may not be able to change them", err)
}

// Event reports an event of the transfer. It may be called concurrently.
func (l *Log) Event(e transfer.Event) {
	switch e := e.(type) {
	case transfer.StartOver:
		l.Out.Infof("%v; starting over", e.Err)
	case transfer.UnknownDigest:
		l.Out.Warningf("artifact %q: its digest %s is of an unknown algorithm and was not checked", e.Artifact.Name, e.Artifact.Digest)
	case transfer.Mismatch:
		switch l.Config.DigestMismatch {
		case config.MismatchInfo:
			l.Out.Infof("artifact %q: %v", e.Err.Name, e.Err)
		case config.MismatchWarn:
			l.Out.Warningf("artifact %q: %v", e.Err.Name, e.Err)
		}
	case transfer.IdleFiles:
		l.Out.Warningf("%s: no file matches %s", l.audience().name("files"), words.Quoted(e.Globs[:min(len(e.Globs), maxNames)], len(e.Globs)))
	case transfer.ReplacedEntries:
		l.Out.Infof("artifact %q: %s replaced by a later one of the same name in the archive", e.Artifact.Name, words.Were(e.Files, "file"))
	case transfer.KeptTars:
		l.keptTars(e)
	case transfer.ReplacedByTars:
		l.replacedByTars(e)
	case transfer.CaseCollisions:
		for _, pair := range e.Pairs {
			l.Out.Warningf("artifact %q: %q and %q differ in case only; on a file system that ignores case one would be lost",
				e.Artifact.Name, pair[0], pair[1])
		}
		if e.More > 0 {
			l.Out.Warningf("artifact %q: %s of names that differ in case only", e.Artifact.Name, words.Count(e.More, "more pair"))
		}
	}
}

// Files lists, in a dry run, the files of each artifact that the input files chooses.
func (l *Log) Files(items []transfer.Item, lists []transfer.Listing) {
	for i, list := range lists {
		l.files(&items[i], list)
	}
}

func (l *Log) files(item *transfer.Item, list transfer.Listing) {
	if list.Files == 0 && l.Config.SkipDecompress {
		l.Out.Infof("artifact %q: the name of its file is known only when all of it is fetched", item.Artifact.Name)
		return
	}
	if list.Files == 0 {
		l.Out.Infof("artifact %q: no file matches files", item.Artifact.Name)
		return
	}
	defer l.Out.Group("artifact %q: %s, %s", item.Artifact.Name, words.Count(list.Files, "file"), words.Bytes(item.Bytes))()
	for _, e := range list.First {
		link := ""
		if e.Mode&fs.ModeSymlink != 0 {
			link = ", a symlink"
		}
		l.Out.Infof("%s, %s%s", e.Name, words.Bytes(e.Size), link)
	}
	if more := list.Files - len(list.First); more > 0 {
		l.Out.Infof("and %d more", more)
	}
}

// Unproved says, in a dry run, that the artifacts were not compared with expect-digest.
func (l *Log) Unproved() {
	if len(l.Config.ExpectDigests) > 0 {
		l.Out.Warningf("%s is not proved: a dry run does not fetch the artifacts", l.audience().name("expect-digest"))
	}
}

// Published reports files that were replaced or left out because their place was taken.
// The trees in r are in the order of the items.
func (l *Log) Published(r workspace.Report, items []transfer.Item) {
	h := holdersOf(items)
	l.conflicts(r, h)
	l.variants(r, h)
	l.github(r)
	for _, line := range l.audience().placesLines(r) {
		l.Out.Infof("%s", line)
	}
}

// Digests says of each artifact whether its SHA-256 was verified, or why not.
func (l *Log) Digests(items []transfer.Item) {
	const few = 5
	if len(items) > few {
		defer l.Out.Group("SHA-256 of %s", words.Count(len(items), "artifact"))()
	}
	some(l, items, "artifact", func(i transfer.Item) string {
		text := fmt.Sprintf("artifact %d %q: ", i.Artifact.ID, i.Artifact.Name)
		switch i.Digest {
		case transfer.DigestVerified:
			text += "its SHA-256 was verified: " + strings.TrimPrefix(i.Artifact.Digest, "sha256:")
		case transfer.DigestMismatch:
			text += "its SHA-256 is not the one that the server has on record"
		case transfer.DigestUnknown:
			text += "its SHA-256 was not verified: the digest is of an unknown algorithm"
		case transfer.DigestUnchecked:
			text += "its SHA-256 was not verified, as only a part was fetched; the CRC-32 of each file was"
		default:
			text += "its SHA-256 was not verified: the server gives no digest"
		}
		if i.Expected {
			text += "; it is as " + l.audience().name("expect-digest") + " says"
		}
		return text
	})
}

// placesLines says how many files of the destination were replaced or left because their
// place was taken.
func (a audience) placesLines(r workspace.Report) []string {
	var lines []string
	if r.Replaced > 0 {
		lines = append(lines, fmt.Sprintf("%s replaced", words.Were(r.Replaced, "file")))
	}
	switch {
	case r.Skipped == 1:
		lines = append(lines, fmt.Sprintf("1 file was left as it was (%s)", a.set("if-exists", "skip")))
	case r.Skipped > 1:
		lines = append(lines, fmt.Sprintf("%s left as they were (%s)", words.Were(r.Skipped, "file"), a.set("if-exists", "skip")))
	}
	return lines
}

// github warns if artifacts of a privileged job wrote into a .github directory that existed
// before: later steps run local actions from there, and GitHub runs workflows once they are
// committed.
func (l *Log) github(r workspace.Report) {
	if r.InGitHub == 0 || !l.privileged() {
		return
	}
	list := make([]string, 0, len(r.GitHub))
	for _, p := range r.GitHub {
		list = append(list, fmt.Sprintf("%q of %q", p.Path, p.From.Label))
	}
	l.Out.Warningf("artifacts wrote into a .github directory that existed before (%s), and this workflow runs with the repository's secrets (%s): "+
		"run no action and commit no workflow from there, or write artifacts elsewhere, path: ${{ runner.temp }}/artifacts",
		words.List(list, r.InGitHub, ", "), l.Runner.EventName)
}

// Deleted says that an artifact was deleted on GitHub.
func (l *Log) Deleted(a artifact.Artifact) {
	l.Out.Infof("deleted artifact %q (%d) of %s", a.Name, a.ID, a.Repo)
}

// Kept says that an artifact is not deleted on GitHub, and why. n counts such artifacts.
func (l *Log) Kept(n int, item transfer.Item, lost workspace.Lost) {
	tell := l.Out.Warningf
	if n > maxWarnings {
		tell = l.Out.Infof
	}
	a := item.Artifact
	tell("artifact %q (%d) of %s is not deleted: %s", a.Name, a.ID, a.Repo, l.audience().whyKept(item.Digest, lost))
}

func (a audience) whyKept(digest transfer.DigestState, lost workspace.Lost) string {
	switch digest {
	case transfer.DigestVerified, transfer.DigestAbsent:
	case transfer.DigestMismatch:
		return "its SHA-256 is not the one that the server has on record"
	case transfer.DigestUnknown:
		return "its digest is of an unknown algorithm and was not checked"
	default:
		return "its digest was not checked"
	}
	files := words.Count(lost.Files, "file")
	if lost.Winner == "" {
		return fmt.Sprintf("%s of it did not get to the destination, because %s is skip and the place was taken (%q)", files, a.name("if-exists"), lost.Path)
	}
	return fmt.Sprintf("%s of it did not get to the destination, because another artifact has a file of the same name (%q was taken from %q)", files, lost.Path, lost.Winner)
}

// Ended says how the run ended.
func (l *Log) Ended(r *Result) {
	if !r.Explained {
		l.passedOver(r.PassedOver)
	}
	var many *config.Errors
	switch {
	case errors.As(r.Err, &many):
		for _, p := range many.Problems {
			l.Out.Errorf("%v", p)
		}
	case r.Err != nil:
		l.Out.Errorf("%s", l.message(r.Err))
	case r.NotFound != nil && r.Warn:
		l.Out.Warningf("%s", l.message(r.NotFound))
	case r.NotFound != nil:
		l.Out.Infof("%s", l.message(r.NotFound))
		if nf, ok := errors.AsType[*search.NotFoundError](r.NotFound); ok && len(nf.Doubts) > 0 {
			l.Out.TitledWarningf("A run that fits may have been missed", "nothing was found, but that is not certain: %s. %s", search.DoubtsInWords(nf.Doubts), l.audience().doubtHint(nf.Doubts))
		}
	case l.Brief:
	case r.DryRun:
		l.Out.Infof("dry run: nothing was written")
	default:
		l.Out.Infof("%s into %s", r.total(), r.Destination.Abs)
	}
}

// Failed says why the work after a run failed.
func (l *Log) Failed(err error) { l.Out.Errorf("%s", l.message(err)) }

// message says to the log's reader what happened, and what to do about it.
func (l *Log) message(err error) string { return l.audience().message(err) }

func (l *Log) audience() audience {
	if l.Person {
		return person
	}
	return author
}

// Usage says where to find the flags of a command, such as "artifetch list".
func (l *Log) Usage(command string) { l.Out.Infof("run %s --help for the flags", command) }

// some logs the first items of a list, and how many more there are.
func some[T any](l *Log, list []T, noun string, line func(T) string) {
	for _, t := range list[:min(len(list), maxLogged)] {
		l.Out.Infof("%s", line(t))
	}
	if more := len(list) - maxLogged; more > 0 {
		l.Out.Infof("and %s", words.Count(more, "more "+noun))
	}
}

// warnings issues the first of a list of warnings, and one with the number of the
// others, which more describes.
func (l *Log) warnings(list []string, more string) {
	for _, text := range list[:min(len(list), maxWarnings)] {
		l.Out.Warningf("%s", text)
	}
	if n := len(list) - maxWarnings; n > 0 {
		l.Out.Warningf("and %d more %s", n, more)
	}
}
