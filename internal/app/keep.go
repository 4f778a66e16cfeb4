package app

import (
	"cmp"
	"context"
	"fmt"
	"mime"
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
func (d *download) fileName(disposition string, archive bool) string {
	if archive {
		return d.parcel.Artifact.Name + ".zip"
	}
	return cmp.Or(fetch.FileName(disposition), d.parcel.Artifact.Name)
}

// whole keeps an artifact as one file. All that can be said against it is said
// before it is fetched.
func (d *download) whole(ctx context.Context, blob *fetch.Blob, s *spool.Spool, archive bool) error {
	name := d.fileName(blob.ContentDisposition(), archive)
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
	if err := d.checkDigest(info); err != nil {
		return err
	}
	return d.keep(ctx, s, name, info.Size)
}

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

// isArchive tells a zip from a file that was uploaded as it is. The magic
// bytes are not enough: formats that build on zip (jar, docx, …) have them
// too, and a damaged zip lacks them.
func isArchive(blob *fetch.Blob) (bool, error) {
	mediaType, _, _ := mime.ParseMediaType(blob.ContentType()) // empty where it cannot be parsed
	switch mediaType {
	case "application/zip", "application/x-zip-compressed", "application/zip-compressed", "zip":
		return true, nil
	case "", "application/octet-stream", "binary/octet-stream":
		head := make([]byte, min(4, blob.Size()))
		_, err := blob.ReadAt(head, 0)
		return unpack.IsZip(head), err
	}
	return false, nil
}
