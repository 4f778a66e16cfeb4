package spool

import (
	"errors"
	"os"
)

// Scratch is a Dir for callers that have no directory. Create makes a directory below Parent
// when it is first called; Close removes that directory and all in it. A Scratch is not for
// concurrent use.
type Scratch struct {
	Parent string // "" is the system's directory for temporary files

	root *os.Root
}

func (s *Scratch) open() (*os.Root, error) {
	if s.root == nil {
		dir, err := os.MkdirTemp(s.Parent, "artifetch-")
		if err != nil {
			return nil, err
		}
		if s.root, err = os.OpenRoot(dir); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	return s.root, nil
}

// Create implements Dir.
func (s *Scratch) Create(name string) (*os.File, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Move implements Dir.
func (s *Scratch) Move(from, to string) error { return s.root.Rename(from, to) }

// Remove implements Dir.
func (s *Scratch) Remove(name string) error { return s.root.Remove(name) }

// Close removes the directory, if there is one.
func (s *Scratch) Close() error {
	if s.root == nil {
		return nil
	}
	return errors.Join(s.root.Close(), os.RemoveAll(s.root.Name()))
}
