package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A storage, or a proxy before it, may serve only a few requests at a time, and refuse
// others. What it serves is enough to fetch a blob.
func TestStorageServesFewAtATime(t *testing.T) {
	t.Parallel()
	const first, size = 64 << 10, 64<<10 + 8*smallestPart // nine parts
	refusals := map[string]githubsim.Fault{
		"429":                       {Status: 429},
		"429, at once":              {Status: 429, Header: http.Header{"Retry-After": {"0"}}},
		"429, in 10 s":              {Status: 429, Header: http.Header{"Retry-After": {"10"}}},
		"429, a date that has been": {Status: 429, Header: http.Header{"Retry-After": {"Mon, 01 Jan 1990 00:00:00 GMT"}}},
		"429, in -1 s":              {Status: 429, Header: http.Header{"Retry-After": {"-1"}}},
		"503":                       {Status: 503},
		"dropped":                   {Drop: true},
	}
	for name, refusal := range refusals {
		for _, most := range []int{1, 3} {
			for _, bytesPerSecond := range []int64{100_000, 20_000_000} {
				t.Run(fmt.Sprintf("%s/%d at a time, %d B each", name, most, bytesPerSecond), func(t *testing.T) {
					t.Parallel()
					sim := newSimulated(t)
					url := sim.signed(t)
					synctest.Test(t, func(t *testing.T) {
						beyond := refusal
						beyond.Times, beyond.Beyond = -1, most
						u := newUnclean(t, sim, size, beyond, githubsim.Fault{Times: -1, BytesPerSecond: bytesPerSecond})
						u.o.First, u.o.Ahead = first, size*2/3
						start := time.Now()
						info, err := reading(t, u.o, url, u.blob)
						if err != nil || info.SHA256 != sumOf(u.blob) {
							t.Fatalf("%+v, %v", info, err)
						}
						ideal := time.Duration(size/bytesPerSecond) * time.Second / time.Duration(most)
						took := time.Since(start)
						t.Logf("%d requests in %v", info.Requests, took)
						if info.Requests > 60 || took > 2*ideal+time.Minute {
							t.Errorf("%d requests in %v; one after the other it takes %v", info.Requests, took, ideal)
						}
					})
				})
			}
		}
	}
}

// Many blobs share what the storage serves, also one that answers late.
func TestStorageServesFewBlobsAtATime(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"at once": latency, "late": 3 * time.Second} {
		for _, most := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", name, most), func(t *testing.T) {
				t.Parallel()
				sim := newSimulated(t)
				url := sim.signed(t)
				synctest.Test(t, func(t *testing.T) {
					const first, size = enoughProgress, enoughProgress + 2*smallestPart // three parts
					u := newUnclean(t, sim, size, githubsim.Fault{Status: 429, Times: -1, Beyond: most}, githubsim.Fault{Times: -1, BytesPerSecond: size / 12, FirstByte: late})
					u.o.Connections, u.o.First = NewConnections(16), first
					var all sync.WaitGroup
					for range 20 {
						all.Go(func() {
							if info, err := fetchAll(t, u.o, url, u.blob); err != nil || info.SHA256 != sumOf(u.blob) {
								t.Errorf("%+v, %v", info, err)
							}
						})
					}
					all.Wait()
				})
			})
		}
	}
}

// They share it although no body is arriving when requests are refused: a request that waits
// for its first byte is being served, too.
func TestStorageServesFewLateBlobsAtATime(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]githubsim.Fault{
		"429":         {Status: 429},
		"503, in 1 s": {Status: 503, Header: http.Header{"Retry-After": {"1"}}},
		"dropped":     {Drop: true},
	} {
		for _, most := range []int{1, 2, 3} {
			for _, late := range []time.Duration{100 * time.Millisecond, 5 * time.Second} {
				t.Run(fmt.Sprintf("%s/%d at a time, after %v", name, most, late), func(t *testing.T) {
					t.Parallel()
					sim := newSimulated(t)
					url := sim.signed(t)
					synctest.Test(t, func(t *testing.T) {
						const blobs = 20
						// Two parts, the second of which takes 200 ms: no part below smallestPart is split.
						const first, size, bytesPerSecond = enoughProgress, enoughProgress + smallestPart/4, smallestPart * 5 / 4
						beyond := refusal
						beyond.Times, beyond.Beyond = -1, most
						u := newUnclean(t, sim, size, beyond, githubsim.Fault{Times: -1, BytesPerSecond: bytesPerSecond, FirstByte: late})
						u.o.Connections, u.o.First = NewConnections(16), first
						start := time.Now()
						var all sync.WaitGroup
						for range blobs {
							all.Go(func() {
								if info, err := fetchAll(t, u.o, url, u.blob); err != nil || info.SHA256 != sumOf(u.blob) {
									t.Errorf("%+v, %v", info, err)
								}
							})
						}
						all.Wait()
						t.Logf("%d requests in %v", u.Count(githubsim.Storage), time.Since(start))
					})
				})
			}
		}
	}
}

// A storage that refuses every request, however late, ends each download after its six tries.
func TestStorageServesNoBlob(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{latency, 3 * time.Second, time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			const tries, blobs = 6, 20
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				o := inBubble(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					asked.Add(1)
					time.Sleep(late) // simulated
					w.WriteHeader(http.StatusTooManyRequests)
				}))
				o.Connections = NewConnections(16)
				start := time.Now()
				var all sync.WaitGroup
				for range blobs {
					all.Go(func() {
						if _, err := fetchAll(t, o, at("http://h/"), nil); !sameKind(err, &StorageError{}) && !sameKind(err, &WaitError{}) {
							t.Errorf("got %v", err)
						}
					})
				}
				all.Wait()
				t.Logf("%d requests in %v", asked.Load(), time.Since(start))
				if asked.Load() > 2*tries*blobs { // the first request may be sent twice
					t.Errorf("%d requests", asked.Load())
				}
				if took := time.Since(start); took > maxWait+headTimeout {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Whether the storage serves others shows with the first of their answers that has a body, or
// with the last of those that have none.
func TestAnyServed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers []bool // of the requests that were sent before, in the order of their answers
		late    []bool // of those that are sent meanwhile, before these answers
		after   int    // answers until it is known
		want    bool
	}{
		"none is under way":        {},
		"the first is served":      {answers: []bool{true, false}, after: 1, want: true},
		"the last is served":       {answers: []bool{false, true}, after: 2, want: true},
		"none is served":           {answers: []bool{false, false}, after: 2},
		"only one that came later": {answers: []bool{false}, late: []bool{true}, after: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var u unanswered
				var answers, late []func(bool)
				for range tt.answers {
					answers = append(answers, u.add())
				}
				got := make(chan bool, 1)
				wait := u.watch()
				go func() { got <- anyServed(t.Context(), []*answerWait{wait}) }()
				synctest.Wait()
				for range tt.late {
					late = append(late, u.add())
				}
				for i, served := range tt.late {
					late[i](served)
				}
				for i, served := range tt.answers {
					if synctest.Wait(); (len(got) > 0) != (i >= tt.after) {
						t.Errorf("after %d answers: %d results", i, len(got))
					}
					answers[i](served)
				}
				if <-got != tt.want || u.open != 0 || len(u.waits) != 0 {
					t.Errorf("want %v; %+v", tt.want, &u)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var u unanswered
	u.add()
	if anyServed(ctx, []*answerWait{u.watch()}) {
		t.Error("it is known before an answer")
	}
}

// Small blobs share it, too, although hardly any body is arriving when requests are refused.
func TestStorageServesFewSmallBlobsAtATime(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 8} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			sim := newSimulated(t)
			url := sim.signed(t)
			synctest.Test(t, func(t *testing.T) {
				const late, workers, blobs = 100 * time.Millisecond, 16, 20
				u := newUnclean(t, sim, 20<<10, githubsim.Fault{Status: 503, Times: -1, Beyond: most}, githubsim.Fault{Times: -1, FirstByte: late})
				u.o.Connections = NewConnections(workers)
				start := time.Now()
				var all sync.WaitGroup
				for range workers {
					all.Go(func() {
						for range blobs {
							if _, err := fetchAll(t, u.o, url, u.blob); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
				ideal := late * workers * blobs / time.Duration(most)
				took := time.Since(start)
				t.Logf("%v; without a refusal it takes %v", took, ideal)
				if took > 2*ideal+5*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Small bodies arrive at once, so that few are being served at a time. Once a busy storage
// serves all requests again, as many are sent as before.
func TestStorageServesManySmallBlobsAgain(t *testing.T) {
	t.Parallel()
	sim := newSimulated(t)
	url := sim.signed(t)
	synctest.Test(t, func(t *testing.T) {
		u := newUnclean(t, sim, 20<<10, githubsim.Fault{Status: 503, Times: fewRefusals}, githubsim.Fault{Times: -1, FirstByte: 100 * time.Millisecond})
		const most, blobs = 16, 480
		u.o.Connections = NewConnections(most + 1)
		if err := u.o.Connections.slots.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		u.o.Connections.open.Add(1) // a large body arrives all the time
		start := time.Now()
		var all sync.WaitGroup
		for n := range most {
			all.Go(func() {
				time.Sleep(time.Duration(n) * 7 * time.Millisecond) // not all at the same time
				for range blobs / most {
					if _, err := fetchAll(t, u.o, url, u.blob); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		took := time.Since(start)
		t.Logf("%v, %d requests at a time in the end", took, u.o.Connections.slots.allowed)
		if took > 15*time.Second {
			t.Errorf("%d blobs took %v", blobs, took)
		}
	})
}

// Only refusals in a row, while others are served, show how many the storage serves at a time.
// Now and then one more is tried.
func TestSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(4)
		take := func(n int) {
			for range n {
				if err := s.acquire(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		var waited time.Duration
		next := func() {
			start := time.Now()
			take(1)
			waited = time.Since(start)
		}
		take(4)
		refuse := func(times, others int) {
			for range times {
				s.refuse(others)
			}
		}
		refuse(2*fewRefusals, 0)
		refuse(fewRefusals-1, 2)
		s.accept(2, s.soFar()) // so it does serve more than two
		refuse(fewRefusals-2, 2)
		s.refuse(3)
		for range 4 {
			s.release()
		}
		take(4)
		s.refuse(2)
		for range 3 {
			s.release()
		}
		take(2)
		for _, want := range []time.Duration{firstProbe, 2 * firstProbe, 4 * firstProbe} {
			if next(); waited != want {
				t.Errorf("one more was tried after %v, want %v", waited, want)
			}
			s.refuse(3)
			s.release()
		}
		next()
		s.accept(3, s.soFar())
		if s.allowed != 4 || s.taken != 4 {
			t.Errorf("%d are allowed, %d taken", s.allowed, s.taken)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("it is over")
		cancel(cause)
		if err := s.acquire(ctx); !errors.Is(err, cause) || len(s.waiting) > 0 {
			t.Errorf("%d wait, %v", len(s.waiting), err)
		}
	})
}

// A probe that was due before the storage showed that it serves all that the caller wants
// does not send more than that.
func TestSlotsNeverMoreThanWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 2
		s := newSlots(most)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 2 * most {
			go func() { _ = s.acquire(ctx) }()
		}
		synctest.Wait()
		for range fewRefusals {
			s.refuse(1)
		}
		s.release() // one goes on, and the probe is due
		s.accept(1, s.soFar())
		time.Sleep(2 * lastProbe)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken != most {
			t.Errorf("%d requests are under way, want %d", s.taken, most)
		}
	})
}
