package fetch

import (
	"context"
	"errors"
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
	// arrived on other connections in a pause. If a third of all requests fails by chance,
	// one part of a thousand fails six times in a row, and none this often.
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
// pause ends early, unless the storage asked for it (Retry-After).
func (b *Blob) pause(ctx context.Context, d time.Duration) (works bool, err error) {
	sleep := httpx.Policy{Sleep: b.o.Policy.Sleep}
	if b.stream {
		return false, sleep.Pause(ctx, nil, d)
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
	err = sleep.Pause(ctx, nil, d)
	b.mu.Lock()
	defer b.mu.Unlock()
	if lends {
		b.lent--
		b.running++ // perhaps one more than pace allows: see next
	}
	b.pauses = slices.DeleteFunc(b.pauses, func(o *pausing) bool { return o == p })
	if errors.Is(err, errWorks) {
		return true, nil
	}
	return false, err
}

// forgives reports whether the count of tries begins again after one that failed with err,
// because the storage served other parts meanwhile.
func (p *piece) forgives(err error) bool {
	_, slow := errors.AsType[*httpx.SlowError](err)
	_, crowded := errors.AsType[*crowdedError](err)
	if slow || !p.works && !crowded || p.forgiven == mostForgiven {
		return false
	}
	p.works = false
	p.forgiven++
	return true
}

// watch has tick called as long as there is something for it to look at. b.mu is held.
func (b *Blob) watch() {
	if !b.watched && !b.stream && (len(b.pauses) > 0 || b.trying > 0 && b.pace.most > 1) {
		b.watched = true
		b.ticker = time.AfterFunc(tickTime, b.tick)
	}
}

// tick ends the pauses that are no longer needed, and requests late parts again.
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
	b.staff()
	b.watch()
}
