package workspace

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
)

// join plans a directory that is new to the destination, and returns where in the stage it
// will be. It is the first source that is a staged directory: what only other sources have
// moves into it. If no source is one, it is a new directory.
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
	default:
		dir = p.joinedName()
		if err := p.add(step{do: makeDir, to: dir}); err != nil {
			return "", err
		}
	}
	begin := func([]entry) error { return context.Cause(p.ctx) }
	err := p.each(to, sources, begin, func(name string, from []child) error {
		return p.joinChild(to.join(name), in(dir, name), from)
	})
	if err == nil && first >= 0 && mode&0o700 != 0o700 {
		err = p.add(step{do: setMode, to: dir, mode: mode})
	}
	return dir, err
}

// joinedName returns a free name in the stage.
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
	// The directory of an older tree may be at this path. By now everything that was needed
	// of it has been moved.
	if slices.ContainsFunc(from, func(c child) bool { return len(c.virtual) == 0 && c.dir == staged }) {
		if err := p.add(step{do: moveIn, from: staged, to: p.joinedName()}); err != nil {
			return err
		}
	}
	return p.add(step{do: moveIn, from: dir, to: staged})
}

// unlock opens up the mode of a directory of the stage, so that its content can be listed
// and moved, and returns its mode from before.
func (p *planner) unlock(dir string) (fs.FileMode, error) {
	if mode, ok := p.stage.modes[dir]; ok {
		return mode, nil // an earlier plan unlocked it
	}
	info, err := p.stage.at.lstat(dir)
	if err != nil {
		return 0, fmt.Errorf("look at what was staged: %w", err)
	}
	mode := modeOf(info)
	if mode&0o700 == 0o700 {
		return mode, nil
	}
	if err := p.stage.at.chmodDir(dir, mode|0o700); err != nil {
		return 0, fmt.Errorf("look at what was staged: %w", err)
	}
	p.stage.modes[dir] = mode
	return mode, nil
}
