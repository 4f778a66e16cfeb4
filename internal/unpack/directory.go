package unpack

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"strings"
)

const (
	// firstWindow is how many bytes of the directory are read at once after a
	// jump. While headers are read one after the other, each window is twice as
	// large as the one before, up to maxWindow.
	firstWindow = 2 << 10
	maxWindow   = 256 << 10
	// firstNames and maxNames are the sizes of the blocks of names, in bytes: each block is
	// twice as large as the one before.
	firstNames = 1 << 10
	maxNames   = 64 << 10
)

// directory is the central directory (4.3.12). It is not kept in memory: the
// headers of a million entries with long names take hundreds of megabytes. It
// lies at the archive's end, which a download keeps until the last, so it is read
// again, in pieces, whenever its entries are needed. At most one bit an entry is
// kept, and 8 bytes more if the entries lie in the archive in another order than in
// the directory; hardly any writer does that.
type directory struct {
	in           input
	offset, size int64
	skipped      int64    // bytes before the archive that its offsets do not count
	count        int      // of entries
	mixed        bool     // the entries lie in another order than the directory's
	order        []uint64 // of the entries in the archive, see sort; nil unless mixed
	chosen       bitset   // in the order of the archive; nil: all
	superseded   []int64  // headers of files that another entry replaces; sorted
	replaced     int      // how many of them a later file replaces
	extracted    int64    // size of the entries chosen, in bytes
}

// bitset has one bit an entry.
type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

// put appends bit i, which is the number of bits so far.
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

// names allocates strings from blocks, which takes less time than an allocation
// for each. A string keeps its whole block in memory.
type names struct{ strings.Builder }

func (n *names) keep(p []byte) string {
	if n.Cap()-n.Len() < len(p) {
		block := max(min(2*n.Cap(), maxNames), firstNames, len(p))
		n.Reset()
		n.Grow(block)
	}
	at := n.Len()
	_, _ = n.Write(p) // never fails
	return n.String()[at:]
}

// peek returns the n bytes of the directory at pos, which the caller knows to be
// within it. They are valid until the next call.
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

// entry reads the header at pos, and returns where the next one begins. To keep
// the entry's name, clone it: see names.
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
	e.header, e.start = pos, add(e.start, c.dir.skipped)
	return e, pos + int64(n+commentLen), err
}

// errChanged is the error of a reader that gives other bytes the second time.
var errChanged = errors.New("it changed while it was read")

// walk calls do for every entry, in the order in which they lie in the archive,
// after it has checked that the entry does not overlap the next one. The limit
// of an entry is where the next one begins.
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

// all calls do for every entry, as walk does, but not for files that a later entry
// replaces, and not for entries that are the destination itself ("./"), which are common
// and harmless.
func (d *directory) all(do func(e *Entry, chosen bool) error) error {
	return d.walk(func(i int, e *Entry) error {
		if e.Name == "" {
			return nil
		}
		if len(d.superseded) > 0 {
			if _, ok := slices.BinarySearch(d.superseded, e.header); ok {
				return nil
			}
		}
		return do(e, d.chosen == nil || d.chosen.has(i))
	})
}

// shift returns how many bits an offset in the directory has.
func (d *directory) shift() int { return bits.Len64(uint64(d.size)) } //nolint:gosec // not negative

// sort finds out in which order the entries lie in the archive. It sorts numbers
// of 64 bits: the upper ones are an entry's offset in the archive, the lower ones
// that of its header in the directory. That is enough for a terabyte with 250,000
// entries.
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
