package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

type kind int

const (
	makeDir kind = iota // to is a new directory of the stage
	moveIn              // from is renamed to the free path to
	replace             // so, after what is at to was moved aside
	setMode             // to gets the mode that it had before it was planned
)

// step is one change that was planned.
type step struct {
	do       kind
	from, to string
	was      fs.FileInfo // replace: what is at to
	mode     fs.FileMode // setMode
}

// journal has what it takes to undo the changes made so far.
type journal struct {
	*Stage
	ctx  context.Context //nolint:containedctx // lives as long as one call of Publish
	undo []func() error
}

// carryOut makes the changes one by one, and undoes those made when one
// fails or ctx ends.
func (s *Stage) carryOut(ctx context.Context, steps []step) error {
	j := &journal{Stage: s, ctx: ctx}
	for _, st := range steps {
		if err := j.make(st); err != nil {
			return errors.Join(fmt.Errorf("move files into place: %w", err), j.rollBack())
		}
	}
	return nil
}

// rollBack undoes all it can, whatever of it fails, and whether or not the
// context ended.
func (j *journal) rollBack() error {
	var errs []error
	for _, undo := range slices.Backward(j.undo) {
		if err := undo(); err != nil {
			errs = append(errs, fmt.Errorf("undo: %w", err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	j.undone = true
	kept := filepath.Join(j.dest.Root, filepath.FromSlash(j.dir), replacedDir)
	return errors.Join(append(errs, fmt.Errorf("files that were replaced and could not be put back are kept in %s", kept))...)
}

func (j *journal) make(st step) error {
	switch st.do {
	case makeDir:
		err := j.change(func() error { return j.root.Mkdir(st.to, 0o777) }, func() error { return j.root.Remove(st.to) })
		if err != nil {
			return err
		}
		return j.chown(st.to)
	case setMode:
		return j.chmod(st.to, st.mode)
	case replace:
		return j.replace(st)
	default:
		return j.moveIn(st.from, st.to)
	}
}

// change makes one change and remembers how to undo it.
func (j *journal) change(do, undo func() error) error {
	if err := j.mayChange(j.ctx); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	j.undo = append(j.undo, undo)
	return nil
}

// mayChange is asked before each change.
func (s *Stage) mayChange(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.before()
}

// moveIn renames. Renaming would replace a file silently: one that another
// process has put there since the plan was made, or, where names that differ
// in case are one, one of ours.
func (j *journal) moveIn(from, to string) error {
	if _, err := j.root.Lstat(to); err == nil {
		return fmt.Errorf("%s was free a moment ago and is taken now: another process writes there, or two names differ in nothing that this file system distinguishes", to)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, err := j.root.Lstat(from)
	if err != nil {
		return err
	}
	// A directory changes its entry for "..", so it has to be writable.
	mode := modeOf(info)
	locked := info.IsDir() && mode&0o200 == 0
	if locked {
		if err := j.chmod(from, mode|0o200); err != nil {
			return err
		}
	}
	if err := j.rename(from, to); err != nil {
		return err
	}
	if locked {
		return j.chmod(to, mode)
	}
	return nil
}

func (j *journal) replace(st step) error {
	now, err := j.root.Lstat(st.to)
	if err != nil {
		return err
	}
	if !os.SameFile(st.was, now) {
		return fmt.Errorf("%s is another file than a moment ago: another process writes there, or two names differ in nothing that this file system distinguishes", st.to)
	}
	j.moved++
	if err := j.rename(st.to, path.Join(j.dir, replacedDir, fmt.Sprint(j.moved))); err != nil {
		return err
	}
	return j.moveIn(st.from, st.to)
}

func (j *journal) rename(from, to string) error {
	return j.change(
		func() error { return j.root.Rename(from, to) },
		func() error { return j.root.Rename(to, from) },
	)
}

func (j *journal) chmod(name string, mode fs.FileMode) error {
	info, err := j.root.Lstat(name)
	if err != nil {
		return err
	}
	return j.change(
		func() error { return j.root.Chmod(name, mode) },
		func() error { return j.root.Chmod(name, modeOf(info)) },
	)
}

// modeOf are the bits that Chmod sets.
func modeOf(info fs.FileInfo) fs.FileMode {
	return info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSetuid | fs.ModeSticky)
}
