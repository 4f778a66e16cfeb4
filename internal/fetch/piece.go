package fetch

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// buffers are for bytes between the network and the spool.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// retry calls try until it succeeds, or until its failures say that another try cannot
// help. try returns how many bytes arrived in it that had not arrived before.
func (b *Blob) retry(try func() (fresh int64, err error)) error {
	attempts := b.o.Policy.Attempts()
	var last error
	for {
		fresh, err := try()
		if err == nil {
			return nil
		}
		if err := b.o.again(b.ctx, attempts, err, last, fresh); err != nil {
			return err
		}
		last = err
	}
}

// fetch fetches a part. first is an answer for it that has arrived already, or nil.
func (b *Blob) fetch(p *piece, first *answer) error {
	return b.retry(func() (int64, error) {
		before, res := p.furthest, first
		first = nil
		err := b.tryPart(p, res)
		if err != nil && b.stream {
			err = b.startOver(p, err)
		}
		return p.furthest - before, err
	})
}

// tryPart receives the bytes of a part from an answer, which it requests first if res is
// nil. A nil error means that the part is whole.
func (b *Blob) tryPart(p *piece, res *answer) (err error) {
	if res == nil {
		if res, err = b.request(p); err != nil {
			return err
		}
	}
	defer res.close()
	if err := b.check(p, res.Response); err != nil {
		b.urls.failed(res.from, err)
		return err
	}
	return b.receive(p, res.Body)
}

// request requests the missing bytes of a part.
func (b *Blob) request(p *piece) (*answer, error) {
	b.mu.Lock()
	b.info.Requests++
	etag := b.info.ETag
	b.mu.Unlock()
	switch {
	case !b.stream:
		return b.o.ask(b.ctx, b.urls.get, fmt.Sprintf("%d-%d", p.at, p.end-1), etag)
	case p.at > 0:
		return b.o.ask(b.ctx, b.urls.locate, fmt.Sprintf("%d-", p.at), etag)
	}
	return b.o.ask(b.ctx, b.urls.locate, "", "")
}

// receive stores the body of an answer.
func (b *Blob) receive(p *piece, body io.Reader) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(buf[:])
		if int64(n) > p.end-p.at {
			return &LengthError{Want: p.end - p.start}
		}
		if n > 0 {
			if err := b.store(p, buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case p.at == p.end:
			return nil // the part is whole, however the connection ended
		case b.info.Size < 0 && errors.Is(err, io.EOF):
			b.setSize(p, p.at)
			return nil
		default:
			return httpx.Temporary(&TruncatedError{Got: p.at, Want: b.info.Size, Err: err}, 0)
		}
	}
}

// store writes the next bytes of a part to the spool.
func (b *Blob) store(p *piece, data []byte) error {
	if _, err := b.spool.WriteAt(data, p.at); err != nil {
		return &WriteError{Off: p.at, Err: err}
	}
	if b.stream {
		b.sums.write(data)
	}
	n := int64(len(data))
	b.o.arrived(n, max(p.at+n-p.furthest, 0))
	b.mu.Lock()
	defer b.mu.Unlock()
	p.at += n
	p.furthest = max(p.furthest, p.at)
	b.info.Fetched += n
	b.o.Progress(n)
	if b.pace.count(n, time.Now()) {
		b.staff()
	}
	b.moved.Broadcast()
	return nil
}

// startOver decides about a stream whose try failed with err: if the bytes so far are of
// no use, the stream begins again with its first byte.
func (b *Blob) startOver(p *piece, err error) error {
	_, noRanges := errors.AsType[*RangeError](err)
	changed, isChanged := errors.AsType[*ChangedError](err)
	switch {
	case httpx.IsTemporary(err):
		return err
	case noRanges:
	case isChanged && !changed.Contradiction && b.restarts < maxRestarts:
		b.restarts++
		b.info.ETag, p.furthest = "", 0
		b.setSize(p, -1)
	default:
		return err
	}
	if err := b.rewind(p); err != nil {
		return err
	}
	return httpx.Temporary(err, 0)
}

// rewind makes the first byte of a stream the next one.
func (b *Blob) rewind(p *piece) error {
	if p.at == 0 {
		return nil
	}
	b.o.Progress(-p.at)
	b.info.Fetched -= p.at
	p.at = 0
	b.sums.reset()
	if err := b.spool.Truncate(0); err != nil {
		return &WriteError{Err: err}
	}
	return nil
}

// setSize enters the size of a stream; -1 means unknown.
func (b *Blob) setSize(p *piece, size int64) {
	b.info.Size, p.end = size, size
	if size < 0 {
		p.end = maxBlob
	}
}
