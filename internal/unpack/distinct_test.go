package unpack

import (
	"math/rand/v2"
	"testing"
)

func TestDistinct(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var s distinct
	want := map[uint64]bool{}
	for range 50_000 {
		h := r.Uint64() >> 50 << 50 // so few that all come several times
		want[h] = true
		s.add(h)
		if s.atLeast() > len(want) {
			t.Fatalf("at least %d of %d", s.atLeast(), len(want))
		}
	}
	s.compactAll()
	if s.atLeast() != len(want) {
		t.Errorf("%d hashes, want %d", s.atLeast(), len(want))
	}
	for h := range uint64(1 << 14) {
		if h <<= 50; s.has(h) != want[h] {
			t.Fatalf("%x: %v", h, s.has(h))
		}
	}
	room := 0
	for _, b := range s.buckets {
		room += cap(b.hashes)
		if cap(b.hashes) > len(want)/16 {
			t.Errorf("a bucket has room for %d of %d hashes, which are copied together", cap(b.hashes), len(want))
		}
	}
	if room > len(want)*3/2+len(s.buckets)*2*minBucket {
		t.Errorf("room for %d hashes, of %d", room, len(want))
	}
}
