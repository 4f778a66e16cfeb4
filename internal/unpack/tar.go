package unpack

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// maxTrailer is what may follow a tar's end, decompressed: padding.
const maxTrailer = 1 << 20

// tarSuffixes are of the files that ExpandTars expands.
var tarSuffixes = []string{".tar", ".tar.gz", ".tgz", ".tar.zst"}

// TarOptions say how to expand tars. Zero values are no bounds.
type TarOptions struct {
	// Links are the symlinks that are there: names and targets.
	Links map[string]string
	// Budget is what files and bytes are taken from.
	Budget *Budget
	// Room is asked before an entry's n bytes are written; its error is
	// returned.
	Room func(n int64) error
	// Pool bounds the memory and the descriptors of all that share it, and how
	// many tars are expanded side by side; nil is a pool of its own.
	Pool *Pool
	// Owner gets every file, directory and symlink as soon as it is made; nil
	// leaves them with the process.
	Owner *Owner
}

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
//   - A .tar.zst takes at most 32 MiB of memory to decompress.
//
// Permissions are those of the tar, without set-id bits, as the umask lets
// them. It returns what it made less the tars.
func ExpandTars(ctx context.Context, root *os.Root, o TarOptions) (res Result, err error) {
	if o.Budget == nil {
		o.Budget = NewBudget(0, 0)
	}
	if o.Room == nil {
		o.Room = func(int64) error { return nil }
	}
	if o.Pool == nil {
		o.Pool = defaultPool()
	}
	x := newTarExpander(root, o)
	defer func() { err = errors.Join(err, x.dirs.close()) }()
	tars, err := findTars(root)
	if err != nil {
		return Result{}, err
	}
	for _, name := range tars {
		info, err := root.Lstat(name)
		if err != nil {
			return Result{}, err
		}
		if err := x.expand(ctx, name, info.Size()); err != nil {
			return Result{}, fmt.Errorf("unpack %q: %w", name, err)
		}
		if err := root.Remove(name); err != nil {
			return Result{}, err
		}
		res.Files--
		res.Bytes -= info.Size()
	}
	if err := x.finish(ctx); err != nil {
		return Result{}, err
	}
	res.Files += x.files
	res.Bytes += x.bytes
	return res, nil
}

// findTars lists the tars right below root, in the order of their names. There
// may be a million other files.
func findTars(root *os.Root) (names []string, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	for {
		some, err := dir.ReadDir(1 << 10)
		for _, e := range some {
			if e.Type().IsRegular() && slices.ContainsFunc(tarSuffixes, func(s string) bool { return len(e.Name()) > len(s) && strings.HasSuffix(e.Name(), s) }) {
				names = append(names, e.Name())
			}
		}
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// expand expands one tar, of so many bytes.
func (x *tarExpander) expand(ctx context.Context, name string, size int64) (err error) {
	f, err := x.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return x.read(ctx, name, io.NewSectionReader(input{f}, 0, size))
}

// read expands the tar that a reader has, of a kind that its name tells.
func (x *tarExpander) read(ctx context.Context, name string, tarred io.Reader) error {
	d, err := x.o.Pool.get(ctx)
	if err != nil {
		return err
	}
	defer x.o.Pool.put(d)
	in := &sourceReader{ctx: ctx, r: tarred}
	r, err := d.open(ctx, in, name)
	if err != nil {
		return damagedTar(err, in)
	}
	x.begin(in, d.buf)
	defer func() { _ = r.Close() }() // it says again what reading said
	for t := tar.NewReader(r); ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := t.Next()
		if in.err == nil && errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damagedTar(err, in)
		}
		if err := x.entry(ctx, t, h); err != nil {
			return err
		}
	}
	// Only the end holds the checksum of what was compressed.
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxTrailer+1))
	switch {
	case err != nil || in.err != nil:
		return damagedTar(err, in)
	case n > maxTrailer:
		return &RefusedError{Reason: "there is more data after the end of the tar"}
	}
	return nil
}

// open decompresses a tar.
func (d *decoder) open(ctx context.Context, in io.Reader, name string) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(in, 128<<10)
	switch {
	case strings.HasSuffix(name, "gz"):
		return gzip.NewReader(br)
	case strings.HasSuffix(name, ".zst"):
		return d.pool.zstd(ctx, br, maxTarWindow)
	}
	return io.NopCloser(br), nil
}

// damagedTar tells bad data from a reader that fails.
func damagedTar(err error, in *sourceReader) error {
	if in.err != nil {
		return in.err
	}
	if in.ctx.Err() != nil { // while it waited for memory
		return context.Cause(in.ctx)
	}
	if tooLarge, ok := errors.AsType[*windowError](err); ok {
		return &RefusedError{Reason: tooLarge.Error()}
	}
	return &RefusedError{Reason: fmt.Sprintf("not a sound tar archive: %v", err)}
}
