package app

import (
	"context"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// newEngine makes what brings artifacts into the stage.
func (j *job) newEngine() *transfer.Engine {
	return transfer.New(transfer.Options{
		Origin: j.api, Client: j.storage, Policy: j.policy, IdleTimeout: j.idle, UserAgent: j.agent,
		Notify:      j.logEvent,
		Progress:    func(total int64) transfer.Progress { return j.log.NewProgress(total) },
		Concurrency: j.cfg.Concurrency, MaxFiles: j.cfg.MaxFiles, MaxSize: j.cfg.MaxSize,
		Layout: layout(j.cfg), Files: j.cfg.Files, KeepArchives: j.cfg.SkipDecompress, ExpandTars: j.cfg.Unpack,
		AllowMismatch: j.cfg.DigestMismatch != config.MismatchError,
	})
}

// layout is how the inputs lay out artifacts below the destination.
func layout(cfg *config.Config) transfer.Layout {
	l := transfer.Layout{
		Merge: cfg.MergeMultiple,
		Repos: len(cfg.Repositories) > 1,
		Runs:  cfg.Runs > 1 || len(cfg.RunIDs) > 1 || len(cfg.RunIDs) == 1 && cfg.RunCurrent,
	}
	one := len(cfg.Names) == 1 || len(cfg.ArtifactIDs) == 1
	l.Straight = cfg.SkipDecompress || one && !l.Runs && !l.Repos
	return l
}

// staging is where artifacts are put together before they are published.
type staging struct {
	stage *workspace.Stage
	into  transfer.Stage
}

// openStage makes the stage, after what killed runs left is put back. It has to be
// closed.
func (j *job) openStage(ctx context.Context) (*staging, error) {
	recovered, err := workspace.Recover(ctx, j.dest)
	j.logRecovered(recovered)
	if err != nil {
		return nil, err
	}
	stage, err := workspace.NewStage(j.dest, workspace.StageOptions{Chown: j.chown, OwnerOf: j.runner.Workspace})
	if err != nil {
		return nil, err
	}
	if err := stage.ChownErr(); err != nil {
		j.log.Warningf("%v; the files will belong to this process's user, and later steps of another user may not be able to change them", err)
	}
	free := stage.Free
	if j.free != nil {
		free = j.free
	}
	into := transfer.Stage{Sink: stage, Quota: spool.NewQuota(j.dest.Abs, free)}
	if uid, gid, ok := stage.Owner(); ok {
		into.Owner = &unpack.Owner{UID: uid, GID: gid}
	}
	if stage.HasMounts() {
		into.CheckFile = stage.CheckMount
	}
	return &staging{stage: stage, into: into}, nil
}

// fetchAndPublish brings the artifacts into the stage and moves them into place.
func (j *job) fetchAndPublish(ctx context.Context, engine *transfer.Engine, s *staging, res *result) error {
	trees := make([]workspace.Tree, len(res.items))
	for i, item := range res.items {
		trees[i] = workspace.Tree{To: layout(j.cfg).Dir(item.Item), Label: item.Artifact.Name}
	}
	if err := s.stage.Foresee(ctx, trees); err != nil {
		return err
	}
	if err := engine.Fetch(ctx, s.into, res.items); err != nil {
		return err
	}
	for i, item := range res.items {
		trees[i].Dir, trees[i].NoLinks = item.Tree, item.NoLinks
	}
	published, err := s.stage.Publish(ctx, trees, j.cfg.IfExists)
	j.logRecovered(published.Recovered)
	if err != nil {
		return err
	}
	res.found, res.published, res.lost = true, true, published.Lost
	j.logReport(published)
	return nil
}
