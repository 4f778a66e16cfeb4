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

// planner turns trees into steps. It changes nothing but modes in the stage.
//
// It walks the destination's directories that the trees share, and decides what becomes of
// each name in one. A directory that the destination lacks is not walked: it moves as a
// whole. Only the steps and the report's counts are kept, so that memory does not grow with
// the number of files. The planner looks up again what it must know about other paths, in
// destination and stage, which do not change meanwhile.
type planner struct {
	stage    *Stage
	ctx      context.Context //nolint:containedctx // lives as long as one call of Publish
	ifExists IfExists
	listing  listing
	trees    []*tree
	steps    *steps
	taken    ExistsError
	report   Report
	joined   int // numbers the names in joinedDir
	guard    guard
	sources  []source
	// merges has the directories that trees are merged into, by their real paths. It is nil
	// unless needed: for symlinks of the trees, or after a symlink of the destination was
	// followed.
	merges map[string][]*merge
	// onClaim, if set, is called instead of adding steps: the walk is repeated only to look.
	onClaim func(to spot, from []child) error
	// hollow plans without trees: it only looks at the places where they will be.
	hollow bool
}

// errFollowed says that a symlink of the destination was followed, so that the plan must be
// made again, with merges.
var errFollowed = errors.New("a symlink was followed")

// tree is a Tree and its index.
type tree struct {
	Tree
	index int
}

func (t *tree) holder() Holder { return Holder{t.index, t.Label} }

// source is a directory to merge: dir in the stage or, while virtual is not empty, a
// directory on the way to it that holds nothing but virtual[0].
type source struct {
	tree    *tree
	dir     string
	virtual []string
}

// merge is an existing directory, and what is merged into it.
type merge struct {
	spot
	from []source
}

// spot is a path in the destination's root: real has no symlinks on the way; shown, below
// the stage's base, is how the path was reached.
type spot struct {
	real, shown string
	// top is the directory that symlinks put at the spot may not leave: the destination or,
	// below a pre-existing symlink that leaves it, the directory that this symlink leads
	// to.
	top string
	// barred is why nothing can be put into the spot's directory, or nil.
	barred error
	// mount is the top of the mount that the spot's directory lies in, and place what the
	// system says of it; "" is the stage's own.
	mount string
	place place
	// github is set for a spot in a .github directory that existed before.
	github bool
}

// join returns the spot of a name in a directory.
func (s spot) join(name string) spot {
	same := s.real == s.shown
	s.real = in(s.real, name)
	if same {
		s.shown = s.real
	} else {
		s.shown = in(s.shown, name)
	}
	return s
}

// inside reports whether a path lies in the destination, as opposed to being the
// destination or on the way to it.
func (p *planner) inside(at spot) bool {
	return at.shown != "" && strings.Count(at.shown, "/") >= len(p.stage.missing)
}

// show returns a path for messages: relative to the destination.
func (p *planner) show(at spot) string {
	if !p.inside(at) {
		return at.shown
	}
	rest := at.shown
	for range p.stage.missing {
		_, rest, _ = strings.Cut(rest, "/")
	}
	return rest
}

func (s *Stage) planner(ctx context.Context, ifExists IfExists) *planner {
	return &planner{stage: s, ctx: ctx, ifExists: ifExists, listing: newListing(s.at), steps: s.newSteps()}
}

// plan turns trees into steps.
func (p *planner) plan(trees []Tree) error {
	s := p.stage
	p.trees, p.sources = make([]*tree, len(trees)), make([]source, len(trees))
	for i, t := range trees {
		to := split(t.To)
		if len(to) > 0 && (!filepath.IsLocal(filepath.FromSlash(t.To)) || path.Clean(t.To) != t.To) {
			return &ClashError{t.To, "is not a path below the destination"}
		}
		p.trees[i] = &tree{t, i}
		p.sources[i] = source{tree: p.trees[i], dir: path.Join(s.dir, t.Dir), virtual: slices.Concat(s.missing, to)}
		if !t.NoLinks && p.merges == nil {
			p.merges = map[string][]*merge{}
		}
	}
	if err := p.guard.begin(s); err != nil {
		return err
	}
	err := p.walk()
	// Only the walk finds where some symlinks lead, and some of Git's directories.
	for errors.Is(err, errFollowed) || err == nil && p.guard.grew() {
		if errors.Is(err, errFollowed) {
			p.merges = map[string][]*merge{}
		}
		err = p.walk()
	}
	return err
}

// walk makes the plan anew.
func (p *planner) walk() error {
	clear(p.merges)
	p.taken, p.joined = ExistsError{}, 0
	p.report = Report{Lost: make([]Lost, len(p.trees))}
	p.steps.close()
	return p.merge(p.start(), p.sources)
}

// start is where the walk begins: at the stage's base.
func (p *planner) start() spot {
	s := p.stage
	return spot{real: s.base, top: path.Join(append([]string{s.base}, s.missing...)...)}
}

// merge plans the content of an existing directory.
func (p *planner) merge(to spot, sources []source) error {
	to, err := p.enter(to)
	if err != nil {
		return err
	}
	if p.merges != nil && p.onClaim == nil {
		p.merges[to.real] = append(p.merges[to.real], &merge{to, sources})
	}
	if p.hollow && len(sources) > 0 && len(sources[0].virtual) == 0 && to.barred != nil {
		return to.barred
	}
	lookUp := func(batch []entry) error { return p.lookUp(to.real, batch) }
	return p.each(to, sources, lookUp, func(name string, from []child) error {
		return p.place(to.join(name), from)
	})
}

// lookUp looks up what a directory of the destination has of a batch of names.
func (p *planner) lookUp(dir string, batch []entry) error {
	names := make([]string, len(batch))
	for i := range batch {
		names[i] = batch[i].name
	}
	all, err := p.stage.at.lookUpAll(dir, names)
	if err != nil {
		return fmt.Errorf("look at what is there: %w", err)
	}
	for i := range batch {
		batch[i].there = &all[i]
	}
	return nil
}

// place plans one path, which some of the sources have, in an existing directory.
func (p *planner) place(to spot, from []child) error {
	if err := p.guard.checkName(p, to, from[0]); err != nil {
		return err
	}
	if err := p.sameKind(to, from); err != nil {
		return err
	}
	to, info, err := p.lookAt(to, from[0])
	if err != nil {
		return err
	}
	if info != nil {
		if err := p.guard.checkExisting(p, to, info, from[0]); err != nil {
			return err
		}
	}
	switch isDir := from[0].isDir; {
	case info == nil && isDir && p.hollow:
		return to.barred
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

// sameKind refuses a path that is a file in one source and a directory in another.
func (p *planner) sameKind(to spot, from []child) error {
	for _, c := range from[1:] {
		if c.isDir != from[0].isDir {
			return &ClashError{p.show(to), fmt.Sprintf("is a directory in one artifact and a file in another (%q, %q)", from[0].tree.Label, c.tree.Label)}
		}
	}
	return nil
}

// lookAt describes what is at the path that a child goes to; nil means nothing. For a
// directory to come, a symlink counts as the directory that it leads to, if that lies inside
// of the root, and becomes the spot's real path. A file to come takes the place of the symlink
// itself.
func (p *planner) lookAt(to spot, first child) (spot, *info, error) {
	info, err := first.there.info, first.there.err
	if info == nil && err == nil {
		return to, nil, nil
	}
	if err == nil && first.isDir && info.Mode()&fs.ModeSymlink != 0 {
		if p.merges == nil {
			return to, nil, errFollowed
		}
		if to.real, err = follow(handleLister{p.stage.at}, path.Dir(to.real), path.Base(to.real)); err == nil {
			info, err = p.stage.at.lstat(to.real)
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

// file plans a path that the sources have as a file. was is what is there, or nil.
func (p *planner) file(to spot, from []child, was *info) error {
	switch {
	case was != nil && p.ifExists == Skip:
		p.report.Skipped++
		for _, c := range from {
			p.lose(to, c, "")
		}
		return nil
	case was != nil && p.ifExists == Fail:
		p.taken.addPath(p.show(to))
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

// claim adds a step that puts something at a place of the destination.
func (p *planner) claim(to spot, from []child, st step) error {
	if to.barred != nil {
		return to.barred
	}
	if st.do == replace && p.stage.isMountedFile(to.real) {
		return &PlaceError{Path: p.show(to), Reason: mountedFile, Mount: true}
	}
	if err := p.twice(to); err != nil {
		return err
	}
	if p.onClaim != nil {
		return p.onClaim(to, from)
	}
	if to.github || st.do == replace && isDotGitHub(path.Base(to.real)) {
		p.report.addGitHub(Placed{p.show(to), from[0].tree.holder()})
	}
	if to.mount != "" {
		var err error
		if st.from, err = p.bring(to, st.from); err != nil {
			return err
		}
	}
	return p.add(st)
}

// twice refuses a place that artifacts reach by two paths, because of a symlink in the
// destination.
func (p *planner) twice(to spot) error {
	into := p.merges[path.Dir(to.real)]
	if len(into) < 2 {
		return nil
	}
	name := path.Base(to.real)
	for _, m := range into {
		other := m.join(name)
		if other.shown == to.shown {
			continue
		}
		for _, s := range m.from {
			if c, err := p.child(s, name); err != nil {
				return err
			} else if c != nil {
				return &ClashError{p.show(to), fmt.Sprintf("and %q are the same place, because of a symlink in the destination, and artifacts have both", p.show(other))}
			}
		}
	}
	return nil
}

// add appends a step.
func (p *planner) add(st step) error {
	if p.onClaim != nil {
		return nil
	}
	return p.steps.add(&st)
}
