package githubapi

import (
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// sends counts the requests that net/http sends in one try: it repeats some on its own.
type sends struct {
	total *atomic.Int64

	mu sync.Mutex
	n  int
	// ahead is set if the answer arrived before net/http called wrote: the request is
	// counted already.
	ahead bool
}

func (s *sends) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{WroteHeaders: s.wrote}
}

func (s *sends) wrote() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ahead {
		s.ahead = false
		return
	}
	s.n++
	s.total.Add(1)
}

// answered counts the request of an answer that arrived before net/http called wrote.
func (s *sends) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		s.n, s.ahead = 1, true
		s.total.Add(1)
	}
}

// count returns how many requests were sent.
func (s *sends) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// repeated reports whether the request was sent more than once.
func (s *sends) repeated() bool {
	return s.count() > 1
}
