package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
)

// planner turns sources into steps. It changes nothing but modes in the
// stage.
type planner struct {
	stage    *Stage
	ctx      context.Context //nolint:containedctx // lives as long as one call of Publish
	ifExists IfExists
	steps    []step
	taken    ExistsError
	report   Report
	joined   int // numbers the names in joinedDir
	// claims are the places that get something new; claimed finds them by
	// their real path.
	claims  []claim
	claimed map[string]int
}

// claim is a place of the destination, and what it gets: the first of from,
// if that is a file, else all of them together.
type claim struct {
	spot
	from []child
}

// source is a directory to merge: one of the stage, or, while virtual is not
// empty, one that holds nothing but virtual[0].
type source struct {
	tree    *Tree
	dir     string
	virtual []string
}

// child is what a source has under one name.
type child struct {
	source
	isDir, isLink bool
}

// spot is a path in the destination's root: the real one, without symlinks on
// the way, and the one by which it was reached, below the stage's base.
type spot struct {
	real, shown string
	// top is the directory that symlinks which are put there may not leave:
	// the destination, or, where a symlink that was there leads out of that,
	// the directory it leads to.
	top string
}

func (s spot) join(name string) spot {
	return spot{path.Join(s.real, name), path.Join(s.shown, name), s.top}
}

// show is a path as messages have it: below the destination.
func (p *planner) show(at spot) string {
	parts := split(at.shown)
	if len(parts) <= len(p.stage.missing) {
		return at.shown
	}
	return path.Join(parts[len(p.stage.missing):]...)
}

// merge plans the content of a directory that is there.
func (p *planner) merge(to spot, sources []source) error {
	names, children, err := p.children(sources)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := p.place(to.join(name), children[name]); err != nil {
			return err
		}
	}
	return nil
}

// place plans one path, in a directory that is there, that some of the
// sources have.
func (p *planner) place(to spot, from []child) error {
	if err := p.sameKind(to, from); err != nil {
		return err
	}
	to, info, err := p.lookAt(to, from[0].isDir)
	if err != nil {
		return err
	}
	switch isDir := from[0].isDir; {
	case info == nil && isDir:
		dir, err := p.join(to, sourcesOf(from))
		if err != nil {
			return err
		}
		return p.claim(to, from, step{do: moveIn, from: dir, to: to.real})
	case isDir && info.IsDir():
		return p.merge(to, sourcesOf(from))
	case isDir:
		return &ClashError{p.show(to), fmt.Sprintf("is a file already, and artifact %q has a directory of that name", from[0].tree.Label)}
	case info != nil && info.IsDir():
		return &ClashError{p.show(to), fmt.Sprintf("is a directory already, and artifact %q has a file of that name", from[0].tree.Label)}
	default:
		return p.file(to, from, info)
	}
}

// join plans a directory that is new to the destination, and gives where in
// the stage it will be: the first of the sources, with what only others have
// moved into it, or an empty directory where none of them is more than a name.
func (p *planner) join(to spot, sources []source) (string, error) {
	first := slices.IndexFunc(sources, func(s source) bool { return len(s.virtual) == 0 })
	var dir string
	var mode fs.FileMode
	switch {
	case first >= 0 && len(sources) == 1:
		return sources[0].dir, nil
	case first >= 0:
		dir = sources[first].dir
		var err error
		if mode, err = p.unlock(dir); err != nil {
			return "", err
		}
		if was, ok := p.stage.modes[dir]; ok {
			mode = was // an earlier plan unlocked it
		}
	default:
		dir = p.joinedName()
		p.steps = append(p.steps, step{do: makeDir, to: dir})
	}
	names, children, err := p.children(sources)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if err := p.joinChild(to.join(name), path.Join(dir, name), children[name]); err != nil {
			return "", err
		}
	}
	if first >= 0 && mode&0o700 != 0o700 {
		p.steps = append(p.steps, step{do: setMode, to: dir, mode: mode})
	}
	return dir, nil
}

// joinedName is a free name in the stage.
func (p *planner) joinedName() string {
	p.joined++
	return path.Join(p.stage.dir, joinedDir, strconv.Itoa(p.joined))
}

// joinChild plans one path of a directory that is put together in the stage.
func (p *planner) joinChild(to spot, staged string, from []child) error {
	if err := p.sameKind(to, from); err != nil {
		return err
	}
	dir := from[0].dir
	if from[0].isDir {
		var err error
		if dir, err = p.join(to, sourcesOf(from)); err != nil {
			return err
		}
	} else if !p.conflicts(to, from) {
		return nil
	}
	if dir == staged {
		return nil
	}
	// An older tree may have had its directory here. What counts of it was
	// moved by now.
	if slices.ContainsFunc(from, func(c child) bool { return len(c.virtual) == 0 && c.dir == staged }) {
		p.steps = append(p.steps, step{do: moveIn, from: staged, to: p.joinedName()})
	}
	p.steps = append(p.steps, step{do: moveIn, from: dir, to: staged})
	return nil
}

// sameKind refuses a path that is a file here and a directory there.
func (p *planner) sameKind(to spot, from []child) error {
	for _, c := range from[1:] {
		if c.isDir != from[0].isDir {
			return &ClashError{p.show(to), fmt.Sprintf("is a directory in one artifact and a file in another (%q, %q)", from[0].tree.Label, c.tree.Label)}
		}
	}
	return nil
}

// lookAt tells what is at a path; nil is nothing. For a directory to come, a
// symlink counts as the directory it leads to, if that lies inside of the
// root, and the spot's real path becomes that; a file takes the place of the
// symlink itself.
func (p *planner) lookAt(to spot, forDir bool) (spot, *info, error) {
	root, at := p.stage.root, p.stage.at
	info, err := at.lstat(to.real)
	if errors.Is(err, fs.ErrNotExist) {
		return to, nil, nil
	}
	if err == nil && forDir && info.mode&fs.ModeSymlink != 0 {
		if to.real, err = follow(root, to.real); err == nil {
			info, err = at.lstat(to.real)
			if !within(to.real, to.top) {
				to.top = to.real
			}
		}
		if err != nil {
			if pe, ok := errors.AsType[*fs.PathError](err); ok {
				err = pe.Err // its path is of no use here
			}
			return to, nil, &ClashError{p.show(to), fmt.Sprintf("is a symlink that cannot be followed inside of %s: %v", p.stage.dest.Root, err)}
		}
	}
	if err != nil {
		return to, nil, fmt.Errorf("look at what is there: %w", err)
	}
	return to, info, nil
}

// file plans a path that the sources have as a file; was is what is there,
// nil if nothing is.
func (p *planner) file(to spot, from []child, was *info) error {
	switch {
	case was != nil && p.ifExists == Skip:
		p.report.Skipped++
		return nil
	case was != nil && p.ifExists == Fail:
		p.taken.Paths = append(p.taken.Paths, p.show(to))
		return nil
	case !p.conflicts(to, from):
		return nil
	case was != nil:
		p.report.Replaced++
		return p.claim(to, from, step{do: replace, from: from[0].dir, to: to.real, was: was.ident})
	default:
		return p.claim(to, from, step{do: moveIn, from: from[0].dir, to: to.real})
	}
}

// conflicts notes the sources that lose a file to the first, and tells
// whether to go on.
func (p *planner) conflicts(to spot, from []child) bool {
	for _, c := range from[1:] {
		conflict := Conflict{Path: p.show(to), Winner: from[0].tree.Label, Loser: c.tree.Label}
		if p.ifExists == Fail {
			p.taken.Conflicts = append(p.taken.Conflicts, conflict)
			continue
		}
		p.report.Conflicts = append(p.report.Conflicts, conflict)
	}
	return p.ifExists != Fail || len(from) == 1
}

// claim adds a step that puts something to a place of the destination.
func (p *planner) claim(to spot, from []child, st step) error {
	if other, ok := p.claimed[to.real]; ok {
		return &ClashError{p.show(to), fmt.Sprintf("and %q are the same place, because of a symlink that is there; artifacts have both", p.show(p.claims[other].spot))}
	}
	p.claimed[to.real] = len(p.claims)
	p.claims = append(p.claims, claim{to, from})
	p.steps = append(p.steps, st)
	return nil
}

// children lists what the sources have, in sorted order.
func (p *planner) children(sources []source) ([]string, map[string][]child, error) {
	if err := context.Cause(p.ctx); err != nil {
		return nil, nil, err
	}
	all := map[string][]child{}
	for _, s := range sources {
		if len(s.virtual) > 0 {
			name := s.virtual[0]
			all[name] = append(all[name], child{source: source{s.tree, s.dir, s.virtual[1:]}, isDir: true})
			continue
		}
		if _, err := p.unlock(s.dir); err != nil {
			return nil, nil, err
		}
		entries, err := p.stage.at.list(s.dir)
		if err != nil {
			return nil, nil, fmt.Errorf("look at what was staged: %w", err)
		}
		for _, e := range entries {
			all[e.Name()] = append(all[e.Name()], child{
				source: source{tree: s.tree, dir: path.Join(s.dir, e.Name())}, isDir: e.IsDir(), isLink: e.Type() == fs.ModeSymlink,
			})
		}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, all, nil
}

// unlock sees to it that what lies in a directory of the stage can be listed
// and moved, and gives the mode it had.
func (p *planner) unlock(dir string) (fs.FileMode, error) {
	info, err := p.stage.root.Lstat(dir)
	if err != nil {
		return 0, fmt.Errorf("look at what was staged: %w", err)
	}
	mode := modeOf(info)
	if mode&0o700 == 0o700 {
		return mode, nil
	}
	if _, ok := p.stage.modes[dir]; !ok {
		p.stage.modes[dir] = mode
	}
	if err := p.stage.root.Chmod(dir, mode|0o700); err != nil {
		return 0, fmt.Errorf("look at what was staged: %w", err)
	}
	return mode, nil
}

func sourcesOf(children []child) []source {
	list := make([]source, len(children))
	for i, c := range children {
		list[i] = c.source
	}
	return list
}
