// Package fetch brings a remote blob to this machine: as an io.ReaderAt that
// fills by parallel ranges while it is read. It knows nothing of GitHub or
// zip: a Locate function gives the URL.
//
// Open works like this:
//
//	GET the first bytes with Range
//	206: its Content-Range tells the size of the blob, its ETag which one it is
//	     cut the rest into parts, larger ones further down: first the tail, then
//	     what is wanted (see Blob.Want), then all else in order, but only as far
//	     ahead of the reader as Options.Ahead allows
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
//	    200: for a stream, the whole blob: at = 0; for a part, like another range
//	    another range: *RangeError, the second time in a row
//	    another size: *ChangedError, the second time in a row
//	    412, 416, another ETag: *ChangedError
//	    401, 403, 404: the URL expired; ask Locate for a fresh one. If that one is
//	    refused, too, before it served any request, and while the storage serves
//	    others, it is as with 429
//	    408, 429, 5xx: a passing fault; half the connections for a while. If the
//	    storage refuses requests again and again while it serves others, no more are
//	    sent at a time than it serves (see slots)
//	    write and count the body until it ends or stalls
//	a stream starts over: after *RangeError, and after *ChangedError twice at most
//
// Readers may have seen bytes of parts, so the caller has to start over: after
// *ChangedError with another Open, and after *RangeError with OneStream. No reader has
// seen a byte of a stream, so a stream starts over by itself.
//
// Signed URLs live for a minute. All requests use the same one, until it gets old or is
// refused. SHA-256 is computed over the bytes in their order, as they arrive.
//
// A part whose request takes several times as long as others is requested on a second
// connection as well, if a reader waits for it or nothing else is left. Each byte is
// written once, by the request that brings it first. The request that falls behind is
// ended. On a link that is slow for all, no part is requested twice. If there may be only
// one connection, a part is all that is missing in a row (see hold).
//
// A request that hangs, or that is many times slower than others, is given up and sent again
// once the storage has served others meanwhile (see giveUp). The second such request of a
// part is left open beside the next one (see keep). So a network that loses some of
// all requests costs a download seconds, not the time-outs of each.
//
// Every wait ends. A connection on which next to nothing arrives is given up (see
// Connections). All downloads that share their Connections fail with *WaitError once the
// storage has kept them waiting for too long, whatever it did in between.
//
// A body that ends early is never success. Its length is compared with Content-Length or
// Content-Range; if the storage gives neither, HTTP itself must show where the body ends,
// unless the caller can find out (Options.OpenEnded). Memory is a buffer of 128 KiB per
// connection, whatever sizes a storage claims: a Spool keeps the bytes.
package fetch

import (
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// Options say how to fetch.
type Options struct {
	// Client sends the requests. Only its Transport is used: fetch has its own rules for
	// redirects, sends no cookies, and bounds idle time instead of the total. The
	// Transport must not add credentials.
	Client *http.Client
	// IdleTimeout bounds the time in which no byte of a body arrives; 0 means 30 s.
	IdleTimeout time.Duration
	// Policy is for consecutive tries of a part in which next to nothing arrives. If its
	// Base is 0, the first pause is 100 ms, and the second one a second.
	Policy httpx.Policy
	// Progress is called with the number of bytes that arrived, or with a negative number
	// for bytes that have to be fetched again. It may be nil. Calls for one blob come one
	// at a time.
	Progress func(n int64)
	// UserAgent is sent unless it is empty.
	UserAgent string
	// Connections bounds the requests under way for all blobs that share it, and the time
	// that they wait; nil means 16 connections for this blob alone.
	Connections *Connections
	// First is how many bytes the first request asks for; 0 is as many as a small blob has.
	// From is where they begin. It only counts with OnDemand, where it saves a request if
	// the end of the blob is wanted. A blob that ends before From is asked for its first bytes.
	First, From int64
	// Tail is how many bytes at the end of the blob are fetched first.
	Tail int64
	// Ahead bounds how many bytes the download may be ahead of the bytes that were
	// released, as long as no reader has to wait because of this bound. Readers then have
	// to read from front to back, except for bytes that they Want. 0 is no bound.
	Ahead int64
	// OnDemand fetches only the first bytes and those that are read or wanted. Then there
	// is no digest.
	OnDemand bool
	// OneStream makes the blob a stream, as if the storage did not support
	// ranges.
	OneStream bool
	// OpenEnded accepts a body that only the end of its connection ends, as in HTTP/1.0,
	// although a body that was cut looks the same. The caller has to find out whether all
	// of it arrived: see Info.OpenEnded.
	OpenEnded bool
	// MD5 compares the MD5 of the blob, if the storage gives one, and fails with
	// *MD5Error if it differs. It is for blobs without a better digest.
	MD5 bool
}

const (
	// A try that is cut off after enoughProgress bytes does not count as one that failed, and
	// the next one follows at once: so a long download survives many cuts.
	enoughProgress = 64 << 10
	// maxRestarts is how often a stream starts over because the blob changed.
	maxRestarts  = 2
	maxRedirects = 5
	bufferSize   = 128 << 10 // bytes, for each connection
	// maxETag is the length of the longest ETag, in bytes, that is sent back.
	maxETag = 1 << 10
	// maxBlob is larger than any blob, in bytes. Larger sizes are refused, so
	// that their sums do not overflow.
	maxBlob = 1 << 50
	// headTimeout bounds everything before the body: connections, redirects, the head of
	// the answer. Transports have closer limits for each.
	headTimeout = 2 * time.Minute
	// errorTimeout bounds the body of an answer without bytes of the blob.
	errorTimeout = 15 * time.Second
)

func (o Options) withDefaults() Options {
	o.Client = &http.Client{Transport: o.Client.Transport, CheckRedirect: checkRedirect}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if !o.OnDemand {
		o.From = 0 // all bytes are fetched, from front to back
	}
	if o.Policy.Base == 0 {
		o.Policy.First, o.Policy.Base = shortPause, time.Second
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
	Size int64 // in bytes
	// SHA256 is the digest of the whole blob; zero unless Whole is set.
	SHA256 [sha256.Size]byte
	// Whole is set once the whole blob was fetched and digested.
	Whole bool
	// OpenEnded is set if only the end of the connection shows that the blob is whole.
	OpenEnded bool
	// MD5Checked is set if the storage gave the MD5, and it was right.
	MD5Checked bool
	// These three are the storage's headers, as it sent them.
	ETag               string
	ContentType        string
	ContentDisposition string
	// ContentEncoding is set if the bytes were said to be encoded, such as by gzip, although
	// that was not asked for. They are delivered as they came.
	ContentEncoding string
	// Requests counts the requests to the storage, without redirects.
	Requests int
	// Fetched counts the bytes that arrived, also those that arrived twice, but not those
	// that a stream received before it started over.
	Fetched int64
}

// Spool keeps the bytes that arrive. It is used concurrently, but no byte is read before
// it was written, or written after it was read. A stream that starts over truncates it to
// nothing. An *os.File is a Spool. If it has a method
//
//	Discard(off, n int64)
//
// it is called, from front to back, for bytes that are not read again.
type Spool interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
}

type discarder interface {
	Discard(off, n int64)
}
