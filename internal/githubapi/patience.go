package githubapi

import (
	"fmt"
	"sync"
	"time"
)

// What is waited for, and how long. docs/security.md has the same table.
const (
	// tryTimeout bounds one try, from the connection to the answer's last
	// byte. GitHub itself gives up after 10 s.
	tryTimeout = time.Minute
	// idleTimeout is how long an answer's body may bring nothing.
	idleTimeout = 30 * time.Second
	// callBudget bounds all tries of one call, the pauses between them and
	// renamed repositories included, the waits for limits apart.
	callBudget = 3 * time.Minute
	// runBudget bounds the time in which any call of a Client is troubled.
	runBudget = 15 * time.Minute
	// slowAnswer is when a call counts as troubled although no try has failed.
	slowAnswer = 5 * time.Second
)

// SlowError says that a try was given up because its answer was not there, or
// not whole, in time.
type SlowError struct{ After time.Duration }

func (e *SlowError) Error() string { return fmt.Sprintf("no whole answer within %s", e.After) }

// PatienceError says that another try or a longer wait would have passed a
// bound.
type PatienceError struct {
	Limit time.Duration
	// Run reports that it is the bound of all calls together, not of one.
	Run bool
}

func (e *PatienceError) Error() string {
	if e.Run {
		return fmt.Sprintf("not tried again, because faults, limits and slow answers may take %s in all", e.Limit)
	}
	return fmt.Sprintf("not tried again, because the tries of one request may take %s", e.Limit)
}

// patience adds up the time of troubled calls: of one that was tried again,
// that had to wait for a limit, or that took longer than slowAnswer, from its
// beginning. Calls that are troubled at the same time count once. The zero
// patience is unspent.
type patience struct {
	mu       sync.Mutex
	spent    time.Duration
	troubled int
	since    time.Time // from when on the time of those is to be added
	until    time.Time // up to when it was added
}

// left is what may still be spent.
func (p *patience) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := p.spent
	if p.troubled > 0 {
		spent += now.Sub(p.since)
	}
	return runBudget - spent
}

// watch begins to watch a call.
func (p *patience) watch(now func() time.Time) *trouble {
	t := &trouble{of: p, now: now, began: now()}
	t.slow = time.AfterFunc(slowAnswer, t.begin)
	return t
}

// trouble is one call, troubled or not.
type trouble struct {
	of    *patience
	now   func() time.Time
	began time.Time
	slow  *time.Timer
	begun bool // guarded by of.mu, as is ended
	ended bool
}

// begin marks the call as troubled, once.
func (t *trouble) begin() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.begun || t.ended {
		return
	}
	t.begun = true
	if t.of.troubled++; t.of.troubled == 1 {
		t.of.since = t.began
		if t.of.until.After(t.began) {
			t.of.since = t.of.until
		}
	}
}

// end ends the watch.
func (t *trouble) end() {
	t.slow.Stop()
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.ended = true
	if !t.begun {
		return
	}
	if t.of.troubled--; t.of.troubled == 0 {
		t.of.until = t.now()
		t.of.spent += t.of.until.Sub(t.of.since)
	}
}
