package search

import (
	"cmp"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// unread is the frontier of a list before its first page.
var unread = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// GitHub sorts by start but reports the finish time, so neighbours may be out of
// order by up to this much.
const (
	artifactSlack = 10 * time.Minute
	runSlack      = time.Minute
)

// artifactList is what was read of a list of a repository's artifacts, newest first.
type artifactList struct {
	query  ArtifactQuery
	picker artifact.Picker

	next int // the page to read next; 0 at the end
	// oldest is when the oldest artifact read was created, and ordered reports
	// whether the list was newest first so far. Of a list that is not ordered, only
	// the end shows that an artifact does not exist.
	oldest  time.Time
	ordered bool
	// halfSpan is the time that the second half of the last page spans: an estimate
	// of how far the next page reaches. The first half may begin with an item that
	// is much newer than the rest.
	halfSpan time.Duration
	seen     map[int64]bool // by the artifact's id
	byRun    map[int64][]artifact.Artifact
	holding  map[int64]bool // the runs that have an artifact which counts
	// blind is set when the server omits workflow_run (GHES 3.8). Then the list
	// only proves that runs created after latest have no matching artifact.
	blind  bool
	latest time.Time
}

func newArtifactList(q ArtifactQuery, picker artifact.Picker) *artifactList {
	return &artifactList{query: q, picker: picker, next: 1, oldest: unread, ordered: true, byRun: map[int64][]artifact.Artifact{}, holding: map[int64]bool{}, seen: map[int64]bool{}}
}

// counts reports whether an artifact of the list counts.
func (l *artifactList) counts(a artifact.Artifact) bool {
	return l.picker.Judge(a) == artifact.Eligible
}

func (l *artifactList) done() bool { return l.next == 0 }

// add adds the next page. Reading ends at artifacts created before notBefore.
func (l *artifactList) add(p Page[artifact.Artifact], notBefore time.Time) {
	l.next = p.Next
	l.halfSpan = halfSpan(p.Items, func(a artifact.Artifact) time.Time { return a.CreatedAt })
	for _, a := range p.Items {
		if l.seen[a.ID] {
			continue
		}
		l.seen[a.ID] = true
		if !a.CreatedAt.IsZero() { // an artifact without a time proves nothing about the list
			l.ordered = l.ordered && !a.CreatedAt.After(l.frontier())
			l.oldest = minTime(l.oldest, a.CreatedAt)
		}
		counts := l.counts(a)
		if a.Run == nil {
			l.blind = true
		} else {
			l.byRun[a.Run.ID] = append(l.byRun[a.Run.ID], a)
			l.holding[a.Run.ID] = l.holding[a.Run.ID] || counts
		}
		if counts && latest(a).After(l.latest) {
			l.latest = latest(a)
		}
	}
	if l.ordered && l.frontier().Before(notBefore) {
		l.next = 0
	}
}

// frontier returns the time after which all artifacts were read, if the list is
// ordered.
func (l *artifactList) frontier() time.Time { return later(l.oldest, artifactSlack) }

// knows reports whether all artifacts created at t or later were read. For the time
// of a run, that is all its artifacts: none is older than its run.
func (l *artifactList) knows(t time.Time) bool {
	return l.done() || l.ordered && t.After(l.frontier())
}

// has reports whether a run is known to have an artifact that counts.
func (l *artifactList) has(run int64) bool { return l.holding[run] }

// lacks reports whether a run is known to have no artifact that counts.
func (l *artifactList) lacks(r artifact.Run) bool {
	return !l.has(r.ID) && l.knows(r.CreatedAt) && (!l.blind || r.CreatedAt.After(l.latest))
}

// pagesTo estimates how many more pages it takes to reach back to t.
func (l *artifactList) pagesTo(t time.Time) int64 {
	return 1 + int64(l.frontier().Sub(t)/max(2*l.halfSpan, time.Second))
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

// runList is what was read of a list of runs, newest first.
type runList struct {
	query    RunQuery
	next     int           // the page to read next; 0 at the end
	read     int           // how many runs were read
	oldest   time.Time     // as in artifactList
	ordered  bool          // as in artifactList
	halfSpan time.Duration // as in artifactList
	seen     map[int64]bool
	lastPage []artifact.Run
	most     int // how many runs GitHub lists when a filter is used
}

func (f *finder) newRunList(q RunQuery) *runList {
	return &runList{query: q, next: 1, oldest: unread, ordered: true, seen: map[int64]bool{}, most: f.mostFiltered}
}

// frontier returns the time after which all runs that meet the query were read. For
// a list that is not ordered that is its start.
func (l *runList) frontier() time.Time {
	if !l.ordered || l.read == 0 {
		return l.start()
	}
	return minTime(l.start(), later(l.oldest, runSlack))
}

// start returns the time at which the list begins: Until, or unread.
func (l *runList) start() time.Time {
	if l.query.Until.IsZero() {
		return unread
	}
	return l.query.Until
}

func (l *runList) done() bool { return l.next == 0 }

func (l *runList) add(p Page[artifact.Run]) {
	l.next = p.Next
	l.read += len(p.Items)
	l.lastPage = p.Items
	l.halfSpan = halfSpan(p.Items, func(r artifact.Run) time.Time { return r.CreatedAt })
	for _, r := range p.Items {
		if !r.CreatedAt.IsZero() { // a run without a time proves nothing about the list
			l.ordered = l.ordered && (l.seen[r.ID] || !r.CreatedAt.After(later(l.oldest, runSlack)))
			l.oldest = minTime(l.oldest, r.CreatedAt)
		}
		l.seen[r.ID] = true
	}
}

// nextReaches reports whether the next page is expected to reach back to t.
func (l *runList) nextReaches(t time.Time) bool {
	return !l.done() && l.read > 0 && t.After(l.oldest.Add(-l.halfSpan))
}

// spans reports whether one page is likely to reach from one time back to another.
func (l *runList) spans(from, to time.Time) bool { return l.read > 0 && from.Sub(to) < l.halfSpan }

// capped reports whether the list ended because GitHub cuts filtered lists off. A
// new list from its frontier on then continues it.
func (l *runList) capped() bool {
	return l.query.filtered() && l.done() && l.ordered && l.read >= l.most && l.frontier().Before(l.start())
}

// halfSpan returns the time that the second half of a page spans.
func halfSpan[T any](page []T, at func(T) time.Time) time.Duration {
	page = slices.DeleteFunc(slices.Clone(page), func(v T) bool { return at(v).IsZero() })
	if len(page) == 0 {
		return 0
	}
	return at(page[len(page)/2]).Sub(at(page[len(page)-1]))
}

// later returns t + d, or unread for unread.
func later(t time.Time, d time.Duration) time.Time {
	if t.Equal(unread) {
		return t
	}
	return t.Add(d)
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
