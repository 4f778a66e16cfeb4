package fetch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// span is a range of bytes, end excluded.
type span struct{ start, end int64 }

// part is a part of the blob: a span that one connection fetches, or two. Blob.mu guards it.
type part struct {
	span
	at       int64 // bytes before this offset have arrived
	furthest int64 // the largest at so far: a stream may start over
	tries    []*try
	hedges   int // tries that were not the only one when they began
	lost     int // tries that were lost since the last one that made progress
	slow     int // tries that were given up because they were slow
	// Only the connection whose try was the only one uses these five.
	attempts *httpx.Attempts
	works    bool          // the last pause ended with errWorks
	crowded  bool          // one of the tries that attempts counts was refused while others were served
	refusals []*answerWait // for each refused try that attempts counts: the requests then under way
	forgiven int
	// writing is held while bytes are written, so that none is written twice. It is locked
	// before Blob.mu.
	writing sync.Mutex
}

func (b *Blob) newPart(s span) *part {
	p := &part{span: s, at: s.start, furthest: s.start}
	policy := b.o.Policy
	policy.Sleep = func(ctx context.Context, d time.Duration) error { return b.pause(ctx, p, d) }
	p.attempts = policy.Attempts()
	return p
}

// begin makes a part of which nothing has arrived begin at off.
func (p *part) begin(off int64) { p.start, p.at, p.furthest = off, off, off }

// queue holds the spans to be fetched; the last one pushed comes first. Spans may
// overlap each other, and parts that were begun later.
type queue struct {
	spans []span
	size  int64 // of all spans
}

func (q *queue) push(s span) {
	q.spans = append(q.spans, s)
	q.size += s.end - s.start
}

func (q *queue) pop() span {
	s := q.spans[len(q.spans)-1]
	q.spans = q.spans[:len(q.spans)-1]
	q.size -= s.end - s.start
	return s
}

// reach returns the end of the bytes that have arrived without a gap from off on. b.mu is
// held.
func (b *Blob) reach(off int64) int64 {
	for i := b.partAt(off); i >= 0 && i < len(b.parts) && b.parts[i].start <= off && off < b.parts[i].end; i++ {
		p := b.parts[i]
		off = max(off, p.at)
		if p.at < p.end {
			break
		}
	}
	return off
}

// partAt returns the index of the last part that does not start after off, or -1. If the
// part that holds off was begun, that is the one. b.mu is held.
func (b *Blob) partAt(off int64) int {
	i, found := slices.BinarySearchFunc(b.parts, off, func(p *part, off int64) int { return cmp.Compare(p.start, off) })
	if !found {
		i--
	}
	return i
}

// has reports whether s lies within one span of the queue.
func (q *queue) has(s span) bool {
	return slices.ContainsFunc(q.spans, func(o span) bool { return o.start <= s.start && s.end <= o.end })
}

// missing returns the ranges of a span that were not begun. b.mu is held.
func (b *Blob) missing(s span) []span {
	var list []span
	for i := max(b.partAt(s.start), 0); i < len(b.parts) && b.parts[i].start < s.end; i++ {
		if p := b.parts[i]; p.start > s.start {
			list = append(list, span{s.start, p.start})
		}
		s.start = max(s.start, b.parts[i].end)
	}
	if s.start < s.end {
		list = append(list, s)
	}
	return list
}

// want puts the missing ranges of a span in front of the queue. b.mu is held.
func (b *Blob) want(s span) {
	b.interrupt(s)
	if len(b.missing(s)) > 0 {
		b.queue.push(s)
		b.staff()
	}
}

// head returns the next span to be fetched, if there is one. b.mu is held.
func (b *Blob) head() (span, bool) {
	for len(b.queue.spans) > 0 {
		s := b.queue.pop()
		missing := b.missing(s)
		for _, m := range slices.Backward(missing) {
			b.queue.push(m)
		}
		if len(missing) > 0 {
			return missing[0], true
		}
	}
	return span{}, false
}

// staff opens connections while there is work for them. b.mu is held.
func (b *Blob) staff() {
	if b.err != nil || b.running >= b.pace.limit() {
		return
	}
	idle := b.queue.size == 0 || b.ahead()
	if !idle {
		for left := b.queue.size; b.running < b.pace.limit() && left > 0; left -= smallestPart {
			b.running++
			b.work.Go(func() { b.connection(nil, nil) })
		}
	}
	for now := time.Now(); b.running < b.pace.limit(); {
		p := b.late(now, idle)
		if p == nil {
			return
		}
		t := b.enlist(p)
		b.running++
		b.work.Go(func() { b.connection(t, nil) })
	}
}

// connection fetches one part after the other, beginning with a try and its answer,
// unless they are nil.
func (b *Blob) connection(t *try, res *answer) {
	for {
		if t == nil {
			if t = b.next(); t == nil {
				return
			}
		}
		if err := b.fetch(t, res); err != nil {
			b.fail(err)
			return
		}
		t, res = nil, nil
	}
}

// next begins a try for a connection: of a part that is late, else of the queue's next part.
// If there is none, it counts the connection as ended and returns nil.
func (b *Blob) next() *try {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.head()
	idle := !ok || b.ahead()
	switch p := b.late(time.Now(), idle); {
	case b.err != nil || b.running > b.pace.limit() || idle && p == nil:
		b.running--
		b.moved.Broadcast() // see starved
		return nil
	case p != nil:
		return b.enlist(p)
	}
	n := b.window.stride(b.pace.stride(b.queue.size))
	if s.end-s.start < n+smallestPart/4 || b.pace.most == 1 {
		n = s.end - s.start
	}
	p := b.newPart(span{s.start, s.start + n})
	if b.openPart = nil; b.pace.most == 1 && !b.o.OnDemand && b.inTurn(s) {
		b.openPart = p
	}
	b.parts = slices.Insert(b.parts, b.partAt(p.start)+1, p)
	b.pace.handed += n
	return b.enlist(p)
}
