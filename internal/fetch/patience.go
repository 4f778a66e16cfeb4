package fetch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// minRate is what the storage has to bring, in bytes a second: a fifth of
	// what the slowest link that is worth waiting for does.
	minRate = 4 << 10
	// rateWindow is over what time a connection's speed is measured.
	rateWindow = time.Minute
	// fairShare is what part of the average a connection may fall behind to,
	// where all together are fast enough but share a link that is slow.
	fairShare = 8
	// maxWait is how long the storage may keep a run waiting, besides the time
	// that what it brings takes at minRate.
	maxWait = 15 * time.Minute
	// waitTick is how often that is looked at. A process that was stopped for
	// longer was not kept waiting by the storage.
	waitTick = 15 * time.Second
)

// Connections bounds how many requests are under way, and how long the
// downloads that share it wait for them.
type Connections struct {
	most     int
	free     *semaphore.Weighted
	open     atomic.Int64 // answers whose bodies are being read
	arrived  atomic.Int64 // bytes
	patience patience
}

// NewConnections bounds them to most, which is at least 1.
func NewConnections(most int) *Connections {
	c := &Connections{most: most, free: semaphore.NewWeighted(int64(most))}
	c.patience.left = maxWait
	return c
}

// pacer gives a function that reports, for a connection that begins now,
// whether the bytes that it brought in the last rateWindow are too few. With
// many connections on a slow link each of them is slow, so one is given up if
// all together are too slow, or if it brings much less than its share.
func (c *Connections) pacer() func(n int64) bool {
	const enough = minRate * int64(rateWindow/time.Second)
	arrived, open := c.arrived.Load(), c.open.Load()
	return func(n int64) bool {
		all, among := c.arrived.Load()-arrived, max(open, c.open.Load(), 1)
		arrived, open = arrived+all, c.open.Load()
		return n < enough && (all < enough || n < all/among/fairShare)
	}
}

// patience is how long a run goes on waiting for the storage: for maxWait, and
// longer as far as bytes arrive. Time is spent while requests are under way or
// put off, and comes back with bytes that had not arrived before, at minRate.
// So whatever a storage does, a run ends.
type patience struct {
	mu      sync.Mutex
	left    time.Duration
	since   time.Time // when left was last reckoned
	waiting map[*waiter]struct{}
	timer   *time.Timer
	spent   bool
}

// waiter is who waits; end is called when there is no patience left.
type waiter struct{ end context.CancelCauseFunc }

// wait begins a wait, which the function that it returns ends. With no
// patience left it fails with *WaitError.
func (p *patience) wait(end context.CancelCauseFunc) (func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reckon()
	if p.spent {
		return nil, &WaitError{}
	}
	if p.waiting == nil {
		p.waiting = map[*waiter]struct{}{}
	}
	w := &waiter{end}
	p.waiting[w] = struct{}{}
	if len(p.waiting) == 1 {
		p.timer = time.AfterFunc(min(p.left, waitTick), p.tick)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reckon()
		delete(p.waiting, w)
		if len(p.waiting) == 0 {
			p.timer.Stop()
		}
	}, nil
}

// reckon takes off the time that was waited since the last time. p.mu is
// held.
func (p *patience) reckon() {
	now := time.Now()
	if len(p.waiting) > 0 {
		p.left -= min(now.Sub(p.since), 2*waitTick)
	}
	p.since = now
	p.spent = p.spent || p.left <= 0
}

// tick ends all waits when there is no patience left.
func (p *patience) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reckon()
	switch {
	case len(p.waiting) == 0:
	case p.spent:
		for w := range p.waiting {
			w.end(&WaitError{})
		}
	default:
		p.timer.Reset(min(p.left, waitTick))
	}
}

// gained takes note of bytes that had not arrived before.
func (p *patience) gained(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reckon()
	n = min(n, minRate*int64(maxWait/time.Second)) // more is not given, and would overflow
	p.left = min(p.left+time.Duration(n)*time.Second/minRate, maxWait)
}

// isSpent reports whether there is no patience left.
func (p *patience) isSpent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spent
}

// WaitError says that the storage kept the run waiting for too long, though
// no single try did.
type WaitError struct{}

func (*WaitError) Error() string {
	return fmt.Sprintf("the storage is too slow: it was waited for %s longer than what it sent takes at %d KiB/s", maxWait, minRate>>10)
}
