package workspace

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"io/fs"
	"slices"
	"strings"
)

// child is what a source has under one name.
type child struct {
	source
	isDir, isLink bool
	there         *found // what the destination has in its place; set by lookUp
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
// time, to take little memory. to is where the sources go. begin is called before each batch.
func (p *planner) each(to spot, sources []source, begin func(batch []entry) error, f func(name string, from []child) error) error {
	var all names
	if len(sources) > 1 {
		var err error
		if all, err = p.names(sources); err != nil {
			return err
		}
	}
	vary := p.variants(to, all)
	for i, s := range sources {
		err := p.list(s, func(batch []entry) error {
			if err := begin(batch); err != nil {
				return err
			}
			for _, e := range batch {
				from, err := p.having(e, i, sources, all)
				if err != nil {
					return err
				}
				if from == nil {
					continue // f was called for it with an earlier source
				}
				vary.met(e.name, from[0].tree)
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
	return child{source: source{tree: s.tree, dir: in(s.dir, name)}, isDir: t.IsDir(), isLink: t&fs.ModeSymlink != 0}
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
	info, err := p.stage.at.lookup(in(s.dir, name))
	if err != nil {
		return nil, fmt.Errorf("look at what was staged: %w", err)
	}
	if info == nil {
		return nil, nil
	}
	c := s.child(name, info.mode.Type())
	return &c, nil
}

// names says which sources may have a name: it has the hashes of all their names, sorted.
// A match is checked by asking the source.
type names []nameHash

// nameHash has two hashes of a name: of the name without regard to case, and of the name.
type nameHash struct {
	folded, exact uint64
	source        int32
}

func (n nameHash) compare(o nameHash) int {
	return cmp.Or(cmp.Compare(n.folded, o.folded), cmp.Compare(n.exact, o.exact), cmp.Compare(n.source, o.source))
}

var nameSeed = maphash.MakeSeed()

// hashOf returns the hashes of a name in a source. A source of -1 sorts before all others.
func hashOf(name string, source int32) nameHash {
	return nameHash{maphash.String(nameSeed, strings.ToLower(name)), maphash.String(nameSeed, name), source}
}

// names returns the hashes of the sources' names.
func (p *planner) names(sources []source) (names, error) {
	var all names
	for i, s := range sources {
		err := p.list(s, func(batch []entry) error {
			for _, e := range batch {
				all = append(all, hashOf(e.name, int32(i))) //nolint:gosec // there are at most max-files
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
	h := hashOf(name, -1)
	from, _ := slices.BinarySearchFunc(n, h, nameHash.compare)
	to := from
	for to < len(n) && n[to].folded == h.folded && n[to].exact == h.exact {
		to++
	}
	return n[from:to]
}

// varied returns the folded hashes of names that occur in several spellings.
func (n names) varied() map[uint64]bool {
	var found map[uint64]bool
	for i := 1; i < len(n); i++ {
		if n[i].folded == n[i-1].folded && n[i].exact != n[i-1].exact && len(found) < maxVaried {
			if found == nil {
				found = map[uint64]bool{}
			}
			found[n[i].folded] = true
		}
	}
	return found
}

// maxVaried bounds how many names of one directory are compared in several spellings.
const maxVaried = 1000

// variants finds, among the names of one directory, those of different trees that differ in
// case only.
type variants struct {
	p      *planner
	to     spot
	varied map[uint64]bool
	first  map[uint64]variant // met so far, by folded hash
}

// variant is a spelling, and the tree that has it.
type variant struct {
	name string
	tree *tree
}

func (p *planner) variants(to spot, all names) variants {
	v := variants{p: p, to: to, varied: all.varied()}
	if len(v.varied) > 0 {
		v.first = map[uint64]variant{}
	}
	return v
}

// met compares a name with the spelling that was met first.
func (v *variants) met(name string, t *tree) {
	if len(v.varied) == 0 {
		return
	}
	h := hashOf(name, -1).folded
	if !v.varied[h] {
		return
	}
	first, ok := v.first[h]
	if !ok {
		v.first[h] = variant{strings.Clone(name), t}
		return
	}
	if first.tree != t && first.name != name {
		v.p.report.addVariants(Variants{
			{v.p.show(v.to.join(first.name)), first.tree.holder()}, {v.p.show(v.to.join(name)), t.holder()},
		})
	}
}

// having lists what source i and later sources have under the name of e, an entry of source
// i. It returns nil if an earlier source has that name as well, so that each called f for it.
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
