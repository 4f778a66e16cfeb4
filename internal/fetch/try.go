package fetch

import (
	"context"
	"errors"
	"slices"
	"time"
)

// try is one request for the missing bytes of a part. A part may have two at a time: see
// late. Each byte is written once, by the try that brings it first.
type try struct {
	p   *part
	ctx context.Context //nolint:containedctx // of this request alone
	end context.CancelCauseFunc
	// from and to are the range that is requested, and at is the next byte that this try
	// brings. Bytes before p.at were brought by another try.
	from, to, at int64

	began time.Time // the request was sent; zero: it waits for a connection
	first time.Time // its first byte arrived
	last  time.Time // its last byte so far arrived
	// resumed is when its body was read last after a time in which it was not. What did not
	// arrive before is not the storage's fault.
	resumed time.Time
	// kept is set if the try is lost and was left open: see keep.
	kept bool
	// writing is set while bytes of this try are written.
	writing bool
	// furthest is that of the part when the try began.
	furthest int64
}

// size returns how many bytes are requested.
func (t *try) size() int64 { return t.to - t.from }

// errOvertaken ends a try that brings only bytes that another one brought before.
var errOvertaken = errors.New("another request brought these bytes first")

// enlist begins a try of a part. b.mu is held.
func (b *Blob) enlist(p *part) *try {
	t := &try{p: p, from: p.at, to: p.end, at: p.at, furthest: p.furthest}
	t.ctx, t.end = context.WithCancelCause(b.ctx)
	b.tries = append(b.tries, t)
	if p.tries = append(p.tries, t); len(p.tries) > 1 {
		p.hedges++
		b.hedging++
	}
	b.watch()
	return t
}

// reenlist is enlist without b.mu.
func (b *Blob) reenlist(p *part) *try {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.enlist(p)
}

// silentSince returns since when the storage has sent nothing.
func (t *try) silentSince() time.Time {
	since := t.began
	for _, o := range []time.Time{t.last, t.resumed} {
		if o.After(since) {
			since = o
		}
	}
	return since
}

// sent notes when the request of a try was sent.
func (b *Blob) sent(t *try, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.began = at
}

// resume notes that the body of a try is read from now on.
func (b *Blob) resume(t *try) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.resumed = time.Now()
}

// leave ends a try; err is why it failed, or nil. fresh is how many new bytes the part has
// got since the try began. missing reports whether the connection of this try still has to
// fetch the rest of the part.
func (b *Blob) leave(t *try, err error) (fresh int64, missing bool) {
	t.end(nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	p := t.p
	fresh = p.furthest - t.furthest
	if t.at-t.from >= enoughProgress {
		p.lost = 0
	}
	if t.kept {
		b.kept--
	}
	p.tries = slices.DeleteFunc(p.tries, func(o *try) bool { return o == t })
	b.tries = slices.DeleteFunc(b.tries, func(o *try) bool { return o == t })
	if err == nil && t.at == t.to && t.size() > 0 && !b.stream {
		b.o.Connections.usual.add(t)
	}
	if len(p.tries) > 0 {
		b.hedging--
		return fresh, false
	}
	return fresh, err != nil && (b.stream || p.at < p.end)
}

// overtake ends the tries of t's part that can no longer bring anything new: all if the part
// is whole; else each that began before t and is behind it. b.mu is held.
func (b *Blob) overtake(t *try) {
	p := t.p
	for i, o := range p.tries {
		if o != t && (p.at == p.end || o.at < t.at && i < slices.Index(p.tries, t)) {
			o.end(errOvertaken)
		}
	}
}
