package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
)

type kind byte

const (
	makeDir kind = iota // to is a new directory of the stage
	moveIn              // from is renamed to the free path to
	replace             // from replaces the file to, which is kept in the stage
	setMode             // to gets the mode that it had before it was planned
	bringIn             // from is copied to the free path to, in an annex
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

// defaultBatch is how many changes are entered in the journal with one write.
const defaultBatch = 512

// busyError says that another process changed the destination between plan and change. The
// caller plans again.
type busyError struct {
	path, reason string
}

func (e *busyError) Error() string {
	return fmt.Sprintf("%s %s: another process writes there, or this file system takes two of the names for one", e.path, e.reason)
}

// carrier makes the changes of one plan that move files of one stage: of the main stage, or
// of an annex.
type carrier struct {
	stage *Stage

	ctx context.Context //nolint:containedctx // lives as long as one call of Publish
	// prepared lists the changes made within the stages, in order to undo them: its setMode
	// steps have the mode from before. Only the main stage's carrier has any.
	prepared *steps
	// steps are the changes to the destination; the first begun of them may have been made.
	steps *steps
	begun int
	// journal is nil as long as there is nothing to undo.
	journal *journalWriter
	// since is when the trees were complete: a file in them whose inode changed
	// later was changed by another process.
	since    int64
	bringing listing // of directories that are copied
}

func (s *Stage) carrier(ctx context.Context) *carrier {
	return &carrier{stage: s, ctx: ctx, prepared: s.newSteps(), steps: s.newSteps(), bringing: newListing(s.at)}
}

func (c *carrier) close() {
	c.prepared.close()
	c.steps.close()
	if c.journal != nil {
		_ = c.journal.f.Close() // a write that failed was noticed by the write itself
	}
}

// carryOut makes the changes, and undoes them when one fails or ctx ends. Changes within
// the stages come first: no other process sees them. The journals go when all changes are
// made.
func (s *Stage) carryOut(ctx context.Context, plan *steps) error {
	all := []*carrier{s.carrier(ctx)}
	for _, a := range s.annexes {
		all = append(all, a.carrier(ctx))
	}
	defer func() {
		for _, c := range all {
			c.close()
		}
	}()
	err := all[0].prepareAll(plan)
	for _, c := range all {
		if err == nil {
			err = c.run(plan)
		}
	}
	if err == nil {
		err = s.commit(all)
	}
	if err == nil {
		return nil
	}
	err = errors.Join(fmt.Errorf("move files into place: %w", err), s.unmarkDone())
	for _, c := range slices.Backward(all) {
		if undo := c.rollBack(); undo != nil {
			s.spent = true
			err = errors.Join(err, undo)
		}
	}
	return err
}

// prepareAll makes the changes within the stages.
func (c *carrier) prepareAll(plan *steps) error {
	if plan.inner == 0 {
		return nil
	}
	for st, err := range plan.all() {
		if err == nil && !c.stage.isPublic(&st) {
			err = c.prepare(st)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// run moves this stage's files to the destination, a batch of steps at a time. While one
// batch is made, the next is read and identified.
func (c *carrier) run(plan *steps) error {
	batches := make(chan identified)
	stop := make(chan struct{})
	go c.identifyAll(plan, batches, stop)
	defer func() {
		close(stop)
		for range batches { // until identifyAll ends
			continue
		}
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		if err := c.publish(b.steps); err != nil {
			return err
		}
	}
	return nil
}

// commit removes the journals: what they list is done. Several cannot be removed at once,
// so a mark voids those of the annexes first.
func (s *Stage) commit(all []*carrier) error {
	all = slices.DeleteFunc(slices.Clone(all), func(c *carrier) bool { return c.journal == nil })
	if len(all) == 0 {
		return nil
	}
	if err := s.mayChange(all[0].ctx); err != nil {
		return err
	}
	if len(all) > 1 {
		if err := s.markDone(); err != nil {
			return err
		}
	}
	for _, c := range all {
		if err := c.stage.at.unlink(path.Join(c.stage.dir, journalName)); err != nil {
			return err
		}
	}
	return nil
}

// isPublic reports whether a step changes the destination.
func (s *Stage) isPublic(st *step) bool {
	return (st.do == moveIn || st.do == replace) && !within(st.to, s.dir)
}

// publish enters changes, which are identified, in the journal and then makes them.
func (c *carrier) publish(some []step) error {
	if c.journal == nil {
		w, err := c.openJournal()
		if err != nil {
			return fmt.Errorf("begin a journal: %w", err)
		}
		c.journal = w
	}
	if err := c.journal.write(some); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	for i := range some {
		if err := c.steps.add(&some[i]); err != nil {
			return err
		}
	}
	for i := range some {
		if err := c.stage.mayChange(c.ctx); err != nil {
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
	if err := c.stage.mayChange(c.ctx); err != nil {
		return err
	}
	done := st // as unprepare needs it
	var err error
	switch st.do {
	case makeDir:
		err = c.stage.mkdir(st.to, 0o777)
	case bringIn:
		err = c.copyTree(st.from, st.to)
	case setMode:
		var now *info
		if now, err = c.stage.at.lstat(st.to); err == nil {
			done.mode = modeOf(now)
			err = c.stage.at.chmodDir(st.to, st.mode)
		}
	default:
		some := []step{st}
		if err = identify(c.stage.at, some); err == nil {
			done = some[0]
			err = c.moveOpen(&done, c.stage.at.move)
		}
	}
	if err != nil {
		return err
	}
	if err := c.prepared.add(&done); err != nil {
		c.stage.spent = true // it will not be undone
		return err
	}
	return nil
}

// unprepare undoes a change within the stage.
func (c *carrier) unprepare(st *step) error {
	switch st.do {
	case makeDir:
		return c.stage.at.rmdir(st.to)
	case bringIn:
		for _, a := range c.stage.annexes {
			if a.stays && within(st.to, a.dir) {
				return nil // it may be a file of the destination that could not be put back
			}
		}
		return c.stage.removeAll(st.to)
	case setMode:
		return c.stage.at.chmodDir(st.to, st.mode)
	default:
		return c.moveBack(st)
	}
}

// openJournal makes a journal without steps. The file gets the journal's name once its
// first line is complete.
func (c *carrier) openJournal() (*journalWriter, error) {
	name, final := path.Join(c.stage.dir, journalName+".new"), path.Join(c.stage.dir, journalName)
	f, err := c.stage.at.openFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	w := &journalWriter{f: f, base: c.stage.base, dir: c.stage.dir}
	now, err := c.stage.at.lstat(name)
	if err == nil {
		c.since = now.mtime
		err = w.begin(now.ino, c.since)
	}
	if err == nil && canRecover {
		err = f.Chmod(journalMode)
	}
	if err == nil {
		err = c.stage.at.move(name, final)
	}
	if err != nil {
		return nil, errors.Join(err, c.stage.at.unlink(name), f.Close())
	}
	return w, nil
}

// make makes the change with the given number, counted from 1.
func (c *carrier) make(st *step, number int) error {
	if st.do == replace {
		return c.replace(st, number)
	}
	err := c.moveOpen(st, c.stage.at.move)
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
	c.stage.at.forget(st.from)
	if st.mode&0o200 != 0 {
		return move(st.from, st.to)
	}
	if err := c.stage.root.Chmod(st.from, st.mode|0o200); err != nil {
		return err
	}
	if err := move(st.from, st.to); err != nil {
		return errors.Join(err, c.stage.root.Chmod(st.from, st.mode))
	}
	return c.stage.root.Chmod(st.to, st.mode)
}

// moveBack undoes a move within the stage.
func (c *carrier) moveBack(st *step) error {
	back := *st
	back.from, back.to = st.to, st.from
	return c.moveOpen(&back, c.stage.at.move)
}

// modeOf returns the bits of a mode that Chmod sets.
func modeOf(info fs.FileInfo) fs.FileMode {
	return info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSetuid | fs.ModeSticky)
}
