package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
)

// ErrFull is what writing more than a Parts may keep fails with.
var ErrFull = errors.New("spool: more bytes than may be kept in memory")

// Parts keeps the few bytes of a blob that are written, and no others, in
// memory. WriteAt, ReadAt and Truncate are as those of a Spool, but that
// bytes which were never written end what can be read, with io.EOF.
type Parts struct {
	most int64

	mu   sync.Mutex
	list []part // by offset; none overlaps another
	size int64  // of all
}

type part struct {
	off  int64
	data []byte
}

func (p part) end() int64 { return p.off + int64(len(p.data)) }

// NewParts makes a Parts of at most so many bytes.
func NewParts(most int64) *Parts { return &Parts{most: most} }

// WriteAt keeps p, or fails with ErrFull.
func (s *Parts) WriteAt(p []byte, off int64) (int, error) {
	if err := check(off, int64(len(p))); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	end := off + int64(len(p))
	i := s.after(off)
	j := i
	var around []part
	for ; j < len(s.list) && s.list[j].off < end; j++ {
		around = append(around, s.list[j].without(off, end)...)
	}
	size := s.size - total(s.list[i:j]) + total(around) + int64(len(p))
	if size > s.most {
		return 0, ErrFull
	}
	around = append(around, part{off, slices.Clone(p)})
	slices.SortFunc(around, func(a, b part) int { return cmp.Compare(a.off, b.off) })
	s.list, s.size = slices.Replace(s.list, i, j, around...), size
	return len(p), nil
}

// after is the index of the first part that ends after off. s.mu is held.
func (s *Parts) after(off int64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].end() > off })
}

// without is what a part has outside of a range.
func (p part) without(off, end int64) []part {
	var left []part
	if p.off < off {
		left = append(left, part{p.off, p.data[:off-p.off]})
	}
	if p.end() > end {
		left = append(left, part{end, p.data[end-p.off:]})
	}
	return left
}

func total(list []part) int64 {
	n := int64(0)
	for _, p := range list {
		n += int64(len(p.data))
	}
	return n
}

// ReadAt reads what is kept, up to the first byte that is not.
func (s *Parts) ReadAt(p []byte, off int64) (int, error) {
	if err := check(off, int64(len(p))); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := s.after(off); i < len(s.list) && n < len(p); i++ {
		at := off + int64(n) - s.list[i].off
		if at < 0 {
			break
		}
		n += copy(p[n:], s.list[i].data[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate forgets what is at size and after it.
func (s *Parts) Truncate(size int64) error {
	if size < 0 {
		return fmt.Errorf("spool: a size of %d", size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.after(size)
	s.size -= total(s.list[i:])
	kept := s.list[:i]
	if i < len(s.list) && s.list[i].off < size {
		kept = append(kept, part{s.list[i].off, s.list[i].data[:size-s.list[i].off]})
		s.size += total(kept[i:])
	}
	s.list = kept
	return nil
}
