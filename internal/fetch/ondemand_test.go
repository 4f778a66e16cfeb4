package fetch

import (
	"bytes"
	"math"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
)

func TestBlobOnDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{}
		o, locate := s.start(t)
		o.OnDemand = true
		b, err := Open(t.Context(), o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		p := make([]byte, 1000)
		for _, off := range []int64{largeSize - 1000, 10, firstOnDemand - 1000, 5 << 20, 5<<20 + 500} { // each part to its end
			if n, err := b.ReadAt(p, off); err != nil || !bytes.Equal(p[:n], s.blob[off:off+1000]) {
				t.Errorf("at %d: %d, %v", off, n, err)
			}
		}
		b.Want(10<<20, 3000)
		if _, err := b.ReadAt(p, 10<<20+2000); err != nil {
			t.Error(err)
		}
		want := []string{"0-65535", "13630809-13631808", "5242880-5243879", "5243880-5244379", "10485760-10488759"}
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
		if info, err := b.Wait(); err != nil || info.Whole || info.Fetched != 65536+1000+1000+500+3000 {
			t.Errorf("%+v, %v", info, err)
		}

		// The first request brings all of a small blob.
		s = &ranged{script: script{blob: []byte("small")}}
		o, locate = s.start(t)
		o.OnDemand = true
		if info, err := readAll(t, o, locate, s.blob); err != nil || !info.Whole || info.SHA256 != sumOf(s.blob) {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

// Bytes that are wanted are fetched before others.
func TestBlobWant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := &ranged{}
		s.hook = func(n int, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
			if n > 0 {
				<-hold
			}
			serve(w)
		}
		o, locate := s.start(t)
		o.Connections = NewConnections(1)
		o.Tail = 0
		b, err := Open(t.Context(), o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		b.Want(9<<20, 1<<20)
		close(hold)
		if _, err := b.Wait(); err != nil {
			t.Fatal(err)
		}
		if log := s.requests(); !slices.Contains(log[1:3], "9437184-10485759") {
			t.Errorf("requests %q", log)
		}
	})
}

// The arguments of Want come from archives, and may be any numbers.
func TestBlobWantsNothingOdd(t *testing.T) {
	t.Parallel()
	b := &Blob{ctx: t.Context(), o: Options{OnDemand: true, Connections: NewConnections(1)}}
	b.moved.L = &b.mu
	b.pace.most, b.running = 1, 1 // none is opened
	b.info.Size = 100
	odd := []int64{math.MinInt64, -1, 0, 1, 99, 100, 101, math.MaxInt64 - 1, math.MaxInt64}
	for _, off := range odd {
		for _, n := range odd {
			b.Want(off, n)
			b.Release(off)
			for _, s := range b.queue.spans {
				if s.start < 0 || s.end <= s.start || s.end > 100 {
					t.Errorf("Want(%d, %d) asks for %v", off, n, s)
				}
			}
			if b.released < 0 || b.released > 100 {
				t.Errorf("Release(%d) released %d bytes", off, b.released)
			}
			b.queue = queue{}
		}
	}
	b.Want(60, math.MaxInt64)
	if len(b.queue.spans) != 1 || b.queue.spans[0] != (span{60, 100}) {
		t.Errorf("all from byte 60 on is %v", b.queue.spans)
	}
}
