package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// replace puts a file in the place of another, so that there is one of the two
// at every instant, and keeps the other in the stage: by exchanging them, else
// by giving the other one a second name there first, else, where the file
// system has neither, by copying it there first. aside is that name.
func (c *carrier) replace(st *step, aside string) error {
	err := errRefused
	if !c.noSwap {
		err = c.replaceBySwap(st)
		c.noSwap = errors.Is(err, errRefused)
	}
	if errors.Is(err, errRefused) {
		err = c.replaceAside(st, aside)
	}
	if missing(err) {
		return &busyError{st.to, "was there a moment ago and is gone"}
	}
	return err
}

func (c *carrier) replaceBySwap(st *step) error {
	if err := c.at.swap(st.from, st.to); err != nil {
		return err
	}
	now, err := c.at.lstat(st.from)
	if err == nil && now.same(st.was) && !now.IsDir() {
		return nil
	}
	// What was there was put there meanwhile.
	return errors.Join(err, c.at.swap(st.from, st.to), &busyError{st.to, replacedSince})
}

const replacedSince = "is another file than a moment ago"

// replaceAside keeps the file that gives way first.
func (c *carrier) replaceAside(st *step, aside string) error {
	err := errRefused
	if !c.noLinks {
		err = c.at.link(st.to, aside)
	}
	if errors.Is(err, errRefused) {
		err = c.copyAside(st.to, aside)
	}
	if err == nil {
		err = c.replaceKept(st)
	}
	if err == nil {
		return nil
	}
	if left := c.at.unlink(aside); left != nil && !missing(left) {
		err = errors.Join(err, left)
	}
	return err
}

// replaceKept replaces a file that is kept already.
func (c *carrier) replaceKept(st *step) error {
	now, err := c.at.lstat(st.to)
	if err != nil {
		return err
	}
	if !now.same(st.was) || now.IsDir() {
		return &busyError{st.to, replacedSince}
	}
	return c.at.over(st.from, st.to)
}

// copyAside copies a file, with mode and time, or a symlink into the stage, and
// gives it its owner as far as this process may.
func (c *carrier) copyAside(name, aside string) error {
	was, err := c.at.lstat(name)
	if err != nil {
		return err
	}
	switch {
	case was.mode.IsRegular():
		return c.copyFile(name, aside, was)
	case was.mode&fs.ModeSymlink == 0:
		return fmt.Errorf("%s is a special file, which this file system lets no one put aside", name)
	}
	target, err := c.root.Readlink(name)
	if err != nil {
		return err
	}
	if err := c.root.Symlink(target, aside); err != nil {
		return err
	}
	return ifCanGive(c.root.Lchown(aside, was.uid, was.gid))
}

// ifCanGive is the error of changing an owner, where that can be done at all.
func ifCanGive(err error) error {
	if cannotGive(err) {
		return nil
	}
	return err
}

func (c *carrier) copyFile(name, aside string, was *info) error {
	from, err := c.at.openFile(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := c.root.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, reading{c.ctx, from})
	// A change of the owner takes set-id bits away, so the mode comes after it.
	return errors.Join(err, ifCanGive(to.Chown(was.uid, was.gid)), to.Chmod(modeOf(was)), to.Close(), c.at.setTime(aside, was.mtime))
}

// reading ends with its context.
type reading struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
