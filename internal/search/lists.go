package search

import (
	"cmp"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// GitHub sorts by start but reports the finish time, so neighbours may be out of
// order by up to this much.
const (
	artifactSlack = 10 * time.Minute
	runSlack      = time.Minute
)

// artifactList is what was read of a list of a repository's artifacts.
type artifactList struct {
	pager
	query  ArtifactQuery
	picker artifact.Picker
	order  order

	seen    map[int64]bool // by the artifact's id
	news    int            // how many pages had artifacts that no page before had
	byRun   map[int64][]artifact.Artifact
	holding map[int64]bool // the runs that have an artifact which counts
	// repeats is set once a run has several artifacts of the name asked for.
	repeats bool
	// blind is set when the server omits workflow_run (GHES 3.8). Then the list
	// only proves that runs created after latest have no matching artifact, except
	// for those that were asked for theirs.
	blind  bool
	latest time.Time
	// loose are the artifacts that count and do not name their run.
	loose []artifact.Artifact
	// owned are the artifacts on the own lists of the runs that were asked.
	owned map[int64]bool
}

func newArtifactList(q ArtifactQuery, picker artifact.Picker) *artifactList {
	return &artifactList{
		pager: pager{next: 1}, query: q, picker: picker, order: order{slack: artifactSlack},
		byRun: map[int64][]artifact.Artifact{}, holding: map[int64]bool{}, seen: map[int64]bool{}, owned: map[int64]bool{},
	}
}

// counts reports whether an artifact of the list counts.
func (l *artifactList) counts(a artifact.Artifact) bool {
	return l.picker.Judge(a) == artifact.Eligible
}

// add adds a page. Reading ends at artifacts created before notBefore.
func (l *artifactList) add(number int, p Page[artifact.Artifact], notBefore time.Time) {
	l.note(number, len(p.Items), p.Next, p.Last, p.Total)
	before := len(l.seen)
	for _, a := range p.Items {
		if l.seen[a.ID] {
			continue
		}
		l.seen[a.ID] = true
		l.order.add(a.CreatedAt)
		counts := l.counts(a)
		if a.Run == nil {
			l.blind = true
			if counts {
				l.loose = append(l.loose, a)
			}
		} else {
			l.repeats = l.repeats || a.Name == l.query.Name && slices.ContainsFunc(l.byRun[a.Run.ID], func(b artifact.Artifact) bool { return b.Name == a.Name })
			l.byRun[a.Run.ID] = append(l.byRun[a.Run.ID], a)
			l.holding[a.Run.ID] = l.holding[a.Run.ID] || counts
		}
	}
	l.date()
	if len(l.seen) > before {
		l.news++
	}
	if !l.glimpsed() && l.frontier().Before(notBefore) {
		l.next = 0
	}
}

// own notes a run's own list: its artifacts are no other run's.
func (l *artifactList) own(list []artifact.Artifact) {
	for _, a := range list {
		l.owned[a.ID] = true
	}
	l.date()
}

// date sets latest, by the artifacts that may be of runs that were not asked.
func (l *artifactList) date() {
	l.latest = time.Time{}
	for _, a := range l.loose {
		if !l.owned[a.ID] && latest(a).After(l.latest) {
			l.latest = latest(a)
		}
	}
}

// frontier returns the time after which all artifacts were read, going by the order.
func (l *artifactList) frontier() time.Time {
	if len(l.gaps) > 0 {
		return unread
	}
	return l.order.frontier()
}

// knows reports whether all artifacts created at t or later were read. For the time
// of a run, that is all its artifacts: none is older than its run. One page that looks
// ordered shows nothing: an item out of place may be on the next.
func (l *artifactList) knows(t time.Time) bool {
	return l.done() || !l.glimpsed() && t.After(l.frontier())
}

// glimpsed reports whether the list goes on, and only one page of it was read. A page that
// repeats it, because others were added in front, does not count.
func (l *artifactList) glimpsed() bool { return !l.done() && l.read > 0 && l.news <= 1 }

// has reports whether a run is known to have an artifact that counts.
func (l *artifactList) has(run int64) bool { return l.holding[run] }

// empty reports whether the list has nothing. That is so in a new repository, for a name that
// is not used yet, and while the server is in trouble.
func (l *artifactList) empty() bool { return l.done() && len(l.seen) == 0 }

// misses reports whether the list lacks an artifact that counts, although it was read back to the
// time when the artifact was created.
func (l *artifactList) misses(a artifact.Artifact) bool {
	return !l.seen[a.ID] && (l.query.Name == "" || l.query.Name == a.Name) && l.counts(a) && l.knows(a.CreatedAt)
}

// lacks reports whether, going by the list, a run has no artifact that counts.
func (l *artifactList) lacks(r artifact.Run) bool {
	return !l.has(r.ID) && l.knows(r.CreatedAt) && (!l.blind || r.CreatedAt.After(l.latest))
}

// settles reports whether the list has all artifacts of a run that matter: all, or of a
// single name the newest. A run has only one of a name, unless it was run again. Where
// more than one item in a hundred is out of its place, one of the run's may be further down.
func (l *artifactList) settles(r artifact.Run) bool {
	first := r.Attempt == 1 && !l.repeats
	newest := func(a artifact.Artifact) bool {
		return l.query.Name == a.Name && l.counts(a) && (first || l.knows(a.CreatedAt))
	}
	return l.done() || l.order.strict() && l.knows(r.CreatedAt) || slices.ContainsFunc(l.byRun[r.ID], newest)
}

// pagesTo estimates, from the time that the pages read so far span, how many more pages it takes
// to reach back to t. It never returns more than are left.
func (l *artifactList) pagesTo(t time.Time) int {
	if l.knows(t) {
		return 0
	}
	if f := l.frontier(); f.Before(unread) {
		if t.After(f) {
			return 1 // which confirms the one that was read
		}
		perPage := l.order.first.Sub(f.Add(-artifactSlack)) / time.Duration(l.read)
		return min(l.left(), 1+int(f.Sub(t)/max(perPage, time.Second)))
	}
	return l.left()
}

// candidate is a run that has an artifact which counts.
type candidate struct {
	ref *artifact.RunRef
	// bound is when the oldest known artifact of the run was created, and so the
	// latest time at which the run may have been created.
	bound time.Time
}

// latest returns the latest time at which an artifact may have been created, which
// is unread if the server does not tell.
func latest(a artifact.Artifact) time.Time {
	if a.CreatedAt.IsZero() {
		return unread
	}
	return a.CreatedAt
}

// candidates lists the runs that have an artifact which counts, the latest bound
// first.
func (l *artifactList) candidates() []candidate {
	var list []candidate
	for run, artifacts := range l.byRun {
		if l.has(run) {
			c := candidate{ref: artifacts[0].Run, bound: unread}
			for _, a := range artifacts {
				c.bound = minTime(c.bound, latest(a))
			}
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(b.bound.Compare(a.bound), cmp.Compare(b.ref.ID, a.ref.ID))
	})
	return list
}

// runList is what was read of a list of runs.
type runList struct {
	pager
	query RunQuery
	// meets reports whether a run is known to meet the query of a narrowed list.
	meets func(artifact.Run) bool
	order order
	items []artifact.Run // in the list's order, each once
	seen  map[int64]bool
	most  int // how many runs GitHub lists when a filter is used
	// perPage is how many runs to ask for at a time.
	perPage int
	// untimely is set when the server lists runs that are newer than Until.
	untimely bool
}

func (f *finder) newRunList(q RunQuery) *runList {
	return &runList{pager: pager{next: 1}, query: q, order: order{slack: runSlack}, seen: map[int64]bool{}, most: f.mostFiltered, perPage: f.pageSize()}
}

// add adds a page.
func (l *runList) add(number int, p Page[artifact.Run]) {
	l.note(number, len(p.Items), p.Next, p.Last, p.Total)
	for _, r := range p.Items {
		l.untimely = l.untimely || !l.query.Until.IsZero() && r.CreatedAt.After(l.query.Until)
		if l.seen[r.ID] {
			continue
		}
		l.seen[r.ID] = true
		l.items = append(l.items, r)
		l.order.add(r.CreatedAt)
	}
}

// reach returns when the oldest run that was read was created, or the zero time once the list was
// read to its end.
func (l *runList) reach() time.Time {
	if n := len(l.order.least); n > 0 && !l.done() {
		return l.order.least[n-1]
	}
	return time.Time{}
}

// start returns the time at which the list begins: Until, or unread.
func (l *runList) start() time.Time {
	if l.query.Until.IsZero() {
		return unread
	}
	return l.query.Until
}

// frontier returns the time after which the list has all runs that meet the query, as
// far as the server told the truth. Before the first page that is the list's start. At
// the end of a list that was not cut off it is the zero time.
func (l *runList) frontier() time.Time {
	switch {
	case len(l.gaps) > 0, l.untimely:
		return unread
	case l.done() && !l.capped():
		return time.Time{}
	}
	return minTime(l.start(), l.order.frontier())
}

// capped reports whether the list ended because GitHub cuts filtered lists off. A run that is on
// two pages, as the list moved, takes up two of the places.
func (l *runList) capped() bool {
	return l.query.filtered() && l.done() && l.places >= l.most
}

// pagesTo estimates, from the time that the pages read so far span, how many more pages it takes
// to reach back to t. It never returns more than are left.
func (l *runList) pagesTo(t time.Time) int {
	f, span := l.frontier(), l.span()
	if l.done() || f.Equal(unread) || span == 0 {
		return l.left()
	}
	return min(l.left(), 1+int(max(f.Sub(t), 0)/span))
}

// span is the time that a page spans, by the pages read so far. Only the older half of
// the runs is looked at, as the list may begin with a few that are much newer than the
// rest.
func (l *runList) span() time.Duration {
	n := len(l.order.trusted)
	if l.order.frontier().Equal(unread) {
		return 0
	}
	return 2 * l.order.trusted[n/2].Sub(l.order.trusted[n-1]) / time.Duration(l.read)
}
