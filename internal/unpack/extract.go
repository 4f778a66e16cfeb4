package unpack

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// worthReserving is the size, in bytes, from which disk space for a file is
// reserved before it is written.
const worthReserving = 1 << 20

// ExtractOptions say how to extract.
type ExtractOptions struct {
	// Pool bounds the memory and the descriptors of all extractions that share
	// it, and how many files are written side by side. nil is a new pool with
	// two decoders for each core, since some wait for bytes.
	Pool *Pool
	// Owner gets every file, directory and symlink as soon as it is made; nil
	// leaves them with the process.
	Owner *Owner
}

// Result counts what was written. Directories do not count as files.
type Result struct {
	Files int
	Bytes int64
}

// Extract writes the entries chosen below root, which must be empty: a file
// that is there already is an error. It goes through the archive from front
// to back, so that the reader may be a download that is under way; if the reader
// has a method Release(off int64), Extract calls it when it will read nothing
// before off any more. The first failure, or the end of ctx, ends it; the files
// written so far stay. The error is a *RefusedError if contents are not what the
// archive declares, and a *ReadError if the reader fails.
func (a *Archive) Extract(ctx context.Context, root *os.Root, o ExtractOptions) (res Result, err error) {
	res, a.links, err = extractContents(ctx, a.index.contents(newFrontier(a.in.r)), root, o)
	return res, err
}

// extractContents extracts an archive of any format, and returns its symlinks,
// too.
func extractContents(ctx context.Context, c contents, root *os.Root, o ExtractOptions) (res Result, links map[string]string, err error) {
	if o.Pool == nil {
		o.Pool = defaultPool()
	}
	x := &extraction{dirs: newDirTree(root, o.Pool.handles, o.Owner), links: map[string]string{}}
	defer func() { err = errors.Join(err, x.dirs.close()) }()
	if err := c.eachContent(ctx, o.Pool, x.entry); err != nil {
		return Result{}, nil, err
	}
	if err := checkLinks(ctx, x.links); err != nil {
		return Result{}, nil, err
	}
	if err := makeLinks(ctx, x.dirs, x.links); err != nil {
		return Result{}, nil, err
	}
	return Result{Files: int(x.files.Load()) + len(x.links), Bytes: x.bytes.Load()}, x.links, nil
}

// extraction is the state of one extractContents.
type extraction struct {
	dirs *dirTree

	files, bytes atomic.Int64
	mu           sync.Mutex
	links        map[string]string // names and targets
}

func (x *extraction) entry(ctx context.Context, e *Entry, c content) error {
	switch {
	case e.Mode.IsDir():
		return x.dirs.mkdir(ctx, e.Name)
	case e.Mode&fs.ModeSymlink != 0:
		target, err := text(ctx, c)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.links[strings.Clone(e.Name)] = target
		return err
	}
	if err := x.file(ctx, e, c); err != nil {
		return err
	}
	x.files.Add(1)
	x.bytes.Add(e.Size)
	return nil
}

// file writes one file. The umask decides its permissions.
func (x *extraction) file(ctx context.Context, e *Entry, c content) (err error) {
	perm := fs.FileMode(0o666)
	if e.Mode&0o111 != 0 {
		perm = 0o777
	}
	f, err := x.dirs.create(ctx, e.Name, perm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if e.Size >= worthReserving {
		if err := f.reserve(e.Size); err != nil {
			return err
		}
	}
	return c.copy(ctx, &contextWriter{ctx, f})
}
