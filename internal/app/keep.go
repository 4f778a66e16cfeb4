package app

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

// empty makes the tree of an artifact of which nothing is wanted.
func (d *download) empty() error {
	root, err := d.stage.Mkdir(d.dir)
	if err != nil {
		return err
	}
	return root.Close()
}

// fileName is the name of an artifact that is kept as a file.
func (d *download) fileName(f form, given string) string {
	if f == archive {
		return d.parcel.Artifact.Name + ".zip"
	}
	return cmp.Or(given, d.parcel.Artifact.Name)
}

// whole keeps an artifact as one file. All that can be said against it is said
// before it is fetched.
func (d *download) whole(ctx context.Context, blob *fetch.Blob, s *spool.Spool, f form, given string) error {
	name := d.fileName(f, given)
	if wanted := filesWanted(d.cfg.Files); wanted != nil && !wanted(name) {
		d.parcel.digest = digestUnchecked
		return d.empty()
	}
	if err := unpack.CheckName(name); err != nil {
		return &nameError{err}
	}
	if err := d.budget.Take(1, blob.Size()); err != nil {
		return err
	}
	if err := s.Reserve(blob.Size()); err != nil {
		return err
	}
	blob.All()
	info, err := blob.Wait()
	if err != nil {
		return err
	}
	if err := d.checkUnproved(ctx, blob, f, d.checkDigest(info)); err != nil {
		return err
	}
	return d.keep(ctx, s, name, info.Size)
}

// checkUnproved looks at what is kept as it is where no digest proves that it is
// what was uploaded: a zip has to be sound, and anything else has to have a name.
// differs is what checkDigest says.
func (d *download) checkUnproved(ctx context.Context, blob *fetch.Blob, f form, differs error) error {
	if d.parcel.digest == digestVerified {
		return nil
	}
	if f != archive {
		head, err := headOf(blob)
		if err != nil {
			return err
		}
		if _, _, err := d.formWith(blob, head, d.parcel.digest); err != nil {
			return err // that the digest of a page differs is of no interest
		}
		return differs
	}
	if differs != nil {
		return differs
	}
	zip, err := unpack.Open(blob, blob.Size(), unpack.Options{Budget: unpack.NewBudget(d.cfg.MaxFiles, 0)})
	if err == nil {
		err = zip.Verify(ctx, unpack.ExtractOptions{Pool: d.pool})
	}
	if refused, ok := errors.AsType[*unpack.RefusedError](err); ok {
		return &unsoundError{refused}
	}
	return err
}

// unsoundError says that a zip, which was to be kept whole, is not sound, and
// that nothing proves that it was uploaded so.
type unsoundError struct{ refused *unpack.RefusedError }

func (e *unsoundError) Error() string { return e.refused.Error() }
func (e *unsoundError) Unwrap() error { return e.refused }

// nameError says that an artifact's file cannot have its name.
type nameError struct{ err error }

func (e *nameError) Error() string { return fmt.Sprintf("its file name: %v", e.err) }
func (e *nameError) Unwrap() error { return e.err }

// keep makes what was fetched the artifact's file.
func (d *download) keep(ctx context.Context, s *spool.Spool, name string, size int64) error {
	root, err := d.stage.Mkdir(d.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := s.Keep(path.Join(d.dir, name), size); err != nil {
		return err
	}
	d.parcel.files, d.parcel.bytes = 1, size
	d.parcel.noLinks = !d.cfg.Unpack
	if d.cfg.SkipDecompress {
		d.parcel.to = path.Join(d.parcel.to, name)
	}
	return d.expand(ctx, root, nil)
}
