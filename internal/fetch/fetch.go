// Package fetch brings a remote blob to a file, whole or not at all. It
// knows nothing of GitHub or zip: a Locate function gives the URL.
//
// The algorithm, where off is the next byte wanted:
//
//	until the blob is whole, or the tries without progress are used up:
//	    ask Locate for a fresh URL (signed ones live for a minute)
//	    GET it; when off > 0 with Range and If-Match
//	    206: it must start at off and have the total known so far
//	    200: the whole blob; off = 0
//	    412, 416, another total: the blob changed; off = 0, twice at most
//	    403, 404: the URL expired; 408, 429, 5xx: a passing fault
//	    write, hash and count the body until it ends or stalls
//
// A body that ends early is never success: its length is compared with
// Content-Length or Content-Range. Memory is constant.
package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const (
	// enoughProgress is how many bytes a connection has to bring for the
	// tries to be counted anew, so that a long download survives many cuts.
	enoughProgress = 1 << 20
	maxRestarts    = 2
	maxRedirects   = 5
	bufferSize     = 256 << 10
)

// Locate returns a URL of the blob, a fresh one each call. Its errors end
// the download.
type Locate func(ctx context.Context) (*url.URL, error)

// Options say how to fetch.
type Options struct {
	// Client sends no credentials. Its CheckRedirect is not used: fetch has
	// a rule of its own.
	Client *http.Client
	// IdleTimeout is how long a connection may bring nothing; 0 means 30 s.
	IdleTimeout time.Duration
	// Policy is for tries in a row that bring next to nothing.
	Policy httpx.Policy
	// Progress is told of bytes as they arrive, and with a negative count of
	// those that have to be fetched again. nil is fine. Calls come one by
	// one for one blob.
	Progress func(n int64)
	// UserAgent is sent when not empty.
	UserAgent string
}

// Blob is what arrived.
type Blob struct {
	Size               int64
	SHA256             [sha256.Size]byte
	ETag               string
	ContentType        string
	ContentDisposition string
	// Requests counts those sent to the storage.
	Requests int
}

// Target is what the blob is written to; an *os.File is one.
type Target interface {
	io.WriterAt
	Truncate(size int64) error
}

// ToFile writes the blob to f from offset 0. On failure f holds an
// arbitrary part of it. Errors of f are returned as they are, wrapped;
// those of the storage are *StorageError, *TruncatedError, *ChangedError,
// *RangeError or the network's.
func ToFile(ctx context.Context, o Options, locate Locate, f Target) (Blob, error) {
	client := *o.Client
	client.CheckRedirect = checkRedirect
	o.Client = &client
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	d := &download{Options: o, f: f, sum: sha256.New(), total: -1, buf: make([]byte, bufferSize)}
	if err := d.run(ctx, locate); err != nil {
		return Blob{}, err
	}
	d.blob.Size = d.off
	d.sum.Sum(d.blob.SHA256[:0])
	return d.blob, nil
}

// download is the state of one ToFile.
type download struct {
	Options
	f     Target
	buf   []byte
	sum   hash.Hash // of the bytes before off
	off   int64
	total int64 // -1 while unknown
	blob  Blob

	restarts int
}

func (d *download) run(ctx context.Context, locate Locate) error {
	pauses, tries := d.Policy.Pauses(), 0
	for {
		u, err := locate(ctx)
		if err != nil {
			return err
		}
		before := d.off
		err = d.try(ctx, u)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if !httpx.IsTemporary(err) {
			return err
		}
		if d.off-before >= enoughProgress {
			pauses, tries = d.Policy.Pauses(), 0
		}
		if tries++; tries >= d.Policy.Tries() {
			return fmt.Errorf("after %d tries at byte %d: %w", tries, d.off, err)
		}
		if pauseErr := d.Policy.Pause(ctx, err, max(pauses(), httpx.RetryAfter(err))); pauseErr != nil {
			return errors.Join(pauseErr, err)
		}
	}
}

// try sends one request and takes what it brings. A nil error means that
// the blob is whole.
func (d *download) try(ctx context.Context, u *url.URL) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return httpx.RedactError(err)
	}
	if d.UserAgent != "" {
		req.Header.Set("User-Agent", d.UserAgent)
	}
	if d.off > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.off))
		if strong(d.blob.ETag) {
			req.Header.Set("If-Match", d.blob.ETag)
		}
	}
	d.blob.Requests++
	res, err := d.Client.Do(req)
	if err != nil {
		return httpx.RedactError(err)
	}
	defer res.Body.Close()
	if err := d.begin(res); err != nil {
		return err
	}
	return d.copy(httpx.Watch(res.Body, d.IdleTimeout, cancel))
}

// begin looks at the head of an answer and moves off to where its body
// starts.
func (d *download) begin(res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		if err := d.restart(); err != nil {
			return err
		}
		d.total = res.ContentLength
		d.blob.ETag = res.Header.Get("ETag")
	case http.StatusPartialContent:
		if err := d.checkRange(res); err != nil {
			return err
		}
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return d.changed(fmt.Sprintf("the storage answered %d", res.StatusCode))
	default:
		return statusError(res)
	}
	d.blob.ContentType = res.Header.Get("Content-Type")
	d.blob.ContentDisposition = res.Header.Get("Content-Disposition")
	return nil
}

// checkRange holds a 206 against RFC 9110, section 14.4: it must bring
// exactly the rest of the same blob.
func (d *download) checkRange(res *http.Response) error {
	header := res.Header.Get("Content-Range")
	first, last, total, ok := parseContentRange(header)
	if !ok || first != d.off || total >= 0 && last != total-1 || res.ContentLength >= 0 && res.ContentLength != last-first+1 {
		return httpx.Temporary(&RangeError{Want: d.off, Header: header}, 0)
	}
	etag := res.Header.Get("ETag")
	switch {
	case d.total >= 0 && total >= 0 && total != d.total:
		return d.changed(fmt.Sprintf("its size was %d and is now %d", d.total, total))
	case strong(d.blob.ETag) && etag != "" && etag != d.blob.ETag:
		return d.changed("its ETag is another one")
	}
	if d.total < 0 {
		d.total = last + 1
	}
	return nil
}

// changed starts over, because the bytes so far are of another blob.
func (d *download) changed(why string) error {
	err := &ChangedError{Why: why}
	if d.restarts++; d.restarts > maxRestarts {
		return err
	}
	if restartErr := d.restart(); restartErr != nil {
		return restartErr
	}
	d.total, d.blob.ETag = -1, ""
	return httpx.Temporary(err, 0)
}

func (d *download) restart() error {
	if d.off == 0 {
		return nil
	}
	d.Progress(-d.off)
	d.off = 0
	d.sum.Reset()
	if err := d.f.Truncate(0); err != nil {
		return fmt.Errorf("start over: %w", err)
	}
	return nil
}

func (d *download) copy(body io.Reader) error {
	for {
		n, err := body.Read(d.buf)
		if n > 0 {
			if d.total >= 0 && d.off+int64(n) > d.total {
				return &LengthError{Want: d.total}
			}
			if _, err := d.f.WriteAt(d.buf[:n], d.off); err != nil {
				return fmt.Errorf("write what was fetched: %w", err)
			}
			d.sum.Write(d.buf[:n])
			d.off += int64(n)
			d.Progress(int64(n))
		}
		switch {
		case errors.Is(err, io.EOF) && (d.total < 0 || d.off == d.total):
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return httpx.Temporary(&TruncatedError{Got: d.off, Want: d.total}, 0)
		case err != nil:
			return httpx.Temporary(fmt.Errorf("at byte %d: %w", d.off, err), 0)
		}
	}
}
