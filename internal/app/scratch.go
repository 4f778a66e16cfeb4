package app

import (
	"errors"
	"os"
)

// scratch is a spool.Dir for what does not fit into memory. The directory is made when it
// is first needed.
type scratch struct {
	parent string
	root   *os.Root
}

func (s *scratch) open() (*os.Root, error) {
	if s.root == nil {
		dir, err := os.MkdirTemp(s.parent, "artifetch-")
		if err != nil {
			return nil, err
		}
		if s.root, err = os.OpenRoot(dir); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	return s.root, nil
}

// Create implements spool.Dir.
func (s *scratch) Create(name string) (*os.File, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Move implements spool.Dir.
func (s *scratch) Move(from, to string) error { return s.root.Rename(from, to) }

// Remove implements spool.Dir.
func (s *scratch) Remove(name string) error { return s.root.Remove(name) }

// close removes the directory, if there is one.
func (s *scratch) close() error {
	if s.root == nil {
		return nil
	}
	return errors.Join(s.root.Close(), os.RemoveAll(s.root.Name()))
}
