package search

import (
	"cmp"
	"context"
	"errors"
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
	mostFiltered int // how many runs GitHub lists when a filter is used
	facts        *facts
	current      currentRun
}

// mostFiltered is how many runs GitHub lists when a filter is used. Source:
// GitHub's REST reference, "List workflow runs for a repository".
const mostFiltered = 1000

func (c Chooser) newFinder(req Request, repo artifact.Repo) *finder {
	return &finder{
		source: c.Source, req: req, repo: repo, notBefore: maxAge(req.MaxAge, c.now()),
		mostFiltered: cmp.Or(c.mostFiltered, mostFiltered), facts: newFacts(req),
	}
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

// ask asks runs for their artifacts.
func (f *finder) ask(ctx context.Context, runs []artifact.Run) error {
	var g group
	for _, r := range runs {
		g.Go(func() error {
			list, err := listArtifacts(ctx, f.source, f.repo, ArtifactQuery{RunID: r.ID, Name: f.req.Select.OnlyName()})
			if err != nil {
				return err
			}
			f.facts.answered(r.ID, list)
			return nil
		})
	}
	return g.Wait()
}

// lookUp fetches runs by id, and counts them as examined.
func (f *finder) lookUp(ctx context.Context, ids []int64) error {
	var g group
	for _, id := range ids {
		g.Go(func() error {
			r, err := f.source.Run(ctx, f.repo, id)
			if errors.Is(err, artifact.ErrNotFound) {
				f.facts.forget(id)
				return nil
			}
			if err == nil {
				f.facts.examine(r)
			}
			return err
		})
	}
	return g.Wait()
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

// pageSize is how many runs to ask for at a time: one more than the limit, as one
// may be the current run.
func (f *finder) pageSize() int { return min(PerPage, f.req.SearchLimit+1) }

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
