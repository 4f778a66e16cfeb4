package workspace

import (
	"context"
	"fmt"
	"hash/maphash"
	"io/fs"
	"path"
	"slices"
)

// child is what a source has under one name.
type child struct {
	source
	isDir, isLink bool
}

func sourcesOf(children []child) []source {
	list := make([]source, len(children))
	for i, c := range children {
		list[i] = c.source
	}
	return list
}

// each calls f once for every name in any of the sources, with what each source has of that
// name, in the sources' order. It lists one source after the other, a batch of names at a
// time, to take little memory.
func (p *planner) each(sources []source, f func(name string, from []child) error) error {
	var all names
	if len(sources) > 1 {
		var err error
		if all, err = p.names(sources); err != nil {
			return err
		}
	}
	for i, s := range sources {
		err := p.list(s, func(batch []entry) error {
			for _, e := range batch {
				from, err := p.having(e, i, sources, all)
				if err != nil {
					return err
				}
				if from == nil {
					continue // f was called for it with an earlier source
				}
				if err := f(e.name, from); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// entry is a name in a source, and what it is.
type entry struct {
	name string
	child
}

// list calls f for what a source has, batch after batch.
func (p *planner) list(s source, f func(batch []entry) error) error {
	if err := context.Cause(p.ctx); err != nil {
		return err
	}
	if len(s.virtual) > 0 {
		return f([]entry{{s.virtual[0], child{source: source{s.tree, s.dir, s.virtual[1:]}, isDir: true}}})
	}
	if p.hollow {
		return nil
	}
	if _, err := p.unlock(s.dir); err != nil {
		return err
	}
	var failed error
	err := p.listing.each(s.dir, func(batch []fs.DirEntry) error {
		list := make([]entry, len(batch))
		for i, e := range batch {
			list[i] = entry{e.Name(), s.child(e.Name(), e.Type())}
		}
		if failed = context.Cause(p.ctx); failed == nil {
			failed = f(list)
		}
		return failed
	})
	if err != nil && failed == nil {
		return fmt.Errorf("look at what was staged: %w", err)
	}
	return err
}

func (s source) child(name string, t fs.FileMode) child {
	return child{source: source{tree: s.tree, dir: path.Join(s.dir, name)}, isDir: t.IsDir(), isLink: t&fs.ModeSymlink != 0}
}

// child looks up a name in a source; nil means that there is nothing.
func (p *planner) child(s source, name string) (*child, error) {
	if len(s.virtual) > 0 {
		if s.virtual[0] != name {
			return nil, nil
		}
		return &child{source: source{s.tree, s.dir, s.virtual[1:]}, isDir: true}, nil
	}
	if p.hollow {
		return nil, nil
	}
	info, err := p.stage.at.lookup(path.Join(s.dir, name))
	if err != nil {
		return nil, fmt.Errorf("look at what was staged: %w", err)
	}
	if info == nil {
		return nil, nil
	}
	c := s.child(name, info.mode.Type())
	return &c, nil
}

// names says which sources may have a name: it has the hashes of all their names, sorted by
// hash, then by source. A match is checked by asking the source.
type names []nameHash

type nameHash struct {
	hash   uint64
	source int32
}

func (n nameHash) compare(o nameHash) int {
	if n.hash != o.hash {
		if n.hash < o.hash {
			return -1
		}
		return 1
	}
	return int(n.source) - int(o.source)
}

var nameSeed = maphash.MakeSeed()

// names returns the hashes of the sources' names.
func (p *planner) names(sources []source) (names, error) {
	var all names
	for i, s := range sources {
		err := p.list(s, func(batch []entry) error {
			for _, e := range batch {
				all = append(all, nameHash{maphash.String(nameSeed, e.name), int32(i)}) //nolint:gosec // there are at most max-files
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, nameHash.compare)
	return all, nil
}

// of returns the entries with the hash of a name.
func (n names) of(name string) names {
	hash := maphash.String(nameSeed, name)
	from, _ := slices.BinarySearchFunc(n, nameHash{hash, -1}, nameHash.compare)
	to := from
	for to < len(n) && n[to].hash == hash {
		to++
	}
	return n[from:to]
}

// having lists what source i and later ones have under the name of e, an entry of source i.
// It is nil if an earlier source has that name as well: f was called for it already.
func (p *planner) having(e entry, i int, sources []source, all names) ([]child, error) {
	from := []child{e.child}
	for _, n := range all.of(e.name) {
		j := int(n.source)
		if j == i {
			continue
		}
		c, err := p.child(sources[j], e.name)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
		case j < i:
			return nil, nil
		default:
			from = append(from, *c)
		}
	}
	return from, nil
}
