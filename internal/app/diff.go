package app

import (
	"context"
	"path"
	"slices"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/report"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
)

// diff is the verb Diff.
func (c *command) diff(ctx context.Context, cfg *config.Config) int {
	diff := &report.Diff{}
	res := c.read(ctx, cfg, func(s *staging, ctx context.Context, res *report.Result) (err error) {
		diff, err = s.diff(ctx, res.Items)
		res.Found = err == nil
		return err
	})
	return c.end(res, c.print.Differences(res, diff))
}

// sides are the two artifacts of one name: the first run's and the second run's.
type sides [2]*transfer.Item

// diff compares the artifacts of two runs. It does not read artifacts with the same
// digest: their files are the same.
func (s *staging) diff(ctx context.Context, items []transfer.Item) (*report.Diff, error) {
	runs := s.job.cfg.RunIDs
	d := &report.Diff{Before: runs[0], After: runs[1]}
	pairs := map[string]*sides{}
	for i := range items {
		name := items[i].Artifact.Name
		if pairs[name] == nil {
			pairs[name] = &sides{}
		}
		side := 0
		if items[i].Run.ID == runs[1] {
			side = 1
		}
		pairs[name][side] = &items[i]
	}
	differing := slices.DeleteFunc(slices.Clone(items), func(i transfer.Item) bool { return pairs[i.Artifact.Name].same() })
	d.SameArtifacts = (len(items) - len(differing)) / 2 // in pairs
	lists, err := s.engine.Files(ctx, differing)
	if err != nil {
		return d, err
	}
	files := map[string]*report.Change{}
	for i := range differing {
		s.enter(files, &differing[i], lists[i])
	}
	for _, change := range files {
		d.Add(*change)
	}
	d.Sort()
	return d, nil
}

// same reports whether digests prove that both artifacts are the same.
func (p *sides) same() bool {
	return p[0] != nil && p[1] != nil && p[0].Artifact.Digest != "" && p[0].Artifact.Digest == p[1].Artifact.Digest
}

// enter adds the files of an artifact to files, which has the files of both runs by path.
func (s *staging) enter(files map[string]*report.Change, item *transfer.Item, list transfer.Listing) {
	dir := item.Artifact.Name
	if len(s.job.cfg.Names) == 1 {
		dir = ""
	}
	for _, e := range list.First {
		at := path.Join(dir, e.Name)
		if files[at] == nil {
			files[at] = &report.Change{Path: at, Artifact: item.Artifact.Name}
		}
		version := newVersion(item, e, list.Raw)
		if item.Run.ID == s.job.cfg.RunIDs[1] {
			files[at].After = version
		} else {
			files[at].Before = version
		}
	}
}

// newVersion returns what is known of a file. If the artifact is a single file, not an
// archive, its digest identifies the content.
func newVersion(item *transfer.Item, e unpack.Entry, raw bool) *report.Version {
	v := &report.Version{Size: e.Size, Mode: e.Mode}
	if raw {
		v.Digest = item.Artifact.Digest
		return v
	}
	v.CRC32 = &e.CRC32
	return v
}
