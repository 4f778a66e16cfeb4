package search

import (
	"context"
	"strconv"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// queryKind is which parameters a query uses, whatever their values. The server answers queries
// with the same parameters from the same index, so one list tells whether others are
// stale.
type queryKind struct{ workflow, branch, event, actor, status, commit bool }

func (q RunQuery) kind() queryKind {
	return queryKind{
		workflow: q.Workflow != "", branch: q.Branch != "", event: q.Event != "", actor: q.Actor != "",
		status: q.Status != "", commit: q.HeadSHA != "",
	}
}

// indexed is how long the server takes, as a rule, until lists that a filter narrows have a
// new run.
const indexed = 2 * time.Minute

// lacks reports whether a narrowed list lacks a run that it should have: one that is known
// from elsewhere, meets its query, and was created in the time that it covers.
func (f *finder) lacks(l *runList) bool {
	if l.read == 0 {
		return false
	}
	from, to := l.frontier(), minTime(l.start(), f.now.Add(-indexed))
	for id, r := range f.facts.known {
		if !l.seen[id] && !f.facts.deleted[id] && r.CreatedAt.After(from) && !r.CreatedAt.After(to) && l.meets(r) {
			return true
		}
	}
	return false
}

// stale reports whether a list with these parameters lacks a run that it should have.
func (f *finder) stale(p queryKind) bool {
	for _, l := range f.facts.narrowed {
		if l.query.kind() == p && f.lacks(l) {
			return true
		}
	}
	return false
}

// fresh reports whether one of the lists has these parameters, and a run that is known
// without a filter, too: from the list of all runs, or from an artifact. Lists narrowed by
// status never count as fresh: they lack runs of the last weeks while they have others.
func (f *finder) fresh(p queryKind, lists []*runList) bool {
	if p.status || f.stale(p) {
		return false
	}
	for _, l := range lists {
		if l.query.kind() != p {
			continue
		}
		for id := range l.seen {
			if f.facts.all.seen[id] || f.facts.names(id) {
				return true
			}
		}
	}
	return false
}

// control returns requests that show whether the narrowed lists that a choice rests on are
// fresh: each asks for a run of the list of all runs by the same parameters.
func (s *search) control() []request {
	var list []request
	for _, l := range s.narrow.lists {
		p := l.query.kind()
		if p.status || s.facts.controlled[p] || s.finder.fresh(p, s.facts.narrowed) {
			continue
		}
		s.facts.controlled[p] = true
		if r, found := s.finder.example(p); found {
			list = append(list, s.finder.readControl(p, r))
		}
	}
	return list
}

// example returns the run that a control list has to have: the newest one that filters
// should know by now, or else the newest.
func (f *finder) example(p queryKind) (best artifact.Run, found bool) {
	for _, r := range f.facts.all.items {
		if p.workflow && r.WorkflowID == 0 || p.branch && r.HeadBranch == "" || p.event && r.Event == "" || p.actor && r.Actor == "" || p.commit && r.HeadSHA == "" {
			continue
		}
		if !r.CreatedAt.After(f.now.Add(-indexed)) {
			return r, true
		}
		if !found {
			best, found = r, true
		}
	}
	return best, found
}

// readControl reads the first page of the list that these parameters narrow, with the
// values of a run. Where there is no such list, nothing is learnt. The runs of the page are
// known from then on: one of them may pass a later filter and be on no other list.
func (f *finder) readControl(p queryKind, r artifact.Run) request {
	var q RunQuery
	set := func(used bool, field *string, value string) {
		if used {
			*field = value
		}
	}
	set(p.workflow, &q.Workflow, strconv.FormatInt(r.WorkflowID, 10))
	set(p.branch, &q.Branch, r.HeadBranch)
	set(p.event, &q.Event, r.Event)
	set(p.actor, &q.Actor, r.Actor)
	set(p.commit, &q.HeadSHA, r.HeadSHA)
	l := f.newRunList(q)
	l.meets = func(o artifact.Run) bool { return (!p.workflow || o.WorkflowID == r.WorkflowID) && q.met(o) }
	return func(ctx context.Context) (func(), error) {
		page, err := f.source.Runs(ctx, f.repo, q)
		if missing(err) {
			return func() {}, nil
		}
		return func() {
			l.add(1, page)
			for _, o := range page.Items {
				f.facts.know(o)
			}
			f.facts.narrowed = append(f.facts.narrowed, l)
		}, err
	}
}
