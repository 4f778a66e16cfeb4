package unpack

import "hash/maphash"

// makers tells which archive made the file of a name last. It holds the names' hashes: the
// names themselves take much more memory, and a map of the hashes twice as much.
type makers struct {
	seed     maphash.Seed
	hashes   []uint64 // a table with open addressing; 0 is free
	archives []uint32 // the number of the archive, by slot
	n        int
}

func newMakers() makers {
	const slots = 1 << 8
	return makers{seed: maphash.MakeSeed(), hashes: make([]uint64, slots), archives: make([]uint32, slots)}
}

// find returns the slot of a hash: it is there, or free.
func (m *makers) find(h uint64) uint64 {
	mask := uint64(len(m.hashes) - 1) //nolint:gosec // a length, and never 0
	for i := h & mask; ; i = (i + 1) & mask {
		if m.hashes[i] == h || m.hashes[i] == 0 {
			return i
		}
	}
}

func (m *makers) hash(name string) uint64 { return max(maphash.String(m.seed, name), 1) }

// of returns the number of the archive that made a file last, or 0 if none did.
func (m *makers) of(name string) int { return int(m.archives[m.find(m.hash(name))]) }

// set notes that an archive made a file. The numbers of archives begin with 1.
func (m *makers) set(name string, archive int) {
	h := m.hash(name)
	slot := m.find(h)
	m.archives[slot] = uint32(archive) //nolint:gosec // a number of files in one directory
	if m.hashes[slot] == h {
		return
	}
	m.hashes[slot] = h
	if m.n++; m.n < len(m.hashes)/4*3 {
		return
	}
	hashes, archives := m.hashes, m.archives
	m.hashes, m.archives = make([]uint64, 2*len(hashes)), make([]uint32, 2*len(hashes))
	for i, h := range hashes {
		if h != 0 {
			slot := m.find(h)
			m.hashes[slot], m.archives[slot] = h, archives[i]
		}
	}
}
