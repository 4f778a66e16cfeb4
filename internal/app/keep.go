package app

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"path"

	"github.com/artifetch/artifetch/internal/fetch"
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

// keep makes what was fetched the artifact's file.
func (d *download) keep(ctx context.Context, blob fetch.Info, s *spool, archive bool) error {
	name := d.fileName(blob.ContentDisposition, archive)
	if err := unpack.CheckName(name); err != nil {
		return fmt.Errorf("its file name: %w", err)
	}
	if err := d.budget.Take(1, blob.Size); err != nil {
		return err
	}
	root, err := d.stage.Mkdir(d.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := s.keep(path.Join(d.dir, name), blob.Size); err != nil {
		return err
	}
	if archive || d.cfg.SkipDecompress {
		d.parcel.to = path.Join(d.parcel.to, name)
	}
	d.parcel.files, d.parcel.bytes = 1, blob.Size
	d.parcel.noLinks = !d.cfg.Unpack
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
