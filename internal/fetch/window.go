package fetch

import "slices"

// window keeps a download from running far ahead of its readers, so that the bytes
// between them fit into memory. It grows when a reader has to wait although connections
// are idle: then the network limits the speed, and needs more requests under way.
type window struct {
	size int64 // in bytes; 0 is no limit
	// grown is how many bytes had arrived when the window last grew. It grows again only
	// after half of its size has arrived since then.
	grown int64
}

// stride returns n, the size of a part, or less, so that several parts fit into
// the window.
func (w *window) stride(n int64) int64 {
	if w.size == 0 {
		return n
	}
	return min(n, max(w.size/4, smallestPart))
}

// full reports whether the byte at off is too far ahead of readers to be fetched now.
// b.mu is held.
func (b *Blob) full(off int64) bool {
	return b.window.size > 0 && !b.o.OnDemand && off >= b.low()+b.window.size
}

// ahead reports whether the next part is too far ahead to be fetched now. A part that was
// wanted before its turn is never too far ahead. b.mu is held.
func (b *Blob) ahead() bool {
	if b.window.size == 0 || b.o.OnDemand {
		return false
	}
	next, ok := b.head()
	return ok && b.inTurn(next) && b.full(next.start)
}

// inTurn reports whether nothing in the queue comes before s. b.mu is held.
func (b *Blob) inTurn(s span) bool {
	return !slices.ContainsFunc(b.queue.spans, func(o span) bool { return o.start < s.start })
}

// starved is called when a reader has to wait for the byte at off. b.mu is
// held.
func (b *Blob) starved(off int64) {
	if !b.held && !b.ahead() {
		return
	}
	if i := b.partAt(off); off >= b.low()+b.window.size && i >= 0 && off < b.parts[i].end && b.parts[i] != b.openPart {
		return // the byte was wanted before its turn, and is on its way
	}
	if !b.held && b.running > 0 && b.info.Fetched < b.window.grown+b.window.size/2 {
		return
	}
	b.window.size *= 2
	b.window.grown = b.info.Fetched
	b.staff()
	b.moved.Broadcast() // see hold
}

// low returns where the window begins. b.mu is held.
func (b *Blob) low() int64 { return min(b.released, b.digested) }
