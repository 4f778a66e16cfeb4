package app

import (
	"fmt"
	"math"
	"sync"
)

// room is the account of the destination's disk for one run: what was free
// when it was first asked for, less what was promised since. All artifacts
// share it, since each of them alone may fit where all together do not. It is
// safe for concurrent use.
type room struct {
	free  func() (int64, error) // bytes
	where string

	mu    sync.Mutex
	known bool
	start int64 // free at first
	taken int64
}

// check fails unless there is room for n bytes more.
func (r *room) check(n int64) error { return r.claim(n, false) }

// take promises n bytes of room, or fails with *roomError.
func (r *room) take(n int64) error { return r.claim(n, true) }

func (r *room) claim(n int64, keep bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known {
		var err error
		if r.start, err = r.free(); err != nil {
			return err
		}
		r.known = true
	}
	if n > r.start-r.taken {
		need := int64(math.MaxInt64)
		if n < need-r.taken {
			need = r.taken + n
		}
		return &roomError{need: need, free: r.start, where: r.where}
	}
	if keep {
		r.taken += n
	}
	return nil
}

// give takes back a promise.
func (r *room) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
}

// roomShare is what one try at an artifact was promised, so that it can be
// given back when that is given up.
type roomShare struct {
	of *room

	mu    sync.Mutex
	taken int64
}

// take promises n bytes, before they are written. It is what the expansion of
// a tar asks, whose sizes nobody knows before.
func (s *roomShare) take(n int64) error {
	n = max(n, 0) // it may come from a hostile archive
	if err := s.of.take(n); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken += n
	return nil
}

// give takes back n bytes of the promise.
func (s *roomShare) give(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken -= n
	s.of.give(n)
}

// total is what is promised.
func (s *roomShare) total() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// undo takes back all of it: what it was for is removed.
func (s *roomShare) undo() { s.give(s.total()) }

// roomError says that the disk is too small.
type roomError struct {
	need, free int64
	where      string
}

func (e *roomError) Error() string {
	return fmt.Sprintf("%s needs %s or more, but its disk has only %s free", e.where, ibytes(e.need), ibytes(e.free))
}
