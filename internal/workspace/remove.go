package workspace

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// maxLevels is how many levels of a tree are removed at a time: os.Root.RemoveAll keeps a
// descriptor open for each.
const maxLevels = 64

// removeAll removes a tree of the stage; it is no error if there is none.
func (s *Stage) removeAll(name string) error {
	if s.root.RemoveAll(name) == nil {
		return nil
	}
	return s.removeHard(name)
}

// removeHard removes a tree that RemoveAll alone does not. It opens up directories that an
// artifact made read-only, which only root could remove otherwise. Directories that lie too
// deep are moved up, beside the tree, and removed there.
func (s *Stage) removeHard(name string) error {
	var deep error
	// If the walk itself fails, the error of the removal says it better.
	_ = s.walk(name, func(p string, d fs.DirEntry) error {
		if !d.IsDir() {
			return nil
		}
		_ = s.root.Chmod(p, 0o700)
		if strings.Count(p[len(name):], "/") < maxLevels {
			return nil
		}
		up := path.Join(path.Dir(name), "deep-"+rand.Text())
		if s.root.Rename(p, up) != nil {
			return nil //nolint:nilerr // the removal may do without
		}
		deep = errors.Join(deep, s.removeHard(up))
		return fs.SkipDir
	})
	return errors.Join(deep, s.root.RemoveAll(name))
}
