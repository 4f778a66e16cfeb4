package app

import (
	"bytes"
	"io"
	"slices"
	"sort"
	"sync"
)

// parts is a fetch.Spool in memory for the few bytes that a listing reads.
// Two writes do not overlap; a read may go over several.
type parts struct {
	mu   sync.Mutex
	list []part // by offset
}

type part struct {
	off  int64
	data []byte
}

func (s *parts) WriteAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(len(s.list), func(i int) bool { return s.list[i].off > off })
	s.list = slices.Insert(s.list, i, part{off, bytes.Clone(p)})
	return len(p), nil
}

func (s *parts) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	i := max(sort.Search(len(s.list), func(i int) bool { return s.list[i].off > off })-1, 0)
	for ; i < len(s.list) && n < len(p); i++ {
		at := off + int64(n) - s.list[i].off
		if at < 0 || at >= int64(len(s.list[i].data)) {
			continue
		}
		n += copy(p[n:], s.list[i].data[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate has nothing to do: a listing takes no blob in one stream.
func (*parts) Truncate(int64) error { return nil }
