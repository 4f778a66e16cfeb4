package search

import (
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// facts are what the server has said so far of one repository's runs and artifacts. The
// searches that a request comes down to share them, one search after the other. Nothing
// changes them while requests are under way (send).
type facts struct {
	picker artifact.Picker
	now    time.Time
	asks   int // how many exact names are asked for; 0 for a pattern, or all

	// lists are of the whole repository: one for each of the first maxLists
	// names, or one of all artifacts.
	lists []*artifactList
	// spare are the lists of the further names, which are read once many runs were asked.
	spare []*artifactList
	// all is the list of all runs, which no filter narrows. It is right, but may lack a
	// run that was just created.
	all *runList
	// unlisted are candidates that a page of all runs does not have, although it has
	// runs of about the same time.
	unlisted map[int64]bool
	// narrowed are the lists of runs that a filter narrows, of all searches, and the control
	// lists. controlled are the kinds of lists for which a control list was asked for.
	narrowed   []*runList
	controlled map[queryKind]bool
	// faulty is set once a run's own list has an artifact that a list of the repository's
	// artifacts should have, and lacks (overlooks).
	faulty bool
	// untimely is set once the server was found not to narrow lists by time.
	untimely bool

	known    map[int64]artifact.Run
	examined map[int64]bool                // runs that count for the limit of the search
	deleted  map[int64]bool                // candidates that do not exist
	asked    map[int64][]artifact.Artifact // the runs' own lists of artifacts
}

// maxLists bounds for how many names the repository's artifacts are listed at first. For
// further names runs are asked.
const maxLists = 3

func newFacts(req Request, now time.Time) *facts {
	f := &facts{
		picker: req.picker(), now: now, asks: len(req.Select.Names),
		unlisted: map[int64]bool{}, controlled: map[queryKind]bool{}, known: map[int64]artifact.Run{}, examined: map[int64]bool{}, deleted: map[int64]bool{}, asked: map[int64][]artifact.Artifact{},
	}
	if f.asks == 0 {
		f.lists = []*artifactList{newArtifactList(ArtifactQuery{}, f.picker)}
	}
	for _, name := range req.Select.Names {
		one := req.Select
		one.Names = []string{name}
		f.spare = append(f.spare, newArtifactList(ArtifactQuery{Name: name}, one.Picker(req.Gone)))
	}
	first := min(f.asks, maxLists)
	f.lists, f.spare = append(f.lists, f.spare[:first]...), f.spare[first:]
	return f
}

// listAll makes the lists of the further names count, and returns them. They are still to be read.
func (f *facts) listAll() []*artifactList {
	further := f.spare
	f.lists, f.spare = append(f.lists, further...), nil
	return further
}

// size grows with every answer that tells of a run or an artifact, or that a run has none or does
// not exist.
func (f *facts) size() int {
	n := len(f.known) + len(f.asked) + len(f.deleted)
	for _, l := range f.lists {
		n += len(l.seen)
	}
	return n
}

// know adds a run that is not to count as examined.
func (f *facts) know(r artifact.Run) { f.known[r.ID] = r }

// forget notes that a run does not exist.
func (f *facts) forget(run int64) { f.deleted[run] = true }

// answered adds the artifacts of a run that was asked for them.
func (f *facts) answered(run int64, list []artifact.Artifact) {
	f.asked[run] = list
	for _, l := range slices.Concat(f.lists, f.spare) {
		l.own(list)
	}
	f.faulty = f.faulty || slices.ContainsFunc(list, func(a artifact.Artifact) bool { return f.overlooks(a, f.known[run]) })
}

// overlooks reports whether a list of the repository's artifacts is wrong, as it lacks an artifact
// of a run. An empty list is wrong at once. Any other list may lag behind for a while (lagging).
func (f *facts) overlooks(a artifact.Artifact, of artifact.Run) bool {
	since := a.CreatedAt
	if !of.UnderWay() && of.UpdatedAt.After(since) {
		since = of.UpdatedAt
	}
	return slices.ContainsFunc(f.lists, func(l *artifactList) bool {
		return l.misses(a) && (l.empty() || f.now.Sub(since) >= lagging)
	})
}

// index returns the best list to take candidates from, or nil. Its candidates
// include every run that was created after its frontier and holds what is asked
// for.
func (f *facts) index() *artifactList {
	var best *artifactList
	for _, l := range f.lists {
		switch {
		case l.blind, l.empty() && f.faulty, !l.done() && l.frontier().Equal(unread):
		case best == nil,
			l.done() && !best.done(),
			l.done() == best.done() && l.frontier().Before(best.frontier()):
			best = l
		}
	}
	return best
}

// names reports whether a list of artifacts names a run.
func (f *facts) names(run int64) bool {
	return slices.ContainsFunc(f.lists, func(l *artifactList) bool { return len(l.byRun[run]) > 0 })
}

// mayHold reports whether no list that was read to its end shows that the run
// lacks something.
func (f *facts) mayHold(run int64) bool {
	return !slices.ContainsFunc(f.lists, func(l *artifactList) bool { return l.done() && !l.blind && !l.has(run) })
}

// answer is a boolean that may be unknown.
type answer int

const (
	no answer = iota
	maybe
	yes
)

// holds reports whether a run holds what is asked for.
func (f *facts) holds(r artifact.Run) answer {
	if _, ok := f.asked[r.ID]; ok {
		if f.pick(r).Complete() {
			return yes
		}
		return no
	}
	all := yes
	if f.asks > len(f.lists) {
		all = maybe
	}
	for _, l := range f.lists {
		switch {
		case l.lacks(r):
			return no
		case !l.has(r.ID):
			all = maybe
		}
	}
	return all
}

// pick picks from the known artifacts of a run.
func (f *facts) pick(r artifact.Run) artifact.Picked { return f.picker.Pick(f.artifacts(r.ID)) }

// artifacts returns the known artifacts of a run, from its own list and from the repository's
// lists, as any list may lack some. If an artifact is gone by now, the request for its download
// fails.
func (f *facts) artifacts(run int64) []artifact.Artifact {
	own, asked := f.asked[run]
	if !asked && len(f.lists) == 1 {
		return f.lists[0].byRun[run]
	}
	list := slices.Clone(own)
	seen := map[int64]bool{} // a server that ignores names gives the same artifacts each time
	for _, a := range own {
		seen[a.ID] = true
	}
	for _, l := range f.lists {
		for _, a := range l.byRun[run] {
			if !seen[a.ID] {
				seen[a.ID] = true
				list = append(list, a)
			}
		}
	}
	return list
}

// everything returns the known artifacts of a run, and reports whether the run has no others,
// whatever their names.
func (f *facts) everything(r artifact.Run) ([]artifact.Artifact, bool) {
	_, asked := f.asked[r.ID]
	listed := f.asks == 0 && f.lists[0].done() && !f.lists[0].blind && !f.lists[0].empty()
	return f.artifacts(r.ID), asked && f.asks != 1 || listed
}

// settles reports whether a run's matching artifacts are all known, going by the lists. For
// a single name, knowing the newest is enough.
func (f *facts) settles(r artifact.Run) bool {
	return !slices.ContainsFunc(f.lists, func(l *artifactList) bool { return !l.settles(r) })
}
