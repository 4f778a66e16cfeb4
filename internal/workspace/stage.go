package workspace

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// StageOptions change how files are staged.
type StageOptions struct {
	// Chown gives everything that is created the owner of the destination's
	// root. It takes a process that runs as root.
	Chown bool
}

// Stage is a staging directory on the destination's file system. Its
// methods may be called concurrently, except Publish and Close.
type Stage struct {
	dest Destination
	root *os.Root
	// base is the deepest directory, at or above the destination, that
	// exists; dir is the stage. Both are below root.
	base, dir string
	owner     *owner
	backups   int
	// step is called before each change of the destination; tests make it
	// fail.
	step func() error
}

type owner struct{ uid, gid int }

// NewStage makes a staging directory, mode 0700, in the deepest directory at
// or above the destination that exists. Close has to be called.
func NewStage(d Destination, o StageOptions) (*Stage, error) {
	root, err := os.OpenRoot(d.Root)
	if err != nil {
		return nil, fmt.Errorf("open the destination's root: %w", err)
	}
	s := &Stage{dest: d, root: root, base: ".", step: func() error { return nil }}
	if err := s.make(o); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

func (s *Stage) make(o StageOptions) error {
	rel := filepath.ToSlash(s.dest.Rel)
	for _, part := range split(rel) {
		next := path.Join(s.base, part)
		info, err := s.root.Stat(next)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := s.root.Lstat(next); err == nil {
				return &PathError{s.dest.Output, fmt.Sprintf("leads through %s, a symlink to nothing", next)}
			}
			break
		}
		if err != nil {
			return &PathError{s.dest.Output, fmt.Sprintf("leads through %s: %v", next, err)}
		}
		if !info.IsDir() {
			return &PathError{s.dest.Output, fmt.Sprintf("is or leads through %s, which is a file", next)}
		}
		s.base = next
	}
	if o.Chown {
		owner, err := ownerOf(s.dest.Root)
		if err != nil {
			return err
		}
		s.owner = owner
	}
	s.dir = path.Join(s.base, ".artifetch-"+rand.Text())
	if err := s.root.Mkdir(s.dir, 0o700); err != nil {
		return fmt.Errorf("make a staging directory in %s: %w", filepath.Join(s.dest.Root, s.base), err)
	}
	return nil
}

// Mkdir makes an empty directory in the stage and opens it.
func (s *Stage) Mkdir(name string) (*os.Root, error) {
	p := path.Join(s.dir, name)
	if err := s.root.Mkdir(p, 0o777); err != nil {
		return nil, err
	}
	return s.root.OpenRoot(p)
}

// Create makes an empty file in the stage.
func (s *Stage) Create(name string) (*os.File, error) {
	return s.root.OpenFile(path.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
}

// Move renames a file within the stage.
func (s *Stage) Move(from, to string) error {
	return s.root.Rename(path.Join(s.dir, from), path.Join(s.dir, to))
}

// Remove deletes a file of the stage.
func (s *Stage) Remove(name string) error { return s.root.Remove(path.Join(s.dir, name)) }

// Free is the room that the file system has for this process, in bytes.
func (s *Stage) Free() (int64, error) {
	n, err := freeBytes(filepath.Join(s.dest.Root, s.dir))
	if err != nil {
		return 0, fmt.Errorf("ask for free disk space: %w", err)
	}
	return n, nil
}

// Close removes the stage and all that is left in it. It may be called
// again.
func (s *Stage) Close() error {
	if s.root == nil {
		return nil
	}
	err := s.root.RemoveAll(s.dir)
	if err != nil {
		err = fmt.Errorf("remove the staging directory: %w", err)
	}
	err = errors.Join(err, s.root.Close())
	s.root = nil
	return err
}

// chown gives a path below root to the owner that everything gets.
func (s *Stage) chown(name string) error {
	if s.owner == nil {
		return nil
	}
	return s.root.Lchown(name, s.owner.uid, s.owner.gid)
}

// chownAll does so for all that lies in a tree of the stage.
func (s *Stage) chownAll(name string) error {
	if s.owner == nil {
		return nil
	}
	return fs.WalkDir(s.root.FS(), name, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return s.chown(p)
	})
}

// split cuts a clean, slash-separated path into its components.
func split(p string) []string {
	if p == "." || p == "" {
		return nil
	}
	return strings.Split(p, "/")
}
