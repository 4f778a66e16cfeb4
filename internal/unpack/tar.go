package unpack

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxTarWindow is what a .tar.zst may need of memory: that of zstd -22
	// without --long, a quarter.
	maxTarWindow = 32 << 20
	// maxTrailer is what may follow a tar's end, decompressed: padding.
	maxTrailer = 1 << 20
)

// tarSuffixes are of the files that ExpandTars expands.
var tarSuffixes = []string{".tar", ".tar.gz", ".tgz", ".tar.zst"}

// ExpandTars expands the tar files that lie right below root, as Extract left
// them, and removes them. Entries have to fulfil the rules for those of an
// archive, and these:
//
//   - Files, directories, symlinks and hard links only; a hard link leads to
//     an earlier file of the same tar.
//   - No entry takes the place of what is there already, but a later entry of
//     a tar that of an earlier one, as tar -x has it; none is written through
//     a symlink.
//   - Symlinks stay inside with all those of the archive; they are made last.
//
// Permissions are those of the tar, without set-id bits, as the umask lets
// them. It takes files and bytes from the budget, and returns what it made
// less the tars. links are the symlinks that are there: names and targets.
func ExpandTars(ctx context.Context, root *os.Root, links map[string]string, b *Budget) (Result, error) {
	top, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return Result{}, err
	}
	x := &tarExpander{root: root, budget: b, links: map[string]string{}}
	var res Result
	for _, e := range top {
		if !e.Type().IsRegular() || !slices.ContainsFunc(tarSuffixes, func(s string) bool { return len(e.Name()) > len(s) && strings.HasSuffix(e.Name(), s) }) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return Result{}, err
		}
		if err := x.expand(ctx, e.Name()); err != nil {
			return Result{}, fmt.Errorf("unpack %q: %w", e.Name(), err)
		}
		if err := root.Remove(e.Name()); err != nil {
			return Result{}, err
		}
		res.Files--
		res.Bytes -= info.Size()
	}
	if err := x.finish(ctx, links); err != nil {
		return Result{}, err
	}
	res.Files += x.files
	res.Bytes += x.bytes
	return res, nil
}

// tarExpander is the state of one ExpandTars.
type tarExpander struct {
	root   *os.Root
	budget *Budget
	files  int
	bytes  int64

	made   map[string]int64 // files of this tar, and their sizes
	dirs   map[string]bool  // known to be directories, and no symlinks
	strict []tarDir         // directories that end up without a right of the owner's
	links  map[string]string
}

type tarDir struct {
	name string
	perm fs.FileMode
}

func (x *tarExpander) expand(ctx context.Context, name string) (err error) {
	f, err := x.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := decompressed(f, name)
	if err != nil {
		return err
	}
	defer r.Close()
	x.made, x.dirs = map[string]int64{}, map[string]bool{".": true}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damagedTar(err)
		}
		if err := x.entry(ctx, t, h); err != nil {
			return err
		}
	}
	// Only the end holds the checksum of what was compressed.
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxTrailer+1))
	switch {
	case err != nil:
		return damagedTar(err)
	case n > maxTrailer:
		return &RefusedError{Reason: "there is more data after the end of the tar"}
	}
	return nil
}

// damagedTar tells bad data from a disk that fails.
func damagedTar(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	return &RefusedError{Reason: fmt.Sprintf("not a sound tar archive: %v", err)}
}

func decompressed(f io.Reader, name string) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(f, 128<<10)
	switch {
	case strings.HasSuffix(name, "gz"):
		r, err := gzip.NewReader(br)
		if err != nil {
			return nil, damagedTar(err)
		}
		return r, nil
	case strings.HasSuffix(name, ".zst"):
		r, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxTarWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, damagedTar(err)
		}
		return r.IOReadCloser(), nil
	}
	return io.NopCloser(br), nil
}

func refuseTar(h *tar.Header, format string, args ...any) error {
	return &RefusedError{Entry: h.Name, Reason: fmt.Sprintf(format, args...)}
}

func (x *tarExpander) entry(ctx context.Context, r io.Reader, h *tar.Header) error {
	if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeDir && isRoot(h.Name) {
		return nil
	}
	if err := x.budget.Take(1, max(h.Size, 0)); err != nil {
		return err
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return refuseTar(h, "its name %v", err)
	}
	if err := x.parents(h, path.Dir(name)); err != nil {
		return err
	}
	perm := fs.FileMode(h.Mode) & fs.ModePerm //nolint:gosec // the nine bits of it
	if h.Typeflag == tar.TypeDir {
		return x.directory(h, name, perm)
	}
	if err := x.vacate(h, name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return x.file(ctx, r, name, perm)
	case tar.TypeLink:
		return x.hardLink(h, name)
	case tar.TypeSymlink:
		if len(h.Linkname) > maxTarget || !relativeTarget(h.Linkname) {
			return refuseTar(h, "its target %q is not a relative path", h.Linkname)
		}
		x.links[name] = h.Linkname
		return nil
	}
	return refuseTar(h, "it is a device or another special file")
}

// parents makes the directories above an entry.
func (x *tarExpander) parents(h *tar.Header, dir string) error {
	if x.dirs[dir] {
		return nil
	}
	if err := x.parents(h, path.Dir(dir)); err != nil {
		return err
	}
	return x.directory(h, dir, 0o777)
}

// directory makes one, unless it is there.
func (x *tarExpander) directory(h *tar.Header, name string, perm fs.FileMode) error {
	if _, ok := x.links[name]; ok {
		return refuseTar(h, "it would be written through %q, which is no directory", name)
	}
	switch info, err := x.root.Lstat(name); {
	case err == nil && info.IsDir():
		x.dirs[name] = true
		return nil
	case err == nil:
		return refuseTar(h, "it would be written through %q, which is no directory", name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	x.dirs[name] = true
	if perm&0o700 != 0o700 {
		x.strict = append(x.strict, tarDir{name, perm})
	}
	return x.root.Mkdir(name, perm|0o700)
}

// vacate sees to it that a name is free: an earlier entry of the same tar
// gives way.
func (x *tarExpander) vacate(h *tar.Header, name string) error {
	if size, ok := x.made[name]; ok {
		delete(x.made, name)
		x.files--
		x.bytes -= size
		return x.root.Remove(name)
	}
	if _, ok := x.links[name]; ok {
		delete(x.links, name)
		return nil
	}
	switch _, err := x.root.Lstat(name); {
	case err == nil:
		return refuseTar(h, "there is something of that name already")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func (x *tarExpander) file(ctx context.Context, r io.Reader, name string, perm fs.FileMode) (err error) {
	f, err := x.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := &entryWriter{w: &contextWriter{ctx, f}}
	n, err := io.Copy(out, r)
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return damagedTar(err)
	}
	x.made[name] = n
	x.files++
	x.bytes += n
	return nil
}

func (x *tarExpander) hardLink(h *tar.Header, name string) error {
	target, err := cleanName(h.Linkname)
	if err != nil {
		return refuseTar(h, "the name it links to %v", err)
	}
	size, ok := x.made[target]
	if !ok {
		return refuseTar(h, "it links to %q, which is no file before it", h.Linkname)
	}
	if err := x.root.Link(target, name); err != nil {
		return err
	}
	x.made[name] = size
	x.files++
	x.bytes += size
	return nil
}

// finish makes the symlinks, and takes rights from directories.
func (x *tarExpander) finish(ctx context.Context, there map[string]string) error {
	all := maps.Clone(x.links)
	maps.Copy(all, there)
	if err := checkLinks(ctx, all); err != nil {
		return err
	}
	if err := makeLinks(ctx, x.root, x.links); err != nil {
		return err
	}
	x.files += len(x.links)
	for _, d := range slices.Backward(x.strict) {
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
