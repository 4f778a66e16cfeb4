package app

import (
	"context"
	"fmt"

	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// delete deletes on GitHub what was published, but what may be lost by that.
func (j *job) delete(ctx context.Context, res *result) error {
	if !j.cfg.Delete {
		return nil
	}
	var errs []error
	kept := 0
	for i, p := range res.items {
		a := p.Artifact
		if why := whyKept(p.Digest, res.lost[i]); why != "" {
			tell := j.log.Warningf
			if kept++; kept > maxWarnings {
				tell = j.log.Infof
			}
			tell("artifact %q (%d) of %s is not deleted: %s", a.Name, a.ID, a.Repo, why)
			continue
		}
		if err := j.api.Delete(ctx, a.Repo, a.ID); err != nil {
			errs = append(errs, fmt.Errorf("artifact %q (%d): %w", a.Name, a.ID, err))
			continue
		}
		j.log.Infof("deleted artifact %q (%d) of %s", a.Name, a.ID, a.Repo)
	}
	if len(errs) > 0 {
		return &deleteError{errs: errs}
	}
	return nil
}

// whyKept says why GitHub's copy has to stay: it may be the only one of some
// of the artifact's files, or of its bytes as they were uploaded. It is empty
// where all files are in the destination and passed every check there is.
// Where GitHub gives no digest, these are those of the archive.
func whyKept(digest transfer.DigestState, lost workspace.Lost) string {
	switch digest {
	case transfer.DigestVerified, transfer.DigestAbsent:
	case transfer.DigestMismatch:
		return "its SHA-256 is not the one that GitHub has on record"
	case transfer.DigestUnknown:
		return "its digest is of an unknown algorithm and was not checked"
	default:
		return "its digest was not checked"
	}
	switch {
	case lost.Files == 0:
		return ""
	case lost.Winner == "":
		return fmt.Sprintf("%s of it did not get to the destination, because if-exists is skip and the place was taken (%q)", words.Count(lost.Files, "file"), lost.Path)
	default:
		return fmt.Sprintf("%s of it did not get to the destination, because another artifact has a file of that name (%q is that of %q)", words.Count(lost.Files, "file"), lost.Path, lost.Winner)
	}
}
