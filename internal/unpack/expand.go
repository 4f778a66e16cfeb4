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
	// Links are the symlinks that are below the root already: targets by names.
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

// Expansion says what ExpandTars did.
type Expansion struct {
	// Result is what changed: files and bytes that came out of tars, less the tars, which are
	// removed. It may be negative.
	Result
	// Kept are files that are named as tars and hold none: the first few by their
	// names. KeptMore counts the others.
	Kept     []KeptFile
	KeptMore int
	// Replaced are files and symlinks of one tar that gave way to those of a later one: the
	// first few. ReplacedMore counts the others.
	Replaced     []ReplacedFile
	ReplacedMore int
}

// KeptFile is a file that stays as it is. What is a noun phrase for its content.
type KeptFile struct{ Name, What string }

// ReplacedFile is a file or symlink of the tar From that gave way to that of the tar By.
type ReplacedFile struct{ Name, From, By string }

// maxListed bounds each of the lists of an Expansion.
const maxListed = 10

// ExpandTars expands the files right below root that are named as tars, as Extract
// left them, and removes them. Their bytes tell how they are compressed, whatever the
// name says; a file that is no tar stays as it is. Entries have to fulfil the rules for
// entries of an archive, and these:
//
//   - Files, directories, symlinks and hard links only; a hard link leads to
//     an earlier file of the same tar.
//   - A file or symlink takes the place of an earlier one of the same tar, or of
//     a tar before it in the order of their names, as with one tar -x after the
//     other. No entry takes the place of anything else that is there, or is
//     written through a symlink.
//   - Symlinks stay inside with all those of the archive; they are made last.
//   - zstd takes at most 32 MiB of memory to decompress, and xz 64 MiB.
//   - Data after the end of a tar, or of its compressed data, is ignored if tar,
//     or gzip, zstd, xz or bzip2, ignores it; but no other tar may follow.
//
// Permissions are those of the tar, without set-id bits, as the umask lets
// them. Files, directories and symlinks get the modification times of the tar, as far
// as the system and the file system can keep them. The entry "./" is root itself,
// which keeps its permissions and its time.
func ExpandTars(ctx context.Context, root *os.Root, o TarOptions) (res Expansion, err error) {
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
	tars, err := findTars(root, maxTarNames)
	if err != nil {
		return Expansion{}, err
	}
	for _, name := range tars {
		info, err := root.Lstat(name)
		if err != nil {
			return Expansion{}, err
		}
		err = x.expand(ctx, name, info.Size())
		if none, ok := errors.AsType[*noTarError](err); ok {
			res.keep(name, none.what)
			continue
		}
		if err != nil {
			return Expansion{}, fmt.Errorf("unpack %q: %w", name, err)
		}
		if err := root.Remove(name); err != nil {
			return Expansion{}, err
		}
		res.Files--
		res.Bytes -= info.Size()
	}
	if err := x.finish(ctx); err != nil {
		return Expansion{}, err
	}
	res.Files += x.files
	res.Bytes += x.bytes
	res.Replaced, res.ReplacedMore = x.replaced, x.more
	return res, nil
}

func (r *Expansion) keep(name, what string) {
	if len(r.Kept) < maxListed {
		r.Kept = append(r.Kept, KeptFile{name, what})
	} else {
		r.KeptMore++
	}
}

// maxTarNames bounds, in bytes, what the names of all tars take in memory, with tarNameEach
// more for each.
const (
	maxTarNames = 32 << 20
	tarNameEach = 40
)

// findTars lists the files named as tars right below root, sorted by name. It refuses names
// that take more than most bytes of memory together. It reads the directory piece by piece,
// since a million other files may be there.
func findTars(root *os.Root, most int) (names []string, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	for {
		some, err := dir.ReadDir(1 << 10)
		for _, e := range some {
			if !e.Type().IsRegular() || !namedTar(e.Name()) {
				continue
			}
			if most -= len(e.Name()) + tarNameEach; most < 0 {
				return nil, &RefusedError{Reason: fmt.Sprintf("the names of its tars take more than %d MiB of memory", maxTarNames>>20)}
			}
			names = append(names, e.Name())
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
	return x.add(ctx, name, &tarStream{io.NewSectionReader(input{f}, 0, size)})
}
