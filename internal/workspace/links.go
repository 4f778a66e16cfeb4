package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/symlink"
)

// maxKnownLinks bounds what a linkChecker remembers.
const maxKnownLinks = 8 << 10

// linkChecker follows the symlinks that are about to be published, through the destination
// as it will be. It caches what it found last, only to save time: other bounds limit how
// far a symlink is followed.
type linkChecker struct {
	planner  *planner
	follower symlink.Follower
	nodes    map[string]node
	above    map[string]string // directory → the nearest one above it that is merged into
	locked   []step            // directories, with their modes from before
}

// node is what will be at a real path.
type node struct {
	symlink.Node
	now string // where it is now
}

// checkLinks refuses symlinks that lead out of the destination. It walks the plan once
// more, to see where everything goes. Trees without symlinks cost nothing.
func (p *planner) checkLinks(trees []Tree) (err error) {
	if !slices.ContainsFunc(trees, func(t Tree) bool { return !t.NoLinks }) {
		return nil
	}
	c := &linkChecker{planner: p, nodes: map[string]node{}, above: map[string]string{}}
	c.follower = symlink.Follower{Sure: true, Look: func(at []byte) (symlink.Node, error) {
		n, err := c.look(string(at))
		return n.Node, err
	}}
	report := p.report
	p.report = Report{Lost: make([]Lost, len(p.trees))}
	p.onClaim = c.checkClaim
	defer func() {
		p.onClaim, p.report = nil, report
		err = errors.Join(err, c.lock())
	}()
	return p.merge(p.start(), p.sources)
}

// checkClaim checks the symlinks among what goes to one place of the destination.
func (c *linkChecker) checkClaim(to spot, from []child) error {
	for _, f := range from {
		var err error
		switch {
		case f.tree.NoLinks:
		case f.isDir:
			err = c.search(f.source, path.Join(to.real, path.Join(f.virtual...)), to.top)
		case f.isLink:
			err = c.check(f.source, to.real, to.top)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// search checks all symlinks in a directory of the stage that will be at the real path to.
func (c *linkChecker) search(src source, to, top string) error {
	if err := context.Cause(c.planner.ctx); err != nil {
		return err
	}
	_, planned := c.planner.stage.modes[src.dir]
	mode, err := c.planner.unlock(src.dir)
	if err != nil {
		return err
	}
	if mode&0o700 != 0o700 && !planned {
		c.locked = append(c.locked, step{do: setMode, to: src.dir, mode: mode})
	}
	var failed error
	err = c.planner.listing.each(src.dir, func(batch []fs.DirEntry) error {
		if failed = context.Cause(c.planner.ctx); failed != nil {
			return failed
		}
		for _, e := range batch {
			below := source{tree: src.tree, dir: path.Join(src.dir, e.Name())}
			switch {
			case e.IsDir():
				failed = c.search(below, path.Join(to, e.Name()), top)
			case e.Type() == fs.ModeSymlink:
				failed = c.check(below, path.Join(to, e.Name()), top)
			}
			if failed != nil {
				return failed
			}
		}
		return nil
	})
	if err != nil && failed == nil {
		return fmt.Errorf("look at what was staged: %w", err)
	}
	return err
}

// lock gives directories of the stage their modes back.
func (c *linkChecker) lock() error {
	var errs []error
	for _, st := range slices.Backward(c.locked) {
		errs = append(errs, c.planner.stage.at.chmodDir(st.to, st.mode))
		delete(c.planner.stage.modes, st.to)
	}
	return errors.Join(errs...)
}

// check follows one symlink of the stage from where it will be.
func (c *linkChecker) check(src source, to, top string) error {
	n, err := c.look(to)
	if err != nil {
		return err
	}
	if n.now != src.dir {
		return nil // another tree's file takes its place
	}
	c.follower.Links++
	_, _, err = c.follower.Follow(top, path.Dir(to), path.Base(to))
	why, refused := errors.AsType[symlink.Error](err)
	switch {
	case why == symlink.ErrLoop:
		return nil // it leads nowhere, now and after what it leads through is replaced
	case !refused:
		return err
	}
	reason := why.Error()
	if why == symlink.ErrLeadsOut {
		reason = "leaves the destination"
	}
	entry := strings.TrimPrefix(src.dir, path.Join(c.planner.stage.dir, src.tree.Dir)+"/")
	return &LinkError{Label: src.tree.Label, Entry: entry, Target: n.Target, Reason: reason}
}

// look finds what will be at a real path, all of whose parents will be directories.
func (c *linkChecker) look(at string) (node, error) {
	if n, ok := c.nodes[at]; ok {
		return n, nil
	}
	if err := context.Cause(c.planner.ctx); err != nil {
		return node{}, err
	}
	n, err := c.find(at)
	if err != nil {
		return node{}, fmt.Errorf("look at where symlinks lead: %w", err)
	}
	if len(c.nodes) >= maxKnownLinks {
		clear(c.nodes)
	}
	c.nodes[at] = n
	return n, nil
}

func (c *linkChecker) find(at string) (node, error) {
	merged := c.mergedAbove(path.Dir(at))
	below := split(relativeTo(merged, at))
	for _, m := range c.planner.merges[merged] {
		if len(below) == 0 {
			break
		}
		n, ok, err := c.findIn(m, below)
		if ok || err != nil {
			return n, err
		}
	}
	return c.stat(at)
}

// mergedAbove returns the nearest directory, dir or above it, that exists and is merged
// into; the root if there is none.
func (c *linkChecker) mergedAbove(dir string) string {
	if known, ok := c.above[dir]; ok {
		return known
	}
	at := dir
	for at != "." && len(c.planner.merges[at]) == 0 {
		at = path.Dir(at)
	}
	if len(c.above) >= maxKnownLinks {
		clear(c.above)
	}
	c.above[dir] = at
	return at
}

// findIn looks for what trees bring to a directory. It returns false if what is there now
// stays.
func (c *linkChecker) findIn(m *merge, below []string) (node, bool, error) {
	var from []source
	for _, s := range m.from {
		child, err := c.planner.child(s, below[0])
		if err != nil {
			return node{}, false, err
		}
		if child == nil {
			continue
		}
		from = append(from, child.source)
		if !child.isDir {
			break
		}
	}
	if len(from) == 0 {
		return node{}, false, nil
	}
	info, err := c.planner.stage.at.lookup(path.Join(m.real, below[0]))
	switch {
	case err != nil:
		return node{}, false, err
	case info == nil:
	case c.planner.ifExists == Skip || info.IsDir() || len(from[0].virtual) > 0:
		return node{}, false, nil
	default:
		// A file gives way to a file. A symlink stays if a directory is merged into the
		// directory that it leads to.
		if first, err := c.stat(from[0].dir); err != nil || first.Kind == symlink.Directory {
			return node{}, false, err
		}
	}
	n, err := c.findStaged(from, below[1:])
	return n, true, err
}

// findStaged looks below a place that gets something new.
func (c *linkChecker) findStaged(from []source, below []string) (node, error) {
	for _, s := range from {
		common := min(len(s.virtual), len(below))
		switch {
		case !slices.Equal(s.virtual[:common], below[:common]):
			continue
		case common < len(s.virtual):
			return node{Node: symlink.Node{Kind: symlink.Directory}}, nil // on the way to the tree
		}
		n, err := c.stat(path.Join(s.dir, path.Join(below[common:]...)))
		if err != nil || n.Kind != symlink.Nothing {
			return n, err
		}
	}
	return node{}, nil
}

// stat finds what is at a path now.
func (c *linkChecker) stat(name string) (node, error) {
	n, err := nodeAt(handleLister{c.planner.stage.at}, name)
	if missing(err) {
		return node{}, nil
	}
	return node{n, name}, err
}
