package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/unpack"
)

// empty makes the tree of an artifact none of whose files are wanted.
func (t *attempt) empty() error {
	root, err := t.stage.Sink.Mkdir(t.dir)
	if err != nil {
		return err
	}
	return root.Close()
}

// fileName returns the file name of an artifact that is kept as a file. given is the name
// that the storage gives, or "". f is the format of an archive, or nil.
func (t *attempt) fileName(f *unpack.Format, given string) string {
	name := t.item.Artifact.Name
	if f != nil && (t.engine.opt.NameByArtifact || given == "" && !f.Names(name)) {
		return name + f.Ext
	}
	return cmp.Or(given, name)
}

// whole keeps an artifact as one file. Name and size are checked before the rest of
// it is fetched.
func (t *attempt) whole(ctx context.Context, blob *fetch.Blob, s *spool.Spool, f *unpack.Format, given string) error {
	name := t.fileName(f, given)
	if wanted := t.engine.wanted; wanted != nil && !wanted(name) {
		return t.unwanted(ctx, blob, f, name)
	}
	if err := t.place(name, blob.Size()); err != nil {
		return err
	}
	if err := t.budget.Take(1, blob.Size()); err != nil {
		return err
	}
	if err := s.Reserve(blob.Size()); err != nil {
		return err
	}
	if err := t.checkWhole(ctx, blob, f); err != nil {
		return err
	}
	return t.keep(ctx, s, name)
}

// checkWhole fetches all of an artifact that is one file, and checks it.
func (t *attempt) checkWhole(ctx context.Context, blob *fetch.Blob, f *unpack.Format) error {
	blob.All()
	info, err := blob.Wait()
	if err != nil {
		return err
	}
	return t.checkUnproved(ctx, blob, f, t.checkDigest(info))
}

// place says that the artifact will be a file of this name and size.
func (t *attempt) place(name string, size int64) error {
	if err := unpack.CheckName(name); err != nil {
		return &nameError{err}
	}
	t.item.Files, t.item.Bytes = 1, size
	if t.engine.opt.KeepArchives {
		t.item.To = path.Join(t.item.To, name)
	}
	return nil
}

// unwanted leaves out an artifact that is one file. All of it is fetched only to compare
// it with the digests expected.
func (t *attempt) unwanted(ctx context.Context, blob *fetch.Blob, f *unpack.Format, name string) error {
	t.outlineFile(name)
	if !t.engine.expects() {
		t.item.Digest = DigestUnchecked
		return t.empty()
	}
	blob.Release(blob.Size()) // nothing is kept of it
	info, err := blob.Wait()
	if err == nil {
		err = t.checkUnproved(ctx, blob, f, t.checkDigest(info))
	}
	if err != nil {
		return err
	}
	return t.empty()
}

// checkUnproved checks a file if no digest proves that it was uploaded like this: an archive
// has to be sound, any other file has to have a name. differs is the error of checkDigest, or nil.
func (t *attempt) checkUnproved(ctx context.Context, blob *fetch.Blob, f *unpack.Format, differs error) error {
	if t.proved() {
		return differs
	}
	if f == nil {
		digest := t.item.Digest
		if is[*ExpectError](differs) {
			digest = DigestMismatch
		}
		if _, _, err := t.formatFor(blob, digest); err != nil {
			return err // the answer is a page, which says more than that its digest differs
		}
		return differs
	}
	if differs != nil {
		return differs
	}
	archive, err := f.Open(blob, blob.Size(), unpack.Options{Budget: unpack.NewBudget(t.engine.opt.MaxFiles, 0)})
	if err == nil {
		err = archive.Verify(ctx, unpack.ExtractOptions{Pool: t.engine.pool})
	}
	if refused, ok := errors.AsType[*unpack.RefusedError](err); ok {
		return &UnsoundError{refused}
	}
	return err
}

// UnsoundError says that an archive to be kept as a file is not sound, and that no digest
// proves that it was uploaded like this.
type UnsoundError struct{ refused *unpack.RefusedError }

func (e *UnsoundError) Error() string { return e.refused.Error() }
func (e *UnsoundError) Unwrap() error { return e.refused }

// nameError says that an artifact's file cannot have its name.
type nameError struct{ err error }

func (e *nameError) Error() string { return fmt.Sprintf("its file name: %v", e.err) }
func (e *nameError) Unwrap() error { return e.err }

// keep makes the fetched bytes the artifact's file.
func (t *attempt) keep(ctx context.Context, s *spool.Spool, name string) error {
	root, err := t.stage.Sink.Mkdir(t.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := s.Keep(path.Join(t.dir, name), t.item.Bytes); err != nil {
		return err
	}
	t.item.NoLinks = !t.engine.opt.ExpandTars
	return t.expand(ctx, root, nil)
}
