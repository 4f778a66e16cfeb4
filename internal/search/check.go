package search

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// maxChecks bounds the requests about candidates once a choice is made.
const maxChecks = 16

// crossCheck is what was done to show that no run was overlooked which was created since a time.
type crossCheck struct {
	looked    int // rounds of pages for the newest run that fits
	gapClosed bool
}

// check returns requests that cross-check a choice: that the artifacts of the runs taken are all
// known, that no newer run was overlooked, and, if fewer runs are taken than asked for, that there
// are no others. A control list bears out that there are no others, but not that the runs taken are
// the newest.
func (s *search) check(taken []artifact.Run) []request {
	todo, spans := s.finder.ask(s.unsettled(taken)), s.spans(taken)
	if s.settled && len(spans) > 0 {
		return append(todo, s.checkNumber()...)
	}
	for _, oldest := range spans {
		if todo = append(todo, s.checkSince(oldest, taken)...); len(todo) > 0 || !oldest.IsZero() && s.shown(oldest) {
			break
		}
	}
	return todo
}

// spans returns the times since which no run must be overlooked, the earliest first: when each of
// the runs taken was created and, if fewer runs are taken than asked for, the zero time. But if the
// limit keeps others from being taken, older ones may be overlooked. What cannot be shown back to
// the oldest run taken may still be shown back to a newer one.
func (s *search) spans(taken []artifact.Run) []time.Time {
	var list []time.Time
	fewer := len(taken) < s.finder.req.Runs
	if fewer && s.state != limited {
		list = append(list, time.Time{})
	}
	for _, r := range slices.Backward(taken) {
		if !fewer || !r.CreatedAt.IsZero() {
			list = append(list, r.CreatedAt)
		}
	}
	return slices.Compact(list)
}

// checkSince returns requests that cross-check that no run was overlooked which was created since
// a time: one of the spans.
func (s *search) checkSince(oldest time.Time, taken []artifact.Run) []request {
	c := &s.newer
	if oldest.IsZero() {
		c = &s.others
	}
	if list := s.lookUpHidden(oldest); len(list) > 0 {
		return list
	}
	if list := s.seekNewest(c, taken, oldest); len(list) > 0 {
		return list
	}
	if list := s.bearOut(oldest); len(list) > 0 {
		return list
	}
	if list := s.readUnordered(oldest); len(list) > 0 {
		return list
	}
	if list := s.closeGap(c, oldest); len(list) > 0 {
		return list
	}
	return s.readRest(taken, oldest)
}

// lookUpHidden returns requests about the candidates that may be newer than the runs taken:
// as many as maxChecks allows, and then for the pages of all runs that have the others, if
// they are few.
func (s *search) lookUpHidden(oldest time.Time) []request {
	hidden := s.hidden(oldest)
	if n := maxChecks - s.checks; n > 0 {
		list := s.lookUp(hidden, n)
		s.checks += len(list)
		return list
	}
	all := s.facts.all
	from := all.frontier()
	further := slices.DeleteFunc(hidden, func(c candidate) bool { return c.bound.After(from) })
	if len(further) == 0 || s.checks > 2*maxChecks {
		return nil
	}
	n := 1 // which may show the list's order
	if !from.Equal(unread) {
		n = all.pagesTo(further[len(further)-1].bound)
	}
	if n > maxChecks {
		return nil
	}
	s.checks += n
	return s.readRuns(all, s.finder.allRuns, n)
}

// unsettled returns the runs taken whose matching artifacts are not all known yet. Lists of
// artifacts that lag may have one part of what a run holds, or only what its first attempt
// made.
func (s *search) unsettled(taken []artifact.Run) []artifact.Run {
	return slices.DeleteFunc(slices.Clone(taken), func(r artifact.Run) bool {
		if _, asked := s.facts.asked[r.ID]; asked {
			return true
		}
		once := s.facts.asks > 0 && r.Attempt == 1 // has one artifact of each name, which are known
		return (once || !s.late(r)) && s.facts.settles(r)
	})
}

// seekNewest returns requests that are likely to show the newest run that fits, where the
// choice depends on it: they read on in the lists of runs until that run is known. If no
// run of the workflow is known, its list shows whether the workflow exists.
func (s *search) seekNewest(check *crossCheck, taken []artifact.Run, oldest time.Time) []request {
	narrows := s.filter.queries(false)[0] != (RunQuery{})
	if narrows && len(s.narrow.lists) == 0 && len(taken) == 0 && !s.knowsWorkflow() {
		return s.open(false, time.Time{})
	}
	until := s.finder.now.Add(-longest)
	if oldest.After(until) {
		until = oldest
	}
	// So few pages show all runs that may have ended late, where a narrowed list may lack
	// some, and each filter that follows has a narrowed list of its own.
	near := s.endsUnseen(oldest) && s.facts.all.pagesTo(until) <= max(s.finder.untried, 1)
	f := s.frontier()
	met := s.meetsAnother(taken, f)
	late, unnamed := s.mayEndLate(f) && (check.looked == 0 || !met), s.facts.asks == 0 && !met
	first := near && check.looked == 0
	if !first && (since(oldest, f) || !late && !unnamed || check.looked > 0 && s.finder.limitMet()) {
		return nil
	}
	check.looked++
	switch {
	case first, near && late && s.finder.untried > 1:
	case narrows && len(s.narrow.lists) == 0:
		return s.open(false, time.Time{})
	case narrows && s.believed():
		return s.readNarrowed()
	}
	return s.readAll()
}

// maxRest bounds how many pages of artifacts are read only because nothing but narrowed
// lists shows that there are no more runs to take. If other filters follow, these pages are
// read only where the narrowed lists are empty.
const maxRest = 16

// rest reports whether the rest of the artifacts may be read, whose end proves that there
// is no other run to take.
func (s *search) rest(oldest time.Time) bool {
	return oldest.IsZero() && !s.shown(oldest) && left(s.remaining()) <= maxRest
}

// remaining returns the lists of artifacts whose rest is to be read, if any is: all of them, or
// else the one with the fewest pages left. Its end alone shows all runs that hold what is asked
// for.
func (s *search) remaining() []*artifactList {
	list := s.unfinished()
	if left(list) <= maxRest {
		return list
	}
	return []*artifactList{shortest(list)}
}

// shortest returns the list with the fewest pages left.
func shortest(list []*artifactList) *artifactList {
	return slices.MinFunc(list, func(a, b *artifactList) int { return cmp.Compare(a.left(), b.left()) })
}

// readRest returns requests for the rest of the artifacts.
func (s *search) readRest(taken []artifact.Run, oldest time.Time) []request {
	empty := len(s.narrow.lists) > 0 && !slices.ContainsFunc(s.narrow.lists, func(l *runList) bool { return len(l.items) > 0 })
	follow := len(taken) == 0 && s.finder.untried > 1
	if !s.rest(oldest) || follow && (!empty || s.covered(oldest)) {
		return nil
	}
	return s.readArtifacts(s.remaining(), maxConcurrent)
}

// hidden lists the candidates that may be newer than the runs taken, the newest first.
func (s *search) hidden(oldest time.Time) []candidate {
	var list []candidate
	listed := map[int64]bool{}
	for _, l := range s.facts.lists {
		for _, c := range s.candidates(l) {
			if !listed[c.ref.ID] && !c.bound.Before(oldest) {
				listed[c.ref.ID] = true
				list = append(list, c)
			}
		}
	}
	if len(s.facts.lists) > 1 {
		slices.SortStableFunc(list, func(a, b candidate) int { return b.bound.Compare(a.bound) })
	}
	return list
}

// knowsWorkflow reports whether a run of the workflow asked for is known.
func (s *search) knowsWorkflow() bool {
	w := s.filter.workflow
	return w.any() || slices.ContainsFunc(slices.Collect(maps.Values(s.facts.known)), w.passes)
}

// meetsAnother reports whether a run is known that passes the filter, is not one of those
// taken, and was created after a frontier, if there is one.
func (s *search) meetsAnother(taken []artifact.Run, frontier time.Time) bool {
	return slices.ContainsFunc(s.matching(), func(r artifact.Run) bool {
		return !slices.ContainsFunc(taken, func(t artifact.Run) bool { return t.ID == r.ID }) && (r.CreatedAt.After(frontier) || frontier.Equal(unread))
	})
}

// certainly reports whether the lists of runs alone show that all newer runs are known.
func (s *search) certainly(oldest time.Time) bool {
	return !oldest.IsZero() && oldest.After(s.frontier())
}

// shown reports whether runs created since a time are known from lists that no filter
// narrows.
func (s *search) shown(oldest time.Time) bool {
	index := s.facts.index()
	seen := !s.facts.all.order.disordered() || !s.endsUnseen(oldest) // late runs, too
	return s.settled || since(oldest, s.facts.all.frontier()) || seen && index != nil && index.knows(oldest)
}

// since reports whether all that was created since a time is after a frontier.
func since(oldest, frontier time.Time) bool { return frontier.IsZero() || oldest.After(frontier) }

// covered reports whether runs created since a time are known from lists that are to be
// believed: those that no filter narrows, or others that are borne out. A control list
// bears out that there is no other run to take. It does not bear out that a run taken is the
// newest: even a fresh list may lack single runs, and an older build would be taken.
func (s *search) covered(oldest time.Time) bool {
	return s.shown(oldest) || s.vouched(oldest.IsZero()) && s.believed() && since(oldest, s.narrow.frontier())
}

// maxGap bounds how many pages are read to cover the time that otherwise only narrowed
// lists cover. Where it takes more, the run taken is in doubt. Whether there are other runs to
// take is then for a control list to show, which bears out narrowed lists that are fresh.
const maxGap = 5

// closeGap returns requests that are likely to show that no newer run was overlooked,
// where only narrowed lists say so.
func (s *search) closeGap(check *crossCheck, oldest time.Time) []request {
	if s.shown(oldest) {
		return nil
	}
	covered := s.covered(oldest)
	control := func() []request {
		if covered || !oldest.IsZero() || s.rest(oldest) && s.finder.untried <= 1 {
			return nil // it would settle nothing, or the rest of the artifacts tells more
		}
		return s.control()
	}
	if check.gapClosed {
		return control()
	}
	all := s.facts.all
	pages, nearest := all.pagesTo(oldest), (*artifactList)(nil)
	for _, l := range s.unfinished() {
		if n := l.pagesTo(oldest); n <= pages {
			pages, nearest = n, l
		}
	}
	most := maxGap
	if covered || s.narrow.byStatus || s.filter.branchNext {
		// A list by status covers the last runs, of which it often lacks some. The search
		// of a pull request's branch reads on as far as the run that it takes.
		most = 1
	}
	if pages > most {
		return control()
	}
	check.gapClosed = true
	if nearest != nil {
		return s.finder.readArtifacts(nearest, pages)
	}
	return s.readRuns(all, s.finder.allRuns, pages)
}

// doubtsLeft lists what the server's answers leave open of a choice.
func (s *search) doubtsLeft(taken []artifact.Run) []Doubt {
	spans := s.spans(taken)
	if len(spans) == 0 {
		return nil // other runs may match in any case
	}
	if s.settled {
		return s.numberDoubts()
	}
	var list []Doubt
	oldest := spans[0]
	for _, r := range s.matching() {
		_, asked := s.facts.asked[r.ID]
		switch {
		case asked || r.CreatedAt.Before(oldest) || s.facts.holds(r) != no:
		case !oldest.IsZero() && artifact.CompareRuns(r, taken[len(taken)-1]) > 0: // older, of the same second
		case s.late(r):
			list = append(list, Doubt{Run: r, Reason: "it is under way or ended lately, and GitHub's list of artifacts may lag behind"})
		case s.facts.faulty:
			list = append(list, Doubt{Run: r, Reason: "it seems to lack something, but GitHub's list of artifacts was found to lack artifacts of other runs"})
		}
	}
	list = append(list, s.newestDoubts(oldest)...)
	if i := slices.IndexFunc(spans, func(since time.Time) bool { return !s.covered(since) }); i >= 0 {
		list = append(list, Doubt{Filters: s.filtersUsed(), Since: spans[i], Until: s.facts.all.frontier(), Reason: "not all runs were looked at"})
	}
	return list
}

// newestDoubts returns the doubts that the list of all runs lacks a run that was created since a
// time: candidates were not looked up, or neither the artifacts nor a narrowed list that is right
// bear out that there is none.
func (s *search) newestDoubts(since time.Time) []Doubt {
	var list []Doubt
	for _, c := range s.hidden(since) {
		list = append(list, Doubt{Run: c.run(s.finder.repo), Reason: "it has the artifact, and was not looked at"})
	}
	if s.unborne(since) && (s.contradicted() || slices.ContainsFunc(s.narrow.lists, s.mayHaveNewer)) {
		list = append(list, Doubt{Since: since, Reason: "no list that was read shows whether GitHub's list of all runs lacks the newest"})
	}
	return list
}

// filtersUsed names the parameters that narrow the lists of runs.
func (s *search) filtersUsed() []string {
	var list []string
	for _, l := range s.narrow.lists {
		q := l.query
		for name, v := range map[string]string{"workflow": q.Workflow, "branch": q.Branch, "commit": q.HeadSHA, "event": q.Event, "actor": q.Actor, "conclusion": q.Status} {
			if v != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}
