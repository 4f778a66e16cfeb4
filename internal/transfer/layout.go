package transfer

import (
	"path"
	"strconv"

	"github.com/artifetch/artifetch/internal/artifact"
)

// Layout says where artifacts go below the destination. It is decided by the
// inputs alone, never by how many artifacts happened to match, so that a
// later step can rely on it.
type Layout struct {
	Merge    bool // all of them into the destination; nothing else counts then
	Repos    bool // two directories a repository: owner, name
	Runs     bool // a directory a run
	Straight bool // no directory an artifact
}

// Dir is the directory of an artifact, slash-separated and below the
// destination; empty for the destination itself.
func (l Layout) Dir(item artifact.Item) string {
	if l.Merge {
		return ""
	}
	var parts []string
	if l.Repos {
		parts = append(parts, item.Artifact.Repo.Owner, item.Artifact.Repo.Name)
	}
	if l.Runs {
		parts = append(parts, strconv.FormatInt(item.Run.ID, 10))
	}
	if !l.Straight {
		parts = append(parts, item.Artifact.Name)
	}
	return path.Join(parts...)
}
