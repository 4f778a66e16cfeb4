package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// formatOf returns the format of an archive, and nil for a file that was uploaded as it is.
// isArtifact is false for an answer that was sent in an artifact's place with status 200: the
// page of a proxy or a portal, or an error in JSON. head is how the answer begins. name is the
// file name that the storage gives; "" if it gives none, or one that no file can have.
//
// The type alone is not enough: storages send many raw uploads as octet-streams. Nor are the
// first bytes: formats that build on zip (jar, whl, apk, …) begin alike. An answer that is no
// archive and has no name is an artifact only if its digest is right, or is still to be
// compared.
func formatOf(formats unpack.FormatList, contentType, disposition string, head []byte, digest DigestState) (f *unpack.Format, name string, isArtifact bool) {
	given, ok := fetch.FileName(disposition)
	if ok {
		name = given
	}
	if f = formats.ByMediaType(mediaType(contentType)); f != nil {
		return f, name, true
	}
	f = formats.ByHead(head)
	if f != nil && (given == "" || f.Names(given)) {
		return f, name, true
	}
	return nil, name, name != "" || f != nil || digest == DigestVerified || digest == DigestUnchecked
}

// mediaType returns a Content-Type without its parameters, also if these cannot be
// parsed.
func mediaType(contentType string) string {
	if t, _, err := mime.ParseMediaType(contentType); err == nil {
		return t
	}
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// headSize is how much of an artifact's beginning is looked at, in bytes: enough
// for a person to recognise a page.
const headSize = 64

// format is formatOf before the digest is compared. Its error is a *PageError if the blob
// is no artifact.
func (t *attempt) format(blob *fetch.Blob) (f *unpack.Format, name string, err error) {
	if f, name, _ = formatOf(t.engine.formats, blob.ContentType(), blob.ContentDisposition(), nil, t.provable()); f != nil {
		return f, name, nil // whatever it begins with: a damaged archive is one
	}
	if t.head, err = headOf(blob); err != nil {
		return nil, "", err
	}
	return t.formatFor(blob, t.provable())
}

// formatFor is formatOf for a blob that begins with t.head.
func (t *attempt) formatFor(blob *fetch.Blob, digest DigestState) (f *unpack.Format, name string, err error) {
	f, name, ok := formatOf(t.engine.formats, blob.ContentType(), blob.ContentDisposition(), t.head, digest)
	if !ok {
		err = &PageError{contentType: blob.ContentType(), size: blob.Size(), head: t.head, digest: digest}
	}
	return f, name, err
}

// openArchive opens an archive, and chooses files.
func (t *attempt) openArchive(blob *fetch.Blob, f *unpack.Format, files func(name string) bool) (*unpack.Archive, error) {
	return f.Open(blob, blob.Size(), unpack.Options{Budget: t.budget, Files: files, Tail: t.tail})
}

// headOf reads how a blob begins.
func headOf(blob *fetch.Blob) ([]byte, error) {
	head := make([]byte, min(headSize, max(blob.Size(), 0)))
	n, err := blob.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// PageError says that the storage's answer is no artifact.
type PageError struct {
	contentType string
	size        int64
	head        []byte
	digest      DigestState
}

func (e *PageError) Error() string {
	why := "the server has no digest to compare it with"
	switch e.digest {
	case DigestMismatch:
		why = "its digest differs"
	case DigestUnknown:
		why = "its digest is of an unknown algorithm"
	}
	text := fmt.Sprintf("the storage's answer is no archive and has no file name, and %s: %s of %s", why, words.Bytes(e.size), cmp.Or(words.Cut(e.contentType, 100), "no type"))
	if begins := beginning(e.head); begins != "" {
		text += fmt.Sprintf(" that begins with %q", begins)
	}
	return text
}

// beginning returns head without an incomplete character at its end, or nothing if it is
// not text.
func beginning(head []byte) string {
	for range utf8.UTFMax {
		if utf8.Valid(head) || len(head) == 0 {
			return string(head)
		}
		head = head[:len(head)-1]
	}
	return ""
}
