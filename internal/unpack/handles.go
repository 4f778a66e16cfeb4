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
	// reserved is how many descriptors are left for connections, for the files
	// that downloads are kept in, and for files that are being written.
	reserved = 192
	// minOpen and maxOpen bound how many directories are kept open, whatever the
	// system allows. Each of maxPool workers uses two.
	minOpen = 2 * maxPool
	maxOpen = 1024
)

var errNoDirectory = errors.New("not a directory")

// handles are the directories that all archives of a Pool keep open: those used
// last. Opening a directory from the root takes a system call for each of its
// components; from an open directory above it, one for each component below.
type handles struct {
	mu   sync.Mutex
	most int    // how many may be open
	open int    // how many are
	idle handle // the head of the ring of those not in use; the one before it was used last
}

// handle is a directory that is open.
type handle struct {
	dir        osDir
	tree       *dirTree
	name       string
	users      int
	prev, next *handle // in the ring of idle ones, while it is
}

// newHandles returns handles for a process that may have this number of descriptors.
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

// evict removes idle handles until no more than most are open, and returns those
// removed: the caller closes them after it has unlocked mu, which is held.
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

// spare closes half of the directories when the process has no descriptors left,
// and reports whether it closed any.
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
	owner *Owner // of what is made; nil: the process's user
	pool  *handles
	// isLink reports whether a symlink of that name is going to be made; nil: none
	// is.
	isLink func(name string) bool
	most   int // how many directories may be made; 0: any number

	open map[string]*handle // guarded by pool.mu, as made
	made int
}

// Owner is the user and the group that get what is made.
type Owner struct{ UID, GID int }

func newDirTree(root *os.Root, pool *handles, owner *Owner) *dirTree {
	return &dirTree{root: root, owner: owner, pool: pool, open: map[string]*handle{}}
}

// close closes all directories that are kept open. None may be in use.
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

// get opens a directory; it makes the directory and those above it unless they
// are there. The caller has to call put.
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

// deepest returns the directory of a name, or the deepest one above it, that is
// open. The handle is nil if none is.
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

// keep returns a handle, for use, of a directory that was opened. If another
// caller opened the same one first, it returns that handle.
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

// makeIn makes a directory in parent, and reports whether it did: false means that
// the name is taken. The caller sets the owner.
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

// throughError says that an entry would be written through something that is no
// directory.
type throughError struct{ name string }

func (e *throughError) Error() string { return e.name + " is not a directory" }

// chown gives something that was made in parent to the owner.
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

// setTime sets the modification time of something in the directory, in ns since 1970, as far
// as the file system has such times and lets the process set them; nil leaves it alone.
func (h *handle) setTime(name string, mtime *int64) error {
	if mtime == nil {
		return nil
	}
	err := h.dir.setTime(path.Base(name), *mtime)
	if err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return &fs.PathError{Op: "set the modification time of", Path: name, Err: err}
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

// retry calls call, and once more if the process had no descriptors left and
// closing directories helped.
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
