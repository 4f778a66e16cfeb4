package unpack

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// released is a reader that fails if the archive reads bytes that it has released.
type released struct {
	io.ReaderAt
	t    *testing.T
	mu   sync.Mutex
	low  int64
	seen []int64
}

func (r *released) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	if off < r.low {
		r.t.Errorf("read at %d, and %d was released", off, r.low)
	}
	r.mu.Unlock()
	return r.ReaderAt.ReadAt(p, off)
}

func (r *released) Release(off int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.low < off {
		r.low = off
	}
	r.seen = append(r.seen, off)
}

func TestExtractReleases(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	var z liar
	for i := range 200 {
		z.entries = append(z.entries,
			lie{name: fmt.Sprintf("d%d/small", i), body: strings.Repeat(fmt.Sprint(i), 5000)},
			lie{name: fmt.Sprintf("d%d/deflated", i), body: large[:i*1000], deflate: true})
		if i%40 == 0 {
			z.entries = append(z.entries, lie{name: fmt.Sprintf("d%d/large", i), body: large}, link(fmt.Sprintf("d%d/link", i), "large"))
		}
	}
	data := z.bytes()
	for workers := 1; workers <= 4; workers++ {
		r := &released{ReaderAt: bytes.NewReader(data), t: t}
		a, root := opened(t, r, int64(len(data)))
		if _, err := a.Extract(t.Context(), root, ExtractOptions{Pool: NewPool(workers)}); err != nil {
			t.Fatal(err)
		}
		if workers > 1 {
			continue // how much is released then is up to the scheduler
		}
		if r.low < int64(len(data))*9/10 {
			t.Errorf("no more than %d of %d bytes were released", r.low, len(data))
		}
		var most, last int64
		for _, off := range r.seen {
			most, last = max(most, off-last), max(last, off)
		}
		if most > int64(len(large))/2 {
			t.Errorf("%d bytes were released at once: large files are not released while they are read", most)
		}
	}
}
