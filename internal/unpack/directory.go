package unpack

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"strings"
)

const (
	// A window over the directory begins with so many bytes after a jump, and
	// grows to so many as long as headers are read one after the other.
	firstWindow = 2 << 10
	maxWindow   = 256 << 10
	maxHeader   = headerSize + 2*math.MaxUint16 // without the comment
	namesBlock  = 64 << 10
)

// directory is the central directory (4.3.12). It is not kept in memory: the
// headers of a million entries with long names take hundreds of megabytes. It
// lies at the archive's end, which a download keeps until the last, so that it
// is read again whenever its entries are needed, in pieces. What is kept is
// one bit an entry at most, and 16 bytes where the entries lie in the archive
// in another order than in the directory, which hardly any writer does.
type directory struct {
	in           input
	offset, size int64
	count        int      // of entries
	mixed        bool     // the entries lie in another order than the directory's
	order        []uint64 // of the entries in the archive, see sort; nil unless mixed
	chosen       bitset   // by the same order; nil: all
}

// bitset has one bit an entry.
type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

// put sets the bit after the last one that was put.
func (b *bitset) put(i int, v bool) {
	if i/64 == len(*b) {
		*b = append(*b, 0)
	}
	if v {
		(*b)[i/64] |= 1 << (i % 64)
	}
}

// cursor reads headers of a directory.
type cursor struct {
	dir    *directory
	buf    []byte
	window []byte // a part of buf
	at     int64  // of the window in the directory
	grow   int    // the size of the next window
	names  names
}

// names keeps strings side by side: a piece of memory for each takes longer.
// A string keeps its block.
type names struct{ strings.Builder }

func (n *names) keep(p []byte) string {
	if n.Cap()-n.Len() < len(p) {
		n.Reset()
		n.Grow(max(namesBlock, len(p)))
	}
	at := n.Len()
	_, _ = n.Write(p) // never fails
	return n.String()[at:]
}

// peek returns n bytes of the directory from pos on, which has them.
func (c *cursor) peek(pos int64, n int) ([]byte, error) {
	from := pos - c.at
	if from >= 0 && from+int64(n) <= int64(len(c.window)) {
		return c.window[from : from+int64(n)], nil
	}
	if from >= 0 && from <= int64(len(c.window)) {
		c.grow = min(2*max(c.grow, firstWindow), maxWindow)
	} else {
		c.grow = firstWindow
	}
	size := int(min(int64(max(c.grow, n)), c.dir.size-pos))
	if size > len(c.buf) {
		c.buf = make([]byte, max(size, n))
	}
	c.at, c.window = pos, c.buf[:size]
	if err := readFull(c.dir.in, c.window, c.dir.offset+pos); err != nil {
		c.window = nil
		return nil, err
	}
	return c.window[:n], nil
}

// entry reads the header at pos, and returns where the next one begins. The
// entry's name keeps a block of others in memory.
func (c *cursor) entry(pos int64) (Entry, int64, error) {
	left := c.dir.size - pos
	if left < headerSize {
		return Entry{}, 0, malformed("its directory ends within an entry")
	}
	fixed, err := c.peek(pos, headerSize)
	if err != nil {
		return Entry{}, 0, err
	}
	le := binary.LittleEndian
	if le.Uint32(fixed) != 0x02014b50 {
		return Entry{}, 0, malformed("its directory holds something else than entries")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(fixed[28:])), int(le.Uint16(fixed[30:])), int(le.Uint16(fixed[32:]))
	n := headerSize + nameLen + extraLen
	if int64(n+commentLen) > left {
		return Entry{}, 0, malformed("its directory ends within an entry")
	}
	h, err := c.peek(pos, n)
	if err != nil {
		return Entry{}, 0, err
	}
	e, err := parseHeader(h, c.names.keep(h[headerSize:headerSize+nameLen]))
	return e, pos + int64(n+commentLen), err
}

// errChanged is for a reader that does not give the same bytes each time.
var errChanged = errors.New("it changed while it was read")

// walk calls do for every entry, in the order in which they lie in the
// archive. Each has its limit, which is where the next one begins; none
// overlaps another.
func (d *directory) walk(do func(i int, e *Entry) error) error {
	c := cursor{dir: d}
	var order overlaps
	var e Entry
	for i, pos := 0, int64(0); i <= d.count; i++ {
		next := Entry{start: d.offset}
		if i < d.count {
			if d.order != nil {
				pos = int64(d.order[i] & (1<<d.shift() - 1)) //nolint:gosec // of 63 bits at most
			}
			var err error
			if next, pos, err = c.entry(pos); err != nil {
				return err
			}
			if err := order.next(&next, d.offset); err != nil {
				return err
			}
			if order.mixed {
				return &ReadError{errChanged}
			}
		}
		if i > 0 {
			e.limit = next.start
			if err := do(i-1, &e); err != nil {
				return err
			}
		}
		e = next
	}
	return nil
}

// each is walk without what was not chosen, and without entries for the
// destination itself, which are common and harmless.
func (d *directory) each(do func(e *Entry) error) error {
	return d.walk(func(i int, e *Entry) error {
		if e.Name == "" || d.chosen != nil && !d.chosen.has(i) {
			return nil
		}
		return do(e)
	})
}

// shift is how many bits a place in the directory has.
func (d *directory) shift() int { return bits.Len64(uint64(d.size)) } //nolint:gosec // not negative

// sort finds out in which order the entries lie in the archive. An entry's
// place in the archive and that of its header in the directory are sorted as
// one number, which is enough for a terabyte with 250,000 entries.
func (d *directory) sort() error {
	if bits.Len64(uint64(d.offset))+d.shift() > 64 { //nolint:gosec // not negative
		return malformed("it is too large for a directory in another order than its entries")
	}
	d.order = make([]uint64, 0, d.count)
	c := cursor{dir: d}
	for pos := int64(0); pos < d.size; {
		e, next, err := c.entry(pos)
		if err != nil {
			return err
		}
		d.order = append(d.order, uint64(e.start)<<d.shift()|uint64(pos)) //nolint:gosec // not negative
		pos = next
	}
	slices.Sort(d.order)
	return nil
}
