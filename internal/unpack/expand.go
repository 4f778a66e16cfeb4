package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// TarOptions say how to expand tars. A zero value sets no bound.
type TarOptions struct {
	// Links are the symlinks that are there already: their targets by their
	// names.
	Links map[string]string
	// Budget is what entries and bytes are taken from; nil is no limit.
	Budget *Budget
	// Room is called before the n bytes of a file are written, to reserve disk
	// space for them. ExpandTars returns its error. nil reserves nothing.
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
// them. It returns how many files and bytes there are more than before, the tars
// being gone.
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
	x := newExpander(root, o)
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

// findTars lists the tars right below root, in the order of their names. It
// reads the directory piece by piece, since a million other files may be there.
func findTars(root *os.Root) (names []string, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	for {
		some, err := dir.ReadDir(1 << 10)
		for _, e := range some {
			if e.Type().IsRegular() && nestedFormat(e.Name()) != nil {
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

// expand expands the file of that name, which has size bytes.
func (x *expander) expand(ctx context.Context, name string, size int64) (err error) {
	f, err := x.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return x.add(ctx, nestedFormat(name)(io.NewSectionReader(input{f}, 0, size)))
}
