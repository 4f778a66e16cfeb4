package transfer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sync/semaphore"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

const (
	// maxListed bounds the files of an artifact that are listed by name.
	maxListed = 200
	// Without ranges a dry run must download the whole artifact to list it: at
	// most maxStreamed bytes each, maxStreams at a time, in memory.
	maxStreamed = 16 << 20
	maxStreams  = 2
	// If the storage supports ranges, a dry run keeps the archives' directories in
	// memory: at most smallDirectory bytes each, but one large directory at a time may take
	// maxDirectory bytes after compression. That is enough for a million entries.
	smallDirectory = 512 << 10
	maxDirectory   = 48 << 20
	// enoughTail is how much of an archive's end is fetched at first to read its directory,
	// in bytes: the end record, and the whole directory of most archives. Large archives
	// tend to have large directories, so to list them up to mostTail is fetched.
	enoughTail, mostTail = 32 << 10, 256 << 10
	// maxPage bounds what a dry run fetches, in bytes, to find out whether an answer without
	// a file name is a page.
	maxPage = 256 << 10
)

// Listing says which files of an artifact Options.Files chooses: their number, and the
// first of them.
type Listing struct {
	Files int
	First []unpack.Entry
	// Raw is set for an artifact that is one file, of which no CRC-32 is declared.
	Raw bool

	most int // names in First
}

func (l *Listing) add(e unpack.Entry) {
	if l.Files++; l.Files <= l.most {
		l.First = append(l.First, unpack.Entry{Name: e.Name, Size: e.Size, Mode: e.Mode, CRC32: e.CRC32})
	}
}

// List lists the files that Options.Files chooses of each item, or with
// Options.KeepArchives the files that archives are kept as. It fetches no more than it
// needs: the directories of archives that are extracted, the first bytes of other artifacts.
// Without these options it fetches nothing and returns no lists. It returns the lists also
// with a *NoFilesError. Of Options.Expect it compares only the number and the names, and
// fails with a *CountError.
func (e *Engine) List(ctx context.Context, items []Item) ([]Listing, error) {
	if err := e.foresee(items); err != nil || len(e.opt.Files) == 0 && !e.opt.KeepArchives {
		return nil, err
	}
	return e.listAll(ctx, items, maxListed, false)
}

// Files lists all files of each item that Options.Files chooses, as List does. It fetches
// the end of each artifact first, which for most archives is one request in all.
func (e *Engine) Files(ctx context.Context, items []Item) ([]Listing, error) {
	return e.listAll(ctx, items, math.MaxInt, true)
}

// listAll lists up to most files of each item. If endFirst is set, it fetches the end of each
// artifact first.
func (e *Engine) listAll(ctx context.Context, items []Item, most int, endFirst bool) ([]Listing, error) {
	lists := make([]Listing, len(items))
	turns := listTurns{streams: semaphore.NewWeighted(maxStreams), large: semaphore.NewWeighted(1)}
	err := forEach(ctx, len(items), e.most, e.most, func(ctx context.Context, i int) error {
		return e.attempt(ctx, Stage{}, &items[i], func(t *attempt) (err error) {
			if t.names = most; endFirst {
				t.tail = min(max(items[i].Artifact.Size>>12, enoughTail), mostTail)
			}
			if lists[i], err = t.list(ctx, turns); is[*StreamError](err) && e.opt.KeepArchives {
				return nil // to find out the name of one file is not worth so many bytes
			}
			if err != nil {
				return t.named(err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return lists, e.checkFiles(items)
}

// listTurns bounds how many listings take much memory at a time.
type listTurns struct{ streams, large *semaphore.Weighted }

// list reads the directory of an artifact. A large directory waits for its turn, and so
// does an artifact of a storage without ranges, because all of it is read.
func (t *attempt) list(ctx context.Context, turns listTurns) (Listing, error) {
	if !t.oneStream {
		list, err := t.open(ctx, sparse(smallDirectory))
		if errors.Is(err, spool.ErrFull) {
			t.budget.Undo()
			if list, err = t.inTurn(ctx, turns.large, sparse(maxDirectory)); errors.Is(err, spool.ErrFull) {
				err = &directoryError{err}
			}
		}
		if !errors.Is(err, errNoRanges) {
			return list, err
		}
		t.oneStream = true
	}
	if t.item.Artifact.Size > maxStreamed {
		return Listing{}, &StreamError{Size: t.item.Artifact.Size}
	}
	list, err := t.inTurn(ctx, turns.streams, func(int64) (fetch.Spool, error) { return spool.NewParts(maxStreamed), nil })
	if errors.Is(err, spool.ErrFull) { // the artifact is larger than the API said
		err = &StreamError{Size: maxStreamed + 1}
	}
	return list, err
}

// inTurn is open after a wait for its turn.
func (t *attempt) inTurn(ctx context.Context, turn *semaphore.Weighted, create func(int64) (fetch.Spool, error)) (Listing, error) {
	if err := turn.Acquire(ctx, 1); err != nil {
		return Listing{}, context.Cause(ctx)
	}
	defer turn.Release(1)
	return t.open(ctx, create)
}

// open fetches as much as the listing needs, and lists the files.
func (t *attempt) open(ctx context.Context, create func(int64) (fetch.Spool, error)) (Listing, error) {
	blob, err := fetch.Open(ctx, t.fetchOptions(), t.locate, create)
	if err != nil {
		return Listing{}, err
	}
	defer blob.Close()
	list, err := t.read(ctx, blob)
	info, failed := blob.Info()
	if err != nil {
		err = outcome(err, failed)
	}
	return list, t.checkEnd(err, info)
}

// read lists the files of a blob.
func (t *attempt) read(ctx context.Context, blob *fetch.Blob) (Listing, error) {
	format, given, err := t.format(blob)
	if err != nil {
		return Listing{}, err
	}
	if format == nil || t.engine.opt.KeepArchives {
		return t.readFile(ctx, blob, format, given)
	}
	list := Listing{most: t.names}
	a, err := t.openArchive(blob, format, t.engine.wanted)
	if err != nil {
		return Listing{}, err
	}
	err = a.Each(func(e unpack.Entry) error {
		if !e.Mode.IsDir() {
			list.add(e)
		}
		return nil
	})
	if err != nil {
		return Listing{}, err
	}
	t.complete = true
	t.item.Files, t.item.Bytes = list.Files, a.Size
	return list, t.outlineArchive(a)
}

// readFile lists an artifact that is kept as one file.
func (t *attempt) readFile(ctx context.Context, blob *fetch.Blob, f *unpack.Format, given string) (list Listing, err error) {
	list = Listing{Raw: true, most: t.names}
	perhapsPage := given == "" && f == nil && blob.Size() <= maxPage
	if info, _ := blob.Info(); perhapsPage || doubtful(info) {
		// Only the digest can show that the file is no page, that nothing is missing, or that
		// it was encoded before it was uploaded.
		if err := t.checkWhole(ctx, blob, f); err != nil {
			return list, err
		}
	}
	name := t.fileName(f, given)
	if wanted := t.engine.wanted; wanted != nil && !wanted(name) {
		t.outlineFile(name)
		return list, nil
	}
	if err := t.place(name, blob.Size()); err != nil {
		return list, err
	}
	list.add(unpack.Entry{Name: name, Size: blob.Size()})
	return list, t.budget.Take(1, blob.Size())
}

var errNoRanges = errors.New("the storage does not support range requests")

// StreamError says that listing an artifact's files would take a download of all of it,
// which is too large.
type StreamError struct{ Size int64 }

func (e *StreamError) Error() string {
	return fmt.Sprintf("%v, so listing its files would take a download of all %s, and the limit for that is %s",
		errNoRanges, words.Bytes(e.Size), words.Bytes(maxStreamed))
}

// directoryError says that an artifact's directory is too large to be listed.
type directoryError struct{ err error }

func (e *directoryError) Error() string {
	return fmt.Sprintf("listing its files takes more than %s of memory: %v", words.Bytes(maxDirectory), e.err)
}

func (e *directoryError) Unwrap() error { return e.err }

// sparse returns a function that makes a spool for the few parts of a blob that a listing
// reads.
func sparse(most int64) func(size int64) (fetch.Spool, error) {
	return func(size int64) (fetch.Spool, error) {
		if size < 0 {
			return nil, errNoRanges
		}
		return spool.NewParts(most), nil
	}
}
