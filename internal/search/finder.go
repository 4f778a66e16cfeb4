package search

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// finder asks for the runs and artifacts of one repository, and keeps the answers
// in facts.
type finder struct {
	source Source
	req    Request
	repo   artifact.Repo
	// notBefore is when the oldest run that counts was created; zero for any age.
	notBefore    time.Time
	now          time.Time
	mostFiltered int // how many runs GitHub lists when a filter is used
	facts        *facts
	current      currentRun
	// denied is how many runs were asked for their artifacts although a list showed that they
	// lack something. askedLate is how many of these had a list that may lag behind.
	denied, askedLate int
	// untried is how many filters are still to be tried, this one included.
	untried int
	// workflowIDs has the ids of workflows whose runs the server lists by the id, and not by
	// the file name.
	workflowIDs sync.Map // file name → id, both strings
}

// mostFiltered is how many runs GitHub lists when a filter is used. Source:
// GitHub's REST reference, "List workflow runs for a repository".
const mostFiltered = 1000

func (c Chooser) newFinder(req Request, repo artifact.Repo) *finder {
	now := c.now()
	f := &finder{
		source: c.Source, req: req, repo: repo, now: now, notBefore: maxAge(req.MaxAge, now),
		mostFiltered: cmp.Or(c.mostFiltered, mostFiltered), facts: newFacts(req, now),
	}
	f.facts.all = f.newRunList(RunQuery{})
	f.facts.all.perPage = PerPage
	return f
}

// readArtifacts returns requests for the next n pages of a list.
func (f *finder) readArtifacts(l *artifactList, n int) []request {
	var list []request
	for _, number := range l.take(n) {
		list = append(list, func(ctx context.Context) (func(), error) {
			q := l.query
			q.Page = number
			p, err := f.source.Artifacts(ctx, f.repo, q)
			return func() { l.add(number, p, f.notBefore) }, err
		})
	}
	return list
}

// allRuns returns a page of the list of all runs.
func (f *finder) allRuns(ctx context.Context, q RunQuery) (Page[artifact.Run], error) {
	return f.source.Runs(ctx, f.repo, q)
}

// ask returns requests that ask runs for their artifacts. A run whose list of artifacts is
// not there any more counts as deleted.
func (f *finder) ask(runs []artifact.Run) []request {
	var list []request
	for _, r := range runs {
		list = append(list, func(ctx context.Context) (func(), error) {
			all, err := listArtifacts(ctx, f.source, f.repo, ArtifactQuery{RunID: r.ID, Name: f.req.Select.OnlyName()})
			if missing(err) {
				return func() { f.facts.forget(r.ID) }, nil
			}
			return func() { f.facts.answered(r.ID, all) }, err
		})
	}
	return list
}

// limitMet reports whether no further run may be examined.
func (f *finder) limitMet() bool { return f.left() <= 0 }

// left is how many more runs may be examined. The current run does not count.
func (f *finder) left() int {
	n := f.req.SearchLimit - len(f.facts.examined)
	if f.facts.examined[f.req.CurrentRun] {
		n++
	}
	return n
}

// pageSize is how many runs to ask for at a time: at most one more than the limit, as one
// of them may be the current run.
func (f *finder) pageSize() int { return min(PerPage, f.req.SearchLimit+1) }
