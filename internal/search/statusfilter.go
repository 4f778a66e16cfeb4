package search

import (
	"context"
	"slices"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// statusTrust is how far a search relies on the server's filter by status, which
// misses runs of the last weeks.
type statusTrust struct {
	// used is set once a list of runs is narrowed by status.
	used bool
	// checkedTo is how far back all runs are known without the filter.
	checkedTo time.Time
}

// narrow reads the first page that is filtered by status on the server, and beside
// it the same page unfiltered: the filter misses runs for weeks, and no other list
// shows all that it may hide.
func (s *search) narrow(ctx context.Context) error {
	all := s.runs.query
	all.Status, all.PerPage = "", s.finder.pageSize()
	s.byStatus = statusTrust{used: true, checkedTo: s.runs.start()}
	if s.finder.left() < 2*all.PerPage {
		return s.readRuns(ctx)
	}
	var checked Page[artifact.Run]
	var g group
	g.Go(func() error { return s.readRuns(ctx) })
	g.Go(func() (err error) {
		checked, err = s.finder.source.Runs(ctx, s.finder.repo, all)
		return err
	})
	err := g.Wait()
	l := s.finder.newRunList(all)
	l.add(checked)
	for _, r := range checked.Items {
		if !s.finder.limitMet() {
			s.facts.examine(r)
		}
	}
	s.byStatus.checkedTo = l.frontier()
	if l.done() && !l.capped() {
		s.byStatus.checkedTo = time.Time{}
	}
	return err
}

// hidden returns the candidates that may be newer than the runs taken and that a
// list narrowed by status may have left out. If there are more than maxStale, it
// returns none: they are runs of other workflows as a rule.
func (s *search) hidden(taken []artifact.Run) []candidate {
	index := s.facts.index()
	if !s.byStatus.used || index == nil || s.finder.limitMet() {
		return nil
	}
	list := slices.DeleteFunc(s.candidates(index), func(c candidate) bool {
		return len(taken) == s.finder.req.Runs && c.bound.Before(taken[len(taken)-1].CreatedAt)
	})
	if len(list) > maxStale {
		return nil
	}
	return list
}

// trusted reports whether the result relies on the server's filter by status: that
// no run counts that is newer than the runs taken, or that none counts at all.
func (s *search) trusted(taken []artifact.Run) bool {
	var oldest time.Time
	if len(taken) == s.finder.req.Runs {
		oldest = taken[len(taken)-1].CreatedAt
	}
	if !s.byStatus.used || !oldest.Before(s.byStatus.checkedTo) {
		return false
	}
	index := s.facts.index()
	return index == nil || !index.knows(oldest) || len(s.candidates(index)) > maxStale
}
