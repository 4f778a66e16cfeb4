// Package fetch brings a remote blob to this machine: as an io.ReaderAt that
// fills by parallel ranges while it is read. It knows nothing of GitHub or
// zip: a Locate function gives the URL.
//
// Open works like this:
//
//	GET the first bytes with Range
//	206: its Content-Range tells the size of the blob, its ETag which one it is
//	     cut the rest into parts, larger ones further down; the tail comes first,
//	     what is wanted (see Blob.Want) before what is not, and what is in turn
//	     only as far ahead of the reader as Options.Ahead says
//	     each connection: fetch one part after the other;
//	     more connections, twice as many each time, while that makes it faster
//	200, 416: the storage does not support ranges, and the blob is a stream: one
//	     part whose end is not known yet, fetched before Open returns
//
// And each part like this, where at is the next byte wanted:
//
//	until the part is whole, or the tries without progress are used up:
//	    wait for a connection; then for a URL
//	    GET at to the part's end with Range and If-Match; a stream: at to the
//	    blob's end, or without Range if at is its first byte
//	    206: Content-Range must say what was asked for, of the same size
//	    200: a stream: all of the blob, so that at = 0; else like another range
//	    another range: *RangeError, the second time in a row
//	    another size: *ChangedError, the second time in a row
//	    412, 416, another ETag: *ChangedError
//	    401, 403, 404: the URL expired; ask Locate for a fresh one
//	    408, 429, 5xx: a passing fault; fewer connections
//	    write and count the body until it ends or stalls
//	a stream: *RangeError: at = 0; *ChangedError: at = 0, twice at most
//
// Readers have seen bytes of parts, so the caller has to start over there: after
// *ChangedError with another Open, and after *RangeError with OneStream. Of a
// stream no reader has seen a byte, so it starts over by itself.
//
// Signed URLs live for a minute: one is used for all parts, and asked for
// anew when it gets old or was refused; a stream asks for one with each try.
// SHA-256 is computed over the bytes in their order, as they arrive.
//
// No wait is without end: a connection that brings next to nothing is given up
// (see Connections), and all downloads that share their Connections fail with
// *WaitError when the storage has kept them waiting for too long, whatever it
// did in between.
//
// A body that ends early is never success: its length is compared with
// Content-Length or Content-Range, and where neither is told, HTTP itself
// must say where it ends, unless the caller can tell (Options.OpenEnded).
// Memory is a buffer of 128 KiB a connection, whatever sizes a storage claims:
// the bytes are kept in a Spool.
package fetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// Options say how to fetch.
type Options struct {
	// Client sends the requests. Of it only the Transport is used: fetch has
	// rules of its own for redirects, sends no cookies, and measures idle
	// time instead of the whole. It must add no credentials.
	Client *http.Client
	// IdleTimeout is how long a body may bring nothing; 0 means 30 s.
	IdleTimeout time.Duration
	// Policy is for tries of a part that bring next to nothing, in a row.
	Policy httpx.Policy
	// Progress is called with the number of bytes that arrived, or a negative
	// number when so many have to be fetched again. nil is fine. Calls for one
	// blob come one by one.
	Progress func(n int64)
	// UserAgent is sent when not empty.
	UserAgent string
	// Connections bounds the requests under way for all blobs that share it,
	// and the time that they wait; nil is 16 for this blob alone.
	Connections *Connections
	// Tail is how many bytes at the end of the blob are fetched first.
	Tail int64
	// Ahead is how far what is fetched may be ahead of what was released, in
	// bytes, as long as no reader has to wait because of that. Readers have to
	// go from front to back then, except for what they Want. 0 is any distance.
	Ahead int64
	// OnDemand fetches only the first bytes and what is read or wanted. There is
	// no digest then.
	OnDemand bool
	// OneStream makes the blob a stream, as if the storage did not support
	// ranges.
	OneStream bool
	// OpenEnded accepts a body that only the end of its connection ends, as in
	// HTTP/1.0, although one that was cut looks the same. The caller has to find
	// out whether all of it came: see Info.OpenEnded.
	OpenEnded bool
	// MD5 compares the MD5 of the blob where the storage tells it, and fails
	// with *MD5Error if it differs: for blobs without a better digest.
	MD5 bool
}

const (
	// enoughProgress is how many bytes a try that was cut off has to bring in
	// order not to count. The next one comes at once then, so that a long
	// download survives many cuts.
	enoughProgress = 64 << 10
	// maxRestarts is how often a stream starts over because the blob changed.
	maxRestarts  = 2
	maxRedirects = 5
	bufferSize   = 128 << 10 // bytes, for each connection
	// maxETag is how long an ETag may be, in bytes, to be sent back.
	maxETag = 1 << 10
	// maxBlob is larger than any blob, in bytes. Larger sizes are refused, so
	// that their sums do not overflow.
	maxBlob = 1 << 50
	// headTimeout bounds all that comes before the body: connections, redirects,
	// the head of the answer. Transports have closer limits for each.
	headTimeout = 2 * time.Minute
	// errorTimeout bounds the body of an answer without bytes of the blob.
	errorTimeout = 15 * time.Second
)

func (o Options) withDefaults() Options {
	o.Client = &http.Client{Transport: o.Client.Transport, CheckRedirect: checkRedirect}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	if o.Connections == nil {
		o.Connections = NewConnections(mostConnections)
	}
	return o
}

// Info is what is known of a blob.
type Info struct {
	Size int64
	// SHA256 is of the whole blob; zero unless Whole.
	SHA256 [sha256.Size]byte
	// Whole is set once all of it was fetched.
	Whole bool
	// OpenEnded is set where only the end of the connection says that the blob
	// is whole.
	OpenEnded bool
	// MD5Checked is set where the storage told the MD5, and it was right.
	MD5Checked         bool
	ETag               string
	ContentType        string
	ContentDisposition string
	// Requests counts those sent to the storage, redirects aside.
	Requests int
	// Fetched counts the bytes that arrived.
	Fetched int64
}

// answer is an answer of the storage. close has to be called.
type answer struct {
	*http.Response
	from  *url.URL
	close func()
}

// ask sends a request for the blob, or for a range of it, as soon as a connection
// is free. Only then it asks for the URL, which would not live for as long as the
// wait may take. If locate fails, the error is a *locateError.
func (o *Options) ask(parent context.Context, locate Locate, byteRange, etag string) (*answer, error) {
	if err := o.Connections.free.Acquire(parent, 1); err != nil {
		return nil, context.Cause(parent)
	}
	ctx, cancel := context.WithCancelCause(parent)
	end := func() {
		cancel(nil)
		o.Connections.free.Release(1)
	}
	u, err := locate(ctx)
	if err != nil {
		end()
		return nil, asLocateError(err)
	}
	waited, err := o.Connections.budget.wait(cancel)
	if err != nil {
		end()
		return nil, err
	}
	res, err := o.send(ctx, cancel, u, byteRange, etag) //nolint:bodyclose // close does
	if err != nil {
		waited()
		end()
		return nil, err
	}
	closeBody := o.watch(res, cancel)
	return &answer{Response: res, from: u, close: func() {
		closeBody()
		waited()
		end()
	}}, nil
}

// watch bounds how long a body may take. closeBody closes it.
func (o *Options) watch(res *http.Response, cancel context.CancelCauseFunc) (closeBody func()) {
	res.Body = httpx.Watch(res.Body, o.IdleTimeout, cancel)
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent {
		late := time.AfterFunc(errorTimeout, func() { cancel(&httpx.StallError{Idle: errorTimeout}) })
		return func() {
			late.Stop()
			_ = res.Body.Close()
		}
	}
	o.Connections.open.Add(1)
	res.Body = httpx.WatchRate(res.Body, rateWindow, o.Connections.pacer(), cancel)
	return func() {
		_ = res.Body.Close()
		o.Connections.open.Add(-1)
	}
}

// send sends a request, follows redirects, and returns once the head of the
// answer is there.
func (o *Options) send(ctx context.Context, cancel context.CancelCauseFunc, u *url.URL, byteRange, etag string) (*http.Response, error) {
	bare := *u
	bare.User = nil // net/http would make an Authorization header of it
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), nil)
	if err != nil {
		return nil, httpx.RedactError(err)
	}
	if o.UserAgent != "" {
		req.Header.Set("User-Agent", o.UserAgent)
	}
	if byteRange != "" {
		req.Header.Set("Range", "bytes="+byteRange)
		if strong(etag) && len(etag) <= maxETag {
			req.Header.Set("If-Match", etag)
		}
	}
	head := time.AfterFunc(headTimeout, func() { cancel(&httpx.StallError{Idle: headTimeout}) })
	defer head.Stop()
	res, err := o.Client.Do(req)
	if err != nil {
		// What ended the request says more than that it was cancelled.
		if stall, ok := errors.AsType[*httpx.StallError](context.Cause(ctx)); ok {
			return nil, stall
		}
		return nil, httpx.RedactError(err)
	}
	return res, nil
}

// Spool keeps the bytes that arrive. It is used concurrently, but no byte is
// read before it was written, nor written afterwards. A stream that starts over
// truncates it to nothing. *os.File is one. If it has a method
//
//	Discard(off, n int64)
//
// that is called, from front to back, for what is not read any more.
type Spool interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
}

type discarder interface {
	Discard(off, n int64)
}

// arrived counts n bytes, of which fresh had not arrived before.
func (o *Options) arrived(n, fresh int64) {
	o.Connections.arrived.Add(n)
	o.Connections.budget.credit(fresh)
}

// again decides about a try that brought n bytes and failed with err, after one
// that failed with last: it returns nil, after a pause, for another try, or the
// error to give up with. The storage keeps the run waiting in that pause, too.
func (o *Options) again(ctx context.Context, attempts *httpx.Attempts, err, last error, n int64) error {
	if located, ok := errors.AsType[*locateError](err); ok {
		because := cmp.Or(located.because, last)
		if because == nil {
			return located.err
		}
		return fmt.Errorf("ask for a fresh URL (because %w): %w", because, located.err)
	}
	if _, ok := errors.AsType[*WriteError](err); ok {
		return err // whatever IsTemporary makes of a network disk's error
	}
	budget := &o.Connections.budget
	if budget.isSpent() && ctx.Err() == nil {
		if _, told := errors.AsType[*WaitError](err); told {
			return err
		}
		return fmt.Errorf("%w (the last try: %w)", &WaitError{}, err)
	}
	_, slow := errors.AsType[*httpx.SlowError](err)
	if n >= enoughProgress && !slow && httpx.IsTemporary(err) && ctx.Err() == nil {
		attempts.Renew()
		return nil
	}
	waited, late := budget.wait(func(error) {}) // the next try will find out
	if late != nil {
		return late
	}
	defer waited()
	return attempts.Again(ctx, err)
}
