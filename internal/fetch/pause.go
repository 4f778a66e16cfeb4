package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const (
	// tickTime is how often a blob with requests or pauses under way looks at them.
	tickTime = 50 * time.Millisecond
	// shortPause is how long a pause between two tries of a part lasts, if other
	// connections show meanwhile that the storage works. Jitter changes it by up to a half.
	shortPause = 100 * time.Millisecond
	// mostForgiven is how often the count of a part's tries begins again, because bytes
	// arrived on other connections in a pause, or because the storage served others when it
	// refused the last try. If a third of all requests fails by chance, one part of a
	// thousand fails six times in a row, and none this often.
	mostForgiven = 12
)

// errWorks ends a pause early.
var errWorks = errors.New("the storage works")

// pausing is a pause before the next try of a part.
type pausing struct {
	least   time.Time // it does not end before
	fetched int64     // bytes of the blob when it began
	end     context.CancelCauseFunc
}

// pause waits before the next try of a part. Pauses get longer, because a storage that
// failed may need time. Enough bytes on other connections show that it works: then the
// pause ends early, which of.works says, unless the storage asked for it (Retry-After).
func (b *Blob) pause(ctx context.Context, of *part, d time.Duration) error {
	sleep := httpx.Policy{Sleep: b.o.Policy.Sleep}
	if b.stream {
		return sleep.Pause(ctx, nil, d)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	b.mu.Lock()
	jitter := rand.N(shortPause) //nolint:gosec // nothing secret depends on it
	p := &pausing{time.Now().Add(shortPause/2 + jitter), b.info.Fetched, end}
	if b.rest.After(p.least) {
		p.least = b.rest
	}
	b.pauses = append(b.pauses, p)
	b.watch()
	lends := b.pace.most > 1 && b.lent < b.pace.limit()
	if lends {
		b.lent++
		b.running--
		b.staff()
	}
	b.mu.Unlock()
	err := sleep.Pause(ctx, nil, d)
	b.mu.Lock()
	defer b.mu.Unlock()
	if lends {
		b.lent--
		b.running++ // perhaps one more than pace allows: see next
	}
	b.pauses = slices.DeleteFunc(b.pauses, func(o *pausing) bool { return o == p })
	if of.works = errors.Is(err, errWorks); of.works {
		return nil
	}
	return err
}

// again decides what follows a try of a part that failed with err after n bytes; last is the
// error of the try before, or nil. If there is to be another try, again pauses and returns
// nil; otherwise it returns the error of the download. The pause counts as time that the
// storage keeps the run waiting.
func (b *Blob) again(p *part, attempts *httpx.Attempts, err, last error, n int64) error {
	if located, ok := errors.AsType[*locateError](err); ok {
		because := cmp.Or(located.because, last)
		if because == nil {
			return located.err
		}
		return fmt.Errorf("ask for a fresh URL (because %w): %w", because, located.err)
	}
	if _, ok := errors.AsType[*WriteError](err); ok {
		return err // even if IsTemporary holds for the error of a network disk
	}
	budget := &b.o.Connections.budget
	if budget.isSpent() && b.ctx.Err() == nil {
		if _, told := errors.AsType[*WaitError](err); told {
			return err
		}
		return fmt.Errorf("%w (the last try: %w)", &WaitError{}, err)
	}
	_, slow := errors.AsType[*httpx.SlowError](err)
	if n >= enoughProgress && !slow && httpx.IsTemporary(err) && b.ctx.Err() == nil {
		p.renew(attempts)
		return nil
	}
	waited, late := budget.wait(func(error) {}) // the next try finds out that the budget is spent
	if late != nil {
		return late
	}
	defer waited()
	// Other failures cost a pause. The last one ends the download, so it is worth finding out
	// whether the storage was only busy with our other requests at any of them.
	if refused, ok := errors.AsType[*refusedError](err); ok && refused.crowded {
		p.crowded = true
	} else if ok {
		p.refusals = append(p.refusals, b.o.Connections.unanswered.watch())
	}
	spared := attempts.Last() && p.forgives(func() bool { return p.crowded || anyServed(b.ctx, p.refusals) })
	if spared {
		p.renew(attempts)
	}
	if final := attempts.Again(b.ctx, err); final != nil {
		return final
	}
	if !spared && !slow && p.forgives(func() bool { return p.works }) {
		p.renew(attempts)
	}
	return nil
}

// renew forgets the tries that attempts counts, which are of p.
func (p *part) renew(attempts *httpx.Attempts) {
	attempts.Renew()
	p.crowded, p.refusals = false, nil
}

// forgives reports whether the count of a part's tries may begin again because the storage
// served other requests, which served tells.
func (p *part) forgives(served func() bool) bool {
	if p.forgiven == mostForgiven || !served() {
		return false
	}
	p.works = false
	p.forgiven++
	return true
}

// watch has tick called as long as there is something for it to look at. b.mu is held.
func (b *Blob) watch() {
	if !b.watched && !b.stream && (len(b.pauses) > 0 || b.running > 0 && !b.held) {
		b.watched = true
		b.ticker = time.AfterFunc(tickTime, b.tick)
	}
}

// tick ends the pauses that are no longer needed and the tries that are lost, and requests
// late parts again.
func (b *Blob) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched = false; b.ctx.Err() != nil {
		return
	}
	now := time.Now()
	for _, p := range b.pauses {
		if now.After(p.least) && b.info.Fetched >= p.fetched+enoughProgress {
			p.end(errWorks)
		}
	}
	b.giveUp(now)
	b.staff()
	b.watch()
}
