package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubapi"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// delete deletes the published artifacts on GitHub, except artifacts that are not
// safeToDelete. lost says which files of each item are not in the destination.
func (j *job) delete(ctx context.Context, items []transfer.Item, lost []workspace.Lost) error {
	if !j.cfg.Delete {
		return nil
	}
	failed := &report.DeleteError{}
	refused := map[artifact.Repo]bool{} // repositories in which every further deletion would fail
	kept := 0
	for i, item := range items {
		a := item.Artifact
		if !safeToDelete(item.Digest, lost[i]) {
			kept++
			j.log.Kept(kept, item, lost[i])
			continue
		}
		if refused[a.Repo] {
			failed.Untried++
			continue
		}
		if err := j.api.Delete(ctx, a.Repo, a.ID); err != nil {
			failed.Errs = append(failed.Errs, fmt.Errorf("artifact %q (%d): %w", a.Name, a.ID, err))
			refused[a.Repo] = ctx.Err() != nil || concernsAll(err)
			continue
		}
		j.log.Deleted(a)
	}
	if len(failed.Errs) > 0 {
		return failed
	}
	return nil
}

// concernsAll reports whether err is not about a single artifact, so that deleting other
// artifacts of the repository would fail, too.
func concernsAll(err error) bool {
	api, ok := errors.AsType[*githubapi.Error](err)
	if !ok {
		return false
	}
	switch api.Kind {
	case githubapi.Network, githubapi.BadToken, githubapi.NoPermission, githubapi.PrimaryLimit, githubapi.SecondaryLimit:
		return true
	}
	return false
}

// safeToDelete reports whether all of an artifact is in the destination and passed every
// check there is. Otherwise GitHub may have the only copy of some of its files, or of the
// bytes that were uploaded. If GitHub gives no digest, the archive's own checks have to do.
func safeToDelete(digest transfer.DigestState, lost workspace.Lost) bool {
	return (digest == transfer.DigestVerified || digest == transfer.DigestAbsent) && lost.Files == 0
}
