package fetch

import (
	"cmp"
	"slices"
)

// span is a range of bytes, end excluded.
type span struct{ start, end int64 }

// piece is a span that a connection fetches.
type piece struct {
	span
	at       int64 // bytes before this offset have arrived
	furthest int64 // the largest at so far: a stream may start over
}

func newPiece(s span) *piece { return &piece{s, s.start, s.start} }

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
	for i := b.part(off); i >= 0 && i < len(b.parts) && b.parts[i].start <= off && off < b.parts[i].end; i++ {
		p := b.parts[i]
		off = max(off, p.at)
		if p.at < p.end {
			break
		}
	}
	return off
}

// part returns the index of the last part that does not start after off, or -1. If the
// part that holds off was begun, that is the one. b.mu is held.
func (b *Blob) part(off int64) int {
	i, found := slices.BinarySearchFunc(b.parts, off, func(p *piece, off int64) int { return cmp.Compare(p.start, off) })
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
	for i := max(b.part(s.start), 0); i < len(b.parts) && b.parts[i].start < s.end; i++ {
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
	if b.running >= b.pace.limit() || b.ahead() {
		return
	}
	for left := b.queue.size; b.running < b.pace.limit() && left > 0 && b.err == nil; left -= smallestPart {
		b.running++
		b.work.Go(func() { b.connection(nil, nil) })
	}
}

// connection fetches one part after the other, beginning with p and its answer,
// unless they are nil.
func (b *Blob) connection(p *piece, res *answer) {
	for {
		if p == nil {
			if p = b.next(); p == nil {
				return
			}
		}
		if err := b.fetch(p, res); err != nil {
			b.fail(err)
			return
		}
		p, res = nil, nil
	}
}

// next takes a part from the queue, or ends the connection.
func (b *Blob) next() *piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.head()
	if !ok || b.err != nil || b.running > b.pace.limit() || b.ahead() {
		b.running--
		b.moved.Broadcast() // see starved
		return nil
	}
	n := b.window.stride(b.pace.stride(b.queue.size))
	if s.end-s.start < n+smallestPart/4 {
		n = s.end - s.start
	}
	p := newPiece(span{s.start, s.start + n})
	b.parts = slices.Insert(b.parts, b.part(p.start)+1, p)
	b.pace.handed += n
	return p
}
