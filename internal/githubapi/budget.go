package githubapi

import (
	"fmt"
	"sync"
	"time"
)

// The bounds of waits. docs/security.md has the same table.
const (
	// tryTimeout bounds one try, from connecting to the last byte of the answer.
	// GitHub itself gives up after 10 s.
	tryTimeout = time.Minute
	// idleTimeout bounds the time in which no byte of a body arrives.
	idleTimeout = 30 * time.Second
	// callBudget bounds all tries of one call, with the pauses between them and
	// redirects, without waits for rate limits.
	callBudget = 3 * time.Minute
	// runBudget bounds the time in which calls of a Client are troubled; see budget.
	runBudget = 15 * time.Minute
	// slowAnswer is the time after which a call without a failed try is troubled.
	slowAnswer = 5 * time.Second
)

// SlowError means that a try was given up because its answer was not complete in
// time.
type SlowError struct{ After time.Duration }

func (e *SlowError) Error() string {
	return fmt.Sprintf("the answer was not complete within %s", e.After)
}

// BudgetError means that another try or a longer wait would have exceeded a budget.
type BudgetError struct {
	Limit time.Duration
	// Run reports that the budget is that of all calls together, not of one.
	Run bool
}

func (e *BudgetError) Error() string {
	if e.Run {
		return fmt.Sprintf("not tried again, because faults, limits and slow answers may not take more than %s in all", e.Limit)
	}
	return fmt.Sprintf("not tried again, because the tries of one request may not take more than %s", e.Limit)
}

// budget adds up the time of troubled calls. A call is troubled if it is tried again,
// waits for a limit, or takes longer than slowAnswer; it counts from its beginning.
// Calls that are troubled at the same time count once. The zero budget is unspent.
type budget struct {
	mu       sync.Mutex
	spent    time.Duration
	troubled int
	since    time.Time // when the trouble that is not added to spent yet began
	until    time.Time // when the trouble that was added last ended
}

// left returns how much of runBudget is left.
func (p *budget) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent := p.spent
	if p.troubled > 0 {
		spent += now.Sub(p.since)
	}
	return runBudget - spent
}

// watch starts to watch a call. Call end when it is over.
func (p *budget) watch(now func() time.Time) *trouble {
	t := &trouble{of: p, now: now, began: now()}
	t.slow = time.AfterFunc(slowAnswer, t.begin)
	return t
}

// trouble is a call under watch.
type trouble struct {
	of    *budget
	now   func() time.Time
	began time.Time
	slow  *time.Timer
	begun bool // begun and ended are guarded by of.mu
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
