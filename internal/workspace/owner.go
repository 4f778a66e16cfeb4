package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"
)

type owner struct{ uid, gid int }

// adopt finds out whom things are to belong to, and whether this process may
// give them away.
func (s *Stage) adopt() error {
	o, err := ownerOf(s.dest.Root)
	if err == nil {
		err = s.lchown(path.Join(s.dir, replacedDir), o.uid, o.gid)
	}
	switch {
	case err == nil:
		s.owner = o
	case cannotGive(err):
		s.chownErr = fmt.Errorf("give files the owner of %s: %w", s.dest.Root, err)
	default:
		return fmt.Errorf("give files the owner of %s: %w", s.dest.Root, err)
	}
	return nil
}

// cannotGive tells that it is not for this process, or not on this file
// system, to change owners: no capability, an NFS that squashes root, a user
// namespace without that id.
func cannotGive(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// ChownErr says why files keep the owner they have although StageOptions.Chown
// was asked for; nil if they do not. Staging goes on regardless: a container
// without capabilities still gets its files.
func (s *Stage) ChownErr() error { return s.chownErr }

// chown gives a path below root to the owner that everything gets.
func (s *Stage) chown(name string) error {
	if s.owner == nil {
		return nil
	}
	return s.lchown(name, s.owner.uid, s.owner.gid)
}

// chownAll does so for all that lies in a tree of the stage.
func (s *Stage) chownAll(ctx context.Context, name string) error {
	if s.owner == nil {
		return nil
	}
	return s.walk(name, func(p string, _ fs.DirEntry) error {
		if err := s.mayChange(ctx); err != nil {
			return err
		}
		return s.chown(p)
	})
}
