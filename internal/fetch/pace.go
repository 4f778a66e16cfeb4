package fetch

import "time"

const (
	firstConnections = 4
	mostConnections  = 16
	// A part is so large that the time to its first byte matters little, and so small
	// that not many parts are far ahead of the bytes that are read next.
	smallestPart = 1 << 20
	largestPart  = 16 << 20
	// A rate is measured over at least paceBytes and paceTime, or over paceSlow.
	paceBytes = 4 << 20
	paceTime  = 100 * time.Millisecond
	paceSlow  = 2 * time.Second
	// worthIt is the factor by which doubling the connections must raise the rate.
	worthIt = 1.1
	// Busy answers within paceCut of each other halve the connections once. Afterwards one
	// connection is added every paceRaise.
	paceCut   = time.Second
	paceRaise = 100 * time.Millisecond
)

// pace decides how many connections a blob gets, and how large its parts are. It doubles
// the connections as long as that makes the download faster. When the storage says that
// it is busy, pace halves them, and then adds one at a time until there are as many as
// before: additive increase, multiplicative decrease, as TCP does (RFC 5681).
type pace struct {
	most    int
	now     int // 0: not begun
	settled bool
	best    float64 // bytes a second, with half the connections

	since  time.Time
	bytes  int64
	handed int64 // bytes in parts so far

	before int       // connections when they were halved last; 0: they are as many again
	slowed time.Time // when they were halved last
	raised time.Time // when one was added last
}

func (p *pace) limit() int {
	if p.now == 0 {
		p.now = min(firstConnections, p.most)
	}
	return p.now
}

// count counts bytes that arrived, and reports whether the limit rose.
func (p *pace) count(n int64, now time.Time) bool {
	switch {
	case p.before > 0:
		return p.recover(now)
	case p.settled:
		return false
	}
	if p.since.IsZero() {
		p.since = now
		return false
	}
	p.bytes += n
	took := now.Sub(p.since)
	if (took < paceTime || p.bytes < paceBytes) && took < paceSlow {
		return false
	}
	speed := float64(p.bytes) / took.Seconds()
	p.since, p.bytes = now, 0
	if speed < p.best*worthIt {
		p.settled = true
		if speed*worthIt < p.best {
			p.now = max(p.limit()/2, 1)
		}
		return false
	}
	p.best = speed
	before := p.limit()
	p.now = min(2*before, p.most)
	p.settled = p.now == before
	return !p.settled
}

// lost begins the search for more connections again where it is, because requests that hang
// made the rates too low. Nothing is known then of how fast fewer connections were.
func (p *pace) lost(now time.Time) {
	if p.settled {
		p.settled, p.best = p.limit() == p.most, 0
		p.since, p.bytes = now, 0
	}
}

// slow halves the connections, because the storage said that it is busy.
func (p *pace) slow(now time.Time) {
	if now.Sub(p.slowed) < paceCut {
		return
	}
	p.before = p.limit()
	p.now = max(p.before/2, 1)
	p.slowed, p.raised = now, now
}

// recover adds a connection if it is time for one, and reports whether it did. Once there
// are as many as before, the search for more goes on where it was.
func (p *pace) recover(now time.Time) bool {
	if now.Sub(p.raised) < paceRaise {
		return false
	}
	p.raised = now
	if p.now < p.before {
		p.now++
	}
	if p.now == p.before {
		p.before = 0
		p.since, p.bytes = now, 0
	}
	return true
}

// stride returns how large the next part may be when left bytes are not begun yet. Parts
// are small at first, so that the first bytes arrive early, and at the end, so that all
// connections end at the same time.
func (p *pace) stride(left int64) int64 {
	n := int64(p.limit())
	return min(max(min(p.handed/n, left/(2*n)), smallestPart), largestPart)
}
