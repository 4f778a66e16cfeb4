package fetch

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

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

// TruncatedError says that the bytes ended early. Want is -1 where the size
// was never told.
type TruncatedError struct {
	Got, Want int64
}

func (e *TruncatedError) Error() string {
	if e.Want < 0 {
		return fmt.Sprintf("the connection broke off after %d bytes", e.Got)
	}
	return fmt.Sprintf("the connection broke off after %d of %d bytes", e.Got, e.Want)
}

// LengthError says that more bytes came than the storage had announced.
type LengthError struct {
	Want int64
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("the storage sent more than the %d bytes it announced", e.Want)
}

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
}

func (e *ChangedError) Error() string { return "the blob changed while it was fetched: " + e.Why }

// statusError reads an answer other than 200, 206, 412 and 416. An expired
// URL is worth another try, because the next one is fresh.
func statusError(res *http.Response) error {
	// Azure and S3 both put a <Code> into an XML body.
	var body struct {
		Code string `xml:"Code"`
	}
	if text, err := httpx.ReadCapped(res.Body, 4<<10); err == nil {
		_ = xml.Unmarshal(text, &body) // any other body has no code to show
	}
	err := &StorageError{Status: res.StatusCode, Code: body.Code, URL: httpx.Redact(res.Request.URL.String())}
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusNotFound,
		res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return httpx.Temporary(err, retryAfter(res.Header))
	}
	return err
}

// retryAfter reads the seconds of Retry-After (RFC 9110, section 10.2.3),
// capped at what is worth waiting for.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return min(time.Duration(s)*time.Second, 2*time.Minute)
}
