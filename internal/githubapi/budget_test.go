package githubapi

import (
	"testing"
	"time"
)

// Calls that wait at the same time count once.
func TestBudgetOfTheRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var p budget
	p.watch(clock).end()
	now = now.Add(time.Hour) // untroubled
	a, b := p.watch(clock), p.watch(clock)
	a.begin()
	a.begin()
	now = now.Add(time.Minute)
	b.begin()
	now = now.Add(time.Minute)
	a.end()
	now = now.Add(time.Minute)
	if left := p.left(now); left != runBudget-3*time.Minute {
		t.Errorf("%s left in the middle", left)
	}
	b.end()
	b.begin() // too late: its timer may have gone off meanwhile
	now = now.Add(time.Hour)
	if left := p.left(now); left != runBudget-3*time.Minute {
		t.Errorf("%s left", left)
	}
	// A call that began while another one was troubled, and is troubled only after that.
	c := p.watch(clock)
	c.begin()
	now = now.Add(time.Minute)
	d := p.watch(clock)
	now = now.Add(time.Minute)
	c.end()
	now = now.Add(time.Minute)
	d.begin()
	d.end()
	if left := p.left(now); left != runBudget-6*time.Minute {
		t.Errorf("%s left in the end", left)
	}
}
