package search

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/artifact"
)

// narrowed are the lists of runs that the server narrows for one search, by what the
// filter asks for. They come from the server's search index, which lags by minutes to
// weeks, and is empty at times.
type narrowed struct {
	// lists are read side by side: one for each combination of values.
	lists []*runList
	// former are the lists that these go on from.
	former []*runList
	// byStatus reports that the lists are narrowed by status or conclusion, too.
	byStatus bool
	// gone is set when the server does not have the lists, although it has the workflow.
	gone bool
}

// maxNarrowed bounds how many lists are read side by side.
const maxNarrowed = 4

// queries returns the queries of the lists that have all runs which meet the
// conditions: the server takes one value for each. With byStatus they are narrowed by
// conclusion, too. A condition with too many values narrows nothing; if no other is left,
// the only query narrows nothing.
func (f *filter) queries(byStatus bool) []RunQuery {
	list := []RunQuery{{Workflow: f.workflow.query(), Branch: f.branch, HeadSHA: f.sha, Actor: f.actor}}
	each := func(values []string, set func(*RunQuery, string)) {
		if len(values) == 0 || len(list)*len(values) > maxNarrowed {
			return
		}
		var all []RunQuery
		for _, q := range list {
			for _, v := range values {
				set(&q, v)
				all = append(all, q)
			}
		}
		list = all
	}
	if byStatus {
		each(f.conclusions.list, func(q *RunQuery, v string) { q.Status = v })
	}
	each(f.events.list, func(q *RunQuery, v string) { q.Event = v })
	return list
}

// narrowsByStatus reports whether the server can narrow lists by the conclusions asked for.
func (f *filter) narrowsByStatus() bool {
	return !f.conclusions.any() && len(f.conclusions.list) <= maxNarrowed
}

// frontier returns the time after which the lists have all runs that meet the query,
// as far as the server told the truth.
func (n *narrowed) frontier() time.Time {
	var at time.Time
	for _, l := range n.lists {
		if f := l.frontier(); f.After(at) {
			at = f
		}
	}
	if len(n.lists) == 0 || n.gone {
		return unread
	}
	return at
}

// done reports whether the lists were read to their ends.
func (n *narrowed) done() bool {
	for _, l := range n.lists {
		if !l.done() {
			return false
		}
	}
	return true
}

// cutOff reports whether GitHub cut the lists off, and they can be gone on with from
// their frontier.
func (n *narrowed) cutOff() bool {
	f := n.frontier()
	return !n.gone && !f.IsZero() && f.Before(n.lists[0].start())
}

// all returns all lists that were read.
func (n *narrowed) all() []*runList {
	return append(n.former[:len(n.former):len(n.former)], n.lists...)
}

// contradicted reports whether lists with the same parameters lack a run that they should
// have.
func (s *search) contradicted() bool {
	for _, l := range s.narrow.all() {
		if s.finder.stale(l.query.kind()) {
			return true
		}
	}
	return s.narrow.gone
}

// believed reports whether the narrowed lists count for more than what they have: they
// are not contradicted, and do not come back empty for a conclusion, which a search asks
// for where runs that ended so are likely to exist.
func (s *search) believed() bool {
	empty := s.narrow.byStatus
	for _, l := range s.narrow.lists {
		empty = empty && l.read > 0 && len(l.items) == 0
	}
	return !empty && !s.contradicted()
}

// met reports whether a run is known to meet all conditions of the query except the workflow and
// the time.
func (q RunQuery) met(r artifact.Run) bool {
	same := func(want, has string) bool { return want == "" || strings.EqualFold(want, has) }
	return (q.Branch == "" || q.Branch == r.HeadBranch) && same(q.Event, r.Event) && same(q.Actor, r.Actor) &&
		same(q.HeadSHA, r.HeadSHA) && (q.Status == "" || q.Status == r.Status || q.Status == r.Conclusion)
}

// examines reports whether a run counts as examined once it is known: it is of the
// workflow, the branch, the commit, the event and the actor asked for.
func (f *filter) examines(r artifact.Run) bool {
	return f.workflow.passes(r) && f.aimsAt(r) && f.events.admits(r.Event) && (f.actor == "" || strings.EqualFold(f.actor, r.Actor))
}

// vouched reports whether each of the narrowed lists is fresh. If control is set, another
// list with the same parameters may be fresh in its place: one of another search, or a
// control list.
func (s *search) vouched(control bool) bool {
	if s.narrow.gone || len(s.narrow.lists) == 0 {
		return false
	}
	lists := s.narrow.all()
	if control {
		lists = s.facts.narrowed
	}
	return !slices.ContainsFunc(s.narrow.lists, func(l *runList) bool { return !s.finder.fresh(l.query.kind(), lists) })
}

// pathless reports whether only the list of the workflow's runs tells which runs are its
// own, as the server does not send the paths of workflows, and that list is still to be
// read.
func (s *search) pathless() bool {
	w := s.filter.workflow
	return len(s.narrow.lists) == 0 && !w.any() && w.id == 0 && slices.ContainsFunc(s.facts.all.items, func(r artifact.Run) bool { return r.WorkflowPath == "" })
}

// errUnlisted says that the server has a workflow, but no list of its runs.
var errUnlisted = errors.New("the workflow's runs are not listed")

// listRuns returns a page of a narrowed list. Where the server does not know the
// workflow by its file name, it may still do so by its id.
func (s *search) listRuns(ctx context.Context, q RunQuery) (Page[artifact.Run], error) {
	f, name := s.finder, q.Workflow
	if id, known := f.workflowIDs.Load(name); known {
		q.Workflow, _ = id.(string)
	}
	p, err := f.source.Runs(ctx, f.repo, q)
	if name == "" || !missing(err) {
		return p, err
	}
	id, err := f.workflowID(ctx, s.filter.workflow, err)
	if err != nil {
		return p, err
	}
	if q.Workflow = strconv.FormatInt(id, 10); q.Workflow != name {
		if p, err = f.source.Runs(ctx, f.repo, q); !missing(err) {
			f.workflowIDs.Store(name, q.Workflow)
			return p, err
		}
	}
	return Page[artifact.Run]{}, errUnlisted
}

// open begins the narrowed lists, from a time on, and returns the requests for their
// first pages.
func (s *search) open(byStatus bool, until time.Time) []request {
	s.narrow.former = s.narrow.all()
	s.narrow.lists, s.narrow.byStatus = nil, s.narrow.byStatus || byStatus
	for _, q := range s.filter.queries(s.narrow.byStatus) {
		q.Until = until
		l := s.finder.newRunList(q)
		l.meets = func(r artifact.Run) bool { return s.filter.workflow.passes(r) && q.met(r) }
		s.narrow.lists = append(s.narrow.lists, l)
	}
	s.facts.narrowed = append(s.facts.narrowed, s.narrow.lists...)
	return s.readNarrowed()
}

// readNarrowed returns requests for the next pages of the narrowed lists, or of the list of
// all runs if less of it is left: a server may ignore filters.
func (s *search) readNarrowed() []request {
	if n := left(s.narrow.lists); n < endless && s.facts.all.left() < n {
		return s.readAll()
	}
	return s.readNext()
}

// readNext returns requests for the next pages of the narrowed lists.
func (s *search) readNext() []request {
	var list []request
	most := max(1, (s.finder.left()+PerPage-1)/PerPage) // the limit allows no more
	for _, l := range s.narrow.lists {
		list = append(list, s.readRuns(l, s.listRuns, min(l.ahead(), most))...)
	}
	return list
}

// readRuns returns requests for the next n pages of a list of runs.
func (s *search) readRuns(l *runList, get func(context.Context, RunQuery) (Page[artifact.Run], error), n int) []request {
	var list []request
	for _, number := range l.take(n) {
		list = append(list, func(ctx context.Context) (func(), error) {
			q := l.query
			q.Page, q.PerPage = number, l.perPage
			p, err := get(ctx, q)
			if errors.Is(err, errUnlisted) {
				return func() { s.narrow.gone, l.next = true, 0 }, nil
			}
			return func() {
				l.add(number, p)
				s.facts.untimely = s.facts.untimely || l.untimely
				for _, r := range p.Items {
					if q.Workflow != "" {
						s.filter.workflow.learn(r)
					}
					s.facts.know(r)
				}
			}, err
		})
	}
	return list
}
