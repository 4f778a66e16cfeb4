package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
)

const (
	// maxListed bounds the files of an artifact that a dry run lists in the log.
	maxListed = 200
	// Without ranges a dry run must download the whole artifact to list it: at
	// most maxStreamed bytes each, maxStreams at a time, in memory.
	maxStreamed = 16 << 20
	maxStreams  = 2
	// Where the storage supports ranges, a dry run keeps the archives'
	// directories in memory: of each smallDirectory bytes at most, but of one at
	// a time maxDirectory, compressed, which is enough for a million entries.
	smallDirectory = 512 << 10
	maxDirectory   = 48 << 20
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

// listFiles logs, in a dry run, which files the input files chooses. It
// fetches the directories of the archives only.
func (s *session) listFiles(ctx context.Context, all []parcel) error {
	if len(s.cfg.Files) == 0 {
		return nil
	}
	lists := make([]listing, len(all))
	turns := listTurns{streams: make(chan struct{}, maxStreams), large: make(chan struct{}, 1)}
	err := sideBySide(ctx, len(all), s.most, s.most, func(ctx context.Context, i int) error {
		return s.download(ctx, &all[i], func(d *download) (err error) {
			if lists[i], err = d.list(ctx, turns); err != nil {
				return d.named(err)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i, list := range lists {
		s.logFiles(&all[i], list)
	}
	return s.checkFiles(all)
}

// listTurns bounds what takes much memory at a time.
type listTurns struct{ streams, large chan struct{} }

// list reads the directory of an artifact. One that is large takes its turn;
// so does an artifact of a storage without ranges, all of which is read.
func (d *download) list(ctx context.Context, turns listTurns) (listing, error) {
	if !d.oneStream {
		list, err := d.open(ctx, sparse(smallDirectory))
		if errors.Is(err, spool.ErrFull) {
			d.budget.Undo()
			if list, err = d.inTurn(ctx, turns.large, sparse(maxDirectory)); errors.Is(err, spool.ErrFull) {
				err = &directoryError{err}
			}
		}
		if !errors.Is(err, errNoRanges) {
			return list, err
		}
		d.oneStream = true
	}
	if d.parcel.Artifact.Size > maxStreamed {
		return listing{}, &streamError{d.parcel.Artifact.Size}
	}
	list, err := d.inTurn(ctx, turns.streams, func(int64) (fetch.Spool, error) { return spool.NewParts(maxStreamed), nil })
	if errors.Is(err, spool.ErrFull) { // the API said that it is smaller
		err = &streamError{maxStreamed + 1}
	}
	return list, err
}

// inTurn is open when there is room in turn.
func (d *download) inTurn(ctx context.Context, turn chan struct{}, create func(int64) (fetch.Spool, error)) (listing, error) {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return listing{}, context.Cause(ctx)
	}
	return d.open(ctx, create)
}

// open fetches as much as it takes to list the files.
func (d *download) open(ctx context.Context, create func(int64) (fetch.Spool, error)) (listing, error) {
	blob, err := fetch.Open(ctx, d.fetchOptions(), d.locate(), create)
	if err != nil {
		return listing{}, err
	}
	defer blob.Close()
	list, err := d.read(blob)
	if err != nil {
		_, failed := blob.Info()
		err = outcome(err, failed)
	}
	return list, err
}

func (d *download) read(blob *fetch.Blob) (listing, error) {
	form, given, err := d.formOfBlob(blob)
	if err != nil {
		return listing{}, err
	}
	wanted := filesWanted(d.cfg.Files)
	var list listing
	if form != archive {
		if name := d.fileName(form, given); wanted(name) {
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
	err = a.Each(func(e unpack.Entry) error {
		if !e.Mode.IsDir() {
			list.add(e)
		}
		return nil
	})
	if err != nil {
		return listing{}, err
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

var errNoRanges = errors.New("the storage does not support range requests")

// streamError says that listing an artifact's files takes too much.
type streamError struct{ size int64 }

func (e *streamError) Error() string {
	return fmt.Sprintf("%v, so that all %s of it would have to be fetched to list its files, and a dry run fetches no more than %s",
		errNoRanges, ibytes(e.size), ibytes(maxStreamed))
}

// directoryError says that an artifact's directory is too large to be listed.
type directoryError struct{ err error }

func (e *directoryError) Error() string {
	return fmt.Sprintf("listing its files takes more than %s of memory: %v", ibytes(maxDirectory), e.err)
}

func (e *directoryError) Unwrap() error { return e.err }

// sparse makes what keeps the few parts of a blob that a listing reads.
func sparse(most int64) func(size int64) (fetch.Spool, error) {
	return func(size int64) (fetch.Spool, error) {
		if size < 0 {
			return nil, errNoRanges
		}
		return spool.NewParts(most), nil
	}
}
