package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// tarExpander is the state of one ExpandTars.
type tarExpander struct {
	root  *os.Root
	o     TarOptions
	files int
	bytes int64

	tar    int                // the number of the tar
	in     *sourceReader      // it
	buf    []byte             // to copy by
	dirs   *dirTree           // where all is made
	made   hashSet            // files of this tar
	links  map[string]tarLink // of all tars, to be made at the end
	strict []tarDir           // directories that end up without a right of the owner's
	held   linkMemory         // what the two take
}

type tarLink struct {
	target string
	tar    int // that has it
}

type tarDir struct {
	name string
	perm fs.FileMode
}

// hashSet holds names by their hashes: names at length take much more memory,
// and a map of the hashes twice as much.
type hashSet struct {
	seed  maphash.Seed
	slots []uint64 // a table with open addressing; 0 is free
	n     int
}

func newHashSet() hashSet { return hashSet{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<8)} }

// find returns the slot of a hash: it is there, or free.
func (s *hashSet) find(h uint64) *uint64 {
	mask := uint64(len(s.slots) - 1) //nolint:gosec // a length, and never 0
	for i := h & mask; ; i = (i + 1) & mask {
		if s.slots[i] == h || s.slots[i] == 0 {
			return &s.slots[i]
		}
	}
}

func (s *hashSet) hash(name string) uint64 { return max(maphash.String(s.seed, name), 1) }

func (s *hashSet) contains(name string) bool { return *s.find(s.hash(name)) != 0 }

func (s *hashSet) add(name string) {
	slot := s.find(s.hash(name))
	if *slot != 0 {
		return
	}
	*slot = s.hash(name)
	if s.n++; s.n < len(s.slots)/4*3 {
		return
	}
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	for _, h := range old {
		if h != 0 {
			*s.find(h) = h
		}
	}
}

func newTarExpander(root *os.Root, o TarOptions) *tarExpander {
	x := &tarExpander{root: root, o: o, dirs: newDirTree(root, o.Pool.handles, o.Owner), links: map[string]tarLink{}}
	x.dirs.most = maxDirs
	x.dirs.isLink = func(name string) bool { _, ok := x.links[name]; return ok }
	return x
}

// begin is called before the entries of a tar. Copies take a buffer.
func (x *tarExpander) begin(in *sourceReader, buf []byte) {
	x.tar++
	x.in, x.buf, x.made = in, buf, newHashSet()
}

func refuseTar(h *tar.Header, format string, args ...any) error {
	return &RefusedError{Entry: h.Name, Reason: fmt.Sprintf(format, args...)}
}

func (x *tarExpander) entry(ctx context.Context, r io.Reader, h *tar.Header) error {
	if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeDir && isRoot(h.Name) {
		return nil
	}
	if h.Size > maxSize {
		return refuseTar(h, "it declares %d bytes, which no disk holds", h.Size)
	}
	if err := x.o.Budget.Take(1, h.Size); err != nil {
		return err
	}
	x.dirs.most++
	name, err := cleanName(h.Name)
	if err != nil {
		return refuseTar(h, "its name %v", err)
	}
	err = x.make(ctx, r, h, name)
	if through, ok := errors.AsType[*throughError](err); ok {
		return refuseTar(h, "it would be written through %q, which is no directory", through.name)
	}
	return err
}

func (x *tarExpander) make(ctx context.Context, r io.Reader, h *tar.Header, name string) error {
	parent, err := x.dirs.get(ctx, path.Dir(name))
	if err != nil {
		return err
	}
	defer x.dirs.put(parent)
	perm := fs.FileMode(h.Mode) & fs.ModePerm //nolint:gosec // the nine bits of it
	if h.Typeflag == tar.TypeDir {
		return x.makeDir(parent, name, perm)
	}
	if err := x.vacate(h, parent, name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if err := x.o.Room(h.Size); err != nil {
			return err
		}
		return x.file(ctx, r, parent, name, perm)
	case tar.TypeLink:
		return x.hardLink(ctx, h, parent, name)
	case tar.TypeSymlink:
		if len(h.Linkname) > maxTarget || !relativeTarget(h.Linkname) {
			return refuseTar(h, "its target %q is not a relative path", h.Linkname)
		}
		x.links[strings.Clone(name)] = tarLink{strings.Clone(h.Linkname), x.tar}
		return x.held.take(len(name), int64(len(h.Linkname)))
	}
	return refuseTar(h, "it is a device or another special file")
}

// makeDir makes a directory, unless it is there.
func (x *tarExpander) makeDir(parent *handle, name string, perm fs.FileMode) error {
	fresh, err := x.dirs.makeIn(parent, name, perm|0o700)
	if err != nil {
		return err
	}
	if !fresh {
		isDir, _, err := parent.dir.stat(path.Base(name))
		if err == nil && !isDir {
			return &throughError{name}
		}
		return err
	}
	if err := x.dirs.chown(parent, name); err != nil || perm&0o700 == 0o700 {
		return err
	}
	x.strict = append(x.strict, tarDir{strings.Clone(name), perm})
	return x.held.take(len(name), 0)
}

// vacate sees to it that a name is free in its directory: an earlier entry of
// the same tar gives way.
func (x *tarExpander) vacate(h *tar.Header, parent *handle, name string) error {
	if link, ok := x.links[name]; ok {
		if link.tar != x.tar {
			return refuseTar(h, "there is something of that name already")
		}
		x.held.give(len(name), len(link.target))
		delete(x.links, name)
		return nil
	}
	isDir, size, err := parent.dir.stat(path.Base(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case isDir || !x.made.contains(name):
		return refuseTar(h, "there is something of that name already")
	}
	x.files--
	x.bytes -= size
	return parent.dir.remove(path.Base(name))
}

func (x *tarExpander) file(ctx context.Context, r io.Reader, parent *handle, name string, perm fs.FileMode) (err error) {
	f, err := x.dirs.createIn(parent, name, perm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := &entryWriter{w: &contextWriter{ctx, f}}
	n, err := io.CopyBuffer(out, onlyReader{r}, x.buf)
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return damagedTar(err, x.in)
	}
	x.made.add(name)
	x.files++
	x.bytes += n
	return nil
}

// onlyReader has no method that would make a copy take another buffer.
type onlyReader struct{ io.Reader }

func (x *tarExpander) hardLink(ctx context.Context, h *tar.Header, parent *handle, name string) error {
	target, err := cleanName(h.Linkname)
	if err != nil {
		return refuseTar(h, "the name it links to %v", err)
	}
	// A file that gave way to a symlink is in made still.
	if _, isLink := x.links[target]; isLink || !x.made.contains(target) {
		return refuseTar(h, "it links to %q, which is no file before it", h.Linkname)
	}
	from, err := x.dirs.get(ctx, path.Dir(target))
	if err != nil {
		return err
	}
	defer x.dirs.put(from)
	_, size, err := from.dir.stat(path.Base(target))
	if errors.Is(err, fs.ErrNotExist) { // it links to itself, and gave way
		return refuseTar(h, "it links to %q, which is no file before it", h.Linkname)
	}
	if err == nil {
		err = hardLink(x.root, from.dir, target, parent.dir, name)
	}
	if err != nil {
		return &fs.PathError{Op: "link", Path: name, Err: err}
	}
	x.made.add(name)
	x.files++
	x.bytes += size
	return nil
}

// finish makes the symlinks, and takes rights from directories.
func (x *tarExpander) finish(ctx context.Context) error {
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
	x.dirs.isLink = nil // what is made now is they
	if err := makeLinks(ctx, x.dirs, ours); err != nil {
		return err
	}
	x.files += len(ours)
	for _, d := range slices.Backward(x.strict) {
		h, err := x.dirs.get(ctx, d.name)
		if err != nil {
			return err
		}
		err = h.dir.restrict(d.perm)
		x.dirs.put(h)
		if err != nil {
			return &fs.PathError{Op: "change the mode of", Path: d.name, Err: err}
		}
	}
	return nil
}
