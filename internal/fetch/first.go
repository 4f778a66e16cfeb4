package fetch

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// lateFirst is how long the head of the first answer may take before the bytes are
// requested a second time, if nothing is known about the storage yet. Asking for the URL
// crossed the same network, so that its time counts as well.
const lateFirst = 500 * time.Millisecond

const (
	// If nothing is known about the storage, and neither of two requests for the first bytes
	// is answered after lostFirst, there is one more, and after twice that time another one:
	// mostFirst in all. None of them is given up, because the storage may just be slow, unless
	// there may be only one at a time.
	lostFirst = 10 * time.Second
	mostFirst = 4
)

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
	res, err := b.askFirst(p, fmt.Sprintf("%d-%d", p.start, p.start+n-1))
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

// firstRequests are the requests for the first bytes of a blob that are under way, the oldest
// first. Each sends itself to sent and to done.
type firstRequests struct {
	list       []*firstRequest
	sent, done chan *firstRequest
	over       chan struct{} // closed when no more of them are waited for
}

type firstRequest struct {
	asked, began time.Time // it was sent at began; zero: it waits for a connection or a URL
	end          context.CancelCauseFunc
	res          *answer
	err          error
}

// askFirst sends the first request, and a second one if the first is late. One that is lost is
// sent again. askFirst returns the answer that arrives first, and ends the other requests.
func (b *Blob) askFirst(p *part, byteRange string) (*answer, error) {
	all := &firstRequests{sent: make(chan *firstRequest), done: make(chan *firstRequest), over: make(chan struct{})}
	defer close(all.over)
	b.sendFirst(all, byteRange)
	var timer <-chan time.Time
	for mayHedge := b.pace.most > 1; ; {
		select {
		case r := <-all.sent:
			if r.began = time.Now(); timer == nil {
				timer = time.After(b.lateAfter(r.began.Sub(r.asked)))
			}
		case <-timer:
			timer = time.After(tickTime)
			switch {
			case mayHedge && b.o.Connections.twice.TryAcquire(1):
				mayHedge = false
				defer b.o.Connections.twice.Release(1)
				b.sendFirst(all, byteRange)
			case b.loseFirst(p, all):
				b.sendFirst(all, byteRange)
			}
		case r := <-all.done:
			if all.remove(r) && (len(all.list) == 0 || !r.isTemporary()) {
				for _, o := range all.list {
					o.end(errOvertaken)
				}
				return r.res, r.err
			}
			r.close()
		}
	}
}

// sendFirst sends another request for the first bytes.
func (b *Blob) sendFirst(all *firstRequests, byteRange string) {
	ctx, end := context.WithCancelCause(b.ctx) // lives as long as the answer
	r := &firstRequest{asked: time.Now(), end: end}
	all.list = append(all.list, r)
	b.info.Requests++
	b.work.Go(func() {
		r.res, r.err = b.ask(ctx, byteRange, "", func() {
			select {
			case all.sent <- r:
			case <-all.over:
			}
		})
		select {
		case all.done <- r:
		case <-all.over:
			r.close()
		}
	})
}

// loseFirst reports whether another request is due because the oldest one is lost. It ends that
// one if the storage is known to answer faster.
func (b *Blob) loseFirst(p *part, all *firstRequests) bool {
	seen, now, r := b.o.Connections.usual.look(), time.Now(), all.list[0]
	known, only := seen.counts.served > 0, b.pace.most == 1
	switch {
	case r.began.IsZero():
		return false
	case known && !seen.isLost(now, r.began, false, p.lost):
		return false
	case !known && (p.lost+2 >= mostFirst || now.Sub(r.began) < lostFirst<<(p.lost+1)-lostFirst):
		return false
	}
	p.lost++
	if !known && !only {
		return true
	}
	b.o.Connections.usual.lose(r.began, now)
	r.end(errLost)
	return all.remove(r)
}

// remove removes a request, and reports whether it was there.
func (all *firstRequests) remove(r *firstRequest) bool {
	n := len(all.list)
	all.list = slices.DeleteFunc(all.list, func(o *firstRequest) bool { return o == r })
	return len(all.list) < n
}

// isTemporary reports whether the request failed in a way that need not concern others.
func (r *firstRequest) isTemporary() bool {
	if r.err != nil {
		return httpx.IsTemporary(r.err)
	}
	return httpx.TemporaryStatus(r.res.StatusCode)
}

func (r *firstRequest) close() {
	if r.err == nil {
		r.res.close()
	}
}

// lateAfter returns how long the head of the first answer may take, if its URL took located.
func (b *Blob) lateAfter(located time.Duration) time.Duration {
	if seen := b.o.Connections.usual.look(); seen.known {
		return max(lateFirst, lateBy*seen.first)
	}
	return max(lateFirst, lateBy*located)
}
