package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

type owner struct{ uid, gid int }

// adopt makes a directory's owner the owner of everything that the stage creates, except the
// journal and its marks: the next process believes them only if root or its own user wrote
// them. It begins with the stage itself, which shows whether this process may change owners.
func (s *Stage) adopt(like string) error {
	o, err := ownerOf(like)
	if err == nil {
		err = s.lchown(s.dir, o.uid, o.gid)
	}
	switch {
	case err == nil:
		s.owner = o
	case cannotGive(err):
		s.chownErr = fmt.Errorf("give files the owner of %s: %w", like, err)
	default:
		return fmt.Errorf("give files the owner of %s: %w", like, err)
	}
	return nil
}

// cannotGive reports whether an error says that this process or this file system cannot
// change owners at all: no capability, an NFS that squashes root, a user namespace without
// that id.
func cannotGive(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// ChownErr says why files keep their owner although StageOptions.Chown was set; it is nil
// if they do not. Staging goes on regardless: a container without capabilities still gets
// its files.
func (s *Stage) ChownErr() error { return s.chownErr }

// Owner returns the owner of everything created in the stage. ok is false if files keep
// their owner: Chown was not set, or ChownErr says why it cannot be done.
func (s *Stage) Owner() (uid, gid int, ok bool) {
	if s.owner == nil {
		return 0, 0, false
	}
	return s.owner.uid, s.owner.gid, true
}

// chown gives a path below root to the stage's owner, if it has one.
func (s *Stage) chown(name string) error {
	if s.owner == nil {
		return nil
	}
	return s.lchown(name, s.owner.uid, s.owner.gid)
}
