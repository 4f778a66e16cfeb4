package search

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// finder holds what is known of one repository's runs and artifacts. The searches
// that a request comes down to share it, one after the other.
type finder struct {
	source Source
	req    Request
	repo   artifact.Repo
	picker artifact.Picker
	// notBefore is when the oldest run that counts was created; zero for any age.
	notBefore time.Time

	// lists are of the whole repository: one for each of the first maxLists
	// names, or one of all artifacts.
	lists []*artifactList

	mostFiltered int // how many runs GitHub lists when a filter is used

	mu    sync.Mutex // for what follows, while requests run side by side
	known map[int64]artifact.Run
	met   map[int64]bool                // runs examined by searches
	gone  map[int64]bool                // candidates that do not exist
	asked map[int64][]artifact.Artifact // the answers of runs that were asked
}

// mostFiltered is how many runs GitHub lists when a filter is used. Source:
// GitHub's REST reference, "List workflow runs for a repository".
const mostFiltered = 1000

// maxLists bounds for how many names the repository's artifacts are listed. For
// further names each run is asked.
const maxLists = 3

func (c Chooser) newFinder(req Request, repo artifact.Repo) *finder {
	f := &finder{
		source: c.Source, req: req, repo: repo, picker: req.picker(), notBefore: maxAge(req.MaxAge, c.now()), mostFiltered: cmp.Or(c.mostFiltered, mostFiltered),
		known: map[int64]artifact.Run{}, met: map[int64]bool{}, gone: map[int64]bool{}, asked: map[int64][]artifact.Artifact{},
	}
	if len(req.Select.Names) == 0 {
		f.lists = []*artifactList{newArtifactList(ArtifactQuery{}, f.picker)}
	}
	for _, name := range req.Select.Names[:min(len(req.Select.Names), maxLists)] {
		one := req.Select
		one.Names = []string{name}
		f.lists = append(f.lists, newArtifactList(ArtifactQuery{Name: name}, one.Picker(req.Gone)))
	}
	return f
}

// readArtifacts reads the next page of a list.
func (f *finder) readArtifacts(ctx context.Context, l *artifactList) error {
	q := l.query
	q.Page = l.next
	p, err := f.source.Artifacts(ctx, f.repo, q)
	if err == nil {
		l.add(p, f.notBefore)
	}
	return err
}

// index returns the best list to take candidates from, or nil. Its candidates
// include every run that was created after its frontier and holds what is asked
// for.
func (f *finder) index() *artifactList {
	var best *artifactList
	for _, l := range f.lists {
		switch {
		case l.blind, !l.done() && !l.ordered:
		case best == nil,
			l.done() && !best.done(),
			l.done() == best.done() && l.oldest.Before(best.oldest):
			best = l
		}
	}
	return best
}

// mayHold reports whether no list that was read to its end shows that the run
// lacks something.
func (f *finder) mayHold(run int64) bool {
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
func (f *finder) holds(r artifact.Run) answer {
	if _, ok := f.asked[r.ID]; ok {
		if f.pick(r).Complete() {
			return yes
		}
		return no
	}
	all := yes
	if len(f.req.Select.Names) > len(f.lists) {
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
func (f *finder) pick(r artifact.Run) artifact.Picked {
	return f.picker.Pick(f.artifacts(r.ID))
}

// artifacts returns the known artifacts of a run.
func (f *finder) artifacts(run int64) []artifact.Artifact {
	if list, ok := f.asked[run]; ok {
		return list
	}
	if len(f.lists) == 1 {
		return f.lists[0].byRun[run]
	}
	var list []artifact.Artifact
	seen := map[int64]bool{} // a server that ignores names gives the same artifacts each time
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

// unsettled returns the runs whose matching artifacts are not all known yet. For
// a single name, knowing the newest is enough.
func (f *finder) unsettled(runs []artifact.Run) []artifact.Run {
	var list []artifact.Run
	for _, r := range runs {
		open := func(l *artifactList) bool {
			newest := func(a artifact.Artifact) bool { return l.query.Name != "" && l.counts(a) && l.knows(a.CreatedAt) }
			return !l.knows(r.CreatedAt) && !slices.ContainsFunc(l.byRun[r.ID], newest)
		}
		if _, asked := f.asked[r.ID]; !asked && slices.ContainsFunc(f.lists, open) {
			list = append(list, r)
		}
	}
	return list
}

// check asks runs for their artifacts.
func (f *finder) check(ctx context.Context, runs []artifact.Run) error {
	var g group
	for _, r := range runs {
		g.Go(func() error {
			list, err := listArtifacts(ctx, f.source, f.repo, ArtifactQuery{RunID: r.ID, Name: f.req.Select.OnlyName()})
			if err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.asked[r.ID] = list
			return nil
		})
	}
	return g.Wait()
}

// forget notes that a run does not exist.
func (f *finder) forget(run int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone[run] = true
}

// listArtifacts reads a list to its end. An artifact that moves to the next page
// meanwhile, because a new one came in front, is returned once.
func listArtifacts(ctx context.Context, source artifactSource, repo artifact.Repo, q ArtifactQuery) ([]artifact.Artifact, error) {
	var all []artifact.Artifact
	seen := map[int64]bool{}
	for q.Page = 1; q.Page != 0; {
		p, err := source.Artifacts(ctx, repo, q)
		if err != nil {
			return nil, err
		}
		for _, a := range p.Items {
			if !seen[a.ID] {
				seen[a.ID] = true
				all = append(all, a)
			}
		}
		q.Page = p.Next
	}
	return all, nil
}
