package fetch

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// lateFirst is how long the head of the first answer may take before the bytes are
// requested a second time, if nothing is known about the storage yet. Asking for the URL
// crossed the same network, so that its time counts as well.
const lateFirst = 500 * time.Millisecond

// begin asks for the first bytes. If the storage sends them, begin clears b.stream and
// returns the answer for the first part. Otherwise it returns the answer that is the
// stream, or nil.
func (b *Blob) begin(p *part) (first *answer, err error) {
	n := cmp.Or(b.o.First, firstPart)
	if b.o.OnDemand {
		n = cmp.Or(b.o.First, firstOnDemand)
	}
	attempts := b.o.Policy.Attempts()
	var last error
	for {
		first, err = b.beginOnce(p, n)
		if err == nil {
			return first, nil
		}
		if err := b.again(p, attempts, err, last, 0); err != nil {
			return nil, err
		}
		last = err
	}
}

// beginOnce is one try of begin.
func (b *Blob) beginOnce(p *part, n int64) (first *answer, err error) {
	res, err := b.askFirst(fmt.Sprintf("%d-%d", p.start, p.start+n-1))
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable && p.start > 0 {
		res.close()
		p.begin(0)
		return b.beginOnce(p, n)
	}
	if res.StatusCode == http.StatusOK || b.describe(p, res.Response, n) {
		return res, nil
	}
	defer res.close()
	if res.StatusCode == http.StatusPartialContent || res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return nil, nil // an empty blob is answered like this, too
	}
	return nil, b.refused(res, statusError(res.Response))
}

// askFirst sends the first request, and a second one if the first is late. It returns the
// answer that arrives first, and ends the other request.
func (b *Blob) askFirst(byteRange string) (*answer, error) {
	type result struct {
		of  int
		res *answer
		err error
	}
	results, late := make(chan result, 2), make(chan time.Duration, 2)
	var ends []context.CancelCauseFunc
	ask := func() {
		ctx, end := context.WithCancelCause(b.ctx) // lives as long as the answer
		of, start := len(ends), time.Now()
		ends = append(ends, end)
		b.info.Requests++
		b.work.Go(func() {
			res, err := b.ask(ctx, byteRange, "", func() { late <- b.lateAfter(time.Since(start)) })
			results <- result{of, res, err}
		})
	}
	ask()
	var timer <-chan time.Time
	for underWay := 1; ; {
		select {
		case wait := <-late:
			if len(ends) == 1 && b.pace.most > 1 {
				timer = time.After(wait)
			}
		case <-timer:
			if b.o.Connections.twice.TryAcquire(1) {
				defer b.o.Connections.twice.Release(1)
				underWay++
				ask()
			}
		case r := <-results:
			underWay--
			if underWay > 0 && r.err != nil && httpx.IsTemporary(r.err) {
				continue
			}
			if underWay > 0 && r.err == nil && httpx.TemporaryStatus(r.res.StatusCode) {
				r.res.close()
				continue
			}
			if underWay > 0 {
				ends[1-r.of](errOvertaken)
				b.work.Go(func() {
					if other := <-results; other.err == nil {
						other.res.close()
					}
				})
			}
			return r.res, r.err
		}
	}
}

// lateAfter returns how long the head of the first answer may take, if its URL took located.
func (b *Blob) lateAfter(located time.Duration) time.Duration {
	if first, _, known := b.o.Connections.usual.get(); known {
		return max(lateFirst, lateBy*first)
	}
	return max(lateFirst, lateBy*located)
}
