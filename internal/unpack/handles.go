package unpack

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
)

const (
	// reserved is how many descriptors are left to others: connections, the
	// files that downloads are kept in, those that are being written.
	reserved = 192
	// At least and at most so many directories are kept open, whatever the
	// system allows. Each of maxPool workers uses two.
	minOpen = 2 * maxPool
	maxOpen = 1024
)

var errNoDirectory = errors.New("not a directory")

// handles are the directories that all archives of a Pool keep open: so many,
// and those used last. Opening a directory from the root takes a step for each
// of its components, and from one that is open above it a step for each below.
type handles struct {
	mu   sync.Mutex
	most int
	open int    // how many there are
	idle handle // the ring of those that are not in use, the one used last before it
}

// handle is a directory that is open.
type handle struct {
	dir        osDir
	tree       *dirTree
	name       string
	users      int
	prev, next *handle // in the ring of idle ones, while it is
}

// newHandles makes handles for a process that may have so many descriptors.
func newHandles(descriptors uint64) *handles {
	h := &handles{most: minOpen}
	if descriptors > reserved+minOpen {
		h.most = int(min(descriptors-reserved, maxOpen))
	}
	h.idle.prev, h.idle.next = &h.idle, &h.idle
	return h
}

// use takes a handle out of the ring. mu is held.
func (p *handles) use(h *handle) {
	if h.users++; h.prev != nil {
		h.prev.next, h.next.prev = h.next, h.prev
		h.prev, h.next = nil, nil
	}
}

// evict forgets idle handles until there are no more than most, and returns
// them, to be closed when mu, which is held, is free.
func (p *handles) evict(most int) (old []*handle) {
	for p.open > most && p.idle.next != &p.idle {
		h := p.idle.next
		p.use(h)
		delete(h.tree.open, h.name)
		p.open--
		old = append(old, h)
	}
	return old
}

func closeAll(old []*handle) error {
	var errs []error
	for _, h := range old {
		errs = append(errs, h.dir.close())
	}
	return errors.Join(errs...)
}

// spare makes room when there are no descriptors left, and reports whether it
// could.
func (p *handles) spare() bool {
	p.mu.Lock()
	old := p.evict(p.open / 2)
	p.mu.Unlock()
	return len(old) > 0 && closeAll(old) == nil
}

// dirTree makes directories, files and links below a root. No name is followed
// through a symlink. It is safe for concurrent use.
type dirTree struct {
	root  *os.Root
	owner *Owner // nil: whoever makes it
	pool  *handles
	// isLink reports whether a symlink is going to be made in a directory's
	// place; nil: no.
	isLink func(name string) bool
	most   int // how many directories it may make; 0: any number

	open map[string]*handle // guarded by pool.mu, as made
	made int
}

// Owner is who gets what is made.
type Owner struct{ UID, GID int }

func newDirTree(root *os.Root, pool *handles, owner *Owner) *dirTree {
	return &dirTree{root: root, owner: owner, pool: pool, open: map[string]*handle{}}
}

// close closes all that is kept open. Nothing is in use any more.
func (t *dirTree) close() error {
	t.pool.mu.Lock()
	var old []*handle
	for _, h := range t.open {
		t.pool.use(h)
		old = append(old, h)
	}
	t.pool.open -= len(old)
	clear(t.open)
	t.pool.mu.Unlock()
	return closeAll(old)
}

// get opens a directory, and makes it and those above it where they are not
// there. The caller has to put it back.
func (t *dirTree) get(ctx context.Context, name string) (*handle, error) {
	at, h := t.deepest(name)
	if h == nil {
		dir, err := retry(t.pool, func() (osDir, error) { return openRoot(t.root) })
		if err != nil {
			return nil, err
		}
		h = t.keep(".", dir)
	}
	for at != name {
		if ctx.Err() != nil {
			t.put(h)
			return nil, context.Cause(ctx)
		}
		from := len(at) + 1
		if at == "." {
			from = 0
		}
		at = name
		if i := strings.IndexByte(name[from:], '/'); i >= 0 {
			at = name[:from+i]
		}
		sub, err := t.enter(h, at, 0o777)
		t.put(h)
		if err != nil {
			return nil, err
		}
		h = sub
	}
	return h, nil
}

// deepest finds the deepest directory that is open, of the one with a name and
// those above it.
func (t *dirTree) deepest(name string) (at string, h *handle) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	for at = name; ; at = path.Dir(at) {
		if h = t.open[at]; h != nil {
			t.pool.use(h)
			return at, h
		}
		if at == "." {
			return at, nil
		}
	}
}

// keep keeps a directory that was opened for use, unless another caller was
// faster.
func (t *dirTree) keep(name string, dir osDir) *handle {
	t.pool.mu.Lock()
	h := t.open[name]
	var old []*handle
	if h != nil {
		old = []*handle{{dir: dir}}
	} else {
		// A copy, since the name may be a part of something large.
		h = &handle{dir: dir, tree: t, name: strings.Clone(name)}
		t.open[h.name] = h
		t.pool.open++
		old = t.pool.evict(t.pool.most)
	}
	t.pool.use(h)
	t.pool.mu.Unlock()
	_ = closeAll(old) // nothing was written through them
	return h
}

// put ends the use of a handle.
func (t *dirTree) put(h *handle) {
	p := t.pool
	p.mu.Lock()
	var old []*handle
	if h.users--; h.users == 0 {
		last := p.idle.prev
		h.prev, h.next = last, &p.idle
		last.next, p.idle.prev = h, h
		old = p.evict(p.most)
	}
	p.mu.Unlock()
	_ = closeAll(old) // nothing was written through them
}

// enter opens a directory by the handle of the one above, and makes it if it
// is not there.
func (t *dirTree) enter(parent *handle, name string, perm fs.FileMode) (*handle, error) {
	fresh, err := t.makeIn(parent, name, perm)
	if err != nil {
		return nil, err
	}
	dir, err := retry(t.pool, func() (osDir, error) { return parent.dir.open(path.Base(name)) })
	switch {
	case !fresh && isNoDirectory(err):
		return nil, &throughError{name}
	case err != nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if fresh && t.owner != nil {
		if err := dir.chown(t.owner); err != nil {
			return nil, errors.Join(t.owner.failed(name, err), dir.close())
		}
	}
	return t.keep(name, dir), nil
}

// makeIn makes a directory in the one of a handle, and reports whether it was
// not there. Who owns it is left to the caller.
func (t *dirTree) makeIn(parent *handle, name string, perm fs.FileMode) (bool, error) {
	if t.isLink != nil && t.isLink(name) {
		return false, &throughError{name}
	}
	err := parent.dir.mkdir(path.Base(name), perm)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, &fs.PathError{Op: "make directory", Path: name, Err: err}
	}
	t.pool.mu.Lock()
	t.made++
	tooMany := t.most > 0 && t.made > t.most
	t.pool.mu.Unlock()
	if tooMany {
		return false, tooManyDirs()
	}
	return true, nil
}

// throughError says that something would be written through what is there and
// is no directory.
type throughError struct{ name string }

func (e *throughError) Error() string { return e.name + " is no directory" }

// chown gives what was made in a directory to the owner.
func (t *dirTree) chown(parent *handle, name string) error {
	if t.owner == nil {
		return nil
	}
	if err := parent.dir.lchown(path.Base(name), t.owner); err != nil {
		return t.owner.failed(name, err)
	}
	return nil
}

// mkdir makes a directory, and those above it, unless it is there.
func (t *dirTree) mkdir(ctx context.Context, name string) error {
	parent, err := t.get(ctx, path.Dir(name))
	if err != nil {
		return err
	}
	defer t.put(parent)
	if fresh, err := t.makeIn(parent, name, 0o777); err != nil || !fresh {
		return err
	}
	return t.chown(parent, name)
}

// create makes a file, and the directories above it.
func (t *dirTree) create(ctx context.Context, name string, perm fs.FileMode) (*newFile, error) {
	parent, err := t.get(ctx, path.Dir(name))
	if err != nil {
		return nil, err
	}
	defer t.put(parent)
	return t.createIn(parent, name, perm)
}

func (t *dirTree) createIn(parent *handle, name string, perm fs.FileMode) (*newFile, error) {
	out, err := retry(t.pool, func() (output, error) { return parent.dir.create(path.Base(name), perm) })
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	if t.owner != nil {
		if err := out.chown(t.owner); err != nil {
			return nil, errors.Join(t.owner.failed(name, err), out.Close())
		}
	}
	return &newFile{out, name}, nil
}

// symlink makes a symlink.
func (t *dirTree) symlink(ctx context.Context, name, target string) error {
	parent, err := t.get(ctx, path.Dir(name))
	if err != nil {
		return err
	}
	defer t.put(parent)
	if err := parent.dir.symlink(target, path.Base(name)); err != nil {
		return &fs.PathError{Op: "symlink", Path: name, Err: err}
	}
	return t.chown(parent, name)
}

// retry repeats a call once if there were no descriptors left for it.
func retry[T any](p *handles, call func() (T, error)) (T, error) {
	v, err := call()
	if noDescriptors(err) && p.spare() {
		return call()
	}
	return v, err
}

func (o *Owner) failed(name string, err error) error {
	return &fs.PathError{Op: "change the owner of", Path: name, Err: err}
}
