package search

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// passedOver lists the runs that the searches know and did not take, newest first:
// those newer than the oldest run taken, or all if none was taken.
func passedOver(searches []*search, taken []artifact.Run) []PassedOver {
	rows := map[int64]PassedOver{}
	for _, s := range searches {
		for _, r := range s.facts.known {
			if !s.facts.examined[r.ID] && !s.facts.names(r.ID) {
				continue // only a list of all runs has it
			}
			// Several searches may have a reason. The one for runs of this branch and
			// commit says most.
			_, told := rows[r.ID]
			if why, have := s.why(r); why != "" && (!told || s.filter.aimsAt(r)) {
				rows[r.ID] = PassedOver{Run: r, Reason: why, Names: have, Look: s.look(r.ID, r.CreatedAt), Fits: s.passes(r)}
			}
		}
		if index := s.facts.index(); index != nil {
			for _, c := range index.candidates() {
				_, known := s.facts.known[c.ref.ID]
				why := s.whyUnfetched(c)
				if _, told := rows[c.ref.ID]; !known && !told && why != "" {
					rows[c.ref.ID] = PassedOver{Run: c.run(s.finder.repo), Reason: why, Names: names(s.facts.artifacts(c.ref.ID)), Look: s.look(c.ref.ID, time.Time{})}
				}
			}
		}
	}
	isTaken := map[int64]bool{}
	for _, r := range taken {
		isTaken[r.ID] = true
	}
	list := make([]PassedOver, 0, len(rows))
	for _, row := range rows {
		if !isTaken[row.Run.ID] && (len(taken) == 0 || artifact.CompareRuns(row.Run, taken[len(taken)-1]) < 0) {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b PassedOver) int { return artifact.CompareRuns(a.Run, b.Run) })
	return list
}

// run is the candidate's run as far as its artifacts tell.
func (c candidate) run(repo artifact.Repo) artifact.Run {
	r := c.ref.Stub(repo)
	r.CreatedAt = c.bound
	return r
}

// why returns why a known run was not taken, or "" if nothing speaks against it, and
// the names of its known artifacts.
func (s *search) why(r artifact.Run) (string, []string) {
	have := names(s.facts.artifacts(r.ID))
	if s.facts.deleted[r.ID] {
		return "it was deleted", have
	}
	if why := s.filter.refuse(r); why != "" {
		return why, have
	}
	switch s.facts.holds(r) {
	case yes:
		return "", nil
	case maybe:
		return "its artifacts were not looked at", have
	}
	nf := lacking(s.finder.req.Select, s.facts.pick(r))
	nf.Missing = slices.DeleteFunc(nf.Missing, func(name string) bool { return !s.provenMissing(r, name) })
	if len(nf.Have) == 0 && len(nf.Expired) == 0 && len(nf.Missing) == 0 && s.look(r.ID, r.CreatedAt) != LookedAtAll {
		return noneMatches, have
	}
	return nf.reason(), have
}

// provenMissing reports whether a run is known to lack an artifact with a name that is
// asked for: by its own list, or by the repository's artifacts of that name.
func (s *search) provenMissing(r artifact.Run, name string) bool {
	if _, asked := s.facts.asked[r.ID]; asked {
		return true // or it would not be missing
	}
	return slices.ContainsFunc(s.facts.lists, func(l *artifactList) bool { return l.query.Name == name && l.lacks(r) })
}

// look returns how far a run's artifacts are known. created is when the run was created,
// or zero if that is not known.
func (s *search) look(run int64, created time.Time) Look {
	named := s.finder.req.Select.OnlyName() != ""
	if _, asked := s.facts.asked[run]; asked {
		if named {
			return LookedForNames
		}
		return LookedAtAll
	}
	look := NotLookedAt
	for _, l := range s.facts.lists {
		switch {
		case l.blind || !l.knows(created):
		case l.query.Name == "":
			return LookedAtAll
		default:
			look = LookedForNames
		}
	}
	return look
}

// whyUnfetched returns why a candidate was not fetched, or "" if nothing speaks
// against it. There may be other reasons: a run of a fork may also be of another
// workflow.
func (s *search) whyUnfetched(c candidate) string {
	why := s.filter.refuseRef(c.ref)
	switch {
	case s.facts.deleted[c.ref.ID]:
		return "it was deleted"
	case why == fromFork:
		return "it comes from a fork"
	case why == "" && s.state == limited:
		return "it was not looked at, as search-limit was reached"
	case why == "" && s.state == complete:
		if beyond := s.filter.beyondRef(); len(beyond) > 0 {
			return "it is not among the runs with " + strings.Join(beyond, ", ")
		}
	}
	return why
}

// reasons counts why runs were passed over, the most frequent first.
func reasons(passed []PassedOver) []Reason {
	counts := map[string]int{}
	kinds := map[string]map[string]bool{}
	for _, p := range passed {
		kind, _ := reasonKind(p.Reason)
		if kinds[kind] == nil {
			kinds[kind] = map[string]bool{}
		}
		kinds[kind][p.Reason] = true
	}
	for _, p := range passed {
		text := p.Reason
		if kind, varies := reasonKind(text); varies && len(kinds[kind]) > 2 {
			text = kind + " another"
		}
		counts[text]++
	}
	var list []Reason
	for text, n := range counts {
		list = append(list, Reason{Text: text, Runs: n})
	}
	slices.SortFunc(list, func(a, b Reason) int { return cmp.Or(b.Runs-a.Runs, cmp.Compare(a.Text, b.Text)) })
	return list
}

// reasonKind returns a reason without the run's own value ("its commit is"), and
// whether it has one.
func reasonKind(text string) (string, bool) {
	words := strings.SplitN(text, " ", 4)
	if len(words) == 4 && words[0] == "its" && words[2] == "is" {
		return strings.Join(words[:3], " "), true
	}
	return text, false
}
