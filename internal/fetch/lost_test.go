package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A network that loses every n-th request costs a blob some seconds, and few requests.
func TestRequestsAreLost(t *testing.T) {
	t.Parallel()
	const size = 32 << 20
	for name, tt := range map[string]struct {
		fault  githubsim.Fault
		within time.Duration
	}{
		"every second, the first is served": {githubsim.Fault{Mute: true, Skip: 1, Every: 2, Times: -1}, 8 * time.Second},
		"every second, the first is not":    {githubsim.Fault{Mute: true, Every: 2, Times: -1}, 8 * time.Second},
		"every third":                       {githubsim.Fault{Mute: true, Skip: 2, Every: 3, Times: -1}, 3 * time.Second},
		"every fifth":                       {githubsim.Fault{Mute: true, Skip: 2, Every: 5, Times: -1}, 3 * time.Second},
		"every second, in the middle":       {githubsim.Fault{Stall: 300 << 10, Skip: 1, Every: 2, Times: -1}, 15 * time.Second},
		"every third, in the middle":        {githubsim.Fault{Stall: 300 << 10, Skip: 2, Every: 3, Times: -1}, 5 * time.Second},
		"every fifth, in the middle":        {githubsim.Fault{Stall: 300 << 10, Skip: 2, Every: 5, Times: -1}, 5 * time.Second},
		"every fifth is slow":               {githubsim.Fault{BytesPerSecond: 200_000, Skip: 2, Every: 5, Times: -1}, 5 * time.Second},
	} {
		for way, most := range map[string]int{"16 connections": 16, "3 connections": 3} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				sim := newSimulated(t)
				url := sim.signed(t)
				synctest.Test(t, func(t *testing.T) {
					u := newUnclean(t, sim, size, tt.fault)
					u.o.Ahead, u.o.Connections = 8<<20, NewConnections(most)
					start := time.Now()
					info, err := reading(t, u.o, url, u.blob)
					if err != nil || info.SHA256 != sumOf(u.blob) {
						t.Fatalf("%+v, %v", info, err)
					}
					took := time.Since(start)
					t.Logf("%d requests in %v", info.Requests, took)
					if took > tt.within*16/time.Duration(most) || info.Requests > 80 || info.Fetched > size+2<<20 {
						t.Errorf("%d requests, %d bytes in %v", info.Requests, info.Fetched, took)
					}
				})
			})
		}
	}
}

// The same for many small blobs, each of which begins with a request that nothing of that blob
// can be compared with.
func TestFirstRequestsAreLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  githubsim.Fault
		most   int
		within time.Duration
	}{
		"every second":                   {githubsim.Fault{Mute: true, Every: 2, Times: -1}, 16, 10 * time.Second},
		"every fifth":                    {githubsim.Fault{Mute: true, Every: 5, Times: -1}, 16, 3 * time.Second},
		"every second, in the middle":    {githubsim.Fault{Stall: 30 << 10, Skip: 1, Every: 2, Times: -1}, 16, 30 * time.Second},
		"every fifth, one connection":    {githubsim.Fault{Mute: true, Skip: 1, Every: 5, Times: -1}, 1, 30 * time.Second},
		"the very first, one connection": {githubsim.Fault{Mute: true}, 1, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				const blobs = 100
				u := newUnclean(t, sim, 100_000, tt.fault)
				u.o.Connections = NewConnections(tt.most)
				start := time.Now()
				var all sync.WaitGroup
				for range 16 {
					all.Go(func() {
						for range blobs / 16 {
							if info, err := reading(t, u.o, url, u.blob); err != nil || info.SHA256 != sumOf(u.blob) {
								t.Errorf("%+v, %v", info, err)
							}
						}
					})
				}
				all.Wait()
				took, n := time.Since(start), len(u.asked())
				t.Logf("%d requests in %v", n, took)
				if took > tt.within || n > 2*blobs+fewTries {
					t.Errorf("%d requests in %v", n, took)
				}
			})
		})
	}
}

// A request that hangs is lost once one that was sent later is served, but it is not sent again
// before the storage allows it.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		served bool // one that was sent later
		rest   time.Duration
		after  time.Duration
		lost   bool
	}{
		"soon":                      {true, 0, 4*lostTime - time.Millisecond, false},
		"later":                     {true, 0, 4 * lostTime, true},
		"while the storage rests":   {true, time.Minute, 10 * time.Second, false},
		"after the rest":            {true, 9 * time.Second, 10 * time.Second, true},
		"nothing was served later":  {false, 0, 4 * lostTime, false},
		"nothing was served at all": {false, 0, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Blob{ctx: t.Context(), o: Options{Connections: NewConnections(2)}}
			b.pace.most = 2
			now := time.Now()
			hangs := b.enlist(b.newPart(span{0, 1 << 20}))
			b.sent(hangs, now)
			if tt.served {
				b.o.Connections.usual.arrived(&try{began: now.Add(time.Millisecond)}, now.Add(latency), true)
			}
			b.rest = now.Add(tt.rest)
			b.giveUp(now.Add(tt.after))
			if lost := errors.Is(context.Cause(hangs.ctx), errLost); lost != tt.lost {
				t.Errorf("lost: %v, want %v", lost, tt.lost)
			}
			hangs.end(nil)
		})
	}
}

// What is slow for all requests is waited for, and is not asked for again.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]githubsim.Fault{
		"each answer takes 700 ms":     {FirstByte: 700 * time.Millisecond},
		"each answer takes 7 s":        {FirstByte: 7 * time.Second},
		"each stops for 700 ms":        {Stall: 300 << 10, Resume: 700 * time.Millisecond},
		"100 kB/s, and 1.3 s between":  {BytesPerSecond: 100_000},
		"each body is late by 500 ms":  {Stall: 1, Resume: 500 * time.Millisecond},
		"every second takes 400 ms":    {FirstByte: 400 * time.Millisecond, Every: 2},
		"every second stops for 0.9 s": {Stall: 300 << 10, Resume: 900 * time.Millisecond, Every: 2},
	} {
		fault.Times = -1
		for _, most := range []int{1, 16} {
			t.Run(fmt.Sprintf("%s/%d", name, most), func(t *testing.T) {
				t.Parallel()
				sim := newSimulated(t)
				url := sim.signed(t)
				synctest.Test(t, func(t *testing.T) {
					u := newUnclean(t, sim, 32<<20, fault)
					u.o.Ahead, u.o.Connections = 8<<20, NewConnections(most)
					info, err := reading(t, u.o, url, u.blob)
					if err != nil || info.SHA256 != sumOf(u.blob) {
						t.Fatalf("%+v, %v", info, err)
					}
					if n := u.o.Connections.usual.counts.lost; n > 0 {
						t.Errorf("%d of %d requests were given up", n, info.Requests)
					}
				})
			})
		}
	}
}

// A reader that takes its time is no fault of the storage.
func TestNothingIsLostWhileReadersRest(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 16} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				u := newUnclean(t, sim, 24<<20)
				u.o.Connections, u.o.Tail = NewConnections(most), 64<<10
				for _, size := range []int64{4 << 20, 4 << 20, 24 << 20} {
					u.o.First, u.o.Ahead = size, 8<<20
					info, err := readingAt(t, u, url, 500_000)
					if err != nil || info.SHA256 != sumOf(u.blob) {
						t.Fatalf("%+v, %v", info, err)
					}
				}
				if n := u.o.Connections.usual.counts.lost; n > 0 {
					t.Errorf("%d of %d requests were given up", n, len(u.asked()))
				}
			})
		})
	}
}

// A storage that falls silent, or never sends one range, is asked seldom, and ends the
// download.
func TestSilenceIsRespected(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hook hook
		most int // requests
	}{
		"all of it": {mutes(func(n int, _ *http.Request) bool { return n >= 10 }), 250},
		"a range": {mutes(func(_ int, r *http.Request) bool {
			return strings.HasPrefix(r.Header.Get("Range"), "bytes=4194304-")
		}), 100},
		"from the start": {mutes(func(int, *http.Request) bool { return true }), 6 * mostFirst},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{script: script{blob: manyBytes(64 << 20), etag: `"e"`}}
				s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
					tt.hook(n, w, r, func(w http.ResponseWriter) { slowly(&link{rate: 5_000_000}, 0)(n, w, r, serve) })
				}
				start := time.Now()
				_, err := fetchAll(t, inBubble(t, s), at("http://h/"), s.blob)
				took := time.Since(start)
				t.Logf("%d requests in %v, %v", len(s.requests()), took, err)
				if err == nil || took > maxWait+2*time.Minute || len(s.requests()) > tt.most {
					t.Errorf("%d requests in %v, %v", len(s.requests()), took, err)
				}
			})
		})
	}
}

// mutes never answers the requests that match.
func mutes(match func(n int, r *http.Request) bool) hook {
	return func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if match(n, r) {
			<-r.Context().Done()
			return
		}
		serve(w)
	}
}
