package unpack

import (
	"encoding/binary"
	"math"
	"time"
)

// dirTimes are the modification times that directories get once nothing is made in them
// any more. A tar may have a million directories, so names and times are packed: each as
// its difference from the one before.
type dirTimes struct {
	blocks [][]byte
	name   string // added last
	at     int64  // added last
}

// timesBlock is the size of a block, in bytes. A list that grew as one slice would take
// twice its size now and then.
const timesBlock = 64 << 10

// add adds a directory and its time, in ns since 1970. It returns by how many bytes the
// list grew.
func (d *dirTimes) add(name string, at int64) int {
	shared := 0
	for shared < min(len(name), len(d.name)) && name[shared] == d.name[shared] {
		shared++
	}
	n := len(d.blocks) - 1
	if most := len(name) - shared + 3*binary.MaxVarintLen64; n < 0 || cap(d.blocks[n])-len(d.blocks[n]) < most {
		d.blocks = append(d.blocks, make([]byte, 0, timesBlock))
		n++
	}
	b, before := d.blocks[n], len(d.blocks[n])
	b = binary.AppendUvarint(b, uint64(shared))
	b = binary.AppendUvarint(b, uint64(len(name)-shared)) //nolint:gosec // not negative
	b = append(b, name[shared:]...)
	b = binary.AppendVarint(b, at-d.at)
	d.blocks[n] = b
	d.name, d.at = name, at
	return len(b) - before
}

// each calls do for every directory, in the order in which they were added.
func (d *dirTimes) each(do func(name string, at int64) error) error {
	var name []byte
	var at int64
	for _, b := range d.blocks {
		for len(b) > 0 {
			shared, n := binary.Uvarint(b)
			b = b[n:]
			more, n := binary.Uvarint(b)
			b = b[n:]
			name = append(name[:shared], b[:more]...)
			b = b[more:]
			delta, n := binary.Varint(b)
			b = b[n:]
			at += delta
			if err := do(string(name), at); err != nil {
				return err
			}
		}
	}
	return nil
}

// sinceEpoch returns a time in ns since 1970, or the nearest one that an int64 can hold, in
// 1677 or 2262.
func sinceEpoch(t time.Time) int64 {
	const second = int64(time.Second)
	switch s := t.Unix(); { // defined for any time, unlike UnixNano
	case s <= math.MinInt64/second:
		return math.MinInt64
	case s >= math.MaxInt64/second:
		return math.MaxInt64
	}
	return t.UnixNano()
}
