package fetch

import "time"

// A blob with a single connection is fetched with few requests, because each costs the
// time to its first byte: a part is all that is missing in a row. Such a part, the open
// one, is read as far ahead of readers as the window allows. Then it waits, and with it the
// storage, whose bytes fill the buffers of the connection. If other bytes are wanted before
// their turn, the part ends where it is. A blob that is fetched on demand has no open part:
// what its readers want, they want in the order in which they read.

// hold waits while the open part is too far ahead of readers. The storage is not to blame
// for that time. hold reports whether the part ended meanwhile.
func (b *Blob) hold(t *try, res *answer) (ended bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.openPart != t.p || !b.full(t.p.at) {
		return false, nil
	}
	b.held = true
	defer func() {
		b.held = false
		b.watch()
	}()
	b.moved.Broadcast() // see starved
	err = res.uncharged(func() {
		for b.err == nil && b.openPart == t.p && b.full(t.p.at) {
			b.moved.Wait()
		}
	})
	t.resumed = time.Now()
	return t.p.at == t.p.end, err
}

// interrupt ends the open part where it is, if bytes of s are missing that would not
// arrive soon. b.mu is held.
func (b *Blob) interrupt(s span) {
	p := b.openPart
	if p == nil || p.at == p.end {
		return
	}
	switch in := (span{max(s.start, p.at), min(s.end, p.end)}); {
	case in.start < in.end && in.start < p.at+smallestPart: // it is about to arrive
		return
	case in.start >= in.end && len(b.missing(s)) == 0: // it was begun
		return
	}
	end := p.end
	p.end = p.at
	if !b.held {
		p.end = min(p.at+bufferSize, end) // so many bytes may be about to be written
	}
	b.queue.push(span{p.end, end})
	b.openPart = nil
	b.moved.Broadcast() // see hold
}
