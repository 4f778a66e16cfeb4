package fetch

import (
	"crypto/md5" //nolint:gosec // the storage has no other digest
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/lazy"
)

// DownloadError is the error of reading a Blob whose download failed. It matches
// the download's error, but never io.EOF or io.ErrUnexpectedEOF, which would mean to a
// reader that the blob ends there.
type DownloadError struct{ Err error }

func (e *DownloadError) Error() string { return e.Err.Error() }

// Is reports whether the download failed with target.
func (e *DownloadError) Is(target error) bool {
	return target != io.EOF && target != io.ErrUnexpectedEOF && errors.Is(e.Err, target)
}

// As finds target in the download's error.
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
	Got  int64 // bytes of the blob before the first that is missing
	Want int64 // the blob's size in bytes; -1 if the storage never gave it
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

// LengthError says that the length that the storage gave cannot be true: more than Want
// bytes arrived, or no blob is that long. Want is -1 if the storage gave no length, and
// ended the body in a way that looks like a broken connection.
type LengthError struct {
	Want int64
}

func (e *LengthError) Error() string {
	if e.Want > maxBlob {
		return fmt.Sprintf("the storage says that the blob has %d bytes, which is more than any blob can have", e.Want)
	}
	if e.Want < 0 {
		return "the storage does not say how long the blob is, so it is not known whether all of it arrived"
	}
	return fmt.Sprintf("the storage sent more than the %d bytes it announced", e.Want)
}

// MD5Error says that the bytes do not have the MD5 that the storage gave.
type MD5Error struct {
	Told, Got [md5.Size]byte
}

func (e *MD5Error) Error() string {
	return fmt.Sprintf("the storage says that the blob's MD5 is %x, but the bytes that it sent have %x", e.Told, e.Got)
}

// WriteError says that bytes which arrived could not be kept. If the disk is full,
// errors.Is finds syscall.ENOSPC.
type WriteError struct {
	Off int64 // the byte that could not be written
	Err error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("write the fetched bytes, at byte %d: %v", e.Off, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// RangeError says that the storage sent another part than the one requested.
type RangeError struct {
	Want int64 // the first byte requested
	// Header is the answer's Content-Range; "" if it has none, such as one with the whole blob.
	Header string
}

func (e *RangeError) Error() string {
	if e.Header == "" {
		return fmt.Sprintf("the storage was asked for the bytes from %d on and sent an answer without Content-Range", e.Want)
	}
	return fmt.Sprintf("the storage was asked for the bytes from %d on and sent Content-Range %q", e.Want, e.Header)
}

// ChangedError says that the blob was replaced while it was fetched.
type ChangedError struct {
	Why string
	// Contradiction is set if the storage gave another size for what it calls the same
	// blob: it neither sent another ETag nor refused If-Match. Then neither size can be
	// believed.
	Contradiction bool
}

// contradiction returns the error of an answer that gives another size for the same blob.
func contradiction(size, now int64) error {
	return &ChangedError{Why: fmt.Sprintf("its size was %d and is now %d", size, now), Contradiction: true}
}

func (e *ChangedError) Error() string { return "the blob changed while it was fetched: " + e.Why }

// statusError returns the error of an answer without bytes of the blob. An expired URL is
// worth another try, because the next URL is fresh.
func statusError(res *http.Response) error {
	text, _ := httpx.ReadCapped(res.Body, 4<<10) // a body that breaks off has no code
	err := &StorageError{Status: res.StatusCode, Code: errorCode(text), URL: httpx.Redact(res.Request.URL.String())}
	if isExpired(err) || httpx.TemporaryStatus(res.StatusCode) {
		return httpx.Temporary(err, retryAfter(res.Header))
	}
	return err
}

var codeElement = lazy.Regexp(`<Code>([\w.-]+)</Code>`)

// errorCode returns the storage's code of at most 64 bytes, or "" if the body has none. Azure
// and S3 both put a word into <Code>, which needs no XML parser.
func errorCode(body []byte) string {
	if m := codeElement().FindSubmatch(body); m != nil && len(m[1]) <= 64 {
		return string(m[1])
	}
	return ""
}

// isExpired reports whether the same request may succeed with a fresh URL. S3 has a 400
// for an expired signature and for a slow request. Source: Amazon S3 API reference,
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

// maxRetryAfter bounds the pause before the next try that a storage may ask for.
const maxRetryAfter = 2 * time.Minute

// retryAfter returns the pause that an answer asks for.
func retryAfter(h http.Header) time.Duration {
	wait, _ := httpx.ParseRetryAfter(h, time.Now())
	return min(wait, maxRetryAfter)
}
