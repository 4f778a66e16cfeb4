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

// IfExists says what becomes of a file whose place is taken.
type IfExists string

// The choices of the input if-exists.
const (
	Overwrite IfExists = "overwrite"
	Skip      IfExists = "skip"
	Fail      IfExists = "fail"
)

// Tree is a staged directory and where its content goes.
type Tree struct {
	// Dir is the name it was given with Mkdir.
	Dir string
	// To is below the destination, slash-separated; "" is the destination.
	To string
	// Label names it in messages.
	Label string
}

// Conflict is a path that several trees bring.
type Conflict struct {
	Path          string
	Winner, Loser string // labels
}

// Report is what Publish did with paths that were taken.
type Report struct {
	Replaced, Skipped int
	Conflicts         []Conflict
}

// ExistsError lists what is in the way, below the destination, when
// if-exists is fail.
type ExistsError struct {
	Paths []string
}

func (e *ExistsError) Error() string {
	const most = 10
	if len(e.Paths) == 1 {
		return fmt.Sprintf("%q is already there", e.Paths[0])
	}
	list := make([]string, 0, most)
	for _, p := range e.Paths[:min(most, len(e.Paths))] {
		list = append(list, fmt.Sprintf("%q", p))
	}
	more := ""
	if n := len(e.Paths) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%d files are already there: %s%s", len(e.Paths), strings.Join(list, ", "), more)
}

// ClashError says that a file would have to be where a directory is, or the
// other way round.
type ClashError struct {
	Path   string
	Reason string
}

func (e *ClashError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Reason) }

// Publish moves trees into place. On equal paths the earlier tree wins. All
// of it is planned, and refused, before the first change: *ClashError,
// *ExistsError. Later failures undo every change made.
func (s *Stage) Publish(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	p := &planner{stage: s, ifExists: ifExists}
	rel := split(filepath.ToSlash(s.dest.Rel))
	p.depth = len(rel)
	missing := rel[len(split(s.base)):]
	var sources []source
	for _, t := range trees {
		if err := s.chownAll(path.Join(s.dir, t.Dir)); err != nil {
			return Report{}, err
		}
		sources = append(sources, source{label: t.Label, dir: path.Join(s.dir, t.Dir), virtual: slices.Concat(missing, split(t.To))})
	}
	if err := p.merge(s.base, sources, true); err != nil {
		return Report{}, err
	}
	if len(p.taken) > 0 {
		return Report{}, &ExistsError{Paths: p.taken}
	}
	return p.report, s.carryOut(ctx, p.steps)
}

// source is a directory to merge: one of the stage, or, while virtual is not
// empty, one that holds nothing but virtual[0].
type source struct {
	label   string
	dir     string
	virtual []string
}

// child is what a source has under one name.
type child struct {
	source
	isDir bool
}

// planner turns sources into steps.
type planner struct {
	stage    *Stage
	ifExists IfExists
	depth    int // components of the destination below the root
	steps    []step
	taken    []string
	report   Report
}

// show is a path below the root as messages have it: below the destination.
func (p *planner) show(name string) string {
	parts := split(name)
	if len(parts) <= p.depth {
		return name
	}
	return path.Join(parts[p.depth:]...)
}

// merge plans the content of the directory to; there says whether it
// exists.
func (p *planner) merge(to string, sources []source, there bool) error {
	names, children, err := p.children(sources)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := p.place(path.Join(to, name), children[name], there); err != nil {
			return err
		}
	}
	return nil
}

// children lists what the sources have, in sorted order.
func (p *planner) children(sources []source) ([]string, map[string][]child, error) {
	all := map[string][]child{}
	for _, s := range sources {
		if len(s.virtual) > 0 {
			name := s.virtual[0]
			all[name] = append(all[name], child{source{s.label, s.dir, s.virtual[1:]}, true})
			continue
		}
		entries, err := fs.ReadDir(p.stage.root.FS(), s.dir)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			all[e.Name()] = append(all[e.Name()], child{source{label: s.label, dir: path.Join(s.dir, e.Name())}, e.IsDir()})
		}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, all, nil
}

// place plans one path that some of the sources have.
func (p *planner) place(to string, from []child, parentThere bool) error {
	for _, c := range from[1:] {
		if c.isDir != from[0].isDir {
			return &ClashError{p.show(to), fmt.Sprintf("is a directory in one artifact and a file in another (%q, %q)", from[0].label, c.label)}
		}
	}
	var kind fs.FileMode
	there := false
	if parentThere {
		var err error
		if kind, there, err = p.lookAt(to, from[0].isDir); err != nil {
			return err
		}
	}
	switch {
	case there && kind.IsDir() != from[0].isDir:
		if kind.IsDir() {
			return &ClashError{p.show(to), fmt.Sprintf("is a directory already, and artifact %q has a file of that name", from[0].label)}
		}
		return &ClashError{p.show(to), fmt.Sprintf("is a file already, and artifact %q has a directory of that name", from[0].label)}
	case !from[0].isDir:
		p.file(to, from, there)
		return nil
	case there:
		return p.merge(to, sourcesOf(from), true)
	case len(from) == 1 && len(from[0].virtual) == 0:
		p.steps = append(p.steps, step{do: moveIn, from: from[0].dir, to: to})
		return nil
	}
	p.steps = append(p.steps, step{do: makeDir, to: to})
	return p.merge(to, sourcesOf(from), false)
}

// lookAt tells what is at a path. For a directory to come, a symlink counts
// as what it leads to, if that lies inside of the root; a file replaces the
// symlink itself.
func (p *planner) lookAt(to string, forDir bool) (fs.FileMode, bool, error) {
	info, err := p.stage.root.Lstat(to)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err == nil && forDir && info.Mode()&fs.ModeSymlink != 0 {
		if info, err = p.stage.root.Stat(to); err != nil {
			return 0, false, &ClashError{p.show(to), fmt.Sprintf("is a symlink that cannot be followed inside of %s: %v", p.stage.dest.Root, errors.Unwrap(err))}
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("look at what is there: %w", err)
	}
	return info.Mode(), true, nil
}

// file plans a path that the sources have as a file.
func (p *planner) file(to string, from []child, there bool) {
	for _, c := range from[1:] {
		p.report.Conflicts = append(p.report.Conflicts, Conflict{Path: p.show(to), Winner: from[0].label, Loser: c.label})
	}
	switch {
	case p.ifExists == Fail && (there || len(from) > 1):
		p.taken = append(p.taken, p.show(to))
	case p.ifExists == Skip && there:
		p.report.Skipped++
	case there:
		p.report.Replaced++
		p.steps = append(p.steps, step{do: replace, from: from[0].dir, to: to})
	default:
		p.steps = append(p.steps, step{do: moveIn, from: from[0].dir, to: to})
	}
}

func sourcesOf(children []child) []source {
	list := make([]source, len(children))
	for i, c := range children {
		list[i] = c.source
	}
	return list
}

type kind int

const (
	makeDir kind = iota // to is a new directory
	moveIn              // from is renamed to the free path to
	replace             // so, after what is at to was moved aside
)

// step is one change of the destination.
type step struct {
	do       kind
	from, to string
}

// carryOut makes the changes one by one, and undoes those made when one
// fails or ctx ends.
func (s *Stage) carryOut(ctx context.Context, steps []step) error {
	var undo []func() error
	rename := func(from, to string) error {
		if err := s.step(); err != nil {
			return err
		}
		if err := s.root.Rename(from, to); err != nil {
			return err
		}
		undo = append(undo, func() error { return s.root.Rename(to, from) })
		return nil
	}
	for _, st := range steps {
		err := context.Cause(ctx)
		switch {
		case err != nil:
		case st.do == makeDir:
			err = s.makeDir(st.to, &undo)
		case st.do == replace:
			s.backups++
			if err = rename(st.to, path.Join(s.dir, fmt.Sprintf("replaced-%d", s.backups))); err == nil {
				err = rename(st.from, st.to)
			}
		default:
			err = rename(st.from, st.to)
		}
		if err == nil {
			continue
		}
		err = fmt.Errorf("move files into place: %w", err)
		for _, u := range slices.Backward(undo) {
			if undoErr := u(); undoErr != nil {
				err = errors.Join(err, fmt.Errorf("undo: %w", undoErr))
			}
		}
		return err
	}
	return nil
}

func (s *Stage) makeDir(name string, undo *[]func() error) error {
	if err := s.step(); err != nil {
		return err
	}
	if err := s.root.Mkdir(name, 0o777); err != nil {
		return err
	}
	*undo = append(*undo, func() error { return s.root.Remove(name) })
	return s.chown(name)
}
