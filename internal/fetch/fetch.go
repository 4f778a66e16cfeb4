// Package fetch brings a remote blob to a file, whole or not at all. It
// knows nothing of GitHub or zip: a Locate function gives the URL.
//
// The algorithm, where off is the next byte wanted:
//
//	until the blob is whole, or the tries without progress are used up:
//	    ask Locate for a fresh URL (signed ones live for a minute)
//	    GET it; when off > 0 with Range and If-Match
//	    206: it must start at off and bring all the rest of the same blob
//	    200: the whole blob; off = 0
//	    412, 416, another total or ETag: the blob changed; off = 0, twice at most
//	    401, 403, 404: the URL expired; 408, 429, 5xx: a passing fault
//	    write, hash and count the body until it ends or stalls
//
// A storage that answers a Range request wrongly twice is read from the
// first byte on. A body that ends early is never success: its length is
// compared with Content-Length or Content-Range, and where neither is told,
// HTTP itself must say where it ends. Memory is constant.
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
	// enoughProgress is how many new bytes it takes for the tries to be
	// counted anew, so that a long download survives many cuts.
	enoughProgress = 1 << 20
	maxRestarts    = 2
	maxRedirects   = 5
	bufferSize     = 256 << 10
	// headTimeout is for all before the body: connections, redirects, the
	// head of the answer. Transports have closer limits for each.
	headTimeout = 2 * time.Minute
)

// Locate returns a URL of the blob, a fresh one each call. Its errors end
// the download.
type Locate func(ctx context.Context) (*url.URL, error)

// Options say how to fetch.
type Options struct {
	// Client sends the requests. Of it only the Transport is used: fetch has
	// rules of its own for redirects, sends no cookies, and measures idle
	// time instead of the whole. It must add no credentials.
	Client *http.Client
	// IdleTimeout is how long a body may bring nothing; 0 means 30 s.
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
	// Requests counts those sent to the storage, redirects aside.
	Requests int
}

// Target is what the blob is written to; an *os.File is one.
type Target interface {
	io.WriterAt
	Truncate(size int64) error
}

// ToFile writes the blob to f from offset 0. On failure f holds an
// arbitrary part of it. Errors of f are *WriteError and end the download;
// those of the storage are *StorageError, *TruncatedError, *ChangedError,
// *RangeError, *LengthError, *httpx.StallError or the network's. Several
// calls may run concurrently on different targets.
func ToFile(ctx context.Context, o Options, locate Locate, f Target) (Blob, error) {
	o.Client = &http.Client{Transport: o.Client.Transport, CheckRedirect: checkRedirect}
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

	best, mark int64 // the largest off so far, and when tries were last renewed
	restarts   int   // because the blob changed
	badRanges  int
}

func (d *download) run(ctx context.Context, locate Locate) error {
	attempts := d.Policy.Attempts()
	var last error
	for {
		u, err := locate(ctx)
		switch {
		case err != nil && last != nil:
			return fmt.Errorf("ask for a fresh URL (because %w): %w", last, err)
		case err != nil:
			return err
		}
		last = d.try(ctx, u)
		if last == nil {
			return nil
		}
		if _, ok := errors.AsType[*WriteError](last); ok {
			return last // whatever IsTemporary makes of a network disk's error
		}
		if d.best-d.mark >= enoughProgress {
			d.mark = d.best
			attempts.Renew()
		}
		if err := attempts.Again(ctx, last); err != nil {
			return err
		}
	}
}

// try sends one request and takes what it brings. A nil error means that
// the blob is whole.
func (d *download) try(parent context.Context, u *url.URL) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	req, err := d.request(ctx, u)
	if err != nil {
		return err
	}
	head := time.AfterFunc(headTimeout, func() { cancel(&httpx.StallError{Idle: headTimeout}) })
	defer head.Stop()
	d.blob.Requests++
	res, err := d.Client.Do(req)
	if err != nil {
		if stall, ok := errors.AsType[*httpx.StallError](context.Cause(ctx)); ok {
			return stall // HTTP/2 says no more than that it was cancelled
		}
		return httpx.RedactError(err)
	}
	head.Stop()
	// Bodies of errors may stall, too.
	res.Body = httpx.Watch(res.Body, d.IdleTimeout, cancel)
	defer res.Body.Close()
	if err := d.begin(res); err != nil {
		return err
	}
	return d.copy(res.Body)
}

// request asks for what is missing.
func (d *download) request(ctx context.Context, u *url.URL) (*http.Request, error) {
	bare := *u
	bare.User = nil // net/http would make an Authorization header of it
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), nil)
	if err != nil {
		return nil, httpx.RedactError(err)
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
	return req, nil
}

func (d *download) copy(body io.Reader) error {
	for {
		n, err := body.Read(d.buf)
		if n > 0 {
			if err := d.take(d.buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case d.off == d.total:
			return nil // however the connection ended
		case errors.Is(err, io.EOF) && d.total < 0:
			return nil
		default:
			return httpx.Temporary(&TruncatedError{Got: d.off, Want: d.total, Err: err}, 0)
		}
	}
}

// take writes the next bytes of the blob.
func (d *download) take(p []byte) error {
	if d.total >= 0 && d.off+int64(len(p)) > d.total {
		return &LengthError{Want: d.total}
	}
	if _, err := d.f.WriteAt(p, d.off); err != nil {
		return &WriteError{Off: d.off, Err: err}
	}
	d.sum.Write(p)
	d.off += int64(len(p))
	d.best = max(d.best, d.off)
	d.Progress(int64(len(p)))
	return nil
}
