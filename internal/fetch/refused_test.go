package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// A storage may answer 403 to all requests but one at a time. It is left alone with the others
// soon, and so is whoever gives the URLs.
func TestOneRequestAtATimeElse403(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bytesPerSecond int64
		most           int // requests
	}{
		"200 kB/s": {200_000, 60},
		"2 MB/s":   {2_000_000, 60},
		"60 MB/s":  {0, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			locate := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				const size = 32 << 20
				u := newUnclean(t, sim, size, githubsim.Fault{Expire: true, Times: -1, Beyond: 1}, githubsim.Fault{Times: -1, BytesPerSecond: tt.bytesPerSecond})
				u.o.Ahead = 8 << 20
				var urls atomic.Int64
				start := time.Now()
				info, err := reading(t, u.o, func(ctx context.Context) (*url.URL, error) {
					urls.Add(1)
					return locate(ctx)
				}, u.blob)
				refused := 0
				for _, r := range u.Log() {
					if r.Host == githubsim.Storage && r.Status == http.StatusForbidden {
						refused++
					}
				}
				t.Logf("%d requests, %d of them refused, and %d URLs in %v", info.Requests, refused, urls.Load(), time.Since(start))
				if err != nil || info.SHA256 != sumOf(u.blob) {
					t.Fatalf("%+v, %v", info, err)
				}
				if refused > tt.most || urls.Load() > 20 {
					t.Errorf("%d requests were refused, with %d URLs", refused, urls.Load())
				}
			})
		})
	}
}

// A URL that may be used only a few times, or lives for seconds, is replaced each time.
func TestURLsThatEndSoon(t *testing.T) {
	t.Parallel()
	for name, isOver := range map[string]func(uses int, age time.Duration) bool{
		"four uses":     func(uses int, _ time.Duration) bool { return uses > 4 },
		"three seconds": func(_ int, age time.Duration) bool { return age > 3*time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				made, uses := []time.Time{}, map[string]int{}
				s := &ranged{script: script{blob: manyBytes(32 << 20), etag: `"e"`}}
				s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
					mu.Lock()
					at := r.URL.Path
					uses[at]++
					var i int
					_, err := fmt.Sscanf(at, "/%d", &i)
					over := err != nil || isOver(uses[at], time.Since(made[i]))
					mu.Unlock()
					if over {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					slowly(&link{rate: 300_000}, 0)(n, w, r, serve)
				}
				o := inBubble(t, s)
				o.Connections = NewConnections(16)
				_, err := fetchAll(t, o, func(context.Context) (*url.URL, error) {
					mu.Lock()
					defer mu.Unlock()
					made = append(made, time.Now())
					return url.Parse(fmt.Sprintf("http://h/%d", len(made)-1))
				}, s.blob)
				if n := len(s.requests()); err != nil || n > 120 {
					t.Errorf("%d requests, %d URLs, %v", n, len(made), err)
				}
			})
		})
	}
}

// One part that is refused with 403 while others are served ends the download soon.
func TestOnePartIsForbidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{script: script{blob: manyBytes(64 << 20), etag: `"e"`}}
		s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4194304-") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			slowly(&link{rate: 5_000_000}, 0)(n, w, r, serve)
		}
		_, err := fetchAll(t, inBubble(t, s), at("http://h/"), s.blob)
		refused := slices.DeleteFunc(s.requests(), func(r string) bool { return !strings.HasPrefix(r, "4194304-") })
		if !sameKind(err, &StorageError{}) || len(refused) > 6*(1+mostForgiven) {
			t.Errorf("%d requests for it, %v", len(refused), err)
		}
		t.Logf("%d requests for it, %v", len(refused), err)
	})
}

// Six refusals in a row end a download, unless the storage served others at any of them.
func TestOneCrowdedRefusalCounts(t *testing.T) {
	t.Parallel()
	gone := httpx.Temporary(&StorageError{Status: http.StatusForbidden}, 0)
	busy := httpx.Temporary(&StorageError{Status: http.StatusServiceUnavailable}, 0)
	const tries = 6
	for name, tt := range map[string]struct {
		others error // the tries but one
		served func(b *Blob) error
		spared bool
	}{
		"a body arrived":         {refused.wrap(busy), func(*Blob) error { return crowded.wrap(busy) }, true},
		"a body, else forbidden": {gone, func(*Blob) error { return crowded.wrap(busy) }, true},
		"a body arrived later": {refused.wrap(busy), func(b *Blob) error {
			answered := b.o.Connections.unanswered.add()
			time.AfterFunc(time.Hour, func() { answered(true) })
			return refused.wrap(busy)
		}, true},
		"no body arrived": {refused.wrap(busy), func(b *Blob) error {
			answered := b.o.Connections.unanswered.add()
			time.AfterFunc(time.Hour, func() { answered(false) })
			return refused.wrap(busy)
		}, false},
		"forbidden": {gone, func(*Blob) error { return gone }, false},
	} {
		for which := range tries {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := &Blob{o: Options{Client: &http.Client{}, Policy: httpx.Policy{Sleep: func(context.Context, time.Duration) error { return nil }}}.withDefaults(), stream: true}
					b.ctx, b.cancel = context.WithCancelCause(t.Context())
					defer b.cancel(nil)
					p := b.newPart(span{0, 1})
					for n := range tries {
						err := tt.others
						if n == which {
							err = tt.served(b)
						}
						if p.attempts.Last() != (n == tries-1) {
							t.Fatalf("try %d is the last: %v", n, p.attempts.Last())
						}
						end := b.again(p, p.attempts, err, nil, 0)
						if last := n == tries-1; (end != nil) != (last && !tt.spared) || end != nil && !errors.Is(end, err) {
							t.Errorf("after try %d: %v", n, end)
						}
					}
					time.Sleep(2 * time.Hour) // simulated
				})
			})
		}
	}
}
