package app

import (
	"context"
	"fmt"

	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// delete deletes the published artifacts on GitHub, except those of which something would
// be lost. lost says which files of each item are not in the destination.
func (j *job) delete(ctx context.Context, items []transfer.Item, lost []workspace.Lost) error {
	if !j.cfg.Delete {
		return nil
	}
	var errs []error
	kept := 0
	for i, item := range items {
		a := item.Artifact
		if !safeToDelete(item.Digest, lost[i]) {
			kept++
			j.log.Kept(kept, item, lost[i])
			continue
		}
		if err := j.api.Delete(ctx, a.Repo, a.ID); err != nil {
			errs = append(errs, fmt.Errorf("artifact %q (%d): %w", a.Name, a.ID, err))
			continue
		}
		j.log.Deleted(a)
	}
	if len(errs) > 0 {
		return &report.DeleteError{Errs: errs}
	}
	return nil
}

// safeToDelete reports whether all of an artifact is in the destination and passed every
// check there is. Otherwise GitHub may have the only copy of some of its files, or of its
// bytes as they were uploaded. If GitHub gives no digest, the archive's own checks must
// suffice.
func safeToDelete(digest transfer.DigestState, lost workspace.Lost) bool {
	return (digest == transfer.DigestVerified || digest == transfer.DigestAbsent) && lost.Files == 0
}
