package fetch

import (
	"slices"
	"sync"
	"time"
)

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
	if b.stream || b.pace.most < 2 || b.hedging >= mostHedges || b.wasted > wasteFree+b.info.Fetched/wasteShare {
		return nil
	}
	first, rate, known := b.o.Connections.usual.get()
	if !known {
		return nil
	}
	for _, off := range b.waits {
		if i := b.partAt(off); i >= 0 && off < b.parts[i].end && b.parts[i].isLate(now, first, rate) {
			return b.parts[i]
		}
	}
	if !idle || b.o.OnDemand {
		return nil
	}
	for _, p := range b.parts[max(b.partAt(b.digested), 0):] {
		if p.isLate(now, first, rate) {
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

// usual keeps how fast the last successful requests were. It is safe for concurrent use.
type usual struct {
	mu    sync.Mutex
	n     int
	first [usualTries]time.Duration // to the first byte
	rates [usualTries]float64       // from then on; 0: it came with the first byte
}

const (
	usualTries = 8 // a few, because the load of a network changes
	fewTries   = 3 // fewer say nothing
)

func (u *usual) add(t *try) {
	first, took := t.first.Sub(t.began), t.last.Sub(t.first)
	u.mu.Lock()
	defer u.mu.Unlock()
	i := u.n % usualTries
	u.n++
	u.first[i], u.rates[i] = first, 0
	if t.size() > bufferSize && took > 0 {
		u.rates[i] = float64(t.size()) / took.Seconds()
	}
}

// get returns the medians, because a few requests may have been slow. known is false after
// too few requests; rate is 0 if all of them were small.
func (u *usual) get() (first time.Duration, rate float64, known bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := min(u.n, usualTries)
	times := slices.Clone(u.first[:n])
	rates := slices.DeleteFunc(slices.Clone(u.rates[:n]), func(r float64) bool { return r == 0 })
	if n < fewTries {
		return 0, 0, false
	}
	slices.Sort(times)
	slices.Sort(rates)
	if len(rates) > 0 {
		rate = rates[len(rates)/2]
	}
	return times[n/2], rate, true
}
