package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// IfExists says what to do with a file whose place is taken.
type IfExists string

// The choices of the input if-exists.
const (
	Overwrite IfExists = "overwrite"
	Skip      IfExists = "skip"
	Fail      IfExists = "fail"
)

// Tree is a staged directory and where its content goes.
type Tree struct {
	// Dir is the name that Mkdir made it by.
	Dir string
	// To is the target below the destination, slash-separated; "" is the destination
	// itself.
	To string
	// Label names the tree in messages.
	Label string
	// NoLinks says that the tree has no symlinks, so that it is not searched for them.
	NoLinks bool
}

// ClashError says that a path cannot be what an artifact needs it to be: there is a file
// for a directory or a directory for a file, or two names are one place.
type ClashError struct {
	Path   string // below the destination
	Reason string
}

func (e *ClashError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Reason) }

// PlaceError says that nothing can be put into an existing directory.
type PlaceError struct {
	Path   string // below the destination; "" is the destination
	Reason string
	// Mount is set if the directory is on another mount than the stage.
	Mount bool
}

func (e *PlaceError) Error() string { return fmt.Sprintf("%q %s", cmp.Or(e.Path, "."), e.Reason) }

// LinkError says that a symlink would lead, or might later lead, out of the destination.
type LinkError struct {
	Label  string // of the tree
	Entry  string // below the tree
	Target string
	Reason string
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("artifact %q: entry %q: its target %q %s", e.Label, e.Entry, e.Target, e.Reason)
}

// Publish moves trees into place. If trees have the same path, the earlier tree wins.
// Everything is planned, and refused if need be, before the first change: *ClashError,
// *ExistsError, *LinkError, *PlaceError, *ProtectedError. A later failure, or the end of
// ctx, undoes every change; an error says what could not be undone. If another process
// changes the destination between plan and change, Publish undoes everything, plans and
// tries again, a few times. No file of a tree may be open or change during the call. Trees
// must not be published again, whatever the outcome.
func (s *Stage) Publish(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	defer s.at.forget(".")
	end, err := takeTurn(ctx, s.root, s.pause)
	if err != nil {
		return Report{}, err
	}
	defer end()
	// A process killed meanwhile may have put files there. Undo that first, so that the
	// plan does not count them as existing.
	recovered, err := s.recoverAll(ctx, func() error { return nil })
	if err != nil {
		return Report{Recovered: recovered}, err
	}
	s.at.forget(".")
	report, err := s.publishAgain(ctx, trees, ifExists)
	report.Recovered = slices.Concat(recovered, s.recovered)
	return report, err
}

// publishAgain publishes, and tries again when another process was in the way.
func (s *Stage) publishAgain(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	for race := 1; ; race++ {
		report, err := s.publishOnce(ctx, trees, ifExists)
		if err == nil {
			return report, nil
		}
		if _, busy := errors.AsType[*busyError](err); !busy || s.spent || race == maxRaces {
			return Report{}, err
		}
		s.at.forget(".")
		if err := s.pause(ctx, jitter(racePause<<race)); err != nil {
			return Report{}, err
		}
	}
}

// racePause is the wait after a lost race; it doubles with each further one.
const racePause = time.Millisecond

// publishOnce makes the plan, and carries it out or undoes all of it.
func (s *Stage) publishOnce(ctx context.Context, trees []Tree, ifExists IfExists) (Report, error) {
	if err := s.lockAgain(); err != nil {
		return Report{}, err
	}
	p := s.planner(ctx, ifExists)
	defer p.steps.close()
	if err := p.check(trees); err != nil {
		return Report{}, err
	}
	if err := s.carryOut(ctx, p.steps); err != nil {
		return Report{}, err
	}
	return p.report, nil
}

// lockAgain gives directories of the stage their modes back, which an earlier plan had
// opened up, the deepest first.
func (s *Stage) lockAgain() error {
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(s.modes))) {
		if err := s.at.chmodDir(dir, s.modes[dir]); err != nil {
			return fmt.Errorf("look at what was staged: %w", err)
		}
	}
	clear(s.modes)
	return nil
}

// Foresee refuses what Publish would refuse whatever the trees hold, because of where they
// go: it looks at the directories on the way. Trees need no Dir.
func (s *Stage) Foresee(ctx context.Context, trees []Tree) error {
	p := s.planner(ctx, Overwrite)
	p.hollow = true
	defer s.at.forget(".") // much may change until Publish
	return p.plan(trees)
}

// check makes the plan, and refuses what cannot or must not be done.
func (p *planner) check(trees []Tree) error {
	if err := p.plan(trees); err != nil {
		return err
	}
	if p.taken.Taken+p.taken.Conflicting > 0 {
		return &p.taken
	}
	return p.checkLinks(trees)
}
