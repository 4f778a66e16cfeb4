package unpack

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// expander puts what archives hold into a tree that is there already: see
// ExpandTars.
type expander struct {
	root *os.Root
	o    TarOptions
	dirs *dirTree // where all is made

	mu       sync.Mutex // entries may come side by side; guards what follows
	files    int
	bytes    int64
	archives []string              // the names of the archives begun; the last one is being expanded
	made     makers                // which archive made which file
	replaced []ReplacedFile        // the first few; see Expansion
	more     int                   // how many others were replaced
	links    map[string]nestedLink // of all archives, to be made at the end
	times    dirTimes              // of the directories that are entries
	// strict has the permissions, by directory, that take a right from the owner: they are
	// set once all is made.
	strict map[string]fs.FileMode
	held   linkMemory // what links, times and strict take
}

// heldNoun is what expander.held counts.
const heldNoun = "directories and symlinks"

// nestedLink is a symlink of an archive.
type nestedLink struct {
	target  string
	archive int    // its number
	mtime   *int64 // as an Entry has it
}

func newExpander(root *os.Root, o TarOptions) *expander {
	x := &expander{root: root, o: o, dirs: newDirTree(root, o.Pool.handles, o.Owner), made: newMakers(), links: map[string]nestedLink{}, strict: map[string]fs.FileMode{}}
	x.dirs.most = maxDirs
	x.dirs.isLink = func(name string) bool { _, ok := x.links[name]; return ok }
	return x
}

// add makes what the next archive holds, except symlinks.
func (x *expander) add(ctx context.Context, name string, c contents) error {
	x.archives = append(x.archives, name)
	return c.eachContent(ctx, x.o.Pool, x.entry)
}

// archive returns the number of the archive that is being expanded. The first one is 1.
func (x *expander) archive() int { return len(x.archives) }

func (x *expander) entry(ctx context.Context, e *Entry, c content) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.o.Budget.Take(1, e.Size); err != nil {
		return err
	}
	x.dirs.most++
	err := x.make(ctx, e, c)
	if through, ok := errors.AsType[*throughError](err); ok {
		return e.refuse("it would be written through %q, which is not a directory", through.name)
	}
	return err
}

func (x *expander) make(ctx context.Context, e *Entry, c content) error {
	parent, err := x.dirs.get(ctx, path.Dir(e.Name))
	if err != nil {
		return err
	}
	defer x.dirs.put(parent)
	if e.Mode.IsDir() {
		return x.makeDir(ctx, parent, e)
	}
	if x.isItself(e) {
		return nil
	}
	if err := x.vacate(parent, e); err != nil {
		return err
	}
	switch {
	case e.hardLink != "":
		return x.hardLink(ctx, parent, e)
	case e.Mode&fs.ModeSymlink != 0:
		target, err := text(ctx, c)
		if err != nil {
			return err
		}
		x.links[strings.Clone(e.Name)] = nestedLink{target, x.archive(), e.mtime}
		return x.held.take(len(e.Name), int64(len(target)))
	}
	if err := x.o.Room(e.Size); err != nil {
		return err
	}
	return x.file(ctx, parent, e, c)
}

// makeDir makes the directory that an entry is. One that is there already keeps no
// permission that the entry does not give.
func (x *expander) makeDir(ctx context.Context, parent *handle, e *Entry) error {
	name, perm := e.Name, e.Mode.Perm()
	fresh, err := x.dirs.makeIn(parent, name, perm|0o700)
	switch {
	case err != nil:
		return err
	case fresh:
		err = x.dirs.chown(parent, name)
	default:
		err = x.restrict(ctx, name, perm|0o700)
	}
	if err != nil {
		return err
	}
	if err := x.later(name, perm); err != nil {
		return err
	}
	return x.time(e)
}

// time notes the time of a directory.
func (x *expander) time(e *Entry) error {
	if e.mtime == nil {
		return nil
	}
	return x.held.add(int64(x.times.add(strings.Clone(e.Name), *e.mtime)), heldNoun)
}

// later notes a directory that may not get its permissions before all is made in it.
func (x *expander) later(name string, perm fs.FileMode) error {
	_, noted := x.strict[name]
	switch strict := perm&0o700 != 0o700; {
	case strict && !noted:
		x.strict[strings.Clone(name)] = perm
		return x.held.add(int64(len(name))+linkMemoryEach, heldNoun)
	case strict:
		x.strict[name] = perm
	case noted:
		delete(x.strict, name)
		x.held.give(len(name), 0)
	}
	return nil
}

// restrict removes all rights that are not in perm from a directory.
func (x *expander) restrict(ctx context.Context, name string, perm fs.FileMode) error {
	h, err := x.dirs.get(ctx, name)
	if err != nil {
		return err
	}
	defer x.dirs.put(h)
	if err := h.dir.restrict(perm); err != nil {
		return &fs.PathError{Op: "change the mode of", Path: name, Err: err}
	}
	return nil
}

// isItself reports whether an entry is a hard link to the file or symlink of its own name
// that the same archive has made: GNU tar writes that for a file that has two names and is
// added twice.
func (x *expander) isItself(e *Entry) bool {
	link, isLink := x.links[e.Name]
	return e.hardLink == e.Name && (isLink && link.archive == x.archive() || !isLink && x.made.of(e.Name) == x.archive())
}

// vacate makes sure that an entry's name is free in its directory: it removes an earlier
// file or symlink of this archive, or of one before it. It refuses to remove a directory,
// and what was there before the first archive.
func (x *expander) vacate(parent *handle, e *Entry) error {
	if link, ok := x.links[e.Name]; ok {
		x.giveWay(e.Name, link.archive)
		x.held.give(len(e.Name), len(link.target))
		delete(x.links, e.Name)
		return nil
	}
	archive := x.made.of(e.Name)
	isDir, size, err := parent.dir.stat(path.Base(e.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case isDir || archive == 0:
		return e.refuse("there is something of that name already")
	}
	x.giveWay(e.Name, archive)
	x.files--
	x.bytes -= size
	return parent.dir.remove(path.Base(e.Name))
}

// giveWay notes that a file or symlink of an archive is replaced by one of this archive.
func (x *expander) giveWay(name string, archive int) {
	switch {
	case archive == x.archive():
	case len(x.replaced) < maxListed:
		x.replaced = append(x.replaced, ReplacedFile{Name: strings.Clone(name), From: x.archives[archive-1], By: x.archives[x.archive()-1]})
	default:
		x.more++
	}
}

func (x *expander) file(ctx context.Context, parent *handle, e *Entry, c content) error {
	f, err := x.dirs.createIn(parent, e.Name, e.Mode.Perm())
	if err != nil {
		return err
	}
	if err := errors.Join(c.copy(ctx, &contextWriter{ctx, f}), f.Close()); err != nil {
		return err
	}
	if err := parent.setTime(e.Name, e.mtime); err != nil {
		return err
	}
	x.made.set(e.Name, x.archive())
	x.files++
	x.bytes += e.Size
	return nil
}

func (x *expander) hardLink(ctx context.Context, parent *handle, e *Entry) error {
	if link, ok := x.links[e.hardLink]; ok && link.archive == x.archive() {
		x.links[strings.Clone(e.Name)] = link
		return x.held.take(len(e.Name), int64(len(link.target)))
	}
	// A symlink of another archive cannot be linked to.
	if _, isLink := x.links[e.hardLink]; isLink || x.made.of(e.hardLink) != x.archive() {
		return e.refuse("it links to %q, which is no file before it in the same archive", e.hardLink)
	}
	from, err := x.dirs.get(ctx, path.Dir(e.hardLink))
	if err != nil {
		return err
	}
	defer x.dirs.put(from)
	_, size, err := from.dir.stat(path.Base(e.hardLink))
	if err == nil {
		err = hardLink(x.root, from.dir, e.hardLink, parent.dir, e.Name)
	}
	if err != nil {
		return &fs.PathError{Op: "link", Path: e.Name, Err: err}
	}
	x.made.set(e.Name, x.archive())
	x.files++
	x.bytes += size
	return nil
}

// finish makes the symlinks of all archives. Nothing is made in directories after that, so
// they get their times, and the permissions that would have been in the way.
func (x *expander) finish(ctx context.Context) error {
	ours := make(map[string]string, len(x.links))
	for name, link := range x.links {
		ours[name] = link.target
	}
	all := ours
	if len(x.o.Links) > 0 {
		all = maps.Clone(ours)
		maps.Copy(all, x.o.Links)
	}
	if err := checkLinks(ctx, all); err != nil {
		return err
	}
	x.dirs.isLink = nil // the symlinks themselves are made now
	if err := makeLinks(ctx, x.dirs, ours); err != nil {
		return err
	}
	x.files += len(ours)
	for _, name := range slices.SortedFunc(maps.Keys(x.links), ComparePaths) {
		if err := x.setTime(ctx, name, x.links[name].mtime); err != nil {
			return err
		}
	}
	err := x.times.each(func(name string, mtime int64) error { return x.setTime(ctx, name, &mtime) })
	if err != nil {
		return err
	}
	// What lies below a directory comes before the directory, which may be locked then.
	for _, name := range slices.Backward(slices.SortedFunc(maps.Keys(x.strict), ComparePaths)) {
		if err := x.restrict(ctx, name, x.strict[name]); err != nil {
			return err
		}
	}
	return nil
}

// setTime sets the modification time of what is at a path; nil leaves it alone.
func (x *expander) setTime(ctx context.Context, name string, mtime *int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	parent, err := x.dirs.get(ctx, path.Dir(name))
	if err != nil {
		return err
	}
	defer x.dirs.put(parent)
	return parent.setTime(name, mtime)
}
