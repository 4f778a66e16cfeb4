package spool

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"sort"
	"sync"
)

// ErrFull is the error of a write that would exceed what a Parts may keep.
var ErrFull = errors.New("spool: more bytes than may be kept in memory")

// packFrom is how many bytes a Parts keeps before it compresses any: the
// compressor itself takes about as much memory.
const packFrom = 1 << 20

// Parts keeps the few bytes of a blob that are written in memory. From 1 MiB on
// it compresses each block that is complete. WriteAt, ReadAt and Truncate are
// those of a Spool, except that a read ends with io.EOF at the first byte that was
// never written. It is safe for concurrent use.
type Parts struct {
	most int64

	mu     sync.Mutex
	list   []part // by offset; none overlaps another, nor the end of a block
	size   int64  // of all data in list, in bytes
	packer packer
	last   plain
}

// part is n bytes at off.
type part struct {
	off, n int64
	data   []byte
	packed bool // data is compressed; n is blockSize then
}

func (p part) end() int64   { return p.off + p.n }
func (p part) block() int64 { return p.off / blockSize }

// plain is the packed part that was read last.
type plain struct {
	off  int64
	data []byte // nil: none
}

// NewParts makes a Parts that keeps no more than most bytes. Compressed blocks count with
// their compressed size.
func NewParts(most int64) *Parts { return &Parts{most: most} }

// WriteAt keeps p, or fails with ErrFull.
func (s *Parts) WriteAt(p []byte, off int64) (int, error) {
	if err := check(off, int64(len(p))); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return eachBlock(p, off, func(part []byte, number, from int64) (int, error) {
		if err := s.write(part, number*blockSize+from); err != nil {
			return 0, err
		}
		return len(part), nil
	})
}

// write keeps p, which lies in one block. s.mu is held.
func (s *Parts) write(p []byte, off int64) error {
	end := off + int64(len(p))
	i := s.after(off)
	if i > 0 && s.list[i-1].end() == off && off%blockSize > 0 && !s.list[i-1].packed && (i == len(s.list) || s.list[i].off >= end) {
		if s.size+int64(len(p)) > s.most {
			return ErrFull
		}
		before := &s.list[i-1]
		before.data = append(before.data, p...)
		before.n += int64(len(p))
		s.size += int64(len(p))
		return s.pack(off)
	}
	j := i
	var around []part
	for ; j < len(s.list) && s.list[j].off < end; j++ {
		left, err := s.without(s.list[j], off, end)
		if err != nil {
			return err
		}
		around = append(around, left...)
	}
	size := s.size - total(s.list[i:j]) + total(around) + int64(len(p))
	if size > s.most {
		return ErrFull
	}
	around = append(around, part{off: off, n: int64(len(p)), data: slices.Clone(p)})
	slices.SortFunc(around, func(a, b part) int { return cmp.Compare(a.off, b.off) })
	s.list, s.size = slices.Replace(s.list, i, j, around...), size
	return s.pack(off)
}

// pack makes the block of off one packed part, if all of it is there and
// becomes smaller. s.mu is held.
func (s *Parts) pack(off int64) error {
	if s.size < packFrom {
		return nil
	}
	start := off / blockSize * blockSize
	i := s.after(start)
	j, n := i, int64(0)
	for ; j < len(s.list) && s.list[j].block() == off/blockSize; j++ {
		n += s.list[j].n
	}
	if n < blockSize || s.list[i].packed {
		return nil
	}
	whole := s.list[i].data
	for _, p := range s.list[i+1 : j] {
		whole = append(whole, p.data...)
	}
	one := part{off: start, n: blockSize, data: whole}
	packed, err := s.packer.pack(whole)
	if err != nil {
		return err
	}
	if len(packed) < len(whole) {
		one.data, one.packed = packed, true
	}
	s.size += int64(len(one.data)) - total(s.list[i:j])
	s.list = slices.Replace(s.list, i, j, one)
	if s.last.off == start {
		s.last.data = nil
	}
	return nil
}

// bytes returns the n bytes of a part, which are valid until the next call. s.mu
// is held.
func (s *Parts) bytes(p part) ([]byte, error) {
	if !p.packed {
		return p.data, nil
	}
	if s.last.data == nil || s.last.off != p.off {
		data, err := s.packer.unpack(p.data)
		if err != nil {
			return nil, err
		}
		s.last = plain{p.off, data}
	}
	return s.last.data, nil
}

// after returns the index of the first part that ends after off. s.mu is held.
func (s *Parts) after(off int64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].end() > off })
}

// without returns what p has before off and from end on. s.mu is held.
func (s *Parts) without(p part, off, end int64) ([]part, error) {
	if off <= p.off && p.end() <= end {
		return nil, nil
	}
	data, err := s.bytes(p)
	if err != nil {
		return nil, err
	}
	var left []part
	if p.off < off {
		left = append(left, part{off: p.off, n: off - p.off, data: slices.Clone(data[:off-p.off])})
	}
	if p.end() > end {
		left = append(left, part{off: end, n: p.end() - end, data: slices.Clone(data[end-p.off:])})
	}
	return left, nil
}

// total returns the size of all data in a list.
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
		data, err := s.bytes(s.list[i])
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate forgets what is at size and after it.
func (s *Parts) Truncate(size int64) error {
	if err := check(size, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.after(size)
	var left []part
	if i < len(s.list) && s.list[i].off < size {
		var err error
		if left, err = s.without(s.list[i], size, s.list[i].end()); err != nil {
			return err
		}
	}
	s.size += total(left) - total(s.list[i:])
	s.list = slices.Replace(s.list, i, len(s.list), left...)
	return nil
}
