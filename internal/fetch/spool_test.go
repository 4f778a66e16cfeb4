package fetch

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
)

// compared is a Spool for a blob that the test knows. It stores nothing, because fresh memory
// for large blobs takes longer than all else: it compares what is written with the blob, and
// gives nothing back that was not written.
type compared struct {
	blob    []byte
	mu      sync.Mutex
	written spans // from front to back, with gaps between them
}

func (c *compared) create(int64) (Spool, error) { return c, nil }

func (c *compared) WriteAt(p []byte, off int64) (int, error) {
	s := span{off, off + int64(len(p))}
	if s.end > int64(len(c.blob)) || !bytes.Equal(p, c.blob[s.start:s.end]) {
		return 0, fmt.Errorf("the bytes %v are not the blob's", s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := slices.IndexFunc(c.written, func(o span) bool { return o.end >= s.start })
	if first < 0 {
		c.written = append(c.written, s)
		return len(p), nil
	}
	next := first
	for next < len(c.written) && c.written[next].start <= s.end {
		s.start, s.end = min(s.start, c.written[next].start), max(s.end, c.written[next].end)
		next++
	}
	c.written = slices.Replace(c.written, first, next, s)
	return len(p), nil
}

func (c *compared) ReadAt(p []byte, off int64) (int, error) {
	n := min(int64(len(p)), int64(len(c.blob))-off)
	c.mu.Lock()
	missing := (spans{{off, off + n}}).without(c.written)
	c.mu.Unlock()
	if len(missing) > 0 {
		return 0, fmt.Errorf("%v are read, and were not written", missing)
	}
	if copy(p, c.blob[off:off+n]) < len(p) {
		return int(n), io.EOF
	}
	return int(n), nil
}

func (c *compared) Truncate(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = c.written.without(spans{{n, int64(len(c.blob))}})
	return nil
}
