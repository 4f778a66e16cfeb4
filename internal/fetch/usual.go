package fetch

import (
	"slices"
	"sync"
	"time"
)

// usual keeps how fast the last requests were. It is safe for concurrent use.
type usual struct {
	mu      sync.Mutex
	n       int                       // successful requests
	samples [usualTries]sample        // of the last ones
	served  int                       // requests that brought a byte
	firsts  [usualTries]time.Duration // from a request to its first byte
	lost    int                       // requests that were lost
	// inRow counts the requests that were lost one after the other while none was served:
	// those that were sent after the last one, at lostAt. replaced is set once a request was
	// served that was sent after another one was lost.
	inRow    int
	lostAt   time.Time
	replaced bool
	newest   time.Time // when the newest of the requests that brought a byte was sent
	last     time.Time // when the last byte arrived
}

// sample is how fast a successful request was.
type sample struct {
	began time.Time
	rate  float64 // bytes per second after the first byte; 0: they came with the first byte
}

const (
	usualTries = 8 // a few, because the load of a network changes
	fewTries   = 3 // fewer say nothing
)

// heard says that bytes of a try arrived now; isFirst is set if none had arrived before.
func (u *usual) heard(t *try, now time.Time, isFirst bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last = now; !isFirst {
		return
	}
	u.firsts[u.served%usualTries] = now.Sub(t.began)
	u.served++
	if t.began.After(u.newest) {
		u.newest = t.began
	}
	u.inRow = 0
	u.replaced = u.replaced || u.lost > 0 && !t.began.Before(u.lostAt)
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
	u.lost++
	if !since.Before(u.lostAt) {
		u.inRow++
		u.lostAt = now
	}
}

// seen is what usual knows. The medians are of the last requests, because a few of them may
// have been slow.
type seen struct {
	first  time.Duration // to the first byte
	rate   float64       // in bytes per second; 0: all requests were small
	known  bool          // enough requests were successful
	served int
	lost   int
	newest time.Time
	last   time.Time

	samples  []sample
	lostAt   time.Time
	row      int // usual.inRow
	replaced bool
}

// inRow returns how many requests were lost in a row before one that has been silent since then.
func (s *seen) inRow(since time.Time) int {
	if since.Before(s.lostAt) {
		return max(s.row-1, 0)
	}
	return s.row
}

// look returns what is known now.
func (u *usual) look() seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := seen{known: u.n >= fewTries, served: u.served, lost: u.lost, newest: u.newest, last: u.last, lostAt: u.lostAt, row: u.inRow, replaced: u.replaced}
	s.samples = slices.Clone(u.samples[:min(u.n, usualTries)])
	if n := min(u.served, usualTries); n > 0 {
		firsts := u.firsts
		slices.Sort(firsts[:n])
		s.first = firsts[n/2]
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
