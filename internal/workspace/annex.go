package workspace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"syscall"
)

// Files cannot be renamed from one mount to another. So if a mount lies below the
// destination, as volumes do in containers, Publish makes a second stage in it: an annex.
// Files for the mount are copied there before the first change to the destination, and are
// renamed from there. An annex is a stage in every respect: it has a lock, a journal of the
// changes in its mount, and keeps the files that they replace. The main stage has the list
// of its annexes, so that the next process finds those of a killed one.

// annexList is the file of a stage that lists its annexes: a quoted path a line, relative
// to the directory that holds the stage. A line is written before its annex is made.
const annexList = "annexes"

// doneName is a file of a stage with annexes: all changes are made, and no journal counts
// any more, neither the stage's own nor one of its annexes'. Like a journal it is read-only.
const doneName = "done"

func (s *Stage) markDone() error {
	f, err := s.at.openFile(path.Join(s.dir, doneName), os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(journalMode), f.Close())
}

// unmarkDone takes the mark back: the changes are about to be undone.
func (s *Stage) unmarkDone() error {
	if len(s.annexes) == 0 {
		return nil
	}
	if err := s.at.unlink(path.Join(s.dir, doneName)); !missing(err) {
		return err
	}
	return nil
}

// isDone reports whether the process of a stage had made all changes.
func (s *Stage) isDone() bool {
	i, err := s.at.lookup(path.Join(s.dir, doneName))
	return err == nil && i != nil && i.ours()
}

// annexIn returns the annex in a directory, which is the top of a mount. It makes one if
// there is none yet.
func (s *Stage) annexIn(base string, at place) (*Stage, error) {
	for _, a := range s.annexes {
		if a.base == base {
			return a, nil
		}
	}
	for race := 1; ; race++ {
		a := newStage(s.dest, s.root)
		a.base, a.at, a.place, a.options, a.lchown, a.noLinks = base, s.at, at, s.options, s.lchown, s.noLinks
		a.before = func() error { return s.before() }
		dir := newStageIn(base)
		err := s.enlist(dir)
		if err == nil {
			err = a.make(dir)
		}
		if err == nil {
			s.annexes = append(s.annexes, a)
			return a, nil
		}
		if err = errors.Join(err, a.abandon()); !lost(err) || race == maxLost {
			return nil, err
		}
	}
}

// searchMount recovers, once, what killed processes left in a mount. A volume outlives
// workspaces, so only the mount itself may have a trace of these processes. If there was
// something, the plan may be wrong by now, and the error is a *busyError.
func (s *Stage) searchMount(ctx context.Context, top string) error {
	if s.searched[top] {
		return nil
	}
	s.searched[top] = true
	all, err := s.recoverStages(ctx, s.stagesIn(top), false, func() error { return nil })
	if s.recovered = append(s.recovered, all...); err == nil && len(all) > 0 {
		err = &busyError{top, "had changes of a killed run, which were undone"}
	}
	return err
}

// enlist adds a path to the list of annexes.
func (s *Stage) enlist(dir string) error {
	rel, err := filepath.Rel(filepath.FromSlash(s.base), filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	name := path.Join(s.dir, annexList)
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%q\n", filepath.ToSlash(rel))
	return errors.Join(err, s.chown(name), f.Close())
}

// enlisted returns the annexes that the stage of a dead process lists. The list only says
// where to look for stages, so it does no harm if another program wrote it.
func (s *Stage) enlisted() []string {
	f, err := s.at.openFile(path.Join(s.dir, annexList), os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() && len(found) < maxStages {
		rel, rest, ok := unquote(lines.Text())
		dir := path.Join(s.base, rel)
		if ok && rest == "" && !path.IsAbs(rel) && filepath.IsLocal(filepath.FromSlash(dir)) && isStage(path.Base(dir)) && dir != s.dir {
			found = append(found, dir)
		}
	}
	return found
}

// mountFrom returns the top of the mount, or of the file system, that a directory lies in,
// if files cannot be renamed to it from the stage; else it returns "".
func (s *Stage) mountFrom(dir string, at place) (string, error) {
	if !at.sameMount(s.place) {
		return s.mountTop(dir, at)
	}
	if at.mount == 0 { // an old kernel, for which mounts of one device look the same
		return s.mountOf(dir).at, nil
	}
	return "", nil
}

// mountTop returns the highest directory at or above dir that is in the same place.
func (s *Stage) mountTop(dir string, at place) (string, error) {
	for dir != "." {
		above, err := placeOf(s.at, path.Dir(dir))
		if err != nil {
			return "", err
		}
		if !above.known || !above.sameMount(at) {
			break
		}
		dir = path.Dir(dir)
	}
	return dir, nil
}

// bring plans that what is at from, in the stage, is copied to the mount of a spot, and
// returns where it will be in the annex there.
func (p *planner) bring(to spot, from string) (string, error) {
	annex, err := p.stage.annexIn(to.mount, to.place)
	if err != nil {
		shown := path.Dir(p.show(to))
		if within(to.mount, p.stage.base) {
			shown = relativeTo(p.stage.base, to.mount)
		}
		reason := fmt.Sprintf("is a separate mount, in which no staging directory can be made: %v", err)
		if errors.Is(err, syscall.EROFS) {
			reason = readOnlyMount
		}
		return "", &PlaceError{Path: shown, Reason: reason, Mount: true}
	}
	p.joined++
	brought := path.Join(annex.dir, joinedDir, strconv.Itoa(p.joined))
	return brought, p.add(step{do: bringIn, from: from, to: brought})
}

// copyTree copies a file, a symlink or a directory to a free path, with modes, times and
// owners. If it fails, it leaves nothing there.
func (c *carrier) copyTree(from, to string) error {
	was, err := c.stage.at.lstat(from)
	if err == nil {
		err = c.copyEntry(from, to, was)
	}
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("copy files to another mount: %w", err), c.stage.removeAll(to))
}

func (c *carrier) copyEntry(from, to string, was *info) error {
	if err := context.Cause(c.ctx); err != nil {
		return err
	}
	if was.IsDir() {
		return c.copyDir(from, to, was)
	}
	if was.mode.IsRegular() && was.mode&0o400 == 0 {
		if err := c.stage.root.Chmod(from, modeOf(was)|0o400); err != nil {
			return err
		}
		defer func() { _ = c.stage.root.Chmod(from, modeOf(was)) }() // only a further try would see it
	}
	err := c.copyAs(from, to, was)
	if err == nil && was.mode&fs.ModeSymlink != 0 {
		err = c.stage.at.setTime(to, was.mtime)
	}
	return err
}

func (c *carrier) copyDir(from, to string, was *info) error {
	if was.mode&0o700 != 0o700 {
		if err := c.stage.at.chmodDir(from, modeOf(was)|0o700); err != nil {
			return err
		}
		defer func() { _ = c.stage.at.chmodDir(from, modeOf(was)) }() // only a further try would see it
	}
	if err := c.stage.at.mkdir(to, 0o700); err != nil {
		return err
	}
	err := c.bringing.each(from, func(batch []fs.DirEntry) error {
		for _, e := range batch {
			name := path.Join(from, e.Name())
			i, err := c.stage.at.lstat(name)
			if err == nil {
				err = c.copyEntry(name, path.Join(to, e.Name()), i)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, c.stage.resemble(to, was))
}
