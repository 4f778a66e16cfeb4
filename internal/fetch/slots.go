package fetch

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// The storage is believed to serve no more requests at a time once fewRefusals in a row
	// were refused while others were served. A busy storage may refuse any single request.
	fewRefusals = 8
	// One request more is tried after firstProbe; each time that it is refused, the next wait
	// is twice as long, up to lastProbe.
	firstProbe = time.Second
	lastProbe  = time.Minute
)

// slots bounds how many requests are under way at a time: by what the caller wants and, if
// the storage or a proxy refuses requests while it serves others, by how many it serves. It is
// safe for concurrent use.
type slots struct {
	mu      sync.Mutex
	most    int             // what the caller wants
	allowed int             // what the storage seems to serve; never more than most
	taken   int             // requests under way
	waiting []chan struct{} // in the order of their arrival; closed when there is a slot

	refused int // requests in a row that were refused
	served  int // the most requests that were served meanwhile

	all    outcomes
	halved int // all.refused when allowed was halved last

	wait    time.Duration // until the next probe
	probe   *time.Timer   // nil unless requests wait for it
	probing bool          // one request more than allowed is tried
	since   time.Time     // the probe began
	passed  int           // requests answered since then, with one more than allowed under way
}

// outcomes counts requests that were answered, and requests that were refused.
type outcomes struct{ accepted, refused int }

func newSlots(most int) *slots { return &slots{most: most, allowed: most, wait: firstProbe} }

// acquire waits for a slot, or returns the cause of ctx's end.
func (s *slots) acquire(ctx context.Context) error {
	s.mu.Lock()
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.grant()
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		s.taken--
		s.grant()
	}
	return context.Cause(ctx)
}

// release gives a slot back.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.grant()
}

// grant gives free slots to the requests that have waited longest. s.mu is held.
func (s *slots) grant() {
	free := s.allowed - s.taken
	if s.probing {
		free++
	}
	for ; free > 0 && len(s.waiting) > 0; free-- {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
		s.taken++
	}
	if len(s.waiting) > 0 && s.allowed < s.most && !s.probing && s.probe == nil {
		s.probe = time.AfterFunc(s.wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.probe = nil
			s.tryMore()
		})
	}
}

// tryMore begins a probe, unless all that the caller wants is allowed by now. s.mu is held.
func (s *slots) tryMore() {
	s.probing, s.since, s.passed = s.allowed < s.most, time.Now(), 0
	s.grant()
}

// soFar returns the outcomes so far.
func (s *slots) soFar() outcomes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// accept says that a request was answered while this many others were served; before are
// the outcomes when it was sent. If meanwhile most requests were refused, half as many are
// allowed: before late answers and small bodies, hardly any other is being served when the
// storage refuses. One more is allowed if as many were served as are allowed, or if nothing
// was refused in a whole firstProbe with one more under way.
func (s *slots) accept(others int, before outcomes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	accepted, refused := s.all.accepted-before.accepted, s.all.refused-max(before.refused, s.halved)
	s.all.accepted++
	if others >= s.served {
		s.refused, s.served = 0, 0
	}
	switch half := max(min(s.allowed, s.taken)/2, accepted+1, others+1); {
	case refused >= fewRefusals && refused >= 2*(accepted+1) && half < s.allowed:
		s.allowed, s.halved, s.probing = half, s.all.refused, false
	case s.allowed == s.most:
	case others >= s.allowed:
		s.allowed, s.wait, s.probing = others+1, firstProbe, false
		s.grant()
	case s.probing && s.taken > s.allowed:
		if s.passed++; s.passed > s.allowed && time.Since(s.since) >= firstProbe {
			s.allowed++
			s.wait = firstProbe
			s.tryMore()
		}
	}
}

// refuse says that a request was refused while the bodies of this many others arrived.
// Whether others that have no answer yet were served shows later: see accept and
// unanswered.
func (s *slots) refuse(others int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.refused++
	if s.probing {
		s.wait, s.probing = min(2*s.wait, lastProbe), false
	}
	if others == 0 {
		return // nothing shows yet that others were the reason
	}
	s.refused, s.served = s.refused+1, max(s.served, others)
	if s.refused >= fewRefusals {
		s.allowed = min(s.allowed, s.served)
	}
}

// outcome is what became of a request.
type outcome int

const (
	failed   outcome = iota // in a way that another try need not change
	accepted                // its body arrives
	refused                 // it may be served later
	crowded                 // it was refused while other bodies arrived
)

// wrap returns err, the error of a request with this outcome, for again.
func (o outcome) wrap(err error) error {
	if o == refused || o == crowded {
		return &refusedError{err, o == crowded}
	}
	return err
}

// refusedError is the error of a request that was refused. crowded is set if others were
// served meanwhile.
type refusedError struct {
	error
	crowded bool
}

func (e *refusedError) Unwrap() error { return e.error }
