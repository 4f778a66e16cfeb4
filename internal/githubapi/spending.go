package githubapi

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Cost is what a request asks for, as far as searches send it.
type Cost int

// The costs of a search.
const (
	// NoSearch is the cost of requests that no search sends: downloads, deletions, tokens.
	NoSearch Cost = iota
	// ArtifactPages are pages of a repository's artifacts, NamedPages pages of its
	// artifacts of one name.
	ArtifactPages
	NamedPages
	// RunPages are pages of the runs of a repository or a workflow.
	RunPages
	// SingleRuns are runs by id.
	SingleRuns
	// OwnLists are pages of the artifacts of single runs.
	OwnLists
	// Names are requests for what inputs name: lists of workflows, single branches,
	// commits, pull requests and artifacts.
	Names
	numCosts
)

// Costs are how many requests searches sent, by Cost. Retries count. Requests answered
// with 304 do not, as they do not count against the rate limit.
type Costs [numCosts]int

// Total returns how many requests searches sent in all.
func (c Costs) Total() int {
	n := 0
	for _, of := range c[NoSearch+1:] {
		n += of
	}
	return n
}

// High reports whether searches sent so many requests that a person should learn for what.
func (c Costs) High() bool { return c.Total() > 100 }

// modest is how many requests searches may send however little the limit has left.
const modest = 50

// ReserveError means that a search did not send a request, because it would have spent
// requests of this hour that searches leave to others.
type ReserveError struct {
	Costs Costs // of what searches sent before
	// Left is how many requests the rate limit has left until Reset, and Reserve how
	// many of them searches leave.
	Left, Reserve int
	Reset         time.Time
}

func (e *ReserveError) Error() string {
	return fmt.Sprintf("not sent, because the search has sent %d requests, the rate limit has %d left until %s, and a search leaves the last %d to others",
		e.Costs.Total(), e.Left, e.Reset.UTC().Format(time.DateTime+" MST"), e.Reserve)
}

// allowance is what an answer says of the primary rate limit.
type allowance struct {
	left  int
	reset time.Time // when the limit is whole again, by the server's clock
}

// spending counts the requests of searches, and keeps searches from spending the last
// requests of the hour. The zero spending only counts.
type spending struct {
	reserve int         // as Options.Reserve
	costly  func(Costs) // as Options.Costly

	mu   sync.Mutex
	sent Costs
	told bool // costly was called
	// last is what the server said last of its limit. It is nil if the server says
	// nothing, as GitHub Enterprise Server does while limits are off.
	last *allowance
	// underWay is how many requests are under way. ended is closed when one of them
	// ends; it is nil while no request waits for that.
	underWay int
	ended    chan struct{}
}

// begin admits a request, or fails with a *ReserveError. If that depends on the answers to
// requests under way, it waits for them. It always admits a conditional request, which
// usually costs nothing. now is the time by the server's clock.
func (s *spending) begin(ctx context.Context, of Cost, conditional bool, now func() time.Time) error {
	for {
		ended, err := s.admit(of, conditional, now())
		if ended == nil {
			return err
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// admit is begin without waiting: it returns what to wait for instead.
func (s *spending) admit(of Cost, conditional bool, now time.Time) (ended <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := of == NoSearch || conditional || s.reserve <= 0 || s.sent.Total()+s.underWay <= modest
	switch {
	case free, s.last == nil, !now.Before(s.last.reset), s.last.left-s.underWay > s.reserve:
		s.underWay++
		return nil, nil
	case s.last.left > s.reserve && s.underWay > 0:
		if s.ended == nil {
			s.ended = make(chan struct{})
		}
		return s.ended, nil
	}
	return nil, &ReserveError{Costs: s.sent, Left: s.last.left, Reserve: s.reserve, Reset: s.last.reset}
}

// end ends a request that begin admitted. n is how often it was sent, as far as that counts
// against the limit; said is what its answer says of the limit, or nil.
func (s *spending) end(of Cost, n int, said *allowance) {
	s.mu.Lock()
	s.underWay--
	if s.ended != nil {
		close(s.ended)
		s.ended = nil
	}
	s.sent[of] += n
	if said != nil && s.follows(said) {
		s.last = said
	}
	sent := s.sent
	tell := s.costly != nil && !s.told && sent.High()
	s.told = s.told || tell
	s.mu.Unlock()
	if tell {
		s.costly(sent)
	}
}

// follows reports whether said is newer than what is known: answers overtake each other, but
// until the reset the number only falls.
func (s *spending) follows(said *allowance) bool {
	return s.last == nil || said.reset.After(s.last.reset) || said.reset.Equal(s.last.reset) && said.left < s.last.left
}

// costs returns how many requests searches have sent.
func (s *spending) costs() Costs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}
