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
	// that the bytes it brings take at minRate.
	maxWait = 15 * time.Minute
	// waitTick is how often the budget is charged while it shrinks. Of a longer
	// time the process was stopped for the rest, which is not the storage's
	// doing.
	waitTick = 15 * time.Second
)

// Connections bounds how many requests are under way, and how long the
// downloads that share it wait for the storage. It is safe for concurrent use.
type Connections struct {
	most    int
	free    *semaphore.Weighted
	open    atomic.Int64 // answers whose bodies are being read
	arrived atomic.Int64 // bytes
	budget  waitBudget
}

// NewConnections bounds the requests to most, which is at least 1.
func NewConnections(most int) *Connections {
	return &Connections{most: most, free: semaphore.NewWeighted(int64(most)), budget: waitBudget{left: maxWait}}
}

// pacer returns a function for a connection that begins now. Called after each
// rateWindow with the bytes that the connection brought in it, the function
// reports whether they are too few. On a slow link that many connections share
// each of them is slow, so one is given up if all together are too slow, or if it
// brings much less than its share.
func (c *Connections) pacer() func(n int64) bool {
	const enough = minRate * int64(rateWindow/time.Second)
	arrived, open := c.arrived.Load(), c.open.Load()
	return func(n int64) bool {
		all, among := c.arrived.Load()-arrived, max(open, c.open.Load(), 1)
		arrived, open = arrived+all, c.open.Load()
		return n < enough && (all < enough || n < all/among/fairShare)
	}
}

// waitBudget is how long a run still waits for the storage. It starts with
// maxWait, shrinks with the time in which requests are under way or put off, and
// grows with bytes that had not arrived before, by the time that they take at
// minRate. So a run ends whatever a storage does.
type waitBudget struct {
	mu      sync.Mutex
	left    time.Duration
	since   time.Time // of the last charge
	waiting map[*waiter]struct{}
	timer   *time.Timer
	spent   bool
}

// waiter is one wait. end is called when the budget is spent.
type waiter struct{ end context.CancelCauseFunc }

// wait begins a wait, which the function that it returns ends. It fails with
// *WaitError when the budget is spent.
func (b *waitBudget) wait(end context.CancelCauseFunc) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charge()
	if b.spent {
		return nil, &WaitError{}
	}
	if b.waiting == nil {
		b.waiting = map[*waiter]struct{}{}
	}
	w := &waiter{end}
	b.waiting[w] = struct{}{}
	if len(b.waiting) == 1 {
		b.timer = time.AfterFunc(min(b.left, waitTick), b.tick)
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.charge()
		delete(b.waiting, w)
		if len(b.waiting) == 0 {
			b.timer.Stop()
		}
	}, nil
}

// charge takes the time waited since the last charge off the budget. b.mu is
// held.
func (b *waitBudget) charge() {
	now := time.Now()
	if len(b.waiting) > 0 {
		b.left -= min(now.Sub(b.since), 2*waitTick)
	}
	b.since = now
	b.spent = b.spent || b.left <= 0
}

// tick ends all waits once the budget is spent.
func (b *waitBudget) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charge()
	switch {
	case len(b.waiting) == 0:
	case b.spent:
		for w := range b.waiting {
			w.end(&WaitError{})
		}
	default:
		b.timer.Reset(min(b.left, waitTick))
	}
}

// credit adds the time that n bytes, which had not arrived before, take at
// minRate.
func (b *waitBudget) credit(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charge()
	n = min(n, minRate*int64(maxWait/time.Second)) // more is not given, and would overflow
	b.left = min(b.left+time.Duration(n)*time.Second/minRate, maxWait)
}

// isSpent reports whether nothing is left.
func (b *waitBudget) isSpent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// WaitError says that the storage kept the run waiting for too long, though
// no single try did.
type WaitError struct{}

func (*WaitError) Error() string {
	return fmt.Sprintf("the storage is too slow: it was waited for %s longer than what it sent takes at %d KiB/s", maxWait, minRate>>10)
}
