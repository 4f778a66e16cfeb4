package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// buffers are for bytes between the network and the spool.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// fetch brings a part, whose first answer may be there already.
func (b *Blob) fetch(p *piece, res *answer) error {
	attempts := b.o.Policy.Attempts()
	var last error
	for {
		from := p.at
		var err error
		if res == nil {
			res, err = b.request(p)
		}
		if err == nil {
			err = b.receive(p, res)
			res.close()
			res = nil
		}
		if err == nil {
			return nil
		}
		if err := b.o.again(b.ctx, attempts, err, last, p.at-from); err != nil {
			return err
		}
		last = err
	}
}

// request asks for what is missing of a part, and holds the head of the
// answer against that.
func (b *Blob) request(p *piece) (*answer, error) {
	b.mu.Lock()
	b.info.Requests++
	etag := b.info.ETag
	b.mu.Unlock()
	res, err := b.o.ask(b.ctx, b.source.url, fmt.Sprintf("%d-%d", p.at, p.end-1), etag)
	if err != nil {
		return nil, err
	}
	if err := b.check(p, res.Response); err != nil {
		b.source.failed(res.from, err)
		res.close()
		return nil, err
	}
	return res, nil
}

// check holds an answer against RFC 9110, section 14.4: it must bring exactly
// what is missing of a part, of the same blob.
func (b *Blob) check(p *piece, res *http.Response) error {
	header := res.Header.Get("Content-Range")
	switch res.StatusCode {
	case http.StatusPartialContent:
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return &ChangedError{Why: fmt.Sprintf("the storage answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
	case http.StatusOK:
		return b.badRange(p, "of everything")
	default:
		err := statusError(res)
		if isBusy(err) {
			b.mu.Lock()
			b.pace.slow(time.Now())
			b.mu.Unlock()
		}
		return err
	}
	first, last, total, ok := parseContentRange(header)
	etag := res.Header.Get("ETag")
	b.mu.Lock()
	size, known := b.info.Size, b.info.ETag
	b.mu.Unlock()
	switch {
	case etag != "" && known != "" && opaque(etag) != opaque(known):
		return &ChangedError{Why: fmt.Sprintf("its ETag was %q and is now %q", known, etag)}
	case ok && total >= 0 && total != size:
		return b.contradiction(size, total)
	case !ok, first != p.at, last != p.end-1, res.ContentLength >= 0 && res.ContentLength != last-first+1:
		return b.badRange(p, header)
	}
	b.mu.Lock()
	b.bad = 0
	b.mu.Unlock()
	return nil
}

// isExpired reports whether a fresh URL may help after an error.
func isExpired(err error) bool {
	e, ok := errors.AsType[*StorageError](err)
	return ok && expired(e)
}

// isBusy reports whether an error says that the storage is asked too much.
func isBusy(err error) bool {
	e, ok := errors.AsType[*StorageError](err)
	return ok && httpx.TemporaryStatus(e.Status)
}

// contradiction is an answer with another size of what is said to be the same
// blob. It may be asked once more.
func (b *Blob) contradiction(size, now int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := contradiction(size, now)
	if b.bad++; b.bad > 1 {
		return err
	}
	return httpx.Temporary(err, 0)
}

// badRange is an answer of a storage, or of something in front of it, that
// cannot do ranges, though it seemed to. It may be asked once more.
func (b *Blob) badRange(p *piece, header string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := &RangeError{Want: p.at, Header: header}
	if b.bad++; b.bad > 1 {
		return err
	}
	return httpx.Temporary(err, 0)
}

// receive takes the body of an answer.
func (b *Blob) receive(p *piece, res *answer) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, err := res.Body.Read(buf[:])
		if int64(n) > p.end-p.at {
			return &LengthError{Want: p.end - p.start}
		}
		if n > 0 {
			if err := b.take(p, buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case p.at == p.end:
			return nil // however the connection ended
		default:
			return httpx.Temporary(&TruncatedError{Got: p.at, Want: b.info.Size, Err: err}, 0)
		}
	}
}

// take keeps the next bytes of a part.
func (b *Blob) take(p *piece, data []byte) error {
	if _, err := b.spool.WriteAt(data, p.at); err != nil {
		return &WriteError{Off: p.at, Err: err}
	}
	b.o.arrived(int64(len(data)), int64(len(data)))
	b.mu.Lock()
	defer b.mu.Unlock()
	p.at += int64(len(data))
	b.info.Fetched += int64(len(data))
	b.o.Progress(int64(len(data)))
	if b.pace.count(int64(len(data)), time.Now()) {
		b.staff()
	}
	b.moved.Broadcast()
	return nil
}

// source keeps a URL as long as it is good.
type source struct {
	locate Locate

	mu  sync.Mutex
	now *url.URL
	got time.Time
	// refused is why the storage did not take the last URL, which any
	// connection may have met. It is nil once there is another one.
	refused error
	// err is what locate failed with, which ends the download.
	err error
}

// urlAge is how old a URL may get. GitHub's live for a minute. Source: REST
// API reference, "Download an artifact".
const urlAge = 45 * time.Second

// url is a Locate that asks another one only now and then, and only until it
// fails.
func (s *source) url(ctx context.Context) (*url.URL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if s.now != nil && time.Since(s.got) < urlAge {
		return s.now, nil
	}
	u, err := s.locate(ctx)
	if err != nil {
		s.err = &locateError{err: err, because: s.refused}
		return nil, s.err
	}
	s.now, s.got, s.refused = u, time.Now(), nil
	return u, nil
}

// failed forgets a URL that is good no more.
func (s *source) failed(u *url.URL, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == u && isExpired(err) {
		s.now, s.refused = nil, err
	}
}
