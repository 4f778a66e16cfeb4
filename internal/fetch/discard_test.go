package fetch

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// spans do not overlap.
type spans []span

func (l spans) size() int64 {
	n := int64(0)
	for _, s := range l {
		n += s.end - s.start
	}
	return n
}

// without returns what is left of spans without others.
func (l spans) without(others spans) spans {
	for _, o := range others {
		var left spans
		for _, s := range l {
			for _, rest := range []span{{s.start, min(s.end, o.start)}, {max(s.start, o.end), s.end}} {
				if rest.start < rest.end {
					left = append(left, rest)
				}
			}
		}
		l = left
	}
	return l
}

// forgetful is a Spool that discards.
type forgetful struct {
	kept

	mu        sync.Mutex
	forgot    sync.Cond
	forgotten spans
}

func (f *forgetful) create(size int64) (Spool, error) {
	f.forgot.L = &f.mu
	_, err := f.kept.create(size)
	return f, err
}

func (f *forgetful) Discard(off, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten = append(f.forgotten, span{off, off + n})
	f.forgot.Broadcast()
	f.kept.mu.Lock()
	defer f.kept.mu.Unlock()
	clear(f.data[off : off+n])
}

// waitFor waits until everything before off was discarded.
func (f *forgetful) waitFor(off int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.forgotten.size() < off {
		f.forgot.Wait()
	}
}

func TestBlobRelease(t *testing.T) {
	t.Parallel()
	for name, oneStream := range map[string]bool{"parts": false, "one stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{}
				o, locate := s.start(t)
				o.OneStream = oneStream
				f := &forgetful{}
				b, err := Open(t.Context(), o, locate, f.create)
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				p := make([]byte, 1<<20)
				for off := int64(0); off < b.Size(); off += int64(len(p)) {
					n, err := b.ReadAt(p[:min(int64(len(p)), b.Size()-off)], off)
					if err != nil || !bytes.Equal(p[:n], s.blob[off:off+int64(n)]) {
						t.Fatalf("at %d: %d bytes, %v", off, n, err)
					}
					b.Release(off + int64(n))
				}
				info, err := b.Wait()
				if err != nil || info.SHA256 != sumOf(s.blob) {
					t.Errorf("the digest is %x, %v", info.SHA256, err)
				}
				if left := (spans{{0, largeSize}}).without(f.forgotten); len(left) != 1 || left.size() >= discardUnit || left[0].end != largeSize {
					t.Errorf("it still keeps %v", left)
				}
				if _, err := b.ReadAt(p, 0); err == nil || !strings.Contains(err.Error(), "released") {
					t.Errorf("reading what was released gave %v", err)
				}
			})
		})
	}
}

// Has reports exactly the bytes that have arrived and were not released.
func TestBlobHas(t *testing.T) {
	t.Parallel()
	for name, onDemand := range map[string]bool{"whole": false, "on demand": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &ranged{}
			o, locate := s.start(t)
			o.OnDemand = onDemand
			f := &forgetful{}
			b, err := Open(t.Context(), o, locate, f.create)
			if err == nil {
				defer b.Close()
				_, err = b.ReadAt(make([]byte, 1000), 0)
			}
			if err == nil {
				_, err = b.Wait()
			}
			if err != nil {
				t.Fatal(err)
			}
			if !b.Has(0, 1000) || b.Has(1<<20, largeSize-1<<20) == onDemand || b.Has(0, largeSize+1) || b.Has(largeSize, 1) || b.Has(-1, 2) {
				t.Error("it has something else than what arrived")
			}
			b.Release(2 * discardUnit)
			if !onDemand {
				f.waitFor(2 * discardUnit)
				if b.Has(discardUnit, 1000) || !b.Has(2*discardUnit, 1000) {
					t.Error("it has what was released, or not what was not")
				}
			}
		})
	}
}

// Bytes that are not in the digest yet are kept, and so are all bytes of a blob that is
// fetched on demand.
func TestBlobKeeps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		onDemand bool
		most     int // discards
	}{
		"early":     {most: largeSize/discardUnit + 1},
		"on demand": {onDemand: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &ranged{}
				o, locate := s.start(t)
				o.OnDemand = tt.onDemand
				f := &forgetful{}
				b, err := Open(t.Context(), o, locate, f.create)
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				b.Release(largeSize)
				info, err := b.Wait()
				if err != nil || info.Whole && info.SHA256 != sumOf(s.blob) {
					t.Errorf("the digest is %x, %v", info.SHA256, err)
				}
				if len(f.forgotten) > tt.most {
					t.Errorf("it forgot %v", f.forgotten)
				}
			})
		})
	}
}
