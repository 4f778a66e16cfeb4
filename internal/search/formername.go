package search

import (
	"context"
	"errors"

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
}

func (w ownWatch) Run(ctx context.Context, repo artifact.Repo, id int64) (artifact.Run, error) {
	run, err := w.Source.Run(ctx, repo, id)
	if err == nil && run.RepoID == w.own {
		err = errFormerName
	}
	return run, err
}

func (w ownWatch) Runs(ctx context.Context, repo artifact.Repo, q RunQuery) (Page[artifact.Run], error) {
	p, err := w.Source.Runs(ctx, repo, q)
	if err == nil && len(p.Items) > 0 && p.Items[0].RepoID == w.own {
		err = errFormerName
	}
	return p, err
}

func (w ownWatch) Artifacts(ctx context.Context, repo artifact.Repo, q ArtifactQuery) (Page[artifact.Artifact], error) {
	p, err := w.Source.Artifacts(ctx, repo, q)
	if err == nil && len(p.Items) > 0 && p.Items[0].Run != nil && p.Items[0].Run.RepoID == w.own {
		err = errFormerName
	}
	return p, err
}

// inRepo chooses in one repository, where neither runs nor artifacts are named by id. If
// the first answers show that its name is a former one of the current run's own
// repository, it begins again, and takes that name for the repository's.
func (c Chooser) inRepo(ctx context.Context, req Request, repo artifact.Repo, plan *Plan) error {
	if req.OwnID == 0 || repo.Equal(req.Own) {
		return c.inNamed(ctx, req, repo, plan)
	}
	watched := c
	watched.Source = ownWatch{Source: c.Source, own: req.OwnID}
	err := watched.inNamed(ctx, req, repo, plan)
	if errors.Is(err, errFormerName) {
		*plan = Plan{}
		req.Own = repo
		return c.inNamed(ctx, req, repo, plan)
	}
	return err
}
