package artifact

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// NotFoundError says that something asked for is not there. Nothing was
// taken.
type NotFoundError struct {
	Repo  Repo
	Repos []Repo // all of them, where the thing could be in any
	What  string // what was asked for
	RunID int64  // the run it was asked of, or 0
	// Workflow is the workflow that was searched; empty for any.
	Workflow string

	Missing []string   // exact names without an artifact
	Expired []Artifact // would have matched
	Have    []string   // names that are there instead, where known
	// DidYouMean is the nearest name that exists, or empty.
	DidYouMean string
	// InCurrent tells that the current run, which a search leaves out, has
	// what was asked for.
	InCurrent bool

	Examined int  // runs looked at by a search
	Forks    int  // of these, passed over as forks
	LimitHit bool // the search ended at its limit

	nearest Run
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s not found in ", e.What)
	switch {
	case len(e.Repos) > 1:
		b.WriteString(joinRepos(e.Repos))
	case e.RunID != 0:
		fmt.Fprintf(&b, "run %d of %s", e.RunID, e.Repo)
	default:
		b.WriteString(e.Repo.String())
	}
	if e.Workflow != "" {
		fmt.Fprintf(&b, ", workflow %q", e.Workflow)
	}
	if len(e.Missing) > 0 && e.What != (Selector{Names: e.Missing}).String() {
		fmt.Fprintf(&b, "; missing: %s", quoted(e.Missing))
	}
	if len(e.Expired) > 0 {
		newest := slices.MinFunc(e.Expired, newestArtifact)
		fmt.Fprintf(&b, "; it was there (artifact %d), but expired", newest.ID)
		if !newest.ExpiresAt.IsZero() {
			fmt.Fprintf(&b, " on %s", newest.ExpiresAt.UTC().Format(time.DateOnly))
		}
	}
	switch {
	case e.LimitHit:
		fmt.Fprintf(&b, "; gave up after %d runs", e.Examined)
	case e.Examined > 0:
		fmt.Fprintf(&b, "; looked at %s", plural(e.Examined, "successful run"))
	case e.RunID == 0 && e.nearest.ID == 0 && e.Workflow != "":
		b.WriteString("; it has no successful run")
	}
	if e.Forks > 0 {
		fmt.Fprintf(&b, ", of which %d came from forks", e.Forks)
	}
	if len(e.Expired) == 0 && (e.RunID != 0 || e.nearest.ID != 0) {
		where := "the run"
		if e.RunID == 0 {
			where = fmt.Sprintf("the newest one (%d)", e.nearest.ID)
		}
		if len(e.Have) == 0 {
			fmt.Fprintf(&b, "; %s has no other artifacts", where)
		} else {
			fmt.Fprintf(&b, "; %s has %s", where, shortList(e.Have))
		}
	}
	return b.String()
}

// reason is the error as a table's cell.
func (e *NotFoundError) reason() string {
	switch {
	case len(e.Expired) > 0:
		return "what it had has expired"
	case len(e.Missing) > 0:
		return "it lacks " + quoted(e.Missing)
	case len(e.Have) == 0:
		return "it has no artifacts"
	}
	return "no artifact matches"
}

// lacking is what a run that is not complete lacks.
func lacking(s Selector, p Picked) *NotFoundError {
	have := slices.Clone(p.Others)
	for _, a := range p.Artifacts {
		have = append(have, a.Name)
	}
	return &NotFoundError{What: s.String(), Missing: p.Missing, Expired: p.Expired, Have: have}
}

// suggest sets DidYouMean to the name, of those that are there, that is
// nearest to one that is missing.
func (e *NotFoundError) suggest(s Selector, names []string) {
	e.Have = slices.Compact(slices.Sorted(slices.Values(names)))
	best := 1 << 30
	for _, want := range s.Names {
		if slices.Contains(names, want) {
			continue
		}
		for _, n := range names {
			d := distance(strings.ToLower(want), strings.ToLower(n))
			if d < best && d <= max(2, len(want)/3) {
				best, e.DidYouMean = d, n
			}
		}
	}
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// ForkError refuses the run that triggered a workflow_run workflow because
// its commit came from a fork: its artifacts are whatever the fork's author
// wanted them to be.
type ForkError struct {
	Run Run
}

func (e *ForkError) Error() string {
	from := "a fork that was deleted"
	if e.Run.HeadRepo != "" {
		from = "the fork " + e.Run.HeadRepo
	}
	return fmt.Sprintf("the triggering run %d of %s comes from %s, so its artifacts cannot be trusted", e.Run.ID, e.Run.Repo, from)
}

func idList(ids []int64) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(s, ", ")
}

func joinRepos(repos []Repo) string {
	s := make([]string, len(repos))
	for i, r := range repos {
		s[i] = r.String()
	}
	return strings.Join(s, ", ")
}

func shortList(names []string) string {
	const most = 10
	if len(names) <= most {
		return quoted(names)
	}
	return fmt.Sprintf("%s and %d more", quoted(names[:most]), len(names)-most)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
