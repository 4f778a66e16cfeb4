package fetch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/httpx"
)

// begin looks at the head of an answer and moves off to where its body
// starts.
func (d *download) begin(res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		open := !delimited(res)
		if open && !d.OpenEnded {
			return &LengthError{Want: -1}
		}
		if res.ContentLength > maxBlob {
			return &LengthError{Want: res.ContentLength}
		}
		if err := d.checkWhole(res); err != nil {
			return err
		}
		if err := d.restart(); err != nil {
			return err
		}
		d.total = res.ContentLength
		d.blob.ETag = res.Header.Get("ETag")
		d.blob.OpenEnded = open
	case http.StatusPartialContent:
		if err := d.checkPart(res); err != nil {
			return err
		}
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		if d.off == 0 {
			return statusError(res) // there was nothing to refuse
		}
		return d.changed(fmt.Sprintf("the storage answered %d %s", res.StatusCode, http.StatusText(res.StatusCode)))
	default:
		return statusError(res)
	}
	if d.off == 0 {
		d.sums.told(res)
	}
	keep(&d.blob.ContentType, res.Header.Get("Content-Type"))
	keep(&d.blob.ContentDisposition, res.Header.Get("Content-Disposition"))
	return nil
}

// keep replaces *old by what the newest answer says, if it says anything.
func keep(old *string, now string) {
	if now != "" {
		*old = now
	}
}

// delimited reports whether the end of the body can be told from a connection
// that broke: by a length, by chunks, or by HTTP/2's streams (RFC 9112,
// section 6.3). A version is not enough for the last: a line of text can claim
// any, but no stream closes the connection.
func delimited(res *http.Response) bool {
	return res.ContentLength >= 0 || res.ProtoMajor == 2 && !res.Close || slices.Contains(res.TransferEncoding, "chunked")
}

// checkWhole holds a 200 against what earlier answers said of the blob.
func (d *download) checkWhole(res *http.Response) error {
	etag := res.Header.Get("ETag")
	switch {
	case d.total < 0 || res.ContentLength < 0 || d.total == res.ContentLength:
		return nil
	case etag != "" && d.blob.ETag != "" && opaque(etag) != opaque(d.blob.ETag):
		return d.replaced()
	}
	return d.contradiction(res.ContentLength)
}

// replaced takes note that the storage serves another blob now, whose bytes
// come next.
func (d *download) replaced() error {
	if d.restarts++; d.restarts > maxRestarts {
		return &ChangedError{Why: "each answer has another ETag and another size"}
	}
	d.best = 0
	return nil
}

// contradiction is an answer with another size of what is said to be the same
// blob. It may be asked once more.
func (d *download) contradiction(now int64) error {
	err := contradiction(d.total, now)
	if d.badRanges++; d.badRanges > 1 {
		return err
	}
	return httpx.Temporary(err, 0)
}

// checkPart holds a 206 against RFC 9110, section 14.4: it must bring
// exactly the rest of the same blob.
func (d *download) checkPart(res *http.Response) error {
	header := res.Header.Get("Content-Range")
	first, last, total, ok := parseContentRange(header)
	if total < 0 {
		total = d.total // of the first answer, if that has told it
	}
	etag := res.Header.Get("ETag")
	switch {
	case !ok, first != d.off, res.ContentLength >= 0 && res.ContentLength != last-first+1:
		return d.badRange(header)
	case d.off > 0 && d.blob.ETag != "" && etag != "" && opaque(etag) != opaque(d.blob.ETag):
		return d.changed(fmt.Sprintf("its ETag was %q and is now %q", d.blob.ETag, etag))
	case d.total >= 0 && total != d.total:
		return d.contradiction(total)
	case total < 0:
		// Nobody can say whether this is all the rest, nor the next time.
		d.badRanges++
		return d.badRange(header)
	case last != total-1:
		return d.badRange(header)
	}
	d.total = total
	d.blob.OpenEnded = false
	keep(&d.blob.ETag, etag)
	return nil
}

// badRange is an answer of a storage, or of something in front of it, that
// cannot do ranges, though it says so. It may be asked once more.
func (d *download) badRange(header string) error {
	err := &RangeError{Want: d.off, Header: header}
	if d.badRanges++; d.badRanges > 1 {
		if err := d.restart(); err != nil {
			return err
		}
	}
	return httpx.Temporary(err, 0)
}

// changed starts over, because the bytes so far are of another blob.
func (d *download) changed(why string) error {
	err := &ChangedError{Why: why}
	if d.restarts++; d.restarts > maxRestarts {
		return err
	}
	if err := d.restart(); err != nil {
		return err
	}
	d.total, d.best, d.blob.ETag = -1, 0, ""
	return httpx.Temporary(err, 0)
}

// restart goes back to the first byte.
func (d *download) restart() error {
	if d.off == 0 {
		return nil
	}
	d.Progress(-d.off)
	d.off = 0
	d.sums.reset()
	if err := d.f.Truncate(0); err != nil {
		return &WriteError{Err: err}
	}
	return nil
}

// strong reports whether If-Match can use an ETag (RFC 9110, section 13.1.1).
func strong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// opaque is an ETag without its mark of weakness, which caches and proxies
// put on and take off.
func opaque(etag string) string { return strings.TrimPrefix(etag, "W/") }
