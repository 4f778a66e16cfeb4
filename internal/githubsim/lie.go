package githubsim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// List is a list of the API.
type List string

// The lists.
const (
	ListRuns         List = "runs"          // of a repository
	ListWorkflowRuns List = "workflow-runs" // of one workflow
	ListArtifacts    List = "artifacts"     // of a repository
	ListRunArtifacts List = "run-artifacts" // of one run
	ListWorkflows    List = "workflows"
)

// Unnarrowed selects requests for a list that no parameter narrows.
const Unnarrowed = "nothing"

// Order is the order of a list.
type Order int

// The orders. Without a Lie, lists are newest first.
const (
	Unchanged Order = iota
	OldestFirst
	ByID     // the highest id first
	Shuffled // by Seed; an item's place relative to others is the same in each request
)

// Lie makes lists differ from what is there. GitHub's lists of runs that are narrowed by
// a parameter come from a search index, which lags or is empty at times; its lists of
// artifacts lag, too, and no order is documented. The fields up to Until select the
// requests. All lies that select a request apply.
type Lie struct {
	// Repo is the full name of the repository; "" is any.
	Repo string
	// List is the list that lies; "" is any.
	List List
	// Narrowed names a parameter, such as "branch", that is given in the request; ""
	// selects any request, Unnarrowed one without such a parameter.
	Narrowed string
	// Skip is how many matching requests pass first.
	Skip int
	// Times is how many matching requests are lied to; 0 means all. Each page is a
	// request.
	Times int
	// Until is when the lie ends; the zero time is never.
	Until time.Time

	// Empty leaves out all items, Newest so many of the newest ones, and Younger those
	// that were created in this time up to now.
	Empty   bool
	Newest  int
	Younger time.Duration
	// Runs leaves out the runs with these ids, or their artifacts. Artifacts leaves out
	// the artifacts with these ids.
	Runs, Artifacts []int64
	// Order is the order of the items that are left.
	Order Order
	Seed  uint64
	// Moved moves single items, by id, to a place in the list, counted from 0.
	Moved map[int64]int
}

// lie is a Lie and how many requests it selected.
type lie struct {
	Lie
	seen int
}

// Lie declares a lie. Lies that leave items out apply before lies that reorder; otherwise
// they apply in the order in which they were declared.
func (s *Sim) Lie(l Lie) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies = append(s.lies, &lie{Lie: l})
}

// selects reports whether the lie applies to a request for a list, and counts it.
func (l *lie) selects(r *http.Request, repo *Repo, list List, now time.Time) bool {
	switch {
	case l.Repo != "" && !strings.EqualFold(l.Repo, repo.FullName),
		l.List != "" && l.List != list,
		l.Narrowed == Unnarrowed && narrowed(r),
		l.Narrowed != "" && l.Narrowed != Unnarrowed && r.URL.Query().Get(l.Narrowed) == "",
		!l.Until.IsZero() && !now.Before(l.Until):
		return false
	}
	l.seen++
	return l.seen > l.Skip && (l.Times == 0 || l.seen <= l.Skip+l.Times)
}

// narrowed reports whether a parameter narrows a list.
func narrowed(r *http.Request) bool {
	for name, values := range r.URL.Query() {
		if name != "page" && name != "per_page" && values[0] != "" {
			return true
		}
	}
	return false
}

// fact is what a Lie looks at of an item: its id, when it was created, and the id of the
// run that it is or belongs to.
type fact struct {
	id, run int64
	at      time.Time
	kind    List // ListRuns or ListArtifacts
}

// told returns a list as the lies that select the request change it. It leaves items alone.
func told[T any](s *Sim, r *http.Request, repo *Repo, list List, items []T, of func(T) fact) []T {
	var lies []*lie
	for _, l := range s.lies {
		if l.selects(r, repo, list, s.opt.Now()) {
			lies = append(lies, l)
		}
	}
	if len(lies) == 0 {
		return items
	}
	items = slices.Clone(items)
	for _, l := range lies {
		if l.Empty {
			items = nil
		}
		items = items[min(l.Newest, len(items)):]
		items = slices.DeleteFunc(items, func(v T) bool {
			f := of(v)
			return slices.Contains(l.Runs, f.run) || f.kind == ListArtifacts && slices.Contains(l.Artifacts, f.id) ||
				l.Younger > 0 && f.at.After(s.opt.Now().Add(-l.Younger))
		})
	}
	for _, l := range lies {
		switch l.Order {
		case OldestFirst:
			items = sortedBy(items, func(v T) int64 { return of(v).at.UnixNano() })
		case ByID: // the highest first
			items = sortedBy(items, func(v T) int64 { return -of(v).id })
		case Shuffled:
			items = sortedBy(items, func(v T) uint64 { return l.mix(of(v)) })
		case Unchanged:
		}
		ids := slices.SortedFunc(maps.Keys(l.Moved), func(a, b int64) int { return cmp.Compare(l.Moved[a], l.Moved[b]) })
		for _, id := range ids { // whatever comes later stays behind
			items = move(items, func(v T) bool { return of(v).id == id }, l.Moved[id])
		}
	}
	return items
}

// newestFirst returns the items sorted by time; those of the same time keep their order.
func newestFirst[T any](items []T, of func(T) fact) []T {
	return sortedBy(items, func(v T) int64 { return -of(v).at.UnixNano() })
}

// sortedBy returns the items sorted by a key, the smallest first; those of the same key keep
// their order. Lists may have thousands of items, so each key is looked up once.
func sortedBy[T any, K cmp.Ordered](items []T, key func(T) K) []T {
	type place struct {
		key   K
		index int
	}
	places := make([]place, len(items))
	for i, v := range items {
		places[i] = place{key(v), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.index, b.index))
	})
	sorted := make([]T, len(items))
	for i, p := range places {
		sorted[i] = items[p.index]
	}
	return sorted
}

// matching returns the items that match, in a list of its own.
func matching[T any](items []T, match func(T) bool) []T {
	var list []T
	for _, v := range items {
		if match(v) {
			list = append(list, v)
		}
	}
	return list
}

// mix returns a number that looks random, from the seed and the item's id.
func (l *lie) mix(f fact) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, l.Seed, f.kind, f.id, l.Seed) // hashes do not fail
	return h.Sum64()
}

// move moves the first item for which meant is true to a place in the list.
func move[T any](items []T, meant func(T) bool, place int) []T {
	i := slices.IndexFunc(items, meant)
	if i < 0 {
		return items
	}
	v := items[i]
	items = slices.Delete(items, i, i+1)
	return slices.Insert(items, min(place, len(items)), v)
}
