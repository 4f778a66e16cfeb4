package fetch

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

// still waits until no connection is at work.
func (b *Blob) still() (arrived, window int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.running > 0 {
		b.moved.Wait()
	}
	return b.info.Fetched, b.window.size
}

// A download waits for its readers, but no reader waits because of that.
func TestBlobAhead(t *testing.T) {
	t.Parallel()
	const ahead, most = 6 << 20, 6<<20 + firstPart + 100<<10
	openIn := func(t *testing.T, create func(int64) (Spool, error)) (*Blob, []byte) {
		t.Helper()
		s := &ranged{}
		o, locate := s.start(t)
		o.Ahead = ahead
		b, err := Open(t.Context(), o, locate, create)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b, s.blob
	}
	open := func(t *testing.T) (*Blob, []byte) {
		t.Helper()
		return openIn(t, new(forgetful).create)
	}
	read := func(t *testing.T, b *Blob, blob []byte, off, n int64) {
		t.Helper()
		p := make([]byte, n)
		if _, err := b.ReadAt(p, off); err != nil || !bytes.Equal(p, blob[off:off+n]) {
			t.Fatalf("at %d: %v", off, err)
		}
	}
	whole := func(t *testing.T, b *Blob, blob []byte) {
		t.Helper()
		if info, err := b.Wait(); err != nil || !info.Whole || info.SHA256 != sumOf(blob) {
			t.Fatalf("%+v, %v", info, err)
		}
	}
	t.Run("no reader", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, blob := open(t)
			if got, window := b.still(); got < ahead || got > most || window != ahead {
				t.Errorf("%d bytes arrived, the window is %d", got, window)
			}
			whole(t, b, blob)
		})
	})
	t.Run("a slow reader", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := new(forgetful)
			b, blob := openIn(t, f.create)
			for off := int64(0); off+1<<20 <= largeSize; off += 1 << 20 {
				if got, window := b.still(); got > off+most || window != ahead {
					t.Errorf("%d bytes arrived when %d were read, the window is %d", got, off, window)
				}
				read(t, b, blob, off, 1<<20)
				b.Release(off + 1<<20)
				f.waitFor(off + 1<<20) // so the digest has come so far, too
			}
			whole(t, b, blob)
		})
	})
	t.Run("a spool that keeps everything", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, blob := openIn(t, new(kept).create)
			for off := int64(0); off+1<<20 <= largeSize; off += 1 << 20 {
				b.still()
				read(t, b, blob, off, 1<<20)
				b.Release(off + 1<<20)
			}
			whole(t, b, blob)
		})
	})
	t.Run("a reader far ahead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, blob := open(t)
			read(t, b, blob, largeSize-2<<20, 1<<20)
			if _, window := b.still(); window <= ahead {
				t.Errorf("the window is %d", window)
			}
			read(t, b, blob, 0, 1<<20)
			whole(t, b, blob)
		})
	})
	t.Run("the end, which comes first", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, blob := open(t)
			read(t, b, blob, largeSize-50<<10, 50<<10)
			b.Want(12<<20, 1000)
			read(t, b, blob, 12<<20, 1000)
			if _, window := b.still(); window != ahead {
				t.Errorf("the window is %d", window)
			}
			whole(t, b, blob)
		})
	})
}

// Everything that is wanted, in any order, is begun once, and nothing else is.
func TestQueue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		const size = 100 << 20
		b := &Blob{ctx: t.Context(), o: Options{OnDemand: true, Connections: NewConnections(1)}}
		b.moved.L = &b.mu
		b.pace.most, b.running = 1, 1 // none is opened
		b.info.Size = size
		var wanted spans
		for range r.IntN(60) {
			s := span{start: r.Int64N(size)}
			s.end = s.start + 1 + r.Int64N(min(10<<20, size-s.start))
			b.Want(s.start, s.end-s.start)
			wanted = append(wanted.without(spans{s}), s)
			if r.IntN(2) == 0 {
				b.next()
				b.running = 1
			}
		}
		for b.next() != nil {
		}
		var begun spans
		for i, p := range b.parts {
			if i > 0 && p.start < b.parts[i-1].end {
				t.Fatalf("%v was begun after %v", p.span, b.parts[i-1].span)
			}
			begun = append(begun, p.span)
		}
		if begun.size() != wanted.size() || len(wanted.without(begun)) > 0 {
			t.Fatalf("begun  %v\nwanted %v", begun, wanted)
		}
	}
}

// Scattered files of a large archive are wanted one by one.
func BenchmarkWant(b *testing.B) {
	for b.Loop() {
		const n = 20_000
		blob := &Blob{ctx: b.Context(), o: Options{OnDemand: true, Connections: NewConnections(1)}}
		blob.moved.L = &blob.mu
		blob.pace.most, blob.running = 1, 1
		blob.info.Size = n << 20
		for i := n - 1; i >= 0; i-- {
			blob.Want(int64(i)<<20, 4096)
		}
		for blob.next() != nil {
		}
	}
}
