package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/unpack"
)

const (
	// maxListed bounds the files of an artifact that a dry run lists in the log.
	maxListed = 200
	// maxStreamed is what a dry run fetches of an artifact, in bytes, where it
	// takes all of it to list the files; maxStreams is of how many at a time.
	// They are kept in memory.
	maxStreamed = 16 << 20
	maxStreams  = 2
)

// listing is what the input files chooses of an artifact: how many files, and
// the first of them.
type listing struct {
	files int
	first []unpack.Entry
}

func (l *listing) add(e unpack.Entry) {
	if l.files++; l.files <= maxListed {
		l.first = append(l.first, unpack.Entry{Name: e.Name, Size: e.Size, Mode: e.Mode})
	}
}

// listFiles tells, in a dry run, which files the input files chooses. It
// fetches the directories of the archives only.
func (s *session) listFiles(ctx context.Context, all []parcel) error {
	if len(s.cfg.Files) == 0 {
		return nil
	}
	lists := make([]listing, len(all))
	streams := make(chan struct{}, maxStreams)
	err := sideBySide(ctx, len(all), s.most, s.most, func(ctx context.Context, i int) (err error) {
		d := s.newDownload(all[i], false)
		if lists[i], err = d.list(ctx, streams); err != nil {
			return d.named(err)
		}
		all[i] = d.parcel
		return nil
	})
	if err != nil {
		return err
	}
	for i, list := range lists {
		s.logFiles(&all[i], list)
	}
	return s.checkFiles(all)
}

// list reads the directory of an artifact. Where the storage knows no ranges,
// that takes all of it, and one of streams while it does.
func (d *download) list(ctx context.Context, streams chan struct{}) (listing, error) {
	blob, err := fetch.Open(ctx, d.fetchOptions(), d.locate(), sparse)
	if errors.Is(err, errNoRanges) {
		if d.parcel.Artifact.Size > maxStreamed {
			return listing{}, &streamError{d.parcel.Artifact.Size}
		}
		select {
		case streams <- struct{}{}:
			defer func() { <-streams }()
		case <-ctx.Done():
			return listing{}, context.Cause(ctx)
		}
		d.oneStream = true
		blob, err = fetch.Open(ctx, d.fetchOptions(), d.locate(), func(int64) (fetch.Spool, error) { return &streamed{}, nil })
	}
	if err != nil {
		return listing{}, err
	}
	defer blob.Close()
	return d.read(blob)
}

func (d *download) read(blob *fetch.Blob) (listing, error) {
	archive, err := isArchive(blob)
	if err != nil {
		return listing{}, err
	}
	wanted := filesWanted(d.cfg.Files)
	var list listing
	if !archive {
		if name := d.fileName(blob.ContentDisposition(), false); wanted(name) {
			list.add(unpack.Entry{Name: name, Size: blob.Size()})
			d.parcel.files, d.parcel.bytes = 1, blob.Size()
			err = d.budget.Take(1, blob.Size())
		}
		return list, err
	}
	a, err := unpack.Open(blob, blob.Size(), unpack.Options{Budget: d.budget, Files: wanted})
	if err != nil {
		return listing{}, err
	}
	for _, e := range a.Entries {
		if !e.Mode.IsDir() {
			list.add(e)
		}
	}
	d.parcel.files, d.parcel.bytes = list.files, a.Size
	return list, nil
}

func (j *job) logFiles(p *parcel, list listing) {
	if list.files == 0 {
		j.log.Infof("artifact %q: no file matches files", p.Artifact.Name)
		return
	}
	defer j.log.Group("artifact %q: %s, %s", p.Artifact.Name, count(list.files, "file"), ibytes(p.bytes))()
	for _, e := range list.first {
		link := ""
		if e.Mode&fs.ModeSymlink != 0 {
			link = ", a symlink"
		}
		j.log.Infof("%s, %s%s", e.Name, ibytes(e.Size), link)
	}
	if more := list.files - len(list.first); more > 0 {
		j.log.Infof("and %d more", more)
	}
}

var errNoRanges = errors.New("the storage knows no ranges")

// streamError says that listing an artifact's files takes too much.
type streamError struct{ size int64 }

func (e *streamError) Error() string {
	return fmt.Sprintf("%v, so that all %s of it would have to be fetched to list its files, and a dry run fetches no more than %s",
		errNoRanges, ibytes(e.size), ibytes(maxStreamed))
}

// sparse keeps the few parts of a blob that a listing reads.
func sparse(size int64) (fetch.Spool, error) {
	if size < 0 {
		return nil, errNoRanges
	}
	return &parts{}, nil
}

// streamed is a fetch.Spool of a small blob that comes in one stream. Writes
// follow one another, and reads come after them.
type streamed struct{ data []byte }

func (m *streamed) WriteAt(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > maxStreamed {
		return 0, &streamError{end} // its listing said less
	}
	m.data = append(m.data[:off], p...)
	return len(p), nil
}

func (m *streamed) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, m.data[min(off, int64(len(m.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate keeps the first bytes.
func (m *streamed) Truncate(size int64) error {
	m.data = m.data[:size]
	return nil
}
