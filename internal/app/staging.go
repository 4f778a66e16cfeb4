package app

import (
	"context"
	"fmt"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/workspace"
)

// staging holds the engine that fetches artifacts and the stage that it extracts them into,
// from which they are published.
type staging struct {
	job    *job
	engine *transfer.Engine
	stage  *workspace.Stage // nil before there is something to fetch
	into   transfer.Stage   // stage as the engine sees it
	named  map[string]bool  // stages of killed runs that the log has named already
}

// newStaging makes a staging without a stage. It has to be closed.
func (j *job) newStaging() *staging {
	return &staging{job: j, named: map[string]bool{}, engine: transfer.New(transfer.Options{
		Origin: j.api, Client: j.storage, Policy: j.policy, IdleTimeout: j.idle, UserAgent: j.agent,
		Notify:      j.log.Event,
		Progress:    func(total int64) transfer.Progress { return j.log.Out.NewProgress(total) },
		Concurrency: j.cfg.Concurrency, MaxFiles: j.cfg.MaxFiles, MaxSize: j.cfg.MaxSize,
		Layout: artifactLayout(j.cfg), Files: j.cfg.Files, ExpandTars: j.cfg.Unpack,
		KeepArchives: j.cfg.SkipDecompress, NameByArtifact: j.cfg.SkipUnpack,
		AllowMismatch: j.cfg.DigestMismatch != config.MismatchError, Expect: expected(j.cfg),
	})}
}

// expected returns the digests that the artifacts must have.
func expected(cfg *config.Config) []transfer.Expected {
	var list []transfer.Expected
	for _, d := range cfg.ExpectDigests {
		list = append(list, transfer.Expected(d))
	}
	return list
}

// artifactLayout returns how the inputs lay out artifacts below the destination.
func artifactLayout(cfg *config.Config) transfer.Layout {
	l := transfer.Layout{
		Merge: cfg.MergeMultiple,
		Repos: len(cfg.Repositories) > 1,
		Runs:  cfg.Runs > 1 || len(cfg.RunIDs) > 1 || len(cfg.RunIDs) == 1 && cfg.RunCurrent,
	}
	one := len(cfg.Names) == 1 || len(cfg.ArtifactIDs) == 1
	l.Straight = cfg.SkipUnpack || one && !l.Runs && !l.Repos
	return l
}

// open makes the stage, if there is none yet. Before that, it undoes what killed runs left.
func (s *staging) open(ctx context.Context) error {
	if s.stage != nil {
		return nil
	}
	j := s.job
	recovered, err := workspace.Recover(ctx, j.dest)
	s.logRecovered(recovered)
	if err != nil {
		return err
	}
	if s.stage, err = workspace.NewStage(j.dest, workspace.StageOptions{Chown: j.chown, OwnerOf: j.dest.Workspace}); err != nil {
		return err
	}
	if err := s.stage.ChownErr(); err != nil {
		j.log.Owner(err)
	}
	free := s.stage.Free
	if j.free != nil {
		free = j.free
	}
	s.into = transfer.Stage{Sink: s.stage, Quota: spool.NewQuota(j.dest.Abs, free)}
	if uid, gid, ok := s.stage.Owner(); ok {
		s.into.Owner = &unpack.Owner{UID: uid, GID: gid}
	}
	if s.stage.HasMounts() && j.cfg.IfExists == workspace.Overwrite { // else files that are there may stay
		s.into.CheckFile = s.stage.CheckMount
	}
	return nil
}

// logRecovered logs what became of the stages of killed runs. The run looks for such stages
// twice; one that has to stay is logged once.
func (s *staging) logRecovered(all []workspace.Recovery) {
	var list []workspace.Recovery
	for _, r := range all {
		if !s.named[r.Stage] {
			list = append(list, r)
		}
		s.named[r.Stage] = true
	}
	s.job.log.Recovered(list)
}

// close removes what was staged.
func (s *staging) close() error {
	if s.stage == nil {
		return nil
	}
	return s.stage.Close()
}

// fetch fetches and publishes; in a dry run, it lists.
func (s *staging) fetch(ctx context.Context, res *report.Result) (err error) {
	if s.job.cfg.DryRun {
		res.Found = true
		return s.list(ctx, res.Items)
	}
	if res.Places, err = s.fetchAndPublish(ctx, res.Items); err == nil {
		res.Found, res.Published = true, true
	}
	return err
}

// fetchAndPublish brings the artifacts into the stage and moves them into place. The
// report's trees are in the order of the items.
func (s *staging) fetchAndPublish(ctx context.Context, items []transfer.Item) (workspace.Report, error) {
	if err := s.open(ctx); err != nil {
		return workspace.Report{}, err
	}
	trees := make([]workspace.Tree, len(items))
	layout := artifactLayout(s.job.cfg)
	for i, label := range labels(items) {
		trees[i] = workspace.Tree{To: layout.Dir(items[i].Item), Label: label}
	}
	if err := s.stage.Foresee(ctx, trees); err != nil {
		return workspace.Report{}, err
	}
	if err := s.engine.Fetch(ctx, s.into, items); err != nil {
		return workspace.Report{}, err
	}
	for i, item := range items {
		trees[i].Dir, trees[i].NoLinks = item.Tree, item.NoLinks
	}
	published, err := s.stage.Publish(ctx, trees, s.job.cfg.IfExists)
	s.logRecovered(published.Recovered)
	if err != nil {
		return workspace.Report{}, err
	}
	s.job.log.Digests(items)
	s.job.log.Published(published, items)
	return published, nil
}

// labels returns the names of the artifacts, with the run's id if several artifacts have the
// same name.
func labels(items []transfer.Item) []string {
	having := map[string]int{}
	for _, item := range items {
		having[item.Artifact.Name]++
	}
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = item.Artifact.Name
		if having[list[i]] > 1 && item.Run.ID != 0 {
			list[i] += fmt.Sprintf(" of run %d", item.Run.ID)
		}
	}
	return list
}

// list logs which files the input files chooses, and that digests are not compared.
func (s *staging) list(ctx context.Context, items []transfer.Item) error {
	lists, err := s.engine.List(ctx, items)
	s.job.log.Files(items, lists)
	if err == nil {
		s.job.log.Unproved()
	}
	return err
}
