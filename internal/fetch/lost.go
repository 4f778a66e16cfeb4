package fetch

import (
	"errors"
	"slices"
	"time"
)

const (
	// A request is lost if the storage has not answered it after lostTime, or has sent no
	// more of its body for stallTime, and for lostBy times as long as others took, although it
	// serves requests that were sent later. Without such a sign it takes blindBy times as
	// long, unless requests were lost before and others were served instead. It takes
	// unknownBy times as long if it is not known yet how fast the network is. It always takes
	// half as long again as the slowest of the last answers did.
	lostTime  = 500 * time.Millisecond
	stallTime = time.Second
	lostBy    = 8
	blindBy   = 8
	unknownBy = 4
	// It takes twice as long for each request more that a part loses in a row beyond mostLost,
	// and without a sign for each one that is lost while none is served. What would take
	// longer than headTimeout is not lost: other limits end it. If half of all requests are
	// lost by chance, one part of 256 loses mostLost in a row.
	mostLost = 8
	// A sign does not count once lostFree requests, and lostShare more for each one that was
	// served, were lost.
	lostShare = 2
	lostFree  = 16
	// A request whose bytes arrive is given up if its rate stayed below a fairShare-th of the
	// usual rate for slowTime, and one that was sent no more than slowSince before it was
	// faster. It takes twice as long for each request more that a part gives up beyond mostSlow.
	slowTime  = time.Second
	slowSince = 10 * time.Second
	mostSlow  = 3
)

// errLost ends a try from which nothing more is expected, or too little.
var errLost = errors.New("the request was given up, to be sent again")

// giveUp ends the tries that are lost. Their connections request the missing bytes again, at
// once, so none is lost while the storage wants to be left alone (Retry-After). b.mu is held.
func (b *Blob) giveUp(now time.Time) {
	if now.Before(b.rest) || !slices.ContainsFunc(b.tries, func(t *try) bool { return b.isDoubtful(t, now) }) {
		return
	}
	seen := b.o.Connections.usual.look()
	if seen.rate == 0 {
		for _, t := range b.tries {
			if took := t.last.Sub(t.began); took > 0 && t.at-t.from > bufferSize {
				seen.rate = max(seen.rate, float64(t.at-t.from)/took.Seconds())
			}
		}
	}
	for _, t := range b.tries {
		switch p := t.p; {
		case !b.isDoubtful(t, now):
			continue
		case b.pace.most > 1 && t.isSlow(now, &seen):
			p.slow++
		case seen.isLost(now, t.silentSince(), !t.first.IsZero(), p.lost):
			p.lost++
			b.o.Connections.usual.lose(t.silentSince(), now)
		default:
			continue
		}
		b.pace.lost(now)
		if !b.keep(t) {
			t.end(errLost)
		}
	}
}

// isDoubtful reports whether bytes of a try are expected now, and it may be lost or slow. b.mu
// is held.
func (b *Blob) isDoubtful(t *try, now time.Time) bool {
	kept := t.kept && t.first.IsZero()
	if t.began.IsZero() || kept || t.writing || t.ctx.Err() != nil || b.held && t.p == b.openPart {
		return false
	}
	return now.Sub(t.silentSince()) >= lostTime || b.pace.most > 1 && !t.first.IsZero() && now.Sub(t.first) >= slowTime
}

// keep leaves a lost request open, so that its part is requested anew beside it, and reports
// whether it does. It does not for the first lost request of a part, nor if half of the
// connections have such requests. If the storage is only slow for these bytes, the open request
// brings them first, and shows how long others may take. b.mu is held.
func (b *Blob) keep(t *try) bool {
	if t.p.lost < 2 || !t.first.IsZero() || len(t.p.tries) > 1 || 2*(b.kept+1) > b.pace.limit() {
		return false
	}
	t.kept = true
	b.kept++
	return true
}

// isLost reports whether a request is lost that was sent, or whose last byte arrived, at heard;
// begun is set if a byte arrived. lost is how many requests for the same bytes were lost before.
func (s *seen) isLost(now, heard time.Time, begun bool, lost int) bool {
	if s.counts.served == 0 {
		return false // nothing to compare with
	}
	patience := max(lostTime, lostBy*s.first, s.slowest+s.slowest/2)
	if begun {
		patience = max(stallTime, patience)
	}
	switch { // on a slow link, what was sent before arrives first
	case s.rate > 0:
		patience = max(patience, time.Duration(lostBy*bufferSize/s.rate*float64(time.Second)))
	case !s.known:
		patience *= unknownBy
	}
	works := s.counts.newest.After(heard.Add(-lateTime))
	if begun {
		works = s.counts.last.Sub(heard) > patience/2
	}
	tooMany := s.counts.lost >= lostFree+lostShare*s.counts.served
	double := max(lost-mostLost, 0)
	if !works || tooMany {
		double += s.lostInRow(heard)
		if tooMany || !s.counts.replaced || !s.known {
			patience *= blindBy
		}
	}
	patience <<= min(double, mostLost)
	return patience <= headTimeout && now.Sub(heard) >= patience
}

// isSlow reports whether a try is much slower than others were.
func (t *try) isSlow(now time.Time, s *seen) bool {
	took, got := now.Sub(t.first), t.at-t.from
	if t.first.IsZero() || took < slowTime<<min(max(t.p.slow-mostSlow, 0), mostLost) {
		return false
	}
	rate := float64(got) / took.Seconds()
	enough := rate * fairShare
	return enough < s.rate && s.hasFaster(enough, t.began.Add(-slowSince)) && float64(t.to-t.at) > rate*(slowTime+s.first).Seconds()
}
