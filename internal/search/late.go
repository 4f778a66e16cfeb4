package search

import (
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

const (
	// lagging is how long lists of artifacts may lag behind a run's own, which is a
	// minute as a rule.
	lagging = 10 * time.Minute
	// maxLate bounds how many runs are asked for their artifacts because lists that show that
	// they lack something may lag behind.
	maxLate = 16
	// maxDenied bounds how many such runs are asked before no more are asked for another reason:
	// because lists were found to be wrong.
	maxDenied = 16
)

// doubtful returns the denied runs that are to be asked before they are passed over, and counts
// them as asked. Runs that lists may lag behind go first. They have a bound of their own, because
// they may become known when many others were asked.
func (s *search) doubtful(w walked) []artifact.Run {
	var late, others []artifact.Run
	for i, r := range w.denied {
		if s.late(r) || i == 0 && w.first {
			late = append(late, r)
		} else {
			others = append(others, r)
		}
	}
	f := s.finder
	most := max(maxLate-f.askedLate, 0)
	if w.first {
		most = max(most, 1)
	}
	late = late[:min(len(late), most)]
	f.askedLate += len(late)
	f.denied += len(late)
	others = others[:min(len(others), max(maxDenied-f.denied, 0))]
	f.denied += len(others)
	return append(late, others...)
}

// late reports whether a run is under way, or ended so lately that lists of artifacts may
// not show all that it has.
func (s *search) late(r artifact.Run) bool {
	ended := r.UpdatedAt
	if ended.IsZero() {
		ended = r.Begun()
	}
	return r.UnderWay() || !ended.IsZero() && s.finder.now.Sub(ended) < lagging
}

// meetsLate reports whether a run is known that may fit, and that was not asked although
// lists of artifacts may not show all that it has.
func (s *search) meetsLate() bool {
	for id, r := range s.facts.known {
		if _, asked := s.facts.asked[id]; !asked && !s.facts.deleted[id] && s.passes(r) && s.late(r) {
			return true
		}
	}
	return false
}

// longest is how old a run is at most, as a rule, when it ends. Jobs on GitHub's own
// runners end after six hours.
const longest = 24 * time.Hour

// mayEndLate reports whether a run that was created at a time, or before it, may have ended
// so lately that lists of artifacts do not show all that it has.
func (s *search) mayEndLate(created time.Time) bool {
	return created.After(s.finder.now.Add(-longest))
}

// endsUnseen reports whether runs that match may have ended so lately, while the list of all
// runs does not reach back to when they were created.
func (s *search) endsUnseen(oldest time.Time) bool {
	f := s.facts.all.frontier()
	return !oldest.After(f) && s.mayEndLate(f)
}
