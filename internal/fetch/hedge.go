package fetch

import "time"

const (
	// A try is late if it has taken lateBy times as long as others took for a range of its
	// size, and lateTime at least.
	lateBy   = 3
	lateTime = 200 * time.Millisecond
	// mostHedges is how many parts of a blob are requested twice at a time, and
	// hedgesOfPart how often one part is.
	mostHedges   = 2
	hedgesOfPart = 3
	// Nothing is requested twice once more than wasteFree and a wasteShare-th of the bytes
	// that arrived had arrived before.
	wasteFree  = 4 << 20
	wasteShare = 32
)

// late returns a part that another connection should request as well, or nil. The request
// of such a part takes several times as long as others did, so that a new one is likely to
// be faster. A reader waits for the part, unless there is nothing else to request (idle).
// On a link that is slow for all, no request is late. b.mu is held.
func (b *Blob) late(now time.Time, idle bool) *part {
	for _, t := range b.tries {
		if t.kept && t.first.IsZero() && len(t.p.tries) == 1 {
			return t.p
		}
	}
	if b.stream || b.pace.most < 2 || b.hedging >= mostHedges || b.wasted > wasteFree+b.info.Fetched/wasteShare {
		return nil
	}
	seen := b.o.Connections.usual.look()
	if !seen.known {
		return nil
	}
	for _, off := range b.waits {
		if i := b.partAt(off); i >= 0 && off < b.parts[i].end && b.parts[i].isLate(now, seen.first, seen.rate) {
			return b.parts[i]
		}
	}
	if !idle || b.o.OnDemand {
		return nil
	}
	for _, p := range b.parts[max(b.partAt(b.digested), 0):] {
		if p.isLate(now, seen.first, seen.rate) {
			return p
		}
	}
	return nil
}

// isLate reports whether a part's only request is late; first is what others took to the
// first byte, and rate the bytes per second that they had then, or 0. b.mu is held.
func (p *part) isLate(now time.Time, first time.Duration, rate float64) bool {
	if p.at == p.end || len(p.tries) != 1 || p.hedges >= hedgesOfPart || p.tries[0].began.IsZero() {
		return false
	}
	t := p.tries[0]
	if rate == 0 && t.size() > bufferSize {
		return false // it is not known how long that many bytes take
	}
	takes := func(n int64) time.Duration {
		if rate == 0 {
			return first
		}
		return first + time.Duration(float64(n)/rate*float64(time.Second))
	}
	took := now.Sub(t.began)
	if took < max(lateTime, lateBy*takes(t.size())) {
		return false
	}
	if got := t.at - t.from; got > 0 && now.Sub(t.last) < lateTime {
		// Bytes still arrive: at this rate, is the rest slower than another request?
		left := float64(p.end-p.at) / float64(got) * float64(took)
		return time.Duration(left) > 2*takes(p.end-p.at)
	}
	return true
}
