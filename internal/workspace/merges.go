package workspace

import (
	"fmt"
	"path"
	"slices"
)

// merge is an existing directory, and what is merged into it.
type merge struct {
	spot
	from []source
}

// merges finds the directories that exist and that trees are merged into.
type merges struct {
	// followed has, by their real paths, the merges at whose path the destination has a
	// symlink: there the walk leaves the paths of the trees. All others are found from these
	// and from where the walk begins, so that memory does not grow with their number.
	followed map[string][]merge
	known    map[string]nearest // by directory, for a few: what nearest returned
}

// nearest is a directory that is merged into, and its merges: several if a symlink leads there,
// too.
type nearest struct {
	real   string
	merges []merge
}

// maxKnownDirs bounds merges.known.
const maxKnownDirs = 1 << 10

func newMerges() merges {
	return merges{followed: map[string][]merge{}, known: map[string]nearest{}}
}

// follow adds a merge that a symlink of the destination led to.
func (m *merges) follow(one merge) {
	m.followed[one.real] = append(m.followed[one.real], one)
	clear(m.known)
}

// nearest finds the directory, dir or above it, that exists and is merged into; the root,
// without merges, if there is none. During a walk it does not know the symlinks that have yet
// to be followed.
func (p *planner) nearest(dir string) (nearest, error) {
	if found, ok := p.merges.known[dir]; ok {
		return found, nil
	}
	at := slices.Clone(p.merges.followed[dir])
	if start := p.start(); start.real == dir {
		at = append(at, merge{start, p.sources})
	}
	found := nearest{real: "."}
	if dir != "." {
		var err error
		if found, err = p.nearest(path.Dir(dir)); err != nil {
			return nearest{}, err
		}
	}
	if found.real == path.Dir(dir) {
		for _, above := range found.merges {
			below, err := p.below(above, path.Base(dir))
			if err != nil {
				return nearest{}, err
			}
			if below != nil {
				at = append(at, *below)
			}
		}
	}
	if len(at) > 0 {
		found = nearest{dir, at}
	}
	if len(p.merges.known) >= maxKnownDirs {
		clear(p.merges.known)
	}
	p.merges.known[dir] = found
	return found, nil
}

// below returns the merge in a directory that is merged into; nil if there is no directory of
// that name, or none of the trees has one.
func (p *planner) below(above merge, name string) (*merge, error) {
	var from []source
	for _, s := range above.from {
		c, err := p.unlockedChild(s, name)
		if err != nil {
			return nil, err
		}
		if c != nil && c.isDir {
			from = append(from, c.source)
		}
	}
	if len(from) == 0 {
		return nil, nil
	}
	to := above.join(name)
	there, err := p.stage.at.lookup(to.real)
	if err != nil {
		return nil, fmt.Errorf("look at what is there: %w", err)
	}
	if there == nil || !there.IsDir() {
		return nil, nil
	}
	return &merge{to, from}, nil
}

// unlockedChild is child for a source that is merged, to which the walk may not have come yet.
func (p *planner) unlockedChild(s source, name string) (*child, error) {
	if len(s.virtual) == 0 && !p.hollow {
		if _, err := p.unlock(s.dir); err != nil {
			return nil, err
		}
	}
	return p.child(s, name)
}

// twice refuses a place that artifacts reach by two paths, because of a symlink in the
// destination.
func (p *planner) twice(to spot) error {
	if len(p.merges.followed) == 0 {
		return nil
	}
	dir, name := path.Dir(to.real), path.Base(to.real)
	into, err := p.nearest(dir)
	if err != nil || into.real != dir {
		return err
	}
	for _, m := range into.merges {
		other := m.join(name)
		if other.shown == to.shown {
			continue
		}
		for _, s := range m.from {
			if c, err := p.unlockedChild(s, name); err != nil {
				return err
			} else if c != nil {
				return &ClashError{p.show(to), fmt.Sprintf("and %q are the same place, because of a symlink in the destination, and artifacts have both", p.show(other))}
			}
		}
	}
	return nil
}
