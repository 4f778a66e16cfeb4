package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

// link is a network of a given rate, in bytes per second, which all connections share.
type link struct {
	rate int
	mu   sync.Mutex
	next time.Time
}

// carry waits until n bytes have crossed the link.
func (l *link) carry(ctx context.Context, n int) {
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	wait := l.next.Sub(now)
	l.mu.Unlock()
	select {
	case <-time.After(wait): // simulated
	case <-ctx.Done():
	}
}

// over is an answer that crosses a link after some bytes that arrive at once.
type over struct {
	http.ResponseWriter
	ctx   context.Context
	link  *link
	ahead int
}

func (o *over) Write(p []byte) (int, error) {
	step := max(min(o.link.rate/2, max(1024, o.link.rate/5)), 1)
	for n := 0; n < len(p); {
		size := min(step, len(p)-n)
		if o.ahead > 0 {
			size = min(o.ahead, len(p)-n)
			o.ahead -= size
		} else {
			o.link.carry(o.ctx, size)
		}
		if _, err := o.ResponseWriter.Write(p[n : n+size]); err != nil {
			return n, err
		}
		_ = http.NewResponseController(o.ResponseWriter).Flush()
		if n += size; o.ctx.Err() != nil {
			return n, context.Cause(o.ctx)
		}
	}
	return len(p), nil
}

// slowly answers over a link; some bytes arrive at once.
func slowly(l *link, ahead int) hook {
	return func(_ int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		serve(&over{w, r.Context(), l, ahead})
	}
}

// drip sends two bytes per second on each connection.
func drip(ahead int) hook {
	return func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		slowly(&link{rate: 2}, ahead)(n, w, r, serve)
	}
}

func withoutRanges(then hook) hook {
	return func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		r.Header.Del("Range")
		r.Header.Del("If-Match")
		then(n, w, r, serve)
	}
}

// inBubble serves over a network in memory, with simulated time.
func inBubble(t *testing.T, handler http.Handler) Options {
	t.Helper()
	network := newPipes()
	srv := http.Server{Handler: handler} //nolint:gosec // no time-out that could help the client
	go func() { _ = srv.Serve(network) }()
	transport := &http.Transport{DialContext: network.Dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
	})
	return Options{Client: &http.Client{Transport: transport}}
}

// Whatever a storage does, a download ends, in the time that docs/security.md
// says; and a link that is slow but honest is waited for.
func TestSlowness(t *testing.T) {
	t.Parallel()
	const perTry = rateWindow + 45*time.Second // with the pause after it
	progressThenBusy := func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if n%6 == 0 {
			serve(&cutter{ResponseWriter: w, left: enoughProgress})
			return
		}
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	againAndAgain := func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		withoutRanges(slowly(&link{rate: 100_000}, 0))(n, &cutter{ResponseWriter: w, left: (n + 1) * enoughProgress}, r, serve)
	}
	for name, tt := range map[string]struct {
		hook  hook
		size  int // of the blob
		blobs int // side by side; 1 where 0
		fails error
		most  time.Duration
	}{
		"drips":                          {hook: drip(0), size: 6 << 20, fails: &httpx.SlowError{}, most: 6 * perTry},
		"drips, no ranges":               {hook: withoutRanges(drip(0)), size: 6 << 20, fails: &httpx.SlowError{}, most: 6 * perTry},
		"drips after 64 KiB each time":   {hook: withoutRanges(drip(enoughProgress)), size: 6 << 20, fails: &httpx.SlowError{}, most: 6 * perTry},
		"drips after 256 KiB each time":  {hook: drip(256 << 10), size: 6 << 20, fails: &httpx.SlowError{}, most: 12 * perTry},
		"one connection drips":           {hook: once(2, drip(0)), size: 12 << 20, most: perTry},
		"the first connection drips":     {hook: once(0, drip(0)), size: 12 << 20, most: perTry},
		"20 kB/s for one":                {hook: slowly(&link{rate: 20_000}, 0), size: 6 << 20, most: 6 << 20 / 20_000 * time.Second * 3 / 2},
		"20 kB/s for one, no ranges":     {hook: withoutRanges(slowly(&link{rate: 20_000}, 0)), size: 6 << 20, most: 6 << 20 / 20_000 * time.Second * 3 / 2},
		"20 kB/s for 40 side by side":    {hook: slowly(&link{rate: 20_000}, 0), size: 300_000, blobs: 40, most: 40 * 300_000 / 20_000 * time.Second * 3 / 2},
		"64 kB/s for 12 large ones":      {hook: slowly(&link{rate: 64_000}, 0), size: 6 << 20, blobs: 12, most: 12 * 6 << 20 / 64_000 * time.Second * 3 / 2},
		"3 kB/s":                         {hook: slowly(&link{rate: 3000}, 0), size: 6 << 20, fails: &httpx.SlowError{}, most: 6 * perTry},
		"busy for ever":                  {hook: func(_ int, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) { busy(w, "3600") }, size: 1, fails: &StorageError{}, most: 5 * maxRetryAfter},
		"a little, then busy, for ever":  {hook: progressThenBusy, size: 4 << 20, fails: &WaitError{}, most: maxWait + 4*time.Minute},
		"begins again and again":         {hook: againAndAgain, size: 20 << 20, fails: &WaitError{}, most: maxWait + 20<<20/minRate*time.Second},
		"an error's body drips":          {hook: func(_ int, w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) { dripError(w, r) }, size: 1, fails: &StorageError{}, most: 6 * (errorTimeout + 45*time.Second)},
		"a long redirection, and drips":  {hook: func(_ int, w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) { redirectSlowly(w, r) }, size: 1, fails: errors.New("more than 5 redirects"), most: headTimeout},
		"nothing but continue, for ever": {hook: func(_ int, w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) { continues(w, r) }, size: 1, fails: &httpx.StallError{}, most: 6 * (headTimeout + 45*time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{script: script{blob: manyBytes(tt.size), etag: `"e"`, hook: tt.hook}}
				o := inBubble(t, s)
				o.Connections = NewConnections(64)
				start := time.Now()
				var all sync.WaitGroup
				var failed atomic.Int64
				for range max(tt.blobs, 1) {
					all.Go(func() {
						info, err := fetchAll(t, o, at("http://h/"), s.blob)
						if err != nil {
							failed.Add(1)
						}
						if !sameKind(err, tt.fails) || err == nil && info.Size != int64(tt.size) {
							t.Errorf("%d bytes, %v; want %v", info.Size, err, tt.fails)
						}
					})
				}
				all.Wait()
				if took := time.Since(start); took > tt.most {
					t.Errorf("took %v, want at most %v", took, tt.most)
				}
			})
		})
	}
}

// fetchAll fetches a blob to its end, and compares the bytes that arrive.
func fetchAll(t *testing.T, o Options, locate Locate, blob []byte) (Info, error) {
	t.Helper()
	b, err := Open(t.Context(), o, locate, (&compared{blob: blob}).create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	return b.Wait()
}

// sameKind reports whether err wraps an error of want's type, or has its text.
func sameKind(err, want error) bool {
	switch want.(type) { //nolint:errorlint // the test's own values, which wrap nothing
	case nil:
		return err == nil
	case *httpx.SlowError:
		_, ok := errors.AsType[*httpx.SlowError](err)
		return ok
	case *httpx.StallError:
		_, ok := errors.AsType[*httpx.StallError](err)
		return ok
	case *StorageError:
		_, ok := errors.AsType[*StorageError](err)
		return ok
	case *WaitError:
		_, ok := errors.AsType[*WaitError](err)
		return ok
	}
	return err != nil && bytes.Contains([]byte(err.Error()), []byte(want.Error()))
}

func busy(w http.ResponseWriter, after string) {
	w.Header().Set("Retry-After", after)
	w.WriteHeader(http.StatusServiceUnavailable)
}

func dripError(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "4000")
	w.WriteHeader(http.StatusForbidden)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		(&link{rate: 1}).carry(r.Context(), 1)
	}
}

// redirectSlowly takes a while for each of many redirects.
func redirectSlowly(w http.ResponseWriter, r *http.Request) {
	(&link{rate: 1}).carry(r.Context(), 19)
	http.Redirect(w, r, "/"+fmt.Sprint(len(r.URL.Path)), http.StatusFound) //nolint:gosec // the path is a number
}

// continues sends interim answers (102 Processing) until the request ends: HTTP allows any
// number of them.
func continues(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		w.WriteHeader(http.StatusProcessing)
		(&link{rate: 1}).carry(r.Context(), 1)
	}
}

// A head that drips is given up like one that never arrives.
func TestHeadDrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		go network.each(func(conn net.Conn) { dripOn(conn, "HTTP/1.1 200 OK\r\nX-Long: ") })
		defer network.close()
		transport := &http.Transport{DialContext: network.Dial}
		defer transport.CloseIdleConnections()
		start := time.Now()
		o := Options{Client: &http.Client{Transport: transport}, Policy: httpx.Policy{MaxTries: 3}}
		_, err := fetchAll(t, o, at("http://h/"), nil)
		if took := time.Since(start); !sameKind(err, &httpx.StallError{}) || took > 3*headTimeout+time.Minute {
			t.Errorf("took %v, %v", took, err)
		}
	})
}

// dripOn answers with some bytes, and then with a byte now and then.
func dripOn(conn net.Conn, next string) {
	defer func() { _ = conn.Close() }()
	if _, err := conn.Read(make([]byte, 1)); err != nil { // an answer before there is a request would be another fault
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	}()
	for {
		if _, err := io.WriteString(conn, next); err != nil {
			return
		}
		next = "x"
		select {
		case <-time.After(10 * time.Second): // simulated
		case <-gone:
			return
		}
	}
}

// Time without a request under way, and time in which the process was stopped, does not
// count as time of the storage.
func TestWaitBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended error
		var b waitBudget
		b.left = maxWait
		wait := func(d time.Duration) {
			t.Helper()
			done, err := b.wait(func(err error) { ended = err })
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
			done()
		}
		left := func(want time.Duration) {
			t.Helper()
			if b.left != want || ended != nil {
				t.Errorf("%v are left, want %v; %v", b.left, want, ended)
			}
		}
		wait(5 * time.Minute)
		left(10 * time.Minute)
		time.Sleep(time.Hour)
		left(10 * time.Minute)
		b.credit(minRate * 60)
		left(11 * time.Minute)
		b.credit(1 << 40)
		left(maxWait)
		outer, _ := b.wait(func(error) {})
		wait(2 * time.Minute) // side by side counts once
		outer()
		left(13 * time.Minute)

		b.waiting[&waiter{}] = struct{}{}
		b.since = b.since.Add(-time.Hour) // as if no timer could go off
		b.credit(0)
		left(13*time.Minute - 2*waitTick)
		clear(b.waiting)

		done, err := b.wait(func(err error) { ended = err })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(14 * time.Minute)
		done()
		if _, told := errors.AsType[*WaitError](ended); !told {
			t.Errorf("a wait without end was ended with %v", ended)
		}
		if _, err := b.wait(func(error) {}); err == nil {
			t.Error("the budget is not spent")
		}
	})
}
