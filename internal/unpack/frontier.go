package unpack

import (
	"io"
	"slices"
	"sync"
)

// releaser is a reader that keeps bytes until it is told that those before off are
// not read again.
type releaser interface {
	Release(off int64)
}

// frontier tracks how far an archive has been read, while several units are read
// side by side, each from front to back.
type frontier struct {
	to releaser // nil: nothing is released

	mu    sync.Mutex
	units []*unitReader // under way, in the order of the archive
}

// unitReader reads a unit, and reports to its frontier how far it has come.
type unitReader struct {
	in       input
	frontier *frontier
	at       int64
}

func newFrontier(r io.ReaderAt) *frontier {
	to, _ := r.(releaser)
	return &frontier{to: to}
}

// begin returns the reader of the next unit, which begins at off. Units begin in
// the order of the archive.
func (f *frontier) begin(in input, off int64) *unitReader {
	u := &unitReader{in: in, frontier: f, at: off}
	if f.to == nil {
		return u
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.units = append(f.units, u)
	return u
}

// ReadAt reads at off, and never again before off.
func (u *unitReader) ReadAt(p []byte, off int64) (int, error) {
	u.frontier.advance(u, off)
	return u.in.ReadAt(p, off)
}

// end is called when a unit needs no more of the archive.
func (u *unitReader) end() { u.frontier.advance(u, -1) }

// advance moves a unit on, or ends it if off is -1.
func (f *frontier) advance(u *unitReader, off int64) {
	if f.to == nil {
		return
	}
	f.mu.Lock()
	first := f.units[0] == u
	if off >= 0 {
		u.at = off
	} else {
		f.units = slices.DeleteFunc(f.units, func(o *unitReader) bool { return o == u })
	}
	low := int64(-1)
	if first && len(f.units) > 0 {
		low = f.units[0].at
	}
	f.mu.Unlock()
	if low > 0 {
		f.to.Release(low)
	}
}
