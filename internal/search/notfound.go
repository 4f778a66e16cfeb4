package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/suggest"
	"github.com/artifetch/artifetch/internal/words"
)

// NotFoundError is returned for something asked for that is not there. Nothing was
// taken.
type NotFoundError struct {
	Repo  artifact.Repo
	Repos []artifact.Repo // all of them, where the thing could be in any
	What  string          // what was asked for
	RunID int64           // the run it was asked of, or 0
	// Where are the conditions of a search, in words; empty for none.
	Where []string

	Missing []string            // exact names without an artifact in the run
	Expired []artifact.Artifact // asked for, but expired

	// Permission is the one that the token may lack, because GitHub answers 404 for
	// that, too; empty for none.
	Permission string

	// Final reports that waiting cannot help: a workflow, a pull request or a commit
	// is missing, or an artifact has expired.
	Final bool
	// Settled reports that waiting will soon be of no use: the run that was named is over,
	// or the server does not know the id. SettledFor is how long the run has been over, by
	// the server's clock; 0 if unknown.
	Settled    bool
	SettledFor time.Duration
	// Growing reports that the run named is not completed, so that its artifacts may not
	// all be there yet, and the request waits for all of them.
	Growing bool
	// Pending are runs that are under way and may still come to match.
	Pending []artifact.Run
	// Waited is the time spent waiting.
	Waited time.Duration

	Explanation
}

// Explanation is how a search went, and what may be meant instead.
type Explanation struct {
	Have []string // names of artifacts that are there instead, where known
	// DidYouMean is the nearest name that exists, or empty.
	DidYouMean string
	// Workflows are the repository's workflows, where the one named is not among
	// them.
	Workflows []string
	// InCurrent reports that the current run, which a search leaves out, has what was
	// asked for.
	InCurrent bool
	// Elsewhere and Failed are the newest runs that have what was asked for, and that
	// do not match only for their workflow, or only for their conclusion. Their ID is
	// 0 if no such run is known.
	Elsewhere, Failed artifact.Run
	// ElsewhereFailed is as Elsewhere, of a run that also does not match for its
	// conclusion.
	ElsewhereFailed artifact.Run
	// Overlooked is the newest run that matches, and that only the explanation came
	// across: the limit of the search was met before, or a list lacked it.
	Overlooked artifact.Run
	// Nowhere reports that no run of the repository ever had what was asked for, whatever
	// the conditions. Never are the names, of several asked for, that no run ever had.
	Nowhere bool
	Never   []string
	// Default is the workflow that was searched because none was given: the one of
	// this step.
	Default DefaultWorkflow
	// Near is a value of another input that exists, and that is near to the one given.
	Near NearValue
	// NoCommit reports that no known run is of the commit asked for.
	NoCommit bool

	// PullRequest is the number of the pull request whose ref was given as a branch,
	// or 0.
	PullRequest int

	Examined int // runs looked at by a search
	// Reasons are why runs were passed over, the most frequent first.
	Reasons []Reason
	// Forks and UnknownOrigin count the runs that have what was asked for, and that do
	// not match only for their origin.
	Forks, UnknownOrigin int

	LimitHit bool    // the search ended at its limit
	Doubts   []Doubt // as Plan.Doubts
	// ForkPR is where the pull request asked for comes from, in words, if that is not
	// the repository itself and runs of forks do not count; empty otherwise.
	ForkPR string

	several bool // several names are asked for
	// nearest is the newest run that fits, if it was asked for its artifacts, which are
	// Have, and lacks are the names that it lacks.
	nearest artifact.Run
	lacks   []string
	// look is how far the artifacts of RunID were looked at.
	look Look
}

// DefaultWorkflow is the workflow that is searched if the request names none. The zero
// DefaultWorkflow is none.
type DefaultWorkflow struct {
	File string
	Ref  string // GITHUB_WORKFLOW_REF
	// Foreign reports that Ref is a workflow of another repository, as that of a
	// ruleset's required workflow is.
	Foreign bool
}

// NearValue is a value of an input.
type NearValue struct{ Input, Value string }

// Reason is why runs were passed over.
type Reason struct {
	Text string // about one run: "it comes from a fork"
	Runs int
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	if e.Growing {
		fmt.Fprintf(&b, "run %d of %s is not completed, so its artifacts may not all be there yet", e.RunID, e.Repo)
		e.waited(&b)
		return b.String()
	}
	fmt.Fprintf(&b, "%s not found in ", e.What)
	switch {
	case len(e.Repos) > 1:
		b.WriteString(joinRepos(e.Repos))
	case e.RunID != 0:
		fmt.Fprintf(&b, "run %d of %s", e.RunID, e.Repo)
	default:
		b.WriteString(e.Repo.String())
	}
	for _, w := range e.Where {
		b.WriteString(", " + w)
	}
	if len(e.Missing) > 0 && e.several {
		fmt.Fprintf(&b, "; missing: %s", quoted(e.Missing))
	}
	if len(e.Workflows) > 0 {
		fmt.Fprintf(&b, "; its workflows are %s", quoted(e.Workflows))
	}
	if len(e.Expired) > 0 {
		newest := slices.MinFunc(e.Expired, artifact.CompareArtifacts)
		it := "it"
		if e.several {
			it = quote(newest.Name)
		}
		fmt.Fprintf(&b, "; %s was there (artifact %d), but expired", it, newest.ID)
		if !newest.ExpiresAt.IsZero() {
			fmt.Fprintf(&b, " on %s", newest.ExpiresAt.UTC().Format(time.DateOnly))
		}
	}
	e.searched(&b)
	if len(e.Expired) == 0 && (e.RunID != 0 || e.nearest.ID != 0) {
		where := "the run"
		if e.RunID == 0 {
			where = fmt.Sprintf("the newest run that fits (%d)", e.nearest.ID)
		}
		switch {
		case len(e.Have) == 0 && e.RunID == 0:
			fmt.Fprintf(&b, "; %s has no artifacts", where)
		case len(e.Have) == 0:
			fmt.Fprintf(&b, "; %s has no other artifacts", where)
		default:
			fmt.Fprintf(&b, "; %s has %s", where, quoted(e.Have))
			if len(e.lacks) > 0 && e.several {
				fmt.Fprintf(&b, " and lacks %s", quoted(e.lacks))
			}
		}
	}
	e.byDefault(&b)
	if len(e.Doubts) > 0 {
		fmt.Fprintf(&b, "; but that is not certain: %s", DoubtsInWords(e.Doubts))
	}
	e.waited(&b)
	return b.String()
}

// searched writes how a search went.
func (e *NotFoundError) searched(b *strings.Builder) {
	switch {
	case e.LimitHit:
		fmt.Fprintf(b, "; gave up at search-limit, after %s", words.Count(e.Examined, "run"))
	case e.Nowhere:
		it := "it"
		if len(e.Never) > 0 && e.several {
			it = quoted(e.Never)
		}
		fmt.Fprintf(b, "; no run of the repository has %s", it)
		if e.Examined > 0 {
			fmt.Fprintf(b, "; looked at %s", words.Count(e.Examined, "run"))
		}
	case e.Examined > 0:
		fmt.Fprintf(b, "; looked at %s", words.Count(e.Examined, "run"))
	case len(e.Where) > 0 && len(e.Workflows) == 0:
		b.WriteString("; there is no such run")
	}
	e.because(b)
	if e.ForkPR != "" {
		fmt.Fprintf(b, "; the pull request comes from %s, and allow-forks is false", e.ForkPR)
	}
}

// byDefault writes where the name of the default workflow comes from.
func (e *NotFoundError) byDefault(b *strings.Builder) {
	switch d := e.Default; {
	case d.File == "":
	case d.Foreign:
		fmt.Fprintf(b, "; workflow is not set, so it is %s, the workflow of this step, which is another repository's (GITHUB_WORKFLOW_REF is %s)", short(d.File), short(d.Ref))
	default:
		fmt.Fprintf(b, "; workflow is not set, so it is %s, the workflow of this step", short(d.File))
	}
}

// because writes why runs were passed over.
func (e *NotFoundError) because(b *strings.Builder) {
	const most = 4
	rest := 0
	for i, r := range e.Reasons {
		if i >= most {
			rest += r.Runs
			continue
		}
		sep := "; "
		if i == 0 {
			sep = " ("
		}
		fmt.Fprintf(b, "%s%d: %s", sep, r.Runs, r.Text)
	}
	if rest > 0 {
		fmt.Fprintf(b, "; %d for other reasons", rest)
	}
	if len(e.Reasons) > 0 {
		b.WriteString(")")
	}
}

// waited writes how long and for which runs the search waited.
func (e *NotFoundError) waited(b *strings.Builder) {
	if e.Waited == 0 {
		return
	}
	fmt.Fprintf(b, "; waited %s", e.Waited.Round(time.Second))
	switch {
	case e.Settled && e.RunID != 0:
		b.WriteString(", and the run is over")
		return
	case e.Settled:
		return
	case len(e.Pending) == 0:
		b.WriteString(", and no run that could match is under way")
		return
	}
	r := slices.MinFunc(e.Pending, artifact.CompareRuns)
	fmt.Fprintf(b, ", and run %d (%s) is still %s", r.ID, short(r.Label()), short(r.Status))
	if n := len(e.Pending) - 1; n > 0 {
		fmt.Fprintf(b, ", as %s", words.Are(n, "other"))
	}
}

// reason returns the error as text for a table's cell.
func (e *NotFoundError) reason() string {
	gone := map[string]bool{}
	for _, a := range e.Expired {
		gone[a.Name] = true
	}
	never := slices.DeleteFunc(slices.Clone(e.Missing), func(name string) bool { return gone[name] })
	switch {
	case e.Growing:
		return "it is not completed, so its artifacts may not all be there yet"
	case len(e.Expired) > 0 && len(never) > 0:
		return "it lacks " + quoted(never) + ", and what else was asked for has expired"
	case len(e.Expired) > 0:
		return "what was asked for has expired"
	case len(never) > 0:
		return "it lacks " + quoted(never)
	case len(e.Have) == 0:
		return "it has no artifacts"
	}
	return noneMatches
}

// noneMatches is why a run is passed over none of whose artifacts is asked for.
const noneMatches = "no artifact matches"

// lacking returns the error for a run that does not have all that is asked for.
func lacking(s artifact.Selector, p artifact.Picked) *NotFoundError {
	have := slices.Clone(p.Others)
	for _, a := range p.Artifacts {
		have = append(have, a.Name)
	}
	return &NotFoundError{What: inWords(s), Missing: p.Missing, Expired: p.Expired, Explanation: Explanation{Have: have, several: len(s.Names) > 1}}
}

// maxSuggested bounds for how many missing names a near one is looked for.
const maxSuggested = 4

// suggest sets Have to the names that are there, and DidYouMean to the one of them
// that is nearest to a missing name. A pattern without wildcards is such a name; of other
// patterns, the nearest is what they match without regard to case.
func (e *NotFoundError) suggest(s artifact.Selector, names []string) {
	e.Have = slices.Compact(slices.Sorted(slices.Values(names)))
	asked := s.Names
	if len(asked) == 0 {
		asked = slices.DeleteFunc(slices.Clone(s.Patterns), func(p string) bool { return strings.ContainsAny(p, `*?[{\!`) })
	}
	for _, want := range asked[:min(len(asked), maxSuggested)] {
		if _, there := slices.BinarySearch(e.Have, want); !there && e.DidYouMean == "" {
			e.DidYouMean = suggest.Nearest(want, e.Have)
		}
	}
	if e.DidYouMean == "" && len(s.Patterns) > 0 {
		folded := artifact.Selector{Patterns: slices.Clone(s.Patterns)}
		for i, p := range folded.Patterns {
			folded.Patterns[i] = strings.ToLower(p)
		}
		matches := folded.Matcher()
		if i := slices.IndexFunc(e.Have, func(name string) bool { return matches(strings.ToLower(name)) }); i >= 0 {
			e.DidYouMean = e.Have[i]
		}
	}
}
