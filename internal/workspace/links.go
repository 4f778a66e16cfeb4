package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

var errGoesUp = errors.New("goes up from what is no directory")

// linkChecker follows the symlinks that are about to be published through the
// destination as it will be. It reads each place once, and each target: the
// work is bounded by what is there.
type linkChecker struct {
	*planner
	nodes  map[string]node
	ends   map[linkIn]end
	locked []step // modes to give back
}

type nodeKind int

const (
	nothing nodeKind = iota
	directory
	symlink
	otherFile
)

// node is what will be at a real path.
type node struct {
	kind   nodeKind
	now    string // where it is until then
	target string // of a symlink
}

// linkIn is a symlink, and the directory it may not leave.
type linkIn struct{ link, top string }

// end is where a symlink leads to, and how many symlinks it takes.
type end struct {
	at    string
	isDir bool
	links int
}

// checkLinks refuses symlinks that lead out of the destination. Trees that
// have none cost nothing.
func (p *planner) checkLinks() (err error) {
	c := &linkChecker{planner: p, nodes: map[string]node{}, ends: map[linkIn]end{}}
	defer func() { err = errors.Join(err, c.lock()) }()
	for _, cl := range p.claims {
		for _, from := range cl.from {
			switch {
			case from.tree.NoLinks:
			case from.isDir:
				err = c.search(from.source, path.Join(cl.real, path.Join(from.virtual...)), cl.top)
			case from.isLink:
				err = c.check(from.source, cl.real, cl.top)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// search checks all symlinks in a directory of the stage that is going to be
// at a real path.
func (c *linkChecker) search(src source, to, top string) error {
	if err := context.Cause(c.ctx); err != nil {
		return err
	}
	mode, err := c.unlock(src.dir)
	if err != nil {
		return err
	}
	if mode&0o700 != 0o700 {
		c.locked = append(c.locked, step{do: setMode, to: src.dir, mode: mode})
	}
	entries, err := c.stage.list(src.dir)
	if err != nil {
		return fmt.Errorf("look at what was staged: %w", err)
	}
	for _, e := range entries {
		below := source{tree: src.tree, dir: path.Join(src.dir, e.Name())}
		switch {
		case e.IsDir():
			err = c.search(below, path.Join(to, e.Name()), top)
		case e.Type() == fs.ModeSymlink:
			err = c.check(below, path.Join(to, e.Name()), top)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lock gives directories of the stage the modes that they had.
func (c *linkChecker) lock() error {
	var errs []error
	for _, st := range slices.Backward(c.locked) {
		errs = append(errs, c.stage.root.Chmod(st.to, st.mode))
	}
	return errors.Join(errs...)
}

// check follows one symlink of the stage from where it is going to be.
func (c *linkChecker) check(src source, to, top string) error {
	n, err := c.look(to)
	if err != nil {
		return err
	}
	if n.now != src.dir {
		return nil // it gives way to that of another tree
	}
	_, err = c.resolve(linkIn{to, top}, n.target, 0)
	var reason string
	switch {
	case errors.Is(err, errLeadsOut):
		reason = "leaves the destination"
	case errors.Is(err, errLoop):
		reason = "goes through too many symlinks"
	case errors.Is(err, errGoesUp):
		reason = "goes up from what is no directory"
	default:
		return err
	}
	entry := strings.TrimPrefix(src.dir, path.Join(c.stage.dir, src.tree.Dir)+"/")
	return &LinkError{Label: src.tree.Label, Entry: entry, Target: n.target, Reason: reason}
}

// resolve finds where a symlink leads to, component by component as the kernel
// would. Symlinks on the way are followed first, and no more than the kernel
// does.
func (c *linkChecker) resolve(l linkIn, target string, nested int) (end, error) {
	if known, ok := c.ends[l]; ok {
		return known, nil
	}
	if absolute(target) {
		return end{}, errLeadsOut
	}
	if nested++; nested > maxLinks {
		return end{}, errLoop
	}
	e := end{path.Dir(l.link), true, 1}
	certain := true // e.at is a directory by now, and nothing will change that
	for part := range strings.SplitSeq(filepath.ToSlash(target), "/") {
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && !certain:
			return end{}, errGoesUp
		case part == ".." && (e.at == l.top || e.at == "."):
			return end{}, errLeadsOut
		case part == "..":
			e.at = path.Dir(e.at)
			continue
		case !e.isDir:
			continue // below a file, or below nothing, there is nothing
		}
		e.at = path.Join(e.at, part)
		n, err := c.look(e.at)
		if err != nil {
			return end{}, err
		}
		e.isDir = n.kind == directory
		certain = certain && e.isDir
		if n.kind == symlink {
			on, err := c.resolve(linkIn{e.at, l.top}, n.target, nested)
			if err != nil {
				return end{}, err
			}
			if e = (end{on.at, on.isDir, e.links + on.links}); e.links > maxLinks {
				return end{}, errLoop
			}
		}
	}
	c.ends[l] = e
	return e, nil
}

// look tells what will be at a real path, of which all that is above will be
// directories.
func (c *linkChecker) look(at string) (node, error) {
	if n, ok := c.nodes[at]; ok {
		return n, nil
	}
	if err := context.Cause(c.ctx); err != nil {
		return node{}, err
	}
	n, err := c.find(at)
	if err != nil {
		return node{}, fmt.Errorf("look at where symlinks lead: %w", err)
	}
	c.nodes[at] = n
	return n, nil
}

func (c *linkChecker) find(at string) (node, error) {
	for place := at; ; place = path.Dir(place) {
		if i, ok := c.claimed[place]; ok {
			return c.findIn(c.claims[i], split(strings.TrimPrefix(strings.TrimPrefix(at, place), "/")))
		}
		if place == "." {
			return c.stat(at)
		}
	}
}

// findIn looks for what is below a place that gets something new.
func (c *linkChecker) findIn(cl claim, below []string) (node, error) {
	for _, from := range cl.from {
		common := min(len(from.virtual), len(below))
		switch {
		case !slices.Equal(from.virtual[:common], below[:common]):
			continue
		case common < len(from.virtual):
			return node{kind: directory}, nil // on the way to the tree
		}
		n, err := c.stat(path.Join(from.dir, path.Join(below[common:]...)))
		if err != nil || n.kind != nothing {
			return n, err
		}
	}
	return node{}, nil
}

// stat tells what is at a path now.
func (c *linkChecker) stat(name string) (node, error) {
	root := c.stage.root
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return node{}, nil
	case err != nil:
		return node{}, err
	case info.IsDir():
		return node{kind: directory, now: name}, nil
	case info.Mode()&fs.ModeSymlink == 0:
		return node{kind: otherFile, now: name}, nil
	}
	target, err := root.Readlink(name)
	return node{symlink, name, target}, err
}
