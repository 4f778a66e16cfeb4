package workspace

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// StageOptions change how files are staged.
type StageOptions struct {
	// Chown gives everything that is created the owner of OwnerOf, or of the
	// destination's root where that is empty. It takes a process that runs as
	// root; see Stage.ChownErr for one that may not.
	Chown bool
	// OwnerOf is a directory: the workspace, also where the destination lies
	// elsewhere.
	OwnerOf string
}

// Stage is a staging directory on the destination's file system. Its
// methods may be called concurrently, except Publish and Close.
type Stage struct {
	dest Destination
	root *os.Root
	// base is the deepest directory, at or above the destination, that
	// exists, without symlinks on the way; missing are the components of the
	// destination below it. dir is the stage, in base. Both paths are below
	// root.
	base    string
	missing []string
	dir     string

	owner    *owner // nil: things belong to whom they belong
	chownErr error

	place  place    // what the system says of base
	mounts []string // below base
	lists  int      // numbers the files of long lists of steps

	lock *os.File // held as long as the stage is in use; nil where there are no locks

	at      *handles               // for Publish and Recover alone
	modes   map[string]fs.FileMode // that directories had before they were planned
	kept    bool                   // an undo failed: the files replaced must not be removed
	stays   bool                   // an undo failed: the stage and its journal are for the next run
	spent   bool                   // the trees are not as they were, and cannot be published again
	undoing bool                   // an undo was begun before, by a process that is gone
	noSwap  bool                   // the file system cannot exchange files

	// noLinks is set by tests: the file system has no hard links.
	noLinks bool
	// before is called before each change that Publish makes; tests make it
	// fail.
	before func() error
	// pause waits for other processes; tests do not.
	pause pauseFunc
	// lchown changes owners; tests record it.
	lchown func(name string, uid, gid int) error
}

// Names in the stage that Publish uses for itself.
const (
	joinedDir   = "joined"   // directories that are put together here
	undoName    = "undo"     // is there once undoing has begun
	discardName = "discard"  // a file that is being removed
	replacedDir = "replaced" // what was in the destination before, where it cannot be exchanged
)

// stagePrefix begins the name of every stage.
const stagePrefix = ".artifetch-"

// stageName is what rand.Text makes of it.
var stageName = regexp.MustCompile(`^\.artifetch-[A-Z2-7]{26}$`)

// isStage reports whether a directory may be a stage, by its name.
func isStage(name string) bool { return stageName.MatchString(name) }

// maxRaces is how often making a stage, and publishing, begin anew because
// another process was in the way.
const maxRaces = 8

// NewStage makes a staging directory, mode 0700, in the deepest directory at
// or above the destination that exists. Close has to be called. A destination
// that is a file, or that a symlink leads astray, is a *PathError.
func NewStage(d Destination, o StageOptions) (*Stage, error) {
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("open the destination's root: %w", err)
	}
	s := newStage(d, root)
	if s.at, err = openHandles(root); err != nil {
		return nil, errors.Join(fmt.Errorf("open the destination's root: %w", err), root.Close())
	}
	for race := 1; ; race++ {
		err := s.find()
		if err == nil {
			err = s.probe()
		}
		if err == nil {
			err = s.make(o)
		}
		if err == nil {
			return s, nil
		}
		// The directory may have gone with another process's undo.
		lost := errors.Is(err, errLost) || errors.Is(err, fs.ErrNotExist)
		if err = errors.Join(err, s.abandon()); !lost || race == maxRaces {
			return nil, errors.Join(err, s.at.close(), root.Close())
		}
	}
}

func newStage(d Destination, root *os.Root) *Stage {
	return &Stage{
		dest: d, root: root, modes: map[string]fs.FileMode{}, pause: sleep,
		before: func() error { return nil }, lchown: root.Lchown,
	}
}

// abandon removes a stage that is not complete.
func (s *Stage) abandon() error {
	err := s.removeStage("")
	s.dir = ""
	return err
}

// find sets base and missing.
func (s *Stage) find() error {
	s.base, s.missing = ".", nil
	parts := split(filepath.ToSlash(s.dest.Rel))
	for i, part := range parts {
		next := path.Join(s.base, part)
		info, err := s.root.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			s.missing = parts[i:]
			return nil
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if next, err = follow(s.root, s.base, part); err == nil {
				info, err = s.root.Lstat(next)
			}
		}
		shown := path.Join(parts[:i+1]...)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s, a symlink to nothing", shown)}
		case errors.Is(err, errLeadsOut), errors.Is(err, errLoop):
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s, a symlink that is not followed inside of %s: %v", shown, s.dest.Root, err)}
		case err != nil:
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s: %v", shown, err)}
		case !info.IsDir() && i == len(parts)-1:
			return &PathError{s.dest.Output, "is a file, where a directory is needed"}
		case !info.IsDir():
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s, which is a file", shown)}
		}
		s.base = next
	}
	return nil
}

func (s *Stage) make(o StageOptions) error {
	dir := path.Join(s.base, stagePrefix+rand.Text())
	if err := s.root.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a staging directory in %s: %w", filepath.Join(s.dest.Root, s.base), err)
	}
	s.dir = dir
	if err := s.hold(); err != nil {
		return fmt.Errorf("lock the staging directory: %w", err)
	}
	if o.Chown {
		if err := s.adopt(cmp.Or(o.OwnerOf, s.dest.Root)); err != nil {
			return err
		}
	}
	for _, name := range []string{joinedDir, replacedDir} {
		if err := s.mkdir(path.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("make a staging directory: %w", err)
		}
	}
	return nil
}

// mkdir makes a directory that has its owner from the start.
func (s *Stage) mkdir(name string, mode fs.FileMode) error {
	if err := s.root.Mkdir(name, mode); err != nil {
		return err
	}
	return s.chown(name)
}

// Mkdir makes an empty directory in the stage and opens it.
func (s *Stage) Mkdir(name string) (*os.Root, error) {
	p := path.Join(s.dir, name)
	if err := s.mkdir(p, 0o777); err != nil {
		return nil, err
	}
	return s.root.OpenRoot(p)
}

// Create makes an empty file in the stage.
func (s *Stage) Create(name string) (*os.File, error) {
	p := path.Join(s.dir, name)
	f, err := s.root.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := s.chown(p); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Move renames a file within the stage.
func (s *Stage) Move(from, to string) error {
	return s.root.Rename(path.Join(s.dir, from), path.Join(s.dir, to))
}

// Remove deletes a file of the stage.
func (s *Stage) Remove(name string) error { return s.root.Remove(path.Join(s.dir, name)) }

// RemoveAll deletes a tree of the stage; none is fine.
func (s *Stage) RemoveAll(name string) error { return s.removeAll(path.Join(s.dir, name)) }

// Free is the room that the file system has for this process, in bytes.
func (s *Stage) Free() (int64, error) {
	n, err := freeBytes(filepath.Join(s.dest.Root, s.dir))
	if err != nil {
		return 0, fmt.Errorf("ask for free disk space: %w", err)
	}
	return n, nil
}

// Close removes the stage and all that is left in it, but for what Publish could
// not put back: files that it replaced, or, where these cannot even be put aside,
// all of it. It needs no context: it has work to
// do exactly when there is none left. It may be called again.
func (s *Stage) Close() error {
	if s.root == nil {
		return nil
	}
	var err error
	switch {
	case s.stays:
		err = s.release()
	case s.kept:
		err = s.removeStage(replacedDir)
	default:
		err = s.removeStage("")
	}
	if err != nil {
		err = &UndoError{fmt.Errorf("remove the staging directory: %w", err)}
	}
	err = errors.Join(err, s.at.close(), s.root.Close())
	s.root = nil
	return err
}

// removeStage removes the stage, but for an entry to keep. The lock goes last:
// a process that is killed here leaves what the next one can tell to be dead. It
// is closed first: on NFS and FUSE a file that is removed while it is open stays
// in its directory, under another name, until it is closed. Another process that
// takes it meanwhile finds nothing in the stage, and removes it as well.
func (s *Stage) removeStage(keep string) error {
	if s.dir == "" {
		return nil
	}
	entries, err := s.list(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another process removed it, for it was not locked yet
	}
	for _, e := range entries {
		if e.Name() != keep && e.Name() != lockName {
			err = errors.Join(err, s.removeAll(path.Join(s.dir, e.Name())))
		}
	}
	err = errors.Join(err, s.release())
	if err == nil {
		err = s.removeAll(path.Join(s.dir, lockName))
	}
	if err == nil && keep == "" {
		err = s.removeAll(s.dir)
	}
	return err
}

// removeAll removes a tree of the stage. Directories that an artifact made
// read-only keep anybody but root from it, so they are opened up if need be.
func (s *Stage) removeAll(name string) error {
	if s.root.RemoveAll(name) == nil {
		return nil
	}
	// Whatever goes wrong here, removing says it better.
	_ = s.walk(name, func(p string, d fs.DirEntry) error {
		if d.IsDir() {
			_ = s.root.Chmod(p, 0o700)
		}
		return nil
	})
	return s.root.RemoveAll(name)
}

// walk calls f for all that lies in a directory of the stage, and the
// directory itself, each before what lies in it. It goes by os.Root rather
// than by fs.FS, which has no names but those in UTF-8.
func (s *Stage) walk(name string, f func(p string, d fs.DirEntry) error) error {
	info, err := s.root.Lstat(name)
	if err != nil {
		return err
	}
	return s.walkEntry(name, fs.FileInfoToDirEntry(info), f)
}

func (s *Stage) walkEntry(name string, d fs.DirEntry, f func(p string, d fs.DirEntry) error) error {
	if err := f(name, d); err != nil || !d.IsDir() {
		return err
	}
	entries, err := s.list(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.walkEntry(path.Join(name, e.Name()), e, f); err != nil {
			return err
		}
	}
	return nil
}

// list reads a directory below root.
func (s *Stage) list(name string) ([]fs.DirEntry, error) { return entriesOf(s.root.Open(name)) }
