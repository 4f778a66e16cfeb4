package fetch

import (
	"crypto/md5" //nolint:gosec // the storage has no other digest
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// DownloadError is the error of reading a Blob whose download failed. It matches
// the download's error, but never io.EOF, which would mean to a reader that the
// blob ends there.
type DownloadError struct{ Err error }

func (e *DownloadError) Error() string { return e.Err.Error() }

// Is reports whether the download failed with target.
func (e *DownloadError) Is(target error) bool {
	return target != io.EOF && target != io.ErrUnexpectedEOF && errors.Is(e.Err, target) // these very values
}

// As finds what the download failed with.
func (e *DownloadError) As(target any) bool { return errors.As(e.Err, target) }

// StorageError is an answer of the storage that brings no bytes.
type StorageError struct {
	Status int
	// Code is the storage's own code, such as AuthenticationFailed, or empty.
	Code string
	// URL is redacted.
	URL string
}

func (e *StorageError) Error() string {
	s := fmt.Sprintf("the storage answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s += fmt.Sprintf(" (%q)", e.Code)
	}
	return s + " to " + e.URL
}

// TruncatedError says that the bytes ended early.
type TruncatedError struct {
	Got  int64
	Want int64 // -1 where the size was never told
	// Err is what ended them: io.EOF and io.ErrUnexpectedEOF for a
	// connection that was closed, *httpx.StallError, or the network's.
	Err error
}

func (e *TruncatedError) Error() string {
	s := fmt.Sprintf("the connection broke off after %d bytes", e.Got)
	if e.Want >= 0 {
		s = fmt.Sprintf("the connection broke off after %d of %d bytes", e.Got, e.Want)
	}
	if errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return s
	}
	return fmt.Sprintf("%s: %v", s, e.Err)
}

func (e *TruncatedError) Unwrap() error { return e.Err }

// LengthError says that the length that the storage told cannot be true: more
// bytes came than Want, or no blob is that long. Want is -1 where the storage told
// none, and ended the body in a way that looks like a broken connection.
type LengthError struct {
	Want int64
}

func (e *LengthError) Error() string {
	if e.Want > maxBlob {
		return fmt.Sprintf("the storage says that the blob has %d bytes, which none can have", e.Want)
	}
	if e.Want < 0 {
		return "the storage does not say how long the blob is, so it is not known whether all of it came"
	}
	return fmt.Sprintf("the storage sent more than the %d bytes it announced", e.Want)
}

// MD5Error says that the bytes that came do not have the MD5 that the storage
// told.
type MD5Error struct {
	Told, Got [md5.Size]byte
}

func (e *MD5Error) Error() string {
	return fmt.Sprintf("the storage says that the blob's MD5 is %x, and that of what it sent is %x", e.Told, e.Got)
}

// WriteError says that bytes which arrived could not be kept, mostly because the
// disk is full, which is syscall.ENOSPC to errors.Is.
type WriteError struct {
	Off int64 // the byte that could not be written
	Err error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("write what was fetched, at byte %d: %v", e.Off, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// RangeError says that a part other than the one asked for came.
type RangeError struct {
	Want   int64 // the first byte asked for
	Header string
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("the storage was asked for the bytes from %d on and sent Content-Range %q", e.Want, e.Header)
}

// ChangedError says that the blob was replaced while it was fetched, again
// and again.
type ChangedError struct {
	Why string
	// Contradiction is set where the storage did not say that it is another
	// blob, by its ETag or by refusing If-Match, but told another size of what
	// it calls the same. Neither size can be believed then.
	Contradiction bool
}

// contradiction is an answer with another size of what is said to be the same
// blob.
func contradiction(size, now int64) error {
	return &ChangedError{Why: fmt.Sprintf("its size was %d and is now %d", size, now), Contradiction: true}
}

func (e *ChangedError) Error() string { return "the blob changed while it was fetched: " + e.Why }

// statusError reads an answer that brings no bytes of the blob. An expired URL
// is worth another try, because the next one is fresh.
func statusError(res *http.Response) error {
	text, _ := httpx.ReadCapped(res.Body, 4<<10) // the code of a body that breaks off is left out
	err := &StorageError{Status: res.StatusCode, Code: errorCode(text), URL: httpx.Redact(res.Request.URL.String())}
	if isExpired(err) || httpx.TemporaryStatus(res.StatusCode) {
		return httpx.Temporary(err, retryAfter(res.Header))
	}
	return err
}

var codeElement = regexp.MustCompile(`<Code>([\w.-]{1,64})</Code>`)

// errorCode returns the storage's code, or "" if the body has none. Azure and S3
// both put a word into <Code>, which needs no XML parser.
func errorCode(body []byte) string {
	if m := codeElement.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

// isExpired reports whether a fresh URL may change an answer. S3 has a 400 for an
// expired signature and for a slow request. Source: Amazon S3 API reference,
// "Error responses".
func isExpired(e *StorageError) bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	case http.StatusBadRequest:
		return e.Code == "ExpiredToken" || e.Code == "RequestTimeout"
	}
	return false
}

// maxRetryAfter is how long a storage may ask to be left alone before the next
// try.
const maxRetryAfter = 2 * time.Minute

// retryAfter is the pause that an answer asks for.
func retryAfter(h http.Header) time.Duration {
	wait, _ := httpx.ParseRetryAfter(h, time.Now())
	return min(wait, maxRetryAfter)
}
