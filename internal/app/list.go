package app

import (
	"context"
	"errors"
	"io/fs"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/unpack"
)

// maxListed bounds the files of an artifact that a dry run lists in the log.
const maxListed = 200

// listFiles tells, in a dry run, which files the input files chooses. It
// fetches the directories of the archives only.
func (s *session) listFiles(ctx context.Context, all []parcel) error {
	if len(s.cfg.Files) == 0 {
		return nil
	}
	entries := make([][]unpack.Entry, len(all))
	err := sideBySide(ctx, len(all), s.most, s.most, func(ctx context.Context, i int) (err error) {
		d := s.newDownload(all[i], false)
		entries[i], err = d.list(ctx)
		all[i] = d.parcel
		return err
	})
	if err != nil {
		return err
	}
	for i, list := range entries {
		s.logFiles(&all[i], list)
	}
	return s.checkFiles(all)
}

// list reads the directory of an artifact.
func (d *download) list(ctx context.Context) ([]unpack.Entry, error) {
	blob, err := fetch.Open(ctx, d.fetchOptions(), d.locate(), sparse)
	if err != nil {
		return nil, d.named(err)
	}
	defer blob.Close()
	archive, err := isArchive(blob)
	if err != nil {
		return nil, d.named(err)
	}
	if !archive {
		name := d.fileName(blob.ContentDisposition(), false)
		if !filesWanted(d.cfg.Files)(name) {
			return nil, nil
		}
		d.parcel.files, d.parcel.bytes = 1, blob.Size()
		return []unpack.Entry{{Name: name, Size: blob.Size()}}, nil
	}
	a, err := unpack.Open(blob, blob.Size(), unpack.Options{Budget: d.budget, Files: filesWanted(d.cfg.Files)})
	if err != nil {
		return nil, d.named(err)
	}
	var files []unpack.Entry
	for _, e := range a.Entries {
		if !e.Mode.IsDir() {
			files = append(files, e)
		}
	}
	d.parcel.files, d.parcel.bytes = len(files), a.Size
	return files, nil
}

func (j *job) logFiles(p *parcel, list []unpack.Entry) {
	if len(list) == 0 {
		j.log.Infof("artifact %q: no file matches files", p.Artifact.Name)
		return
	}
	defer j.log.Group("artifact %q: %s, %s", p.Artifact.Name, count(len(list), "file"), ibytes(p.bytes))()
	for i, e := range list {
		if i == maxListed {
			j.log.Infof("and %d more", len(list)-i)
			return
		}
		link := ""
		if e.Mode&fs.ModeSymlink != 0 {
			link = ", a symlink"
		}
		j.log.Infof("%s, %s%s", e.Name, ibytes(e.Size), link)
	}
}

// sparse keeps the few parts of a blob that a listing reads.
func sparse(size int64) (fetch.Spool, error) {
	if size < 0 {
		return nil, errors.New("the storage knows no ranges, so that files cannot be listed without fetching all of it")
	}
	return &parts{}, nil
}
