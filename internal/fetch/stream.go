package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/artifetch/artifetch/internal/httpx"
)

// Target is what the blob is written to; an *os.File is one.
type Target interface {
	io.WriterAt
	Truncate(size int64) error
}

// toFile is the way with one stream. It writes the blob to f from offset 0.
// On failure f holds an arbitrary part of it. Errors are as Open's.
// first is an answer that is there already, or nil.
func toFile(ctx context.Context, o Options, locate Locate, f Target, first *answer) (Info, error) {
	d := &download{Options: o.withDefaults(), f: f, sums: newSums(o.MD5), total: -1, buf: make([]byte, bufferSize)}
	if err := d.run(ctx, locate, first); err != nil {
		return Info{}, err
	}
	d.blob.Size, d.blob.Fetched, d.blob.Whole = d.off, d.off, true
	if err := d.sums.finish(&d.blob); err != nil {
		return Info{}, err
	}
	return d.blob, nil
}

// download is the state of one toFile.
type download struct {
	Options
	f     Target
	buf   []byte
	sums  *sums // of the bytes before off
	off   int64
	total int64 // -1 while unknown
	blob  Info

	best      int64 // the largest off so far
	restarts  int   // because the blob changed
	badRanges int
}

func (d *download) run(ctx context.Context, locate Locate, first *answer) error {
	attempts := d.Policy.Attempts()
	var last error
	for {
		best := d.best
		err := d.try(ctx, locate, first)
		if err == nil {
			return nil
		}
		if err := d.again(ctx, attempts, err, last, d.best-best); err != nil {
			return err
		}
		last, first = err, nil
	}
}

// try takes what an answer brings, or sends a request if there is none. A nil
// error means that the blob is whole.
func (d *download) try(ctx context.Context, locate Locate, res *answer) error {
	if res == nil {
		byteRange := ""
		if d.off > 0 {
			byteRange = fmt.Sprintf("%d-", d.off)
		}
		d.blob.Requests++
		var err error
		if res, err = d.ask(ctx, locate, byteRange, d.blob.ETag); err != nil {
			return err
		}
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
	d.sums.write(p)
	d.off += int64(len(p))
	d.arrived(int64(len(p)), max(d.off-d.best, 0))
	d.best = max(d.best, d.off)
	d.Progress(int64(len(p)))
	return nil
}
