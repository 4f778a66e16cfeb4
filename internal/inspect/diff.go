package inspect

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
)

// Diff is what differs between the files of two runs.
type Diff struct {
	Before, After int64    // the runs' ids
	Changes       []Change // ordered by path
	// Same counts files that do not differ, SameArtifacts artifacts whose digests show that
	// no file differs.
	Same, SameArtifacts int
}

// Change is a file that only one of the runs has, or whose versions differ.
type Change struct {
	Path, Artifact string
	Before, After  *Version // nil: there is none
}

// Version is a file of one run. Its CRC-32 identifies the content or, if that is unknown,
// the digest, which may be empty.
type Version struct {
	Size   int64 // in bytes
	Mode   fs.FileMode
	CRC32  *uint32
	Digest string
}

// Kind is what became of a file.
type Kind string

// The kinds. Unknown stands for files of the same size, where nothing identifies the
// content of one of them.
const (
	Added     Kind = "added"
	Removed   Kind = "removed"
	Changed   Kind = "changed"
	Unchanged Kind = "unchanged"
	Unknown   Kind = "unknown"
)

// Kind says what became of the file.
func (c Change) Kind() Kind {
	b, a := c.Before, c.After
	switch {
	case b == nil:
		return Added
	case a == nil:
		return Removed
	case a.Size != b.Size || a.Mode.Type() != b.Mode.Type():
		return Changed
	case a.CRC32 != nil && b.CRC32 != nil:
		if *a.CRC32 != *b.CRC32 {
			return Changed
		}
		return Unchanged
	case a.Digest == "" || b.Digest == "":
		return Unknown
	case a.Digest != b.Digest:
		return Changed
	}
	return Unchanged
}

// Comparison compares the artifacts of two runs.
type Comparison struct {
	Lister        Lister
	Before, After int64 // the runs' ids
	// Flat leaves the artifacts' names out of the paths: all artifacts have one name.
	Flat bool
}

// sides are the two artifacts of one name: the first run's and the second run's.
type sides [2]*transfer.Item

// same reports whether digests prove that both artifacts are the same.
func (p *sides) same() bool {
	return p[0] != nil && p[1] != nil && p[0].Artifact.Digest != "" && p[0].Artifact.Digest == p[1].Artifact.Digest
}

// Diff compares items, which are artifacts of the two runs, at most one of each name and
// run. Artifacts with equal digests have the same files, so it does not read them. If it
// fails, the Diff only has the runs and SameArtifacts.
func (c Comparison) Diff(ctx context.Context, items []transfer.Item) (*Diff, error) {
	d := &Diff{Before: c.Before, After: c.After}
	pairs := map[string]*sides{}
	for i := range items {
		name := items[i].Artifact.Name
		if pairs[name] == nil {
			pairs[name] = &sides{}
		}
		side := 0
		if items[i].Run.ID == c.After {
			side = 1
		}
		pairs[name][side] = &items[i]
	}
	differing := slices.DeleteFunc(slices.Clone(items), func(i transfer.Item) bool { return pairs[i.Artifact.Name].same() })
	d.SameArtifacts = (len(items) - len(differing)) / 2 // in pairs
	lists, err := c.Lister.Files(ctx, differing)
	if err != nil {
		return d, err
	}
	files := map[string]*Change{}
	for i := range differing {
		c.enter(files, &differing[i], lists[i])
	}
	for _, change := range files {
		if change.Kind() == Unchanged {
			d.Same++
			continue
		}
		d.Changes = append(d.Changes, *change)
	}
	slices.SortFunc(d.Changes, func(a, b Change) int { return unpack.ComparePaths(a.Path, b.Path) })
	return d, nil
}

// enter adds the files of an artifact to files, which has the files of both runs by path.
func (c Comparison) enter(files map[string]*Change, item *transfer.Item, list transfer.Listing) {
	dir := item.Artifact.Name
	if c.Flat {
		dir = ""
	}
	for _, e := range list.First {
		at := path.Join(dir, e.Name)
		if files[at] == nil {
			files[at] = &Change{Path: at, Artifact: item.Artifact.Name}
		}
		version := newVersion(item, e, list.Raw)
		if item.Run.ID == c.After {
			files[at].After = version
		} else {
			files[at].Before = version
		}
	}
}

// newVersion returns what is known of a file. If the artifact is a single file, not an
// archive, its digest identifies the content.
func newVersion(item *transfer.Item, e unpack.Entry, raw bool) *Version {
	v := &Version{Size: e.Size, Mode: e.Mode}
	if raw {
		v.Digest = item.Artifact.Digest
		return v
	}
	v.CRC32 = &e.CRC32
	return v
}
