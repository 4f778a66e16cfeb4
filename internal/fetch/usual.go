package fetch

import (
	"slices"
	"sync"
	"time"
)

// usual keeps how fast the last requests were. It is safe for concurrent use.
type usual struct {
	mu      sync.Mutex
	n       int                        // successful requests
	samples [usualTries]sample         // of the last ones
	firsts  [knownFirsts]time.Duration // from a request to its first byte, of the last ones
	counts  counts
}

// counts is what became of all requests.
type counts struct {
	served int       // requests that brought a byte
	newest time.Time // when the newest of these was sent
	last   time.Time // when the last byte arrived
	lost   int       // requests that were lost
	lostAt time.Time // when the last one was
	// inRow is how many requests were lost, each sent after the one before was lost, while
	// none was served.
	inRow int
	// replaced is set once a request was served that was sent after another one was lost.
	replaced bool
}

// sample is how fast a successful request was.
type sample struct {
	began time.Time
	rate  float64 // bytes per second after the first byte; 0: they came with the first byte
}

const (
	usualTries  = 8  // a few, because the load of a network changes
	knownFirsts = 64 // more, because only some ranges may be slow
	fewTries    = 3  // fewer say nothing
)

// arrived says that bytes of a try arrived now; isFirst is set if none had arrived before.
func (u *usual) arrived(t *try, now time.Time, isFirst bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := &u.counts
	if c.last = now; !isFirst {
		return
	}
	u.firsts[c.served%knownFirsts] = now.Sub(t.began)
	c.served++
	if t.began.After(c.newest) {
		c.newest = t.began
	}
	c.inRow = 0
	c.replaced = c.replaced || c.lost > 0 && !t.began.Before(c.lostAt)
}

// add adds a try that was successful.
func (u *usual) add(t *try) {
	s := sample{began: t.began}
	if took := t.last.Sub(t.first); t.size() > bufferSize && took > 0 {
		s.rate = float64(t.size()) / took.Seconds()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.samples[u.n%usualTries] = s
	u.n++
}

// lose says that a request is lost that has been silent since then.
func (u *usual) lose(since, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := &u.counts
	c.lost++
	if !since.Before(c.lostAt) {
		c.inRow++
		c.lostAt = now
	}
}

// seen is what usual knows. The medians are of the last requests, because a few of them may
// have been slow.
type seen struct {
	first   time.Duration // to the first byte
	slowest time.Duration // the longest time to the first byte, of more requests
	rate    float64       // in bytes per second; 0: all requests were small
	known   bool          // enough requests were successful
	counts  counts
	samples []sample
}

// lostInRow returns how many requests were lost in a row before one that has been silent since
// then.
func (s *seen) lostInRow(since time.Time) int {
	if since.Before(s.counts.lostAt) {
		return max(s.counts.inRow-1, 0)
	}
	return s.counts.inRow
}

// look returns what is known now.
func (u *usual) look() seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := seen{known: u.n >= fewTries, counts: u.counts}
	s.samples = slices.Clone(u.samples[:min(u.n, usualTries)])
	if n := min(u.counts.served, usualTries); n > 0 {
		var firsts [usualTries]time.Duration
		for i := range n {
			firsts[i] = u.firsts[(u.counts.served-1-i)%knownFirsts]
		}
		slices.Sort(firsts[:n])
		s.first = firsts[n/2]
		s.slowest = slices.Max(u.firsts[:min(u.counts.served, knownFirsts)])
	}
	var rates []float64
	for _, o := range s.samples {
		if o.rate > 0 {
			rates = append(rates, o.rate)
		}
	}
	if len(rates) > 0 {
		slices.Sort(rates)
		s.rate = rates[len(rates)/2]
	}
	return s
}

// hasFaster reports whether a successful request had more than rate, and was sent after began.
func (s *seen) hasFaster(rate float64, began time.Time) bool {
	return s.known && slices.ContainsFunc(s.samples, func(o sample) bool { return o.rate > rate && o.began.After(began) })
}
