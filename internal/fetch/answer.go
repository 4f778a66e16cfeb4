package fetch

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// describe enters what the first answer says of the blob. It reports whether the answer
// has the first n bytes of p, as requested: then the storage supports ranges.
func (b *Blob) describe(p *part, res *http.Response, n int64) bool {
	first, last, total, ok := parseContentRange(res.Header.Get("Content-Range"))
	if res.StatusCode != http.StatusPartialContent || !ok || first != p.start || total < 0 || last != min(p.start+n, total)-1 || !hasLength(res, last-first+1) {
		return false
	}
	b.stream = false
	b.info.Size, p.end = total, last+1
	b.enter(p, res)
	return true
}

// enter enters what the head of an answer says of the blob, except for its size.
func (b *Blob) enter(p *part, res *http.Response) {
	if p.at == 0 {
		b.sums.told(res)
	}
	h, i := res.Header, &b.info
	i.ETag = cmp.Or(h.Get("ETag"), i.ETag)
	i.ContentType = cmp.Or(h.Get("Content-Type"), i.ContentType)
	i.ContentDisposition = cmp.Or(h.Get("Content-Disposition"), i.ContentDisposition)
	if coding := h.Get("Content-Encoding"); !strings.EqualFold(coding, "identity") {
		i.ContentEncoding = cmp.Or(coding, i.ContentEncoding)
	}
}

// check checks the head of an answer by RFC 9110, section 14.4: the answer must have
// exactly the missing bytes of a part, of the same blob. A 200 has a stream from its
// first byte on.
func (b *Blob) check(t *try, res *http.Response) error {
	var err error
	switch res.StatusCode {
	case http.StatusPartialContent:
		err = b.checkPart(t, res)
	case http.StatusOK:
		err = b.checkWhole(t, res)
	default:
		return b.checkStatus(t, res)
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.odd = 0
	if b.stream {
		b.enter(t.p, res)
	}
	return nil
}

// checkPart is check for a 206.
func (b *Blob) checkPart(t *try, res *http.Response) error {
	header := res.Header.Get("Content-Range")
	first, last, total, ok := parseContentRange(header)
	etag := res.Header.Get("ETag")
	b.mu.Lock()
	size, known := b.info.Size, b.info.ETag
	b.mu.Unlock()
	if total < 0 {
		total = size // an answer may leave the total out
	}
	end := t.to
	if b.stream {
		end = total
	}
	other := &RangeError{Want: t.at, Header: header}
	switch {
	case isOther(etag, known):
		return &ChangedError{Why: fmt.Sprintf("its ETag was %q and is now %q", known, etag)}
	case ok && total < 0:
		return other // neither this answer nor another one would show where the stream ends
	case ok && size >= 0 && total != size:
		return b.onceMore(contradiction(size, total))
	case !ok, first != t.at, last != end-1, !hasLength(res, last-first+1):
		return b.onceMore(other)
	}
	if b.stream {
		b.setSize(t.p, total)
		b.info.OpenEnded = false
	}
	return nil
}

// checkWhole is check for a 200, which only a stream can use.
func (b *Blob) checkWhole(t *try, res *http.Response) error {
	length, etag, open := res.ContentLength, res.Header.Get("ETag"), !delimited(res)
	switch {
	case !b.stream:
		return b.onceMore(&RangeError{Want: t.at, Header: res.Header.Get("Content-Range")})
	case open && !b.o.OpenEnded:
		return &LengthError{Want: -1}
	case length > maxBlob:
		return &LengthError{Want: length}
	case b.info.Size < 0, length < 0, length == b.info.Size:
	case !isOther(etag, b.info.ETag):
		return b.onceMore(contradiction(b.info.Size, length))
	default: // another blob: this answer has its bytes
		if b.restarts++; b.restarts > maxRestarts {
			return &ChangedError{Why: "each answer has another ETag and another size"}
		}
		t.p.furthest = 0
	}
	if err := b.rewind(t.p); err != nil {
		return err
	}
	b.setSize(t.p, length)
	b.info.ETag, b.info.OpenEnded = etag, open
	return nil
}

// checkStatus is check for an answer without bytes of the blob.
func (b *Blob) checkStatus(t *try, res *http.Response) error {
	switch res.StatusCode {
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		if !b.stream || t.at > 0 { // otherwise the request had no condition
			return &ChangedError{Why: fmt.Sprintf("the storage answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
		}
	}
	err := statusError(res)
	if httpx.TemporaryStatus(res.StatusCode) { // the storage has too much to do
		b.mu.Lock()
		defer b.mu.Unlock()
		now := time.Now()
		b.pace.slow(now)
		if rest := now.Add(httpx.RetryAfter(err)); rest.After(b.rest) {
			b.rest = rest
		}
	}
	return err
}

// onceMore marks err, the error of an odd answer, as worth another try, unless the answer
// before was odd, too.
func (b *Blob) onceMore(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.odd++; b.odd > 1 {
		return err
	}
	return httpx.Temporary(err, 0)
}

// hasLength reports whether the body of an answer may have n bytes.
func hasLength(res *http.Response, n int64) bool {
	return res.ContentLength < 0 || res.ContentLength == n
}

// delimited reports whether the end of the body can be distinguished from a broken
// connection: by a length, by chunks, or by HTTP/2's streams (RFC 9112, section 6.3). The
// version alone does not prove HTTP/2: a status line can claim any version, but a stream
// never closes the connection.
func delimited(res *http.Response) bool {
	return res.ContentLength >= 0 || res.ProtoMajor == 2 && !res.Close || slices.Contains(res.TransferEncoding, "chunked")
}

// strong reports whether If-Match can use an ETag (RFC 9110, section 13.1.1).
func strong(etag string) bool { return strings.HasPrefix(etag, `"`) }

// isOther reports whether two ETags are of different blobs. It ignores whether they are
// weak: caches and proxies add and remove that mark.
func isOther(etag, known string) bool {
	return etag != "" && known != "" && strings.TrimPrefix(etag, "W/") != strings.TrimPrefix(known, "W/")
}
