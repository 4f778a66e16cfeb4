package fetch

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/artifetch/artifetch/internal/httpx"
)

const (
	// minRate is the least rate of a storage, in bytes per second: a fifth of the slowest
	// link that is worth waiting for.
	minRate = 4 << 10
	// rateWindow is the time over which a connection's rate is measured.
	rateWindow = time.Minute
	// fairShare bounds how many times slower than the average a connection may be, if all
	// connections together are fast enough but share a slow link.
	fairShare = 8
	// maxWait is how long the storage may keep a run waiting, in addition to the time
	// that the bytes which arrive take at minRate.
	maxWait = 15 * time.Minute
	// waitTick is how often the budget is charged while it shrinks. If more time has
	// passed, the process was stopped for the rest, which is not the storage's fault.
	waitTick = 15 * time.Second
)

// Connections bounds how many requests are under way, and how long the
// downloads that share it wait for the storage. It is safe for concurrent use.
type Connections struct {
	most       int
	slots      *slots
	unanswered unanswered
	open       atomic.Int64 // answers whose bodies are being read
	arrived    atomic.Int64 // bytes
	budget     waitBudget
	usual      usual
	twice      *semaphore.Weighted // first requests of blobs that are sent twice
}

// NewConnections returns a Connections that allows up to most requests at a time, at
// least 1.
func NewConnections(most int) *Connections {
	return &Connections{most: most, slots: newSlots(most), twice: semaphore.NewWeighted(mostHedges), budget: waitBudget{left: maxWait}}
}

// outcome tells c.slots whether a request was answered or refused, and returns which. before
// are the outcomes when it was sent.
func (c *Connections) outcome(res *http.Response, err error, before outcomes) outcome {
	others := int(c.open.Load())
	switch {
	case err == nil && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent):
		c.slots.accept(others, before)
		return accepted
	case err == nil && httpx.TemporaryStatus(res.StatusCode), err != nil && httpx.IsTemporary(err):
		c.slots.refuse(others)
		if others > 0 {
			return crowded
		}
		return refused
	}
	return failed
}

// pacer returns a function for a connection that begins now. The function is called after
// each rateWindow with the number of bytes that arrived on the connection in it, and
// reports whether these are too few. On a slow link that many connections share, each of
// them is slow. So a connection is too slow only if all together are, or if it gets much
// less than its share.
func (c *Connections) pacer() func(n int64) bool {
	const enough = minRate * int64(rateWindow/time.Second)
	arrived, open := c.arrived.Load(), c.open.Load()
	return func(n int64) bool {
		all, among := c.arrived.Load()-arrived, max(open, c.open.Load(), 1)
		arrived, open = arrived+all, c.open.Load()
		return n < enough && (all < enough || n < all/among/fairShare)
	}
}

// waitBudget is how long a run may still wait for the storage. It starts with maxWait,
// and shrinks with the time in which requests are under way or put off. New bytes add the
// time that they take at minRate. So a run ends, whatever a storage does.
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

// wait begins a wait. The function that it returns ends the wait. wait fails with
// *WaitError if the budget is spent.
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

// charge subtracts the time since the last charge from the budget. b.mu is held.
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

// credit adds the time that n new bytes take at minRate.
func (b *waitBudget) credit(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charge()
	n = min(n, minRate*int64(maxWait/time.Second)) // more than maxWait is never given, and would overflow
	b.left = min(b.left+time.Duration(n)*time.Second/minRate, maxWait)
}

// isSpent reports whether nothing of the budget is left.
func (b *waitBudget) isSpent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// WaitError says that the storage kept the run waiting for too long, though
// no single try did.
type WaitError struct{}

func (*WaitError) Error() string {
	return fmt.Sprintf("the storage is too slow: the run waited for it %s longer than the bytes it sent take at %d KiB/s", maxWait, minRate>>10)
}
