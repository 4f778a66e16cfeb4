package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// Copy writes one file of an artifact to w, once all of the file has arrived and passed its
// checks: w gets all of it, or nothing unless w itself fails. Only the archive's directory
// and this file are fetched if the storage supports ranges. Bytes that do not fit into
// memory are kept in dir. The error is a *NoFileError if there is no such file.
func (e *Engine) Copy(ctx context.Context, item *Item, name string, dir spool.Dir, w io.Writer) error {
	free := func() (int64, error) { return math.MaxInt64, nil } // a full disk fails the write itself
	return e.attempt(ctx, Stage{Quota: spool.NewQuota("", free)}, item, func(t *attempt) error {
		t.tail = enoughTail
		if err := t.copy(ctx, name, dir, w); err != nil {
			return t.named(err)
		}
		return nil
	})
}

// copy is one attempt at Copy.
func (t *attempt) copy(ctx context.Context, name string, dir spool.Dir, w io.Writer) (err error) {
	if t.engine.opt.Progress != nil {
		progress := t.engine.opt.Progress(0)
		defer progress.Stop()
		t.engine.progress = progress.Add
		w = &quietWriter{w: w, quiet: progress.Stop}
	}
	s := spool.New(dir, "spool", t.engine.memory, t.disk)
	defer func() { err = errors.Join(err, s.Close()) }()
	blob, err := fetch.Open(ctx, t.fetchOptions(), t.locate, func(int64) (fetch.Spool, error) { return s, nil })
	if err != nil {
		return err
	}
	defer blob.Close()
	err = t.copyFrom(ctx, blob, name, w)
	info, blobErr := blob.Info()
	t.item.Wire = info.Fetched
	return t.checkEnd(outcome(err, blobErr), info)
}

// quietWriter stops the progress before it writes: both may be on one terminal.
type quietWriter struct {
	w     io.Writer
	quiet func()
}

func (q *quietWriter) Write(p []byte) (int, error) {
	q.quiet()
	return q.w.Write(p)
}

// copyFrom finds the file in a blob, checks it, and writes it.
func (t *attempt) copyFrom(ctx context.Context, blob *fetch.Blob, name string, w io.Writer) error {
	format, given, err := t.format(blob)
	if err != nil {
		return err
	}
	if format == nil {
		return t.copyWhole(ctx, blob, format, given, name, w)
	}
	a, err := t.openArchive(blob, format, func(n string) bool { return n == name })
	if err != nil {
		return err
	}
	var found *unpack.Entry
	if err := a.Each(func(e unpack.Entry) error {
		found = &e
		return nil
	}); err != nil {
		return err
	}
	if found == nil {
		return t.missing(a, name)
	}
	t.complete = true
	if found.Mode&fs.ModeSymlink != 0 {
		return t.symlink(ctx, a, name)
	}
	o := unpack.ExtractOptions{Pool: t.engine.pool}
	if err := a.Verify(ctx, o); err != nil {
		return err
	}
	return a.Copy(ctx, w, o)
}

// copyWhole copies an artifact that is one file.
func (t *attempt) copyWhole(ctx context.Context, blob *fetch.Blob, f *unpack.Format, given, name string, w io.Writer) error {
	is := t.fileName(f, given)
	perhapsPage := given == "" && blob.Size() <= maxPage // an error about its name would mislead
	if is != name && !perhapsPage {
		return t.otherFile(name, is)
	}
	if err := t.checkWhole(ctx, blob, f); err != nil {
		return err
	}
	if is != name {
		return t.otherFile(name, is)
	}
	info, _ := blob.Info()
	if err := t.checkEnd(nil, info); err != nil {
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(blob, 0, blob.Size()))
	return err
}

// missing returns the error for an archive without the file.
func (t *attempt) missing(a *unpack.Archive, name string) error {
	o := Outline{Artifact: t.item.Artifact}
	var names sample
	err := a.All(func(e unpack.Entry, _ bool) error {
		o.addEntry(&e, &names)
		return nil
	})
	if err != nil {
		return err
	}
	return noFile(name, o, names.list)
}

// otherFile returns the error for an artifact that is one file of another name.
func (t *attempt) otherFile(name, is string) error {
	return noFile(name, t.outlineOfFile(is), []string{is})
}

func noFile(name string, o Outline, names []string) error {
	o.Near = nearName(name, names)
	return &NoFileError{Name: name, Outlines: []Outline{o}}
}

// symlink returns the error for a file that is a symlink.
func (t *attempt) symlink(ctx context.Context, a *unpack.Archive, name string) error {
	var target strings.Builder
	if err := a.Copy(ctx, &target, unpack.ExtractOptions{Pool: t.engine.pool}); err != nil {
		return err
	}
	return fmt.Errorf("%q is a symlink to %q", name, target.String())
}

// NoFileError says that no artifact has the one file that is asked for.
type NoFileError struct {
	Name     string
	Outlines []Outline // of the first artifacts
}

func (e *NoFileError) Error() string {
	return outlined(fmt.Sprintf("there is no file %q", words.Cut(e.Name, maxShown)), e.Outlines)
}

// Near are names in the artifacts that the name may have been meant to be.
func (e *NoFileError) Near() []string { return nearIn(e.Outlines) }
