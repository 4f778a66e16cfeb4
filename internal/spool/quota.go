package spool

import (
	"fmt"
	"math"
	"sync"

	"github.com/artifetch/artifetch/internal/words"
)

// Quota is an account of disk space: the bytes that were free when it was first asked,
// less those reserved since. All artifacts of a run share one, because each may fit alone
// although all together do not. It is safe for concurrent use.
type Quota struct {
	free  func() (int64, error)
	where string

	mu       sync.Mutex
	known    bool
	start    int64 // bytes, free at first
	reserved int64
}

// NewQuota makes a Quota for the disk of the directory where. free returns the disk's free
// bytes; it is called when they are first needed, and again only after a failure.
func NewQuota(where string, free func() (int64, error)) *Quota {
	return &Quota{free: free, where: where}
}

// Check fails with *QuotaError if n more bytes could not be reserved.
func (q *Quota) Check(n int64) error { return q.claim(n, false) }

// Share makes a Share of q with nothing reserved yet.
func (q *Quota) Share() *Share { return &Share{of: q} }

// claim checks that n more bytes fit, and reserves them if keep is set.
func (q *Quota) claim(n int64, keep bool) error {
	n = max(n, 0) // n may come from a hostile archive
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.known {
		var err error
		if q.start, err = q.free(); err != nil {
			return err
		}
		q.known = true
	}
	if n > q.start-q.reserved {
		need := int64(math.MaxInt64)
		if n < need-q.reserved {
			need = q.reserved + n
		}
		return &QuotaError{Need: need, Free: q.start, Where: q.where}
	}
	if keep {
		q.reserved += n
	}
	return nil
}

func (q *Quota) release(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved -= n
}

// Share is what one attempt at an artifact has reserved of a Quota. It is safe for
// concurrent use.
type Share struct {
	of *Quota

	mu       sync.Mutex
	reserved int64
}

// Reserve reserves n bytes, before they are written, or fails with *QuotaError. A negative
// n reserves nothing.
func (s *Share) Reserve(n int64) error {
	n = max(n, 0)
	if err := s.of.claim(n, true); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved += n
	return nil
}

// Release gives back n bytes, or all that are reserved if n is more.
func (s *Share) Release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = min(n, s.reserved); n <= 0 {
		return
	}
	s.reserved -= n
	s.of.release(n)
}

// Reserved returns how many bytes are reserved.
func (s *Share) Reserved() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reserved
}

// ReleaseAll gives back everything, once the files are removed.
func (s *Share) ReleaseAll() { s.Release(math.MaxInt64) }

// QuotaError says that a disk has too little free space.
type QuotaError struct {
	Need, Free int64 // bytes
	Where      string
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("%s needs %s or more, but its disk has only %s free", e.Where, words.Bytes(e.Need), words.Bytes(e.Free))
}
