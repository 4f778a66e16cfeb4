package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

type kind byte

const (
	makeDir kind = iota // to is a new directory of the stage
	moveIn              // from is renamed to the free path to
	replace             // from replaces the file to, which is kept in the stage
	setMode             // to gets the mode that it had before it was planned
)

// step is one planned change.
type step struct {
	do       kind
	from, to string
	was      ident       // replace: identifies the file at to
	is       ident       // identifies from; set by identify, before the step is in the journal
	dir      bool        // from is a directory
	mode     fs.FileMode // setMode; of a directory that is moved
}

// batch is how many changes are entered in the journal with one write.
const batch = 512

// busyError says that another process changed the destination between plan and change. The
// caller plans again.
type busyError struct {
	path, reason string
}

func (e *busyError) Error() string {
	return fmt.Sprintf("%s %s: another process writes there, or this file system takes two of the names for one", e.path, e.reason)
}

// carrier makes the changes of one plan.
type carrier struct {
	*Stage

	ctx context.Context //nolint:containedctx // lives as long as one call of Publish
	// prepared lists the changes made within the stage, for undoing them: its setMode steps
	// have the mode from before.
	prepared *steps
	// steps are the changes to the destination; the first begun of them may have been made.
	steps *steps
	begun int
	// since is when the trees were complete: a file in them whose inode changed
	// later was changed by another process.
	since int64
}

// carryOut makes the changes, and undoes them when one fails or ctx ends. Changes within
// the stage come first: no other process sees them.
func (s *Stage) carryOut(ctx context.Context, plan *steps) error {
	c := &carrier{Stage: s, ctx: ctx, prepared: s.newSteps(), steps: s.newSteps()}
	defer c.prepared.close()
	defer c.steps.close()
	if err := c.run(plan); err != nil {
		return errors.Join(fmt.Errorf("move files into place: %w", err), c.rollBack())
	}
	return nil
}

func (c *carrier) run(plan *steps) error {
	public := 0
	for st, err := range plan.all() {
		if err == nil && c.isPublic(&st) {
			public++
		} else if err == nil {
			err = c.prepare(st)
		}
		if err != nil {
			return err
		}
	}
	if public == 0 {
		return nil
	}
	w, err := c.openJournal()
	if err != nil {
		return fmt.Errorf("begin a journal: %w", err)
	}
	defer func() { _ = w.f.Close() }() // a write that failed was noticed by the write itself
	some := make([]step, 0, batch)
	for st, err := range plan.all() {
		if err != nil {
			return err
		}
		if !c.isPublic(&st) {
			continue
		}
		public--
		if some = append(some, st); len(some) == batch || public == 0 {
			if err := c.publish(w, some); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	if err := c.mayChange(c.ctx); err != nil {
		return err
	}
	return c.at.unlink(path.Join(c.dir, journalName))
}

// isPublic reports whether a step changes the destination.
func (c *carrier) isPublic(st *step) bool {
	return (st.do == moveIn || st.do == replace) && !within(st.to, c.dir)
}

// publish enters changes in the journal and then makes them.
func (c *carrier) publish(w *journalWriter, some []step) error {
	if err := c.identify(some); err != nil {
		return err
	}
	if err := w.write(some); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	for i := range some {
		if err := c.steps.add(&some[i]); err != nil {
			return err
		}
	}
	for i := range some {
		if err := c.mayChange(c.ctx); err != nil {
			return err
		}
		c.begun++
		if err := c.make(&some[i], c.begun); err != nil {
			return err
		}
	}
	return nil
}

// mayChange is called before each change, and fails if ctx has ended.
func (s *Stage) mayChange(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.before()
}

// prepare makes a change within the stage.
func (c *carrier) prepare(st step) error {
	if err := c.mayChange(c.ctx); err != nil {
		return err
	}
	done := st // as unprepare needs it
	var err error
	switch st.do {
	case makeDir:
		err = c.mkdir(st.to, 0o777)
	case setMode:
		var now *info
		if now, err = c.at.lstat(st.to); err == nil {
			done.mode = modeOf(now)
			err = c.at.chmodDir(st.to, st.mode)
		}
	default:
		some := []step{st}
		if err = c.identify(some); err == nil {
			done = some[0]
			err = c.moveOpen(&done, c.at.move)
		}
	}
	if err != nil {
		return err
	}
	if err := c.prepared.add(&done); err != nil {
		c.spent = true // it will not be undone
		return err
	}
	return nil
}

// unprepare undoes a change within the stage.
func (c *carrier) unprepare(st *step) error {
	switch st.do {
	case makeDir:
		return c.at.rmdir(st.to)
	case setMode:
		return c.at.chmodDir(st.to, st.mode)
	default:
		return c.moveBack(st)
	}
}

// identify records what is about to be moved: the step's is.
func (c *carrier) identify(steps []step) error {
	for i := range steps {
		st := &steps[i]
		now, err := c.at.lstat(st.from)
		if err != nil {
			return fmt.Errorf("look at what was staged: %w", err)
		}
		st.is, st.dir = now.ident, now.IsDir()
		if st.dir {
			st.mode = modeOf(now)
		}
	}
	return nil
}

// openJournal makes a journal without steps. The file gets the journal's name once its
// first line is complete.
func (c *carrier) openJournal() (*journalWriter, error) {
	name, final := path.Join(c.dir, journalName+".new"), path.Join(c.dir, journalName)
	f, err := c.at.openFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	w := &journalWriter{f: f, base: c.base, dir: c.dir}
	now, err := c.at.lstat(name)
	if err == nil {
		c.since = now.mtime
		err = w.begin(now.ino, c.since)
	}
	if err == nil && canRecover {
		err = f.Chmod(journalMode)
	}
	if err == nil {
		err = c.at.move(name, final)
	}
	if err != nil {
		return nil, errors.Join(err, c.at.unlink(name), f.Close())
	}
	return w, nil
}

// make makes the change with the given number, counted from 1.
func (c *carrier) make(st *step, number int) error {
	if st.do == replace {
		return c.replace(st, c.aside(number))
	}
	err := c.moveOpen(st, c.at.move)
	switch {
	case notEmpty(err):
		return &busyError{st.to, "was free a moment ago and is taken now"}
	case missing(err):
		return &busyError{st.to, "is in a directory that is gone"}
	}
	return err
}

// aside returns where the file is kept that a change replaced.
func (s *Stage) aside(number int) string { return path.Join(s.dir, replacedDir, fmt.Sprint(number)) }

// moveOpen moves what may be a directory without write permission. Moving a directory
// changes its entry "..", which takes that permission.
func (c *carrier) moveOpen(st *step, move func(from, to string) error) error {
	if !st.dir {
		return move(st.from, st.to)
	}
	c.at.forget(st.from)
	if st.mode&0o200 != 0 {
		return move(st.from, st.to)
	}
	if err := c.root.Chmod(st.from, st.mode|0o200); err != nil {
		return err
	}
	if err := move(st.from, st.to); err != nil {
		return errors.Join(err, c.root.Chmod(st.from, st.mode))
	}
	return c.root.Chmod(st.to, st.mode)
}

// moveBack undoes a move within the stage.
func (c *carrier) moveBack(st *step) error {
	back := *st
	back.from, back.to = st.to, st.from
	return c.moveOpen(&back, c.at.move)
}

// rollBack undoes as many changes as it can, even after a failure or the end of the
// context.
func (c *carrier) rollBack() error {
	var errs firstErrors
	if c.begun > 0 {
		_ = c.beginUndo() // undoing works without the mark
	}
	for number := c.begun; number > 0; number-- {
		st, err := c.steps.at(number)
		if err != nil {
			errs.add(fmt.Errorf("undo: %w", err))
			c.stays = true
			break
		}
		_, left, err := c.revert(st, c.aside(number), c.since)
		if len(left) > 0 {
			err = errors.Join(err, &leftError{left})
		}
		if err == nil {
			continue
		}
		errs.add(fmt.Errorf("undo: %w", err))
		kept, err := c.keep(st, c.aside(number))
		if err != nil {
			errs.add(err)
			c.stays = true
		}
		c.kept = c.kept || kept
	}
	if c.kept && !c.stays {
		errs.add(c.surrender())
	}
	if !c.stays {
		errs.add(c.endUndo())
	}
	c.spent = c.spent || errs.count > 0
	for number := c.prepared.count; number > 0 && !c.stays; number-- {
		st, err := c.prepared.at(number)
		if err == nil {
			err = c.unprepare(st)
		}
		if err != nil {
			c.spent = true
			errs.add(fmt.Errorf("undo: %w", err))
		}
	}
	err := errs.join()
	switch {
	case c.stays:
		err = errors.Join(err, fmt.Errorf("what could not be put back is kept in %s until the next run that writes there", c.path()))
	case c.kept:
		err = errors.Join(err, fmt.Errorf("files that were replaced and could not be put back are kept in %s",
			filepath.Join(c.dest.Root, filepath.FromSlash(c.dir), replacedDir)))
	}
	if err == nil {
		return nil
	}
	return &UndoError{err}
}

// UndoError says what could not be undone or removed after a failure, and so is still
// there.
type UndoError struct{ err error }

func (e *UndoError) Error() string { return e.err.Error() }
func (e *UndoError) Unwrap() error { return e.err }

// modeOf returns the bits of a mode that Chmod sets.
func modeOf(info fs.FileInfo) fs.FileMode {
	return info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSetuid | fs.ModeSticky)
}
