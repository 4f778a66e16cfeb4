package search

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/artifetch/artifetch/internal/artifact"
)

// errFormerName is returned by ownWatch.
var errFormerName = errors.New("it is the current run's own repository, by a former name")

// ownWatch is a Source that fails with errFormerName when an answer shows that the
// repository asked for is the one with the id own. A server answers for a former name of
// a repository as for its name, so only the id tells.
type ownWatch struct {
	Source
	own int64
	// another is set once an answer shows that the repository is another one.
	another *atomic.Bool
}

// check fails if id, of an answer, is that of the current run's own repository. It is 0
// where the answer does not tell.
func (w ownWatch) check(id int64) error {
	if id == w.own {
		return errFormerName
	}
	if id != 0 {
		w.another.Store(true)
	}
	return nil
}

func (w ownWatch) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	run, err := w.Source.Run(ctx, repo, id)
	if err == nil {
		err = w.check(run.RepoID)
	}
	return run, err
}

func (w ownWatch) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	p, err := w.Source.Runs(ctx, repo, q)
	if err == nil && len(p.Items) > 0 {
		err = w.check(p.Items[0].RepoID)
	}
	return p, err
}

func (w ownWatch) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	p, err := w.Source.Artifacts(ctx, repo, q)
	if err == nil && len(p.Items) > 0 && p.Items[0].Run != nil {
		err = w.check(p.Items[0].Run.RepoID)
	}
	return p, err
}

// inRepo chooses in one repository, where neither runs nor artifacts are named by id. If
// the first answers show that its name is a former one of the current run's own
// repository, it begins again, and takes that name for the repository's. It reports
// whether the repository is another one; not where no answer tells.
func (c Chooser) inRepo(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) (another bool, err error) {
	switch {
	case repo.Equal(req.Own):
		return false, c.inNamed(ctx, req, repo, plan)
	case req.OwnID == 0:
		return true, c.inNamed(ctx, req, repo, plan)
	}
	watch := ownWatch{Source: c.Source, own: req.OwnID, another: new(atomic.Bool)}
	watched := c
	watched.Source = watch
	err = watched.inNamed(ctx, req, repo, plan)
	if errors.Is(err, errFormerName) {
		*plan = Plan{}
		req.Own = repo
		return false, c.inNamed(ctx, req, repo, plan)
	}
	return watch.another.Load(), err
}
