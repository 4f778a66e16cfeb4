package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// From a storage that answers late for some ranges, however often they are requested, a download
// takes hardly longer than if it requested each of them once.
func TestSomeRangesAreSlow(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	tests := map[string]struct {
		every int // so many MiB, one is late
		late  time.Duration
		most  int // connections
		// once is how long a download takes that gives no request up.
		once time.Duration
	}{
		"every third, 1 s":           {3, time.Second, 4, 3300 * time.Millisecond},
		"every third, 8 s":           {3, 8 * time.Second, 4, 24300 * time.Millisecond},
		"every third, 8 s, two":      {3, 8 * time.Second, 2, 33 * time.Second},
		"every third, 8 s, sixteen":  {3, 8 * time.Second, 16, 24600 * time.Millisecond},
		"every tenth, 20 s":          {10, 20 * time.Second, 16, 21 * time.Second},
		"every third, 45 s":          {3, 45 * time.Second, 4, 135 * time.Second},
		"one, 20 s":                  {size >> 20, 20 * time.Second, 16, 21 * time.Second},
		"every third, 8 s, only one": {3, 8 * time.Second, 1, 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{script: script{blob: manyBytes(size)}}
				network := &link{rate: 60 << 20}
				s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
					var from int
					if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil {
						t.Error(err)
					}
					wait := latency
					if from>>20%tt.every == 1 {
						wait = tt.late
					}
					select {
					case <-time.After(wait):
						slowly(network, 0)(n, w, r, serve)
					case <-r.Context().Done():
					}
				}
				o := inBubble(t, s)
				o.Connections = NewConnections(tt.most)
				start := time.Now()
				if _, err := fetchAll(t, o, at("http://h/"), s.blob); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > 2*tt.once {
					t.Errorf("it took %v, and %v without requests that were given up", took, tt.once)
				}
				if n := len(s.requests()); n > 100 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// The second lost request of a part is left open beside the next one, if enough connections are
// left for others.
func TestKeep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost, kept, limit int
		begun             bool
		want              bool
	}{
		"the first one":                {lost: 0, limit: 4},
		"the second one":               {lost: 1, limit: 4, want: true},
		"bytes of it arrived":          {lost: 1, limit: 4, begun: true},
		"half of all are kept":         {lost: 1, kept: 2, limit: 4},
		"one connection":               {lost: 1, limit: 1},
		"two connections":              {lost: 1, limit: 2, want: true},
		"two, and one of them is":      {lost: 1, kept: 1, limit: 2},
		"the fourth one, after pauses": {lost: 3, limit: 16, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Blob{ctx: t.Context(), o: Options{Connections: NewConnections(16)}, kept: tt.kept}
			b.pace.most, b.pace.now = 16, tt.limit
			now := time.Now()
			u := &b.o.Connections.usual
			for range usualTries {
				u.arrived(&try{began: now.Add(time.Second)}, now.Add(time.Second+latency), true)
			}
			try := b.enlist(b.newPart(span{0, 1 << 20}))
			defer try.end(nil)
			b.sent(try, now)
			try.p.lost = tt.lost
			if tt.begun {
				try.first = now.Add(latency)
			}
			b.giveUp(now.Add(time.Minute))
			ended := errors.Is(context.Cause(try.ctx), errLost)
			if try.kept != tt.want || ended == tt.want || try.p.lost != tt.lost+1 {
				t.Errorf("kept: %v, ended: %v, lost: %d; want kept: %v", try.kept, ended, try.p.lost, tt.want)
			}
			if next := b.late(now, true); tt.want != (next == try.p) {
				t.Errorf("the next part is %v", next)
			}
		})
	}
}

// What is served after others were lost is a sign only while not too many are lost.
func TestLostWithoutSign(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct {
		counts counts
		want   bool
	}{
		"some are lost":        {counts{served: 10, lost: 10, replaced: true, newest: now, last: now}, true},
		"most are lost":        {counts{served: 10, lost: 1000, replaced: true, newest: now, last: now}, false},
		"none was lost":        {counts{served: 10, newest: now, last: now}, true},
		"none is served since": {counts{served: 10, newest: now.Add(-time.Minute), last: now.Add(-time.Minute)}, false},
	} {
		s := seen{first: 20 * time.Millisecond, rate: 60 << 20, known: true, counts: tt.counts}
		if got := s.isLost(now, now.Add(-600*time.Millisecond), false, 0); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
