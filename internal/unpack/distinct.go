package unpack

import "slices"

const (
	// bucketBits is how many bits of a hash choose its bucket.
	bucketBits = 6
	// minBucket is how many hashes a bucket has room for at first.
	minBucket = 64
)

// distinct is a set of hashes that takes little more memory than they do: 8
// bytes each, and a quarter more on average. A hash that is added again is
// forgotten when its bucket is full. Only one bucket is copied at a time to make
// it larger, so that there are never two copies of all hashes.
type distinct struct {
	buckets [1 << bucketBits]bucket // by the highest bits
	n       int                     // the sum of bucket.n
}

type bucket struct {
	hashes []uint64
	n      int // the first n hashes are sorted and differ from each other
}

func (s *distinct) bucket(h uint64) *bucket { return &s.buckets[h>>(64-bucketBits)] }

func (s *distinct) add(h uint64) {
	b := s.bucket(h)
	if len(b.hashes) == cap(b.hashes) {
		s.compact(b)
		if most := max(minBucket+int(h>>(64-bucketBits)), len(b.hashes)/2*3); most > cap(b.hashes) { // not all grow at once
			b.hashes = append(make([]uint64, 0, most), b.hashes...)
		}
	}
	b.hashes = append(b.hashes, h)
}

func (s *distinct) compact(b *bucket) {
	slices.Sort(b.hashes)
	b.hashes = slices.Compact(b.hashes)
	s.n += len(b.hashes) - b.n
	b.n = len(b.hashes)
}

// atLeast returns a lower bound of the number of hashes in the set; after compactAll it is
// the number itself.
func (s *distinct) atLeast() int { return s.n }

// compactAll has to be called between add and has.
func (s *distinct) compactAll() {
	for i := range s.buckets {
		s.compact(&s.buckets[i])
	}
}

func (s *distinct) has(h uint64) bool { return has(s.bucket(h).hashes, h) }
