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
	dirs   dirMaker           // where something was made last
	made   nameSet            // files of this tar
	known  nameSet            // directories, and no symlinks
	newDir int                // directories that were made
	links  map[string]tarLink // of all tars, to be made at the end
	strict []tarDir           // directories that end up without a right of the owner's
	held   int                // bytes of names and targets in the two
}

type tarLink struct {
	target string
	tar    int // that has it
}

type tarDir struct {
	name string
	perm fs.FileMode
}

// nameSet holds names by their hashes: names at length take much more memory.
type nameSet struct {
	seed maphash.Seed
	has  map[uint64]bool
}

func newNameSet() nameSet { return nameSet{maphash.MakeSeed(), map[uint64]bool{}} }

func (s nameSet) add(name string)           { s.has[maphash.String(s.seed, name)] = true }
func (s nameSet) remove(name string)        { delete(s.has, maphash.String(s.seed, name)) }
func (s nameSet) contains(name string) bool { return s.has[maphash.String(s.seed, name)] }

func newTarExpander(root *os.Root, o TarOptions) *tarExpander {
	x := &tarExpander{root: root, o: o, dirs: dirMaker{root: root}, known: newNameSet(), links: map[string]tarLink{}}
	x.known.add(".")
	return x
}

// begin is called before the entries of a tar. Copies take a buffer.
func (x *tarExpander) begin(in *sourceReader, buf []byte) {
	x.tar++
	x.in, x.buf, x.made = in, buf, newNameSet()
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
	name, err := cleanName(h.Name)
	if err != nil {
		return refuseTar(h, "its name %v", err)
	}
	if err := x.makeParents(ctx, h, name); err != nil {
		return err
	}
	perm := fs.FileMode(h.Mode) & fs.ModePerm //nolint:gosec // the nine bits of it
	if h.Typeflag == tar.TypeDir {
		return x.makeDir(h, name, perm)
	}
	dir, err := x.dirs.open(path.Dir(name))
	if err != nil {
		return err
	}
	if err := x.vacate(h, dir, name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if err := x.o.Room(h.Size); err != nil {
			return err
		}
		return x.file(ctx, r, dir, name, perm)
	case tar.TypeLink:
		return x.hardLink(h, name)
	case tar.TypeSymlink:
		if len(h.Linkname) > maxTarget || !relativeTarget(h.Linkname) {
			return refuseTar(h, "its target %q is not a relative path", h.Linkname)
		}
		x.links[name] = tarLink{h.Linkname, x.tar}
		return x.hold(len(name) + len(h.Linkname))
	}
	return refuseTar(h, "it is a device or another special file")
}

// hold bounds what is kept in memory until the end.
func (x *tarExpander) hold(n int) error {
	if x.held += n; x.held > maxTargets {
		return &RefusedError{Reason: fmt.Sprintf("its symlinks and directories without rights take more than %d bytes of memory", maxTargets)}
	}
	return nil
}

// makeParents makes the directories above an entry.
func (x *tarExpander) makeParents(ctx context.Context, h *tar.Header, name string) error {
	if x.known.contains(path.Dir(name)) {
		return nil
	}
	for i := range len(name) {
		if name[i] != '/' || x.known.contains(name[:i]) {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := x.makeDir(h, name[:i], 0o777); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a directory, unless it is there.
func (x *tarExpander) makeDir(h *tar.Header, name string, perm fs.FileMode) error {
	if _, ok := x.links[name]; ok {
		return refuseTar(h, "it would be written through %q, which is no directory", name)
	}
	parent, err := x.dirs.open(path.Dir(name))
	if err != nil {
		return err
	}
	switch info, err := parent.Lstat(path.Base(name)); {
	case err == nil && info.IsDir():
		x.known.add(name)
		return nil
	case err == nil:
		return refuseTar(h, "it would be written through %q, which is no directory", name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if x.newDir++; x.newDir > maxDirs {
		return tooManyDirs()
	}
	x.known.add(name)
	if perm&0o700 != 0o700 {
		x.strict = append(x.strict, tarDir{name, perm})
		if err := x.hold(len(name)); err != nil {
			return err
		}
	}
	return parent.Mkdir(path.Base(name), perm|0o700)
}

// vacate sees to it that a name is free in its directory: an earlier entry of
// the same tar gives way.
func (x *tarExpander) vacate(h *tar.Header, dir *os.Root, name string) error {
	if link, ok := x.links[name]; ok {
		if link.tar != x.tar {
			return refuseTar(h, "there is something of that name already")
		}
		x.held -= len(name) + len(link.target)
		delete(x.links, name)
		return nil
	}
	switch info, err := dir.Lstat(path.Base(name)); {
	case err == nil && x.made.contains(name):
		x.made.remove(name)
		x.files--
		x.bytes -= info.Size()
		return dir.Remove(path.Base(name))
	case err == nil:
		return refuseTar(h, "there is something of that name already")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func (x *tarExpander) file(ctx context.Context, r io.Reader, dir *os.Root, name string, perm fs.FileMode) (err error) {
	f, err := dir.OpenFile(path.Base(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
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

func (x *tarExpander) hardLink(h *tar.Header, name string) error {
	target, err := cleanName(h.Linkname)
	if err != nil {
		return refuseTar(h, "the name it links to %v", err)
	}
	if !x.made.contains(target) {
		return refuseTar(h, "it links to %q, which is no file before it", h.Linkname)
	}
	info, err := x.root.Lstat(target)
	if err == nil {
		err = x.root.Link(target, name)
	}
	if err != nil {
		return err
	}
	x.made.add(name)
	x.files++
	x.bytes += info.Size()
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
	if err := makeLinks(ctx, x.root, ours); err != nil {
		return err
	}
	x.files += len(ours)
	for _, d := range slices.Backward(x.strict) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		info, err := x.root.Lstat(d.name)
		if err == nil {
			err = x.root.Chmod(d.name, info.Mode().Perm()&d.perm)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
