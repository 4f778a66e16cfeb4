package fetch

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// buffers are for bytes between the network and the spool.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// fetch fetches a part, beginning with try t. first is an answer to it that has arrived
// already, or nil. fetch returns nil as well once another connection fetches the rest.
func (b *Blob) fetch(t *try, first *answer) error {
	p := t.p
	var last error
	for {
		err := b.tryPart(t, first)
		first = nil
		if err != nil && b.stream {
			err = b.startOver(p, err)
		}
		fresh, missing := b.leave(t, err)
		attempts := p.attempts
		cause := context.Cause(t.ctx)
		switch ended := errors.Is(cause, errOvertaken) || errors.Is(cause, errLost); {
		case err == nil, !missing && (ended || httpx.IsTemporary(err)):
			return nil
		case ended: // it is lost, or was overtaken by a try that failed, too
			t = b.reenlist(p)
			continue
		case !missing:
			attempts = b.o.Policy.Attempts() // those of the part are the other connection's
		}
		if err := b.again(p, attempts, err, last, fresh); err != nil {
			return err
		}
		last = err
		t = b.reenlist(p)
	}
}

// tryPart receives the bytes of a part from an answer, which it requests first if res is
// nil. A nil error means that the part is whole.
func (b *Blob) tryPart(t *try, res *answer) (err error) {
	if res == nil {
		if res, err = b.request(t); err != nil {
			return err
		}
	} else {
		b.sent(t, res.sent)
		b.resume(t)
		stop := context.AfterFunc(t.ctx, func() { res.cancel(context.Cause(t.ctx)) })
		defer stop()
	}
	defer res.close()
	if err := b.check(t, res.Response); err != nil {
		return b.refused(res, err)
	}
	if b.stream { // the answer may have begun again, or told the size
		t.at, t.to = t.p.at, t.p.end
	}
	return b.receive(t, res)
}

// receive stores the body of an answer.
func (b *Blob) receive(t *try, res *answer) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		if whole, err := b.hold(t, res); whole || err != nil {
			return err
		}
		n, err := res.Body.Read(buf[:])
		if int64(n) > t.to-t.at {
			return &LengthError{Want: t.to - t.p.start}
		}
		whole, failed := b.store(t, buf[:n])
		switch {
		case failed != nil:
			return failed
		case whole:
			return nil // however the connection ended
		case err == nil:
		case b.info.Size < 0 && errors.Is(err, io.EOF):
			b.setSize(t.p, t.at)
			return nil
		default:
			return httpx.Temporary(&TruncatedError{Got: t.at, Want: b.info.Size, Err: err}, 0)
		}
	}
}

// store writes the next bytes of a try to the spool, except for those that another try
// brought before. It reports whether the part is whole.
func (b *Blob) store(t *try, data []byte) (whole bool, err error) {
	p, n := t.p, int64(len(data))
	p.writing.Lock()
	defer p.writing.Unlock()
	b.mu.Lock()
	at, end := p.at, p.end
	t.writing = true
	b.mu.Unlock()
	fresh := data[min(max(at-t.at, 0), n):max(min(end-t.at, n), 0)]
	if len(fresh) > 0 {
		if _, err := b.spool.WriteAt(fresh, at); err != nil {
			return false, &WriteError{Off: at, Err: err}
		}
		if b.stream {
			b.sums.write(fresh)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.writing = false
	if n > 0 {
		b.count(t, n, int64(len(fresh)))
	}
	return p.at == p.end, nil
}

// count counts n bytes that arrived with a try, fresh of which had not arrived before.
// b.mu is held.
func (b *Blob) count(t *try, n, fresh int64) {
	p, now := t.p, time.Now()
	t.at += n
	p.at += fresh
	b.o.Connections.arrived.Add(n)
	b.o.Connections.budget.credit(max(p.at-p.furthest, 0))
	p.furthest = max(p.furthest, p.at)
	b.info.Fetched += n
	b.wasted += n - fresh
	b.o.Connections.usual.arrived(t, now, t.first.IsZero())
	if t.first.IsZero() {
		t.first = now
	}
	t.last = now
	b.overtake(t)
	if fresh > 0 {
		b.o.Progress(fresh)
	}
	if b.pace.count(fresh, now) {
		b.staff()
	}
	b.moved.Broadcast()
}

// startOver decides about a stream whose try failed with err: if the bytes so far are of
// no use, the stream begins again with its first byte.
func (b *Blob) startOver(p *part, err error) error {
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
func (b *Blob) rewind(p *part) error {
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
func (b *Blob) setSize(p *part, size int64) {
	b.info.Size, p.end = size, size
	if size < 0 {
		p.end = maxBlob
	}
}
