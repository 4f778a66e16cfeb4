package unpack

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// A unit of work is a run of entries up to these bounds, in bytes of the
	// archive: large enough for one read, small enough to share out.
	unitFiles = 64
	unitBytes = 256 << 10
	// maxGap is what may lie between entries that are fetched in one go, when
	// not all are.
	maxGap = 64 << 10
	// worthReserving is from what size on room is taken in advance.
	worthReserving = 1 << 20
)

// ExtractOptions say how to extract.
type ExtractOptions struct {
	// Pool bounds the memory of all extractions that share it, and how many
	// files are written side by side. nil is a pool of its own, with two
	// decoders a core, since some wait for bytes.
	Pool *Pool
}

// Result counts what was written. Directories do not count as files.
type Result struct {
	Files int
	Bytes int64
}

// Extract writes the entries chosen below root, which must be empty: a file
// that is there already is an error. It goes through the archive from front
// to back, so that the reader may be a download that is under way; if that has
// a method Release(off int64), it is told before what nothing is read any more.
// The first failure, or the end of ctx, ends it and leaves what is there so
// far. Contents that are not what the archive declares are *RefusedError.
func (a *Archive) Extract(ctx context.Context, root *os.Root, o ExtractOptions) (Result, error) {
	if o.Pool == nil {
		o.Pool = defaultPool()
	}
	order := byOffset(a.Entries)
	a.wantAll(order)
	if err := a.makeDirs(ctx, root); err != nil {
		return Result{}, err
	}
	x := &extraction{archive: a, root: root, pool: o.Pool, links: map[string]string{}}
	units := make(chan unit)
	front := newFrontier(a.r)
	outer := ctx
	g, ctx := errgroup.WithContext(outer)
	g.Go(func() error {
		defer close(units)
		return a.eachUnit(order, func(entries []int32) error {
			select {
			case units <- unit{entries, front.begin(a.r, a.Entries[entries[0]].start)}:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range min(cap(o.Pool.free), 1+len(order)/8) {
		g.Go(func() error { return x.work(ctx, units) })
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	a.links = x.links
	if err := checkLinks(outer, a.links); err != nil {
		return Result{}, err
	}
	return Result{Files: int(x.files.Load()) + len(a.links), Bytes: x.bytes.Load()}, makeLinks(outer, root, a.links)
}

// wantAll tells the reader what will be read, where that is not everything.
func (a *Archive) wantAll(order []int32) {
	if !a.partial {
		return
	}
	for i := len(order) - 1; i >= 0; i-- { // the last that is wanted comes first
		last := &a.Entries[order[i]]
		first := last
		for i > 0 && first.start-a.Entries[order[i-1]].limit() <= maxGap {
			i--
			first = &a.Entries[order[i]]
		}
		want(a.r, first.start, last.limit()-first.start)
	}
}

// eachUnit cuts the entries, in the order in which they lie in the archive,
// into units and hands them to do.
func (a *Archive) eachUnit(order []int32, do func([]int32) error) error {
	for start := 0; start < len(order); {
		first := &a.Entries[order[start]]
		end := start + 1
		for end < len(order) && end-start < unitFiles {
			e := &a.Entries[order[end]]
			if e.start != a.Entries[order[end-1]].limit() || e.limit()-first.start > unitBytes {
				break
			}
			end++
		}
		if err := do(order[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// unit is some neighbours, and what they are read from.
type unit struct {
	entries []int32
	r       *unitReader
}

// extraction is the state of one Extract.
type extraction struct {
	archive *Archive
	root    *os.Root
	pool    *Pool

	files, bytes atomic.Int64
	mu           sync.Mutex
	links        map[string]string // names and targets
}

// work extracts units until there are no more.
func (x *extraction) work(ctx context.Context, units <-chan unit) (err error) {
	dirs := openDirs{root: x.root}
	defer func() { err = errors.Join(err, dirs.close()) }()
	for u := range units {
		if err := x.unit(ctx, &dirs, u); err != nil {
			return err
		}
		u.r.end()
	}
	return nil
}

// unit extracts neighbours: all from one read, if they are small.
func (x *extraction) unit(ctx context.Context, dirs *openDirs, u unit) error {
	d, err := x.pool.get(ctx)
	if err != nil {
		return err
	}
	defer x.pool.put(d)
	entries := x.archive.Entries
	start, end := entries[u.entries[0]].start, entries[u.entries[len(u.entries)-1]].limit()
	var packed []byte
	if end-start <= unitBytes {
		packed = d.packed[:end-start]
		if err := readFull(u.r, packed, start); err != nil {
			return err
		}
	}
	for _, i := range u.entries {
		e := &entries[i]
		s := source{r: u.r}
		if packed != nil {
			s.packed = packed[e.start-start : e.limit()-start]
		}
		if err := s.find(e); err != nil {
			return err
		}
		if err := x.entry(ctx, dirs, d, e, &s); err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) entry(ctx context.Context, dirs *openDirs, d *decoder, e *Entry, s *source) error {
	switch {
	case e.Mode.IsDir():
		return nil
	case e.Mode&fs.ModeSymlink != 0:
		target, err := d.text(ctx, e, s)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.links[e.Name] = target
		return err
	}
	if err := x.file(ctx, dirs, d, e, s); err != nil {
		return err
	}
	x.files.Add(1)
	x.bytes.Add(e.Size)
	return nil
}

// file writes one file. The umask decides its permissions.
func (x *extraction) file(ctx context.Context, dirs *openDirs, d *decoder, e *Entry, s *source) (err error) {
	perm := fs.FileMode(0o666)
	if e.Mode&0o111 != 0 {
		perm = 0o777
	}
	f, err := dirs.create(e.Name, perm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r, ok := f.(reserver); ok && e.Size >= worthReserving {
		if err := r.reserve(e.Size); err != nil {
			return err
		}
	}
	return d.copy(ctx, &contextWriter{ctx, f}, e, s)
}

// output is what a file is written through.
type output io.WriteCloser

// reserver is a file that can take its room in advance.
type reserver interface{ reserve(size int64) error }
