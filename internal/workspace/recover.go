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
	"sync"
	"time"
)

// Recovery is what became of the stage of a killed process.
type Recovery struct {
	// Stage is the path of the staging directory.
	Stage string
	// Undone counts the changes to the destination that were undone: files and
	// whole directories.
	Undone int
	// Left are paths, relative to the destination's root, that the killed process had
	// changed and that other processes have changed since. They are left as they are.
	Left []string
	// Err says why the stage is still there, or is nil.
	Err error
}

// Bounds of what Recover looks at. A stage without a lock, which an older version made,
// counts as dead when nothing was added to it for maxAge.
const (
	maxStages = 100
	maxAge    = 24 * time.Hour
)

// Recover undoes the changes of processes that were killed while they published, and
// removes their stages. It looks in the directories from the destination's root down to the
// deepest existing one at or above the destination. It undoes a change only if what the
// change put there is still the same, and touches nothing else. It does not touch the stage
// of a process that lives or may live. The error is that of ctx; every other failure is in
// a Recovery. On systems without file locks it does nothing.
func Recover(ctx context.Context, d Destination) ([]Recovery, error) {
	if !canRecover {
		return nil, nil
	}
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, nil // NewStage will say so
	}
	defer root.Close()
	s := newStage(d, root)
	if err := s.find(); err != nil {
		return nil, nil // NewStage will say so
	}
	if s.at, err = openHandles(root); err != nil {
		return nil, nil // NewStage will say so
	}
	defer func() { _ = s.at.close() }() // nothing was written through it
	// It takes its turn only if there is something to recover.
	end := func() {}
	defer func() { end() }()
	return s.recoverAll(ctx, sync.OnceValue(func() error {
		turn, err := takeTurn(ctx, s.root, s.pause)
		if err == nil {
			end = turn
		}
		return err
	}))
}

// recoverAll recovers all stages except this one. It calls turn before it changes anything
// other than empty stages.
func (s *Stage) recoverAll(ctx context.Context, turn func() error) ([]Recovery, error) {
	if !canRecover {
		return nil, nil
	}
	return s.recoverStages(ctx, s.stages(), false, turn)
}

// recoverStages recovers stages, except this one. done says that their journals do not
// count.
func (s *Stage) recoverStages(ctx context.Context, dirs []string, done bool, turn func() error) ([]Recovery, error) {
	var all []Recovery
	for _, dir := range dirs {
		if dir == s.dir {
			continue
		}
		list, err := s.recoverAt(ctx, dir, done, turn)
		if all = append(all, list...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// recoverAt recovers a stage and its annexes, unless its process lives or may live. done
// says that the stage's journal does not count.
func (s *Stage) recoverAt(ctx context.Context, dir string, done bool, turn func() error) (all []Recovery, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	dead := newStage(s.dest, s.root)
	dead.at, dead.base, dead.dir, dead.before = s.at, path.Dir(dir), dir, s.before
	claimed, err := dead.claim()
	if err != nil {
		return []Recovery{{Stage: dead.path(), Err: err}}, nil
	}
	if !claimed {
		return nil, nil
	}
	defer func() { err = errors.Join(err, dead.release()) }()
	if err := turn(); err != nil {
		return nil, err
	}
	done = done || dead.isDone()
	all, err = dead.recoverStages(ctx, dead.enlisted(), done, turn)
	if err != nil || slices.ContainsFunc(all, func(r Recovery) bool { return r.Err != nil }) {
		return all, err // this stage lists an annex that could not be recovered
	}
	r, err := dead.recover(ctx, done)
	if err != nil {
		return all, err
	}
	return append(all, r), nil
}

// path returns where the stage is.
func (s *Stage) path() string { return filepath.Join(s.dest.Root, filepath.FromSlash(s.dir)) }

// stages lists the stages from root to base, without symlinks of such names.
func (s *Stage) stages() []string {
	var found []string
	dirs := []string{"."}
	for _, part := range split(s.base) {
		dirs = append(dirs, path.Join(dirs[len(dirs)-1], part))
	}
	for _, dir := range dirs {
		found = append(found, s.stagesIn(dir)...)
	}
	return found
}

// stagesIn lists the stages in a directory.
func (s *Stage) stagesIn(dir string) []string {
	var found []string
	l := newListing(s.at)
	// A directory that cannot be read cannot hold a stage that this process could remove.
	_ = l.each(dir, func(batch []fs.DirEntry) error {
		for _, e := range batch {
			if e.IsDir() && isStage(e.Name()) && len(found) < maxStages {
				found = append(found, path.Join(dir, e.Name()))
			}
		}
		return nil
	})
	return found
}

// claim locks the stage of a dead process, and reports whether it is one. A stage without a
// lock was made by an older version, or is just being made: it may be removed while it is
// empty, since its maker notices. A stage that this process may not look into is an error,
// once it is old.
func (s *Stage) claim() (bool, error) {
	name := path.Join(s.dir, lockName)
	f, err := s.at.openFile(name, os.O_RDWR)
	if errors.Is(err, fs.ErrPermission) {
		f, err = s.at.openFile(name, os.O_RDONLY) // root made it, and this process is not root
	}
	switch {
	case err == nil:
		if tryLock(f) != nil || !sameFile(s.root, name, f) {
			return false, f.Close()
		}
		s.lock = f
		return true, nil
	case errors.Is(err, fs.ErrNotExist) && s.at.rmdir(s.dir) == nil:
		return false, nil
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
		return false, nil // no file, or gone meanwhile
	}
	now, statErr := s.at.lookup(s.dir)
	switch {
	case now == nil || time.Since(now.ModTime()) < maxAge:
		return false, statErr
	case errors.Is(err, fs.ErrPermission):
		return false, err
	}
	return true, nil
}

// recover undoes the changes in the journal, unless they are done, and removes the stage. If
// something prevents that, the stage stays, and the next process tries again.
func (s *Stage) recover(ctx context.Context, done bool) (Recovery, error) {
	r := Recovery{Stage: s.path()}
	locked := s.lock != nil
	j, closeJournal, readErr := s.readJournal()
	defer closeJournal()
	switch {
	case readErr != nil:
		r.Err = readErr
		return r, nil
	case j == nil && !locked && s.holdsReplaced():
		r.Err = fmt.Errorf("it holds files that could not be put back: see %s in it", replacedDir)
		return r, nil
	}
	if j != nil && !done {
		if err := s.undoJournal(ctx, j, &r); err != nil || r.Err != nil {
			return r, err
		}
	}
	closeJournal() // before the stage is removed: see removeStage
	r.Err = s.removeStage("")
	return r, nil
}

// undoJournal undoes the changes that were made, the last one first.
func (s *Stage) undoJournal(ctx context.Context, j *journal, r *Recovery) error {
	_ = s.beginUndo() // undoing works without the mark
	var stopped error
	var errs firstErrors
	err := j.backward(func(number int, st *step) error {
		if stopped = s.mayChange(ctx); stopped != nil {
			return stopped
		}
		made, left, err := s.revert(st, s.aside(number), j.since)
		if made && err == nil && len(left) == 0 {
			r.Undone++
		}
		r.Left = append(r.Left, left...)
		errs.add(err)
		return nil
	})
	if stopped != nil {
		return stopped
	}
	errs.add(err)
	if r.Err = errs.join(); r.Err == nil {
		// Other processes have changed what is left; the files that it replaced go with the
		// stage.
		r.Err = s.endUndo()
	}
	return nil
}

// readJournal reads the journal, or returns nil if there is none. The journal's file stays
// open until closeFile is called.
func (s *Stage) readJournal() (j *journal, closeFile func(), err error) {
	name := path.Join(s.dir, journalName)
	closeFile = func() {}
	i, err := s.at.lookup(name)
	if i == nil {
		return nil, closeFile, err
	}
	if !i.ours() {
		return nil, closeFile, errors.New("its journal belongs to another user, or was not written by artifetch, and is ignored")
	}
	f, err := s.at.openFile(name, os.O_RDONLY)
	if err != nil {
		return nil, closeFile, err
	}
	closeFile = func() { _ = f.Close() } // nothing was written to it
	if !sameFile(s.root, name, f) {
		return nil, closeFile, errDamaged
	}
	j, err = readJournal(f, i.size, i.ino, s.base, s.dir)
	return j, closeFile, err
}

// holdsReplaced reports whether the stage has files of the destination.
func (s *Stage) holdsReplaced() bool {
	entries, err := s.at.list(path.Join(s.dir, replacedDir))
	return len(entries) > 0 || err != nil && !missing(err)
}
