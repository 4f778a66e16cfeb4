package githubapi

import (
	"bytes"
	"hash/maphash"
)

// The sizes of objects that are remembered, in bytes. To remember smaller ones saves nothing,
// and larger ones would take too much memory. GitHub's repositories have 4,000 to 9,000 bytes,
// with their owners.
const (
	minRepeat = 64
	maxRepeat = 16 << 10
)

// repeats remembers objects that a clip has read. Most of a list of runs are the same few
// repositories and people, again and again in the same bytes. To compare such an object with
// the one before is many times as fast as to read it.
type repeats struct {
	seed  maphash.Seed
	slots [64]repeat // by the hash of an object's first minRepeat bytes
}

// repeat is an object that was read. Another one of its slot replaces it only if two such
// objects in a row begin with the same bytes: most objects never come again.
type repeat struct {
	raw      []byte // the object as it was sent; nil: none was remembered yet
	depth    int    // in how many lists and objects it was
	dropped  bool   // it was in a member that is dropped, so nothing of it was kept
	from, to int    // kept[from:to] is what the clip kept of it
	last     uint64 // the hash of the slot's object that was read last
}

func newRepeats() *repeats { return &repeats{seed: maphash.MakeSeed()} }

// object passes an object. If the same bytes were read before, object does not read them
// again: they are valid here, too, and what is kept of them is the same. Only deeper than
// before, lists and objects within it might nest too deep.
func (c *clip) object(depth int) error {
	if c.repeats == nil || len(c.rest()) < minRepeat {
		return c.sequence(depth, '}', c.member)
	}
	hash := maphash.Bytes(c.repeats.seed, c.rest()[:minRepeat])
	r := &c.repeats.slots[hash%uint64(len(c.repeats.slots))]
	if r.raw != nil && depth <= r.depth && (c.dropping || !r.dropped) && c.next(r.raw) {
		c.keep(c.kept[r.from:r.to])
		c.pos += len(r.raw)
		return nil
	}
	start, from := c.offset(), len(c.kept)
	if err := c.sequence(depth, '}', c.member); err != nil {
		return err
	}
	size := c.offset() - start
	switch {
	case size < minRepeat || size > maxRepeat || size > c.pos: // its beginning has left the window
	case r.last != hash:
		r.last = hash
	default:
		r.raw = append(r.raw[:0], c.window[c.pos-size:c.pos]...)
		r.depth, r.dropped, r.from, r.to = depth, c.dropping, from, len(c.kept)
	}
	return nil
}

// offset returns how many bytes of the answer were passed.
func (c *clip) offset() int { return c.total - (len(c.window) - c.pos) }

// next reports whether the answer goes on with p, which fits into the window.
func (c *clip) next(p []byte) bool {
	for len(c.window)-c.pos < len(p) && c.fill() {
	}
	return bytes.HasPrefix(c.window[c.pos:], p)
}
