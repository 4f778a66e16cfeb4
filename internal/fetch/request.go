package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// request requests the missing bytes of a part.
func (b *Blob) request(t *try) (*answer, error) {
	b.mu.Lock()
	b.info.Requests++
	etag := b.info.ETag
	b.mu.Unlock()
	byteRange := fmt.Sprintf("%d-%d", t.at, t.to-1)
	switch {
	case b.stream && t.at == 0:
		byteRange = ""
	case b.stream:
		byteRange = fmt.Sprintf("%d-", t.at)
	}
	return b.ask(t.ctx, byteRange, etag, func() { b.sent(t, time.Now()) })
}

// answer is an answer of the storage. The caller must call close.
type answer struct {
	*http.Response
	from    *url.URL
	sent    time.Time // when it was asked for
	cancel  context.CancelCauseFunc
	close   func()
	outcome outcome
	// uncharged calls do, and does not count the time of the call as a wait for the storage.
	uncharged func(do func()) error
}

// ask sends a request for the blob, or for a range of it, as soon as a connection is
// free. It asks for the URL only then, because a URL could expire during the wait. If
// Locate fails, the error is a *locateError. sent is called when the request is sent.
func (b *Blob) ask(parent context.Context, byteRange, etag string, sent func()) (*answer, error) {
	if err := b.o.Connections.slots.acquire(parent); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(parent)
	end := func() {
		cancel(nil)
		b.o.Connections.slots.release()
	}
	u, err := b.urls.get(ctx)
	if err != nil {
		end()
		return nil, err
	}
	waited, err := b.o.Connections.budget.wait(cancel)
	if err != nil {
		end()
		return nil, err
	}
	sent()
	start, before := time.Now(), b.o.Connections.slots.soFar()
	answered := b.o.Connections.unanswered.add()
	res, err := b.send(ctx, cancel, u, byteRange, etag) //nolint:bodyclose // close does
	outcome := b.o.Connections.outcome(res, err, before)
	answered(outcome == accepted)
	if outcome == accepted {
		b.urls.worked(u)
	}
	if err != nil {
		waited()
		end()
		return nil, outcome.wrap(err)
	}
	closeBody := b.watchBody(res, cancel)
	return &answer{
		Response: res, from: u, sent: start, cancel: cancel, outcome: outcome,
		close: func() {
			closeBody()
			waited()
			end()
		},
		uncharged: func(do func()) (err error) {
			waited()
			do()
			if waited, err = b.o.Connections.budget.wait(cancel); err != nil {
				waited = func() {}
			}
			return err
		},
	}, nil
}

// refused returns err, the error of an answer without bytes of the blob that are of use.
func (b *Blob) refused(a *answer, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	served := slices.ContainsFunc(b.tries, func(t *try) bool { return !t.first.IsZero() && t.ctx.Err() == nil })
	if b.urls.failed(a.from, err, served) {
		b.o.Connections.slots.refuse(int(b.o.Connections.open.Load()))
		b.pace.slow(time.Now())
		a.outcome = crowded
	}
	return a.outcome.wrap(err)
}

// watchBody bounds how long a body may take. closeBody closes it.
func (b *Blob) watchBody(res *http.Response, cancel context.CancelCauseFunc) (closeBody func()) {
	res.Body = httpx.Watch(res.Body, b.o.IdleTimeout, cancel)
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent {
		late := time.AfterFunc(errorTimeout, func() { cancel(&httpx.StallError{Idle: errorTimeout}) })
		return func() {
			late.Stop()
			_ = res.Body.Close()
		}
	}
	b.o.Connections.open.Add(1)
	res.Body = httpx.WatchRate(res.Body, rateWindow, b.o.Connections.pacer(), cancel)
	return func() {
		_ = res.Body.Close()
		b.o.Connections.open.Add(-1)
	}
}

// send sends a request, follows redirects, and returns once the head of the
// answer is there.
func (b *Blob) send(ctx context.Context, cancel context.CancelCauseFunc, u *url.URL, byteRange, etag string) (*http.Response, error) {
	bare := *u
	bare.User = nil // net/http would turn it into an Authorization header
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), nil)
	if err != nil {
		return nil, httpx.RedactError(err)
	}
	if b.o.UserAgent != "" {
		req.Header.Set("User-Agent", b.o.UserAgent)
	}
	req.Header.Set("Accept-Encoding", "identity") // without it, any encoding would do (RFC 9110, section 12.5.3)
	if byteRange != "" {
		req.Header.Set("Range", "bytes="+byteRange)
		if strong(etag) && len(etag) <= maxETag {
			req.Header.Set("If-Match", etag)
		}
	}
	head := time.AfterFunc(headTimeout, func() { cancel(&httpx.StallError{Idle: headTimeout}) })
	defer head.Stop()
	res, err := b.o.Client.Do(req)
	if err != nil {
		// The cause says more than that the request was cancelled.
		if stall, ok := errors.AsType[*httpx.StallError](context.Cause(ctx)); ok {
			return nil, stall
		}
		return nil, httpx.RedactError(err)
	}
	return res, nil
}
