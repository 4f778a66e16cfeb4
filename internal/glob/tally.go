package glob

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Tally is a list of globs, made ready to match, that remembers which of them
// matched something. Its methods are safe for concurrent use.
type Tally struct {
	globs []string
	set   *Set
	done  atomic.Bool // idle is empty

	mu   sync.Mutex
	idle alternatives // the alternatives of set.take that have matched nothing yet
}

// NewTally returns a Tally of globs that Check accepts.
func NewTally(globs []string) *Tally {
	set := New(globs)
	return &Tally{globs: globs, set: set, idle: alternatives{exact: maps.Clone(set.take.exact), globs: slices.Clone(set.take.globs)}}
}

// Match reports whether the list matches a name or path.
func (t *Tally) Match(name string) bool {
	if !t.done.Load() {
		t.mu.Lock()
		t.done.Store(t.idle.drop(name))
		t.mu.Unlock()
	}
	return t.set.Match(name)
}

// Idle returns the globs that matched none of the names so far. A name that another glob
// excluded counts as matched; globs that begin with "!" are never idle.
func (t *Tally) Idle() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, g := range t.globs {
		if !strings.HasPrefix(g, "!") && t.idle.has(g) {
			list = append(list, g)
		}
	}
	return list
}

// drop removes the alternatives that match a name, and reports whether none is left.
func (a *alternatives) drop(name string) bool {
	places(name, func(at string) bool {
		delete(a.exact, at)
		return false
	})
	a.globs = slices.DeleteFunc(a.globs, func(g string) bool { return matches(g, name) })
	return len(a.exact)+len(a.globs) == 0
}

// has reports whether all alternatives of a glob are among a.
func (a *alternatives) has(glob string) bool {
	plain, _ := expand(glob)
	own := newAlternatives()
	for _, p := range plain {
		own.add(p)
	}
	for at := range own.exact {
		if !a.exact[at] {
			return false
		}
	}
	return !slices.ContainsFunc(own.globs, func(g string) bool { return !slices.Contains(a.globs, g) })
}
