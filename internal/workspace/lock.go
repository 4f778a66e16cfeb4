package workspace

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"time"
)

// lockName is a file in each stage that the stage's process keeps locked. It is made right
// after the stage and removed right before it. So a stage without it is empty, keeps
// replaced files, or was made on a file system without locks.
const lockName = "lock"

var (
	// errBusy says that another process holds a lock.
	errBusy = errors.New("another process holds it")
	// errLost says that another process took the stage, between its making and its locking,
	// for one of a dead process.
	errLost = errors.New("another process removed the staging directory")
)

// hold locks the stage. A file system without locks is no reason to fail: then the stage of
// a killed run stays.
func (s *Stage) hold() error {
	if !canRecover {
		return nil
	}
	name := path.Join(s.dir, lockName)
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return errLost
	}
	if err != nil {
		return err
	}
	return s.holdBy(f, name)
}

// holdBy locks the stage by its lock file. Another process may have found the file since it
// was made, and be about to remove it.
func (s *Stage) holdBy(f *os.File, name string) error {
	switch err := tryLock(f); {
	case errors.Is(err, errBusy):
		return errors.Join(errLost, f.Close())
	case err != nil:
		return errors.Join(s.root.Remove(name), f.Close())
	}
	if !sameFile(s.root, name, f) {
		return errors.Join(errLost, f.Close())
	}
	s.lock = f
	return nil
}

// release gives the stage's lock up.
func (s *Stage) release() error {
	if s.lock == nil {
		return nil
	}
	f := s.lock
	s.lock = nil
	return unlock(f)
}

// surrender removes the lock. Later processes name a stage that holds replaced files and
// has no lock, and do not remove it: no journal lists these files any more.
func (s *Stage) surrender() error {
	if s.lock == nil {
		return nil
	}
	return errors.Join(s.root.Remove(path.Join(s.dir, lockName)), s.release())
}

// sameFile reports whether a path still leads to an open file.
func sameFile(root *os.Root, name string, f *os.File) bool {
	there, err := root.Lstat(name)
	if err != nil {
		return false
	}
	held, err := f.Stat()
	return err == nil && os.SameFile(there, held)
}

// longestTurn is how long Publish waits for other processes to publish, asking every
// turnPause. After that it goes on without a turn: the lock's holder may be another program
// altogether, such as flock(1) around this one.
const (
	longestTurn = 10 * time.Second
	turnPause   = 10 * time.Millisecond
)

// takeTurn waits until no other process publishes below the same root, so that the
// destination does not change between plan and move. end lets the next process go on.
func takeTurn(ctx context.Context, root *os.Root, pause pauseFunc) (end func(), err error) {
	if !canRecover {
		return func() {}, nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	end = func() { _ = unlock(dir) } // nothing was written through it
	for waited := time.Duration(0); ; {
		err := tryLock(dir)
		if !errors.Is(err, errBusy) || waited >= longestTurn {
			return end, nil
		}
		d := jitter(turnPause)
		if err := pause(ctx, d); err != nil {
			end()
			return nil, err
		}
		waited += d
	}
}

// pauseFunc waits for d, or returns why ctx ended.
type pauseFunc func(ctx context.Context, d time.Duration) error

// jitter returns a random time from half of d to one and a half times d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // nothing secret
}
