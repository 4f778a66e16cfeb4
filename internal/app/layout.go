package app

import (
	"path"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
)

// layout says where artifacts go below the destination. It is decided by the
// inputs alone, never by how many artifacts happened to match, so that a
// later step can rely on it.
type layout struct {
	straight bool // the files of the one artifact right into the destination
	merge    bool
	archives bool // kept whole, so an artifact needs no directory
	runs     bool // a directory a run
	repos    bool // two directories a repository: owner, name
}

func newLayout(cfg *config.Config) layout {
	l := layout{
		merge:    cfg.MergeMultiple,
		archives: cfg.SkipDecompress,
		runs:     cfg.Runs > 1 || len(cfg.RunIDs) > 1 || len(cfg.RunIDs) == 1 && cfg.RunCurrent,
		repos:    len(cfg.Repositories) > 1,
	}
	one := len(cfg.Names) == 1 || len(cfg.ArtifactIDs) == 1
	l.straight = one && !l.runs && !l.repos
	return l
}

// dir is the directory of an artifact, slash-separated and below the
// destination; empty for the destination itself.
func (l layout) dir(item artifact.Item) string {
	if l.merge {
		return ""
	}
	var parts []string
	if l.repos {
		parts = append(parts, item.Artifact.Repo.Owner, item.Artifact.Repo.Name)
	}
	if l.runs {
		parts = append(parts, strconv.FormatInt(item.Run.ID, 10))
	}
	if !l.straight && !l.archives {
		parts = append(parts, item.Artifact.Name)
	}
	return path.Join(parts...)
}
