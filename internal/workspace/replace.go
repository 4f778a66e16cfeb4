package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// replace puts a file in the place of another, and keeps that one in the stage. At every
// instant one of the two is in place. It exchanges them. If the file system cannot do that,
// it first gives the old file a second name, aside, in the stage; if there are no hard links
// either, it first copies the old file there. number is the change's, counted from 1.
func (c *carrier) replace(st *step, number int) error {
	err := errRefused
	if !c.stage.noSwap {
		err = c.replaceBySwap(st)
		c.stage.noSwap = errors.Is(err, errRefused)
	}
	if errors.Is(err, errRefused) {
		err = c.replaceAside(st, c.stage.aside(number))
	}
	if missing(err) {
		return &busyError{st.to, "was there a moment ago and is gone"}
	}
	return err
}

func (c *carrier) replaceBySwap(st *step) error {
	if err := c.stage.at.swap(st.from, st.to); err != nil {
		return err
	}
	now, err := c.stage.at.lstat(st.from)
	if err == nil && now.same(st.was) && !now.IsDir() {
		return nil
	}
	// Another process put the old file there meanwhile.
	return errors.Join(err, c.stage.at.swap(st.from, st.to), &busyError{st.to, replacedSince})
}

const replacedSince = "is another file than a moment ago"

// replaceAside first keeps the old file in the stage, then replaces it.
func (c *carrier) replaceAside(st *step, aside string) error {
	err := errRefused
	if !c.stage.noLinks {
		err = c.stage.at.link(st.to, aside)
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
	if left := c.stage.at.unlink(aside); left != nil && !missing(left) {
		err = errors.Join(err, left)
	}
	return err
}

// replaceKept replaces a file that is kept already.
func (c *carrier) replaceKept(st *step) error {
	now, err := c.stage.at.lstat(st.to)
	if err != nil {
		return err
	}
	if !now.same(st.was) || now.IsDir() {
		return &busyError{st.to, replacedSince}
	}
	return c.stage.at.over(st.from, st.to)
}

// copyAside copies a file with its mode and time, or a symlink, into the stage. The copy gets
// the original's owner if this process may change owners.
func (c *carrier) copyAside(name, aside string) error {
	was, err := c.stage.at.lstat(name)
	if err != nil {
		return err
	}
	if !was.mode.IsRegular() && was.mode&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is a special file, and this file system offers no way to keep it while it is replaced", name)
	}
	return c.copyAs(name, aside, was)
}

// copyAs copies a regular file or a symlink to a free path of a stage.
func (c *carrier) copyAs(name, aside string, was *info) error {
	if was.mode.IsRegular() {
		return c.copyFile(name, aside, was)
	}
	target, err := c.stage.root.Readlink(name)
	if err != nil {
		return err
	}
	if err := c.stage.root.Symlink(target, aside); err != nil {
		return err
	}
	return ifCanGive(c.stage.root.Lchown(aside, was.uid, was.gid))
}

// ifCanGive returns the error of changing an owner, or nil if this process or file system
// cannot change owners at all.
func ifCanGive(err error) error {
	if cannotGive(err) {
		return nil
	}
	return err
}

func (c *carrier) copyFile(name, aside string, was *info) error {
	from, err := c.stage.at.openFile(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := c.stage.root.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, contextReader{c.ctx, from})
	// Changing the owner clears set-id bits, so the mode is set after it.
	return errors.Join(err, ifCanGive(to.Chown(was.uid, was.gid)), to.Chmod(modeOf(was)), to.Close(), c.stage.at.setTime(aside, was.mtime))
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
