package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"

	"github.com/artifetch/artifetch/internal/httpx"
)

// Target is what the blob is written to; an *os.File is one.
type Target interface {
	io.WriterAt
	Truncate(size int64) error
}

// toFile is the way with one stream. It writes the blob to f from offset 0.
// On failure f holds an arbitrary part of it. Errors are as Open's.
func toFile(ctx context.Context, o Options, locate Locate, f Target) (Info, error) {
	d := &download{Options: o.withDefaults(), f: f, sum: sha256.New(), total: -1, buf: make([]byte, bufferSize)}
	if err := d.run(ctx, locate); err != nil {
		return Info{}, err
	}
	d.blob.Size, d.blob.Fetched, d.blob.Whole = d.off, d.off, true
	d.sum.Sum(d.blob.SHA256[:0])
	return d.blob, nil
}

// download is the state of one toFile.
type download struct {
	Options
	f     Target
	buf   []byte
	sum   hash.Hash // of the bytes before off
	off   int64
	total int64 // -1 while unknown
	blob  Info

	best, mark int64 // the largest off so far, and when tries were last renewed
	restarts   int   // because the blob changed
	badRanges  int
}

func (d *download) run(ctx context.Context, locate Locate) error {
	attempts := d.Policy.Attempts()
	var last error
	for {
		u, err := locate(ctx)
		if err != nil {
			return noURL(err, last)
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
func (d *download) try(ctx context.Context, u *url.URL) error {
	d.blob.Requests++
	byteRange := ""
	if d.off > 0 {
		byteRange = fmt.Sprintf("%d-", d.off)
	}
	res, err := d.ask(ctx, u, byteRange, d.blob.ETag)
	if err != nil {
		return err
	}
	defer res.close()
	if err := d.begin(res.Response); err != nil {
		return err
	}
	return d.copy(res.Body)
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
