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
	"strings"

	"github.com/artifetch/artifetch/internal/sleep"
	"github.com/artifetch/artifetch/internal/symlink"
)

// StageOptions change how files are staged.
type StageOptions struct {
	// Chown gives everything that is created the owner of OwnerOf, or of the destination's
	// root if OwnerOf is empty. That takes a process that runs as root; see Stage.ChownErr.
	Chown bool
	// OwnerOf is a directory: the workspace, even if the destination lies elsewhere.
	OwnerOf string
}

// Stage is a staging directory on the destination's file system. Its methods may be called
// concurrently, except Publish and Close.
type Stage struct {
	dest Destination
	root *os.Root
	// base is the deepest existing directory at or above the destination, without symlinks
	// on the way; missing are the destination's components below base. dir is the stage, in
	// base. base and dir are relative to root.
	base    string
	missing []string
	dir     string

	owner    *owner // nil: files keep their owner
	chownErr error

	place   place        // what the system says of base
	mounts  []mountPoint // below root, but not base or above it
	options StageOptions
	annexes []*Stage // on other mounts below the destination; see annex.go
	// searched has the mounts in which Publish looked for stages of killed processes, and
	// recovered what it found there.
	searched  map[string]bool
	recovered []Recovery
	lists     int // numbers the files of long lists of steps

	lock *os.File // held while the stage is in use; nil if there are no locks

	at      *handles               // for Publish and Recover alone
	modes   map[string]fs.FileMode // of directories, from before the plan opened them up
	kept    bool                   // an undo failed: the replaced files must not be removed
	stays   bool                   // an undo failed: the stage and its journal stay for the next run
	spent   bool                   // the trees changed, and cannot be published again
	undoing bool                   // an undo was begun before, by a process that is gone
	noSwap  bool                   // the file system cannot exchange files

	// noLinks is set by tests: the file system has no hard links.
	noLinks bool
	// before is called before each change that Publish makes; tests make it fail.
	before func() error
	// pause waits for other processes; tests replace it.
	pause pauseFunc
	// batch is how many changes are made at a time; tests make it smaller.
	batch int
	// lchown changes owners; tests replace it to record the calls.
	lchown func(name string, uid, gid int) error
}

// Names in the stage that Publish uses for itself.
const (
	joinedDir   = "joined"   // directories that are put together, copies from another mount
	undoName    = "undo"     // exists once undoing has begun
	discardName = "discard"  // a file that is being removed
	replacedDir = "replaced" // replaced files, if files cannot be exchanged
)

// stagePrefix begins the name of every stage.
const stagePrefix = ".artifetch-"

// isStage reports whether a name can be that of a stage: the prefix and a rand.Text. Every run
// that lists directories asks, and an expression would take longer to compile than to ask.
func isStage(name string) bool {
	text, ok := strings.CutPrefix(name, stagePrefix)
	return ok && len(text) == 26 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// maxRaces bounds how often publishing starts again because another process was in the
// way. maxLost bounds the same for making a stage: it is higher, because such a race lasts
// only while the other process looks at an empty directory.
const (
	maxRaces = 8
	maxLost  = 64
)

// NewStage makes a staging directory, mode 0700, in the deepest existing directory at or
// above the destination. The caller must call Close. It fails with *PathError if the
// destination is a file, or a symlink leads it to nothing or outside.
func NewStage(d Destination, o StageOptions) (*Stage, error) {
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("open the destination's root: %w", err)
	}
	s := newStage(d, root)
	s.options = o
	if s.at, err = openHandles(root); err != nil {
		return nil, errors.Join(fmt.Errorf("open the destination's root: %w", err), root.Close())
	}
	for race := 1; ; race++ {
		err := s.find()
		if err == nil {
			err = s.probe()
		}
		if err == nil {
			err = s.make(newStageIn(s.base))
		}
		if err == nil {
			return s, nil
		}
		if err = errors.Join(err, s.abandon()); !lost(err) || race == maxLost {
			return nil, errors.Join(err, s.at.close(), root.Close())
		}
	}
}

func newStage(d Destination, root *os.Root) *Stage {
	return &Stage{
		dest: d, root: root, modes: map[string]fs.FileMode{}, searched: map[string]bool{}, pause: sleep.For,
		before: func() error { return nil }, lchown: root.Lchown, batch: defaultBatch,
	}
}

// lost reports whether a stage could not be made because another process took it for one of
// a dead process, or removed the directory that it was to be in.
func lost(err error) bool { return errors.Is(err, errLost) || errors.Is(err, fs.ErrNotExist) }

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
		_, refused := errors.AsType[symlink.Error](err)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s, a symlink to nothing", shown)}
		case refused:
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

// newStageIn returns a free path for a stage in a directory.
func newStageIn(base string) string { return path.Join(base, stagePrefix+rand.Text()) }

// make makes the stage at a free path in base. If it fails, the caller has to call abandon.
func (s *Stage) make(dir string) error {
	if err := s.root.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a staging directory in %s: %w", filepath.Join(s.dest.Root, s.base), err)
	}
	s.dir = dir
	if err := s.hold(); err != nil {
		return fmt.Errorf("lock the staging directory: %w", err)
	}
	if s.options.Chown {
		if err := s.adopt(cmp.Or(s.options.OwnerOf, s.dest.Root)); err != nil {
			return err
		}
		if s.lock != nil {
			if err := s.chown(path.Join(dir, lockName)); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{joinedDir, replacedDir} {
		if err := s.mkdir(path.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("make a staging directory: %w", err)
		}
	}
	return nil
}

// mkdir makes a directory and gives it its owner before anything is in it.
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

// RemoveAll deletes a tree of the stage; it is no error if there is none.
func (s *Stage) RemoveAll(name string) error { return s.removeAll(path.Join(s.dir, name)) }

// Free returns how many bytes of disk this process may still use.
func (s *Stage) Free() (int64, error) {
	n, err := freeBytes(filepath.Join(s.dest.Root, s.dir))
	if err != nil {
		return 0, fmt.Errorf("ask for free disk space: %w", err)
	}
	return n, nil
}

// Close removes the stage and everything in it, except what Publish could not put back: the
// files that it replaced or, if they cannot even be moved to their own directory,
// everything. It takes no context: it does its work exactly when the context has ended. It
// may be called again.
func (s *Stage) Close() error {
	if s.root == nil {
		return nil
	}
	err := s.clear()
	if err != nil {
		err = &UndoError{fmt.Errorf("remove the staging directory: %w", err)}
	}
	err = errors.Join(err, s.at.close(), s.root.Close())
	s.root = nil
	return err
}

// clear removes what Close removes, annexes first: this stage leads to them.
func (s *Stage) clear() error {
	var err error
	for _, a := range s.annexes {
		err = errors.Join(err, a.clear())
		s.stays = s.stays || a.stays
	}
	switch {
	case s.stays:
		return errors.Join(err, s.release())
	case s.kept:
		return errors.Join(err, s.removeStage(replacedDir))
	}
	return errors.Join(err, s.removeStage(""))
}

// removeStage removes the stage, except the entry keep. The lock file goes last, so that
// the next process can tell that a process killed here is dead. Its name goes while it is
// locked: a process that gets the lock afterwards, such as one that made this stage and had
// not locked it yet, sees that the file is gone, and takes the stage for lost. On NFS and
// FUSE the file stays in the stage, under another name, until it is closed.
func (s *Stage) removeStage(keep string) error {
	if s.dir == "" {
		return nil
	}
	entries, err := s.list(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another process removed it before it was locked
	}
	for _, e := range entries {
		if e.Name() != keep && e.Name() != lockName {
			err = errors.Join(err, s.removeAll(path.Join(s.dir, e.Name())))
		}
	}
	if err == nil {
		err = s.removeAll(path.Join(s.dir, lockName))
	}
	err = errors.Join(err, s.release())
	if err == nil && keep == "" {
		err = s.removeAll(s.dir)
	}
	return err
}

// walk calls f for a directory of the stage and everything in it, parents first. If f
// returns fs.SkipDir, the content of that directory is left out. It uses os.Root rather than
// fs.FS, which only has names in UTF-8.
func (s *Stage) walk(name string, f func(p string, d fs.DirEntry) error) error {
	info, err := s.root.Lstat(name)
	if err != nil {
		return err
	}
	return s.walkEntry(name, fs.FileInfoToDirEntry(info), f)
}

func (s *Stage) walkEntry(name string, d fs.DirEntry, f func(p string, d fs.DirEntry) error) error {
	err := f(name, d)
	if errors.Is(err, fs.SkipDir) {
		return nil
	}
	if err != nil || !d.IsDir() {
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
