package app

import (
	"context"
	"fmt"

	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/workspace"
)

// delete deletes on GitHub what was published, but what may be lost by that. lost
// says what of each item is not in the destination.
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

// safeToDelete reports whether all of an artifact is in the destination, and passed
// every check there is: else GitHub's copy may be the only one of some of its files,
// or of its bytes as they were uploaded. Where GitHub gives no digest, the archive's
// own checks have to do.
func safeToDelete(digest transfer.DigestState, lost workspace.Lost) bool {
	return (digest == transfer.DigestVerified || digest == transfer.DigestAbsent) && lost.Files == 0
}
