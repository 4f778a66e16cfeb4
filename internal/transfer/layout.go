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
	Merge    bool // all artifacts go straight into the destination, whatever the other fields are
	Repos    bool // two directories for each repository: owner, name
	Runs     bool // a directory for each run
	Straight bool // no directory for the artifact
}

// Dir returns the directory of an artifact, as a slash-separated path below the
// destination; "" is the destination itself.
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
