package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/artifetch/artifetch/internal/words"
)

// leftError says which paths other processes changed after Publish had changed them, so
// that undoing leaves them alone.
type leftError struct{ paths []string }

func (e *leftError) Error() string {
	verb := "was"
	if len(e.paths) > 1 {
		verb = "were"
	}
	return fmt.Sprintf("%s %s changed by another process in the meantime, and so not undone", words.Quoted(e.paths[:min(len(e.paths), maxListed)], len(e.paths)), verb)
}

// rollBack undoes as many changes as it can, even after a failure or the end of the
// context.
func (c *carrier) rollBack() error {
	var errs firstErrors
	if c.begun > 0 {
		_ = c.stage.beginUndo() // undoing works without the mark
	}
	for number := c.begun; number > 0; number-- {
		st, err := c.steps.at(number)
		if err != nil {
			errs.add(fmt.Errorf("undo: %w", err))
			c.stage.stays = true
			break
		}
		_, left, err := c.stage.revert(st, c.stage.aside(number), c.since)
		if len(left) > 0 {
			err = errors.Join(err, &leftError{left})
		}
		if err == nil {
			continue
		}
		errs.add(fmt.Errorf("undo: %w", err))
		kept, err := c.stage.keep(st, c.stage.aside(number))
		if err != nil {
			errs.add(err)
			c.stage.stays = true
		}
		c.stage.kept = c.stage.kept || kept
	}
	if c.stage.kept && !c.stage.stays {
		errs.add(c.stage.surrender())
	}
	if !c.stage.stays {
		errs.add(c.stage.endUndo())
	}
	c.stage.spent = c.stage.spent || errs.count > 0
	for number := c.prepared.count; number > 0 && !c.stage.stays; number-- {
		st, err := c.prepared.at(number)
		if err == nil {
			err = c.unprepare(st)
		}
		if err != nil {
			c.stage.spent = true
			errs.add(fmt.Errorf("undo: %w", err))
		}
	}
	err := errs.join()
	switch {
	case c.stage.stays:
		err = errors.Join(err, fmt.Errorf("what could not be put back is kept in %s until the next run that writes there", c.stage.path()))
	case c.stage.kept:
		err = errors.Join(err, fmt.Errorf("files that were replaced and could not be put back are kept in %s",
			filepath.Join(c.stage.dest.Root, filepath.FromSlash(c.stage.dir), replacedDir)))
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

// revert undoes one change. The process that was to make it may have been killed at any
// instant; whether the change was made follows from what is at st.from, st.to and aside,
// where a replaced file may be kept. Paths that other processes have changed since are not
// touched, and are returned in left. since is when the trees were complete.
func (s *Stage) revert(st *step, aside string, since int64) (made bool, left []string, err error) {
	now, err := s.at.lookup(st.to)
	if err != nil {
		return false, nil, err
	}
	if now == nil || now.IsDir() != st.dir || !now.same(st.is) {
		staged, err := s.at.lookup(st.from)
		if st.dir && now == nil && staged != nil && staged.IsDir() {
			return false, nil, err // the change was not made, or is undone
		}
		if err != nil || staged != nil && staged.IsDir() == st.dir && staged.same(st.is) {
			return false, nil, err
		}
		if old, err := s.at.lookup(aside); err != nil || st.do == replace && staged == nil && old == nil {
			return false, nil, err // a copy was put back over the new file
		}
		return true, []string{st.to}, nil
	}
	switch {
	case st.dir:
		left, err = s.takeBack(st.to, st.from, now, since, s.undoing || now.mtime == st.is.mtime)
	case st.do == replace:
		left, err = s.unreplace(st, aside, now)
	default:
		left, err = s.takeFile(st.to, st.from, now)
	}
	return true, left, err
}

// beginUndo marks the stage as being undone. If this process is killed and another one
// continues, an empty directory then counts as emptied by this process, not as changed by
// any other.
func (s *Stage) beginUndo() error {
	name := path.Join(s.dir, undoName)
	i, err := s.at.lookup(name)
	if s.undoing = i != nil; s.undoing || err != nil {
		return err
	}
	f, err := s.at.openFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	if err != nil {
		return err
	}
	return f.Close()
}

// endUndo removes the journal and the mark: nothing is left to be undone.
func (s *Stage) endUndo() error {
	s.undoing = false
	var errs []error
	for _, name := range []string{journalName, undoName} {
		if err := s.at.unlink(path.Join(s.dir, name)); err != nil && !missing(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// firstErrors collects the errors of work that continues after an error, such as undoing.
// It keeps the first ones and counts all: thousands of files may fail in the same way.
type firstErrors struct {
	list  []error
	count int
}

func (f *firstErrors) add(err error) {
	if err == nil {
		return
	}
	if f.count++; f.count <= maxListed {
		f.list = append(f.list, err)
	}
}

// join returns the errors as one, or nil if there was none.
func (f *firstErrors) join() error {
	if more := f.count - len(f.list); more > 0 {
		return errors.Join(append(f.list, fmt.Errorf("and %s", words.Count(more, "more error")))...)
	}
	return errors.Join(f.list...)
}

// takeFile moves a file back into the stage, unless another file is there by then. If to is
// empty, the stage has no place for it and the file is removed.
func (s *Stage) takeFile(from, to string, was *info) (left []string, err error) {
	move, discard := s.at.move, to == ""
	if discard {
		move, to = s.at.over, path.Join(s.dir, discardName)
	}
	if err := move(from, to); err != nil {
		return nil, err
	}
	now, err := s.at.lstat(to)
	switch {
	case err != nil || !now.same(was.ident):
		return []string{from}, errors.Join(err, s.at.move(to, from))
	case discard:
		return nil, s.at.unlink(to)
	}
	return nil, nil
}

// unreplace puts the replaced file back.
func (s *Stage) unreplace(st *step, aside string, now *info) (left []string, err error) {
	old, err := s.at.lookup(st.from)
	if err != nil {
		return nil, err
	}
	if old != nil && old.ino != now.ino {
		if err := s.at.swap(st.from, st.to); err != nil {
			return nil, err
		}
		back, err := s.at.lstat(st.from)
		if err == nil && back.same(st.is) {
			return nil, nil
		}
		return []string{st.to}, errors.Join(err, s.at.swap(st.from, st.to))
	}
	if old, err = s.at.lookup(aside); err != nil {
		return nil, err
	}
	if old == nil {
		return nil, fmt.Errorf("the file that %s had replaced is gone", st.to)
	}
	// A second name keeps the new file for another try.
	if s.noLinks || s.at.link(st.to, st.from) != nil {
		s.spent = true
	}
	return nil, s.at.over(aside, st.to)
}

// takeBack empties a directory that was moved as a whole, and removes it if it is empty
// then. It does not rename it: other processes may have put files into it, or be about to.
// Its files go to an equal directory in the stage; they are removed if that cannot be made,
// as on a full disk, or if to is empty. untouched says that the directory still has the
// entries that it came with.
func (s *Stage) takeBack(from, to string, was *info, since int64, untouched bool) (left []string, err error) {
	if err := s.openUp(from, was); err != nil {
		return nil, err
	}
	entries, err := s.at.list(from)
	if err != nil {
		return nil, errors.Join(err, s.lockUp(from, was))
	}
	if len(entries) == 0 && !untouched {
		return []string{from}, s.lockUp(from, was) // another process emptied it, or made it
	}
	if to != "" {
		if err := s.at.mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			to, s.spent = "", true
		}
	}
	var errs firstErrors
	shared := false
	for _, e := range entries {
		name, staged := path.Join(from, e.Name()), ""
		if to != "" {
			staged = path.Join(to, e.Name())
		}
		i, err := s.at.lookup(name)
		var more []string
		switch {
		case err != nil:
		case i == nil:
		case i.changed > since && isStage(e.Name()):
			shared = true
		case i.IsDir():
			more, err = s.takeBack(name, staged, i, since, s.undoing || i.changed <= since)
		case i.changed > since:
			more = []string{name}
		default:
			more, err = s.takeFile(name, staged, i)
		}
		left = append(left, more...)
		errs.add(err)
	}
	if err := s.at.rmdir(from); err != nil && !missing(err) {
		errs.add(s.lockUp(from, was))
		if !notEmpty(err) {
			errs.add(err)
		} else if len(left) == 0 && !shared {
			left = append(left, from) // a file was added at this moment
		}
	}
	if to != "" {
		errs.add(s.resemble(to, was))
	}
	return left, errs.join()
}

// openUp gives this process access to a directory, and lockUp undoes that.
func (s *Stage) openUp(name string, was *info) error {
	if was.mode&0o700 == 0o700 {
		return nil
	}
	return s.root.Chmod(name, modeOf(was)|0o700)
}

func (s *Stage) lockUp(name string, was *info) error {
	if was.mode&0o700 == 0o700 {
		return nil
	}
	return s.root.Chmod(name, modeOf(was))
}

// resemble gives a new directory of the stage the owner, mode and time of another one.
func (s *Stage) resemble(name string, was *info) error {
	d, err := s.at.openFile(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	var errs []error
	if s.owner != nil {
		errs = append(errs, d.Chown(was.uid, was.gid))
	}
	errs = append(errs, d.Chmod(modeOf(was)), d.Close(), s.at.setTime(name, was.mtime))
	return errors.Join(errs...)
}

// notEmpty reports whether a directory could not be removed because it is not empty.
func notEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist)
}

// keep moves a replaced file that could not be put back to replacedDir, which Close leaves,
// and reports whether there is such a file.
func (s *Stage) keep(st *step, aside string) (bool, error) {
	if st.do != replace {
		return false, nil
	}
	if i, err := s.at.lookup(aside); i != nil || err != nil {
		return i != nil, err
	}
	if i, err := s.at.lookup(st.from); i == nil || err != nil || i.same(st.is) {
		return false, err
	}
	return true, s.at.move(st.from, aside)
}
