package unpack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"syscall"
)

const (
	// maxKept is how many directories a worker keeps open.
	maxKept = 128
	// maxDirs is how many directories names may ask for, besides one an
	// entry. Few bytes of a name make hundreds of them, each of which takes a
	// block of the disk, and they are no entries that a Budget would count.
	maxDirs = 1_000_000
)

// dirs goes through all directories that the entries need, each once and
// parents first. The entries are sorted, so that those below one directory
// are neighbours: what is new is what the entry before does not lie in.
func (a *Archive) dirs() iter.Seq[string] {
	return func(yield func(string) bool) {
		prev := ""
		for i := range a.Entries {
			dir := a.Entries[i].Name
			if !a.Entries[i].Mode.IsDir() {
				if dir = path.Dir(dir); dir == "." {
					dir = ""
				}
			}
			for n := sharedDir(prev, dir); n < len(dir); {
				if next := strings.IndexByte(dir[n+1:], '/'); next >= 0 {
					n += 1 + next
				} else {
					n = len(dir)
				}
				if !yield(dir[:n]) {
					return
				}
			}
			prev = dir
		}
	}
}

// sharedDir is the length of the deepest directory that both lie in or are.
func sharedDir(x, y string) int {
	shared := 0
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return shared
		}
		if x[i] == '/' {
			shared = i
		}
	}
	switch n := min(len(x), len(y)); {
	case len(x) == len(y), len(x) > n && x[n] == '/', len(y) > n && y[n] == '/':
		return n
	}
	return shared
}

// checkDirs bounds the directories.
func (a *Archive) checkDirs() error {
	n := 0
	for range a.dirs() {
		if n++; n > maxDirs+len(a.Entries) {
			return tooManyDirs()
		}
	}
	return nil
}

func tooManyDirs() error {
	return &RefusedError{Reason: fmt.Sprintf("its names need more than %d directories that are no entries", maxDirs)}
}

// makeDirs makes every directory.
func (a *Archive) makeDirs(ctx context.Context, root *os.Root) (err error) {
	m := dirMaker{root: root}
	defer func() { err = errors.Join(err, m.close()) }()
	for dir := range a.dirs() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		parent, err := m.open(path.Dir(dir))
		if err == nil {
			err = parent.Mkdir(path.Base(dir), 0o777)
		}
		if err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	return nil
}

// dirMaker keeps the directory open in which something was made last, and
// goes on from there: from the root, a chain of directories would cost the
// square of its length.
type dirMaker struct {
	root *os.Root
	dir  *os.Root // nil: none is open
	name string   // of dir
}

// open opens a directory until the next open. No part of its name may be a
// symlink.
func (m *dirMaker) open(name string) (*os.Root, error) {
	if name == "." {
		return m.root, nil
	}
	from, rel := m.root, name
	if m.dir != nil && strings.HasPrefix(name, m.name) {
		if len(name) == len(m.name) {
			return m.dir, nil
		}
		if name[len(m.name)] == '/' {
			from, rel = m.dir, name[len(m.name)+1:]
		}
	}
	next, err := from.OpenRoot(rel)
	if err != nil {
		return nil, err
	}
	err = m.close()
	m.dir, m.name = next, name
	return next, err
}

func (m *dirMaker) close() error {
	if m.dir == nil {
		return nil
	}
	err := m.dir.Close()
	m.dir = nil
	return err
}

// openDirs keeps directories open for one worker.
type openDirs struct {
	root *os.Root
	kept map[string]openDir
}

// create makes a file. Where there are no descriptors left, it is tried once
// more without the directories that are kept open.
func (d *openDirs) create(name string, perm fs.FileMode) (output, error) {
	f, err := d.tryCreate(name, perm)
	if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && len(d.kept) > 0 {
		if err := d.close(); err != nil {
			return nil, err
		}
		f, err = d.tryCreate(name, perm)
	}
	return f, err
}

func (d *openDirs) tryCreate(name string, perm fs.FileMode) (output, error) {
	dir, err := d.open(path.Dir(name))
	if err != nil {
		return nil, err
	}
	return dir.create(path.Base(name), perm)
}

func (d *openDirs) open(name string) (openDir, error) {
	if dir, ok := d.kept[name]; ok {
		return dir, nil
	}
	if len(d.kept) >= maxKept {
		if err := d.close(); err != nil {
			return openDir{}, err
		}
	}
	dir, err := openDirectory(d.root, name)
	if err != nil {
		return openDir{}, err
	}
	if d.kept == nil {
		d.kept = map[string]openDir{}
	}
	d.kept[name] = dir
	return dir, nil
}

func (d *openDirs) close() error {
	var errs []error
	for _, dir := range d.kept {
		errs = append(errs, dir.close())
	}
	clear(d.kept)
	return errors.Join(errs...)
}
