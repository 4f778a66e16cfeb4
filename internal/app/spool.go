package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"sort"
	"sync"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/workspace"
)

// inMemory is up to what size a blob is kept in memory while it is unpacked.
// With so many side by side as there may be it makes 16 MiB.
const inMemory = 256 << 10

// spool keeps the bytes of one artifact: in memory, or in a file of the
// stage.
type spool struct {
	stage *workspace.Stage
	name  string
	file  *os.File
	data  memory
}

func (s *spool) create(size int64) (fetch.Spool, error) {
	if 0 <= size && size <= inMemory {
		s.data = make(memory, size)
		return s.data, nil
	}
	var err error
	s.file, err = s.stage.Create(s.name)
	return spoolFile{s.file}, err
}

// spoolFile gives the disk's room back as the archive is extracted.
type spoolFile struct{ *os.File }

func (f spoolFile) Discard(off, n int64) error { return punchHole(f.File, off, n) }

// keep makes a file of the stage of it.
func (s *spool) keep(name string) (err error) {
	if s.file != nil {
		return s.stage.Move(s.name, name)
	}
	f, err := s.stage.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(s.data)
	return err
}

// close forgets what was not kept: with many artifacts the disk needs the
// room.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if removeErr := s.stage.Remove(s.name); !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}

// memory is a fetch.Spool of a fixed size.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, m[min(off, int64(len(m))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m memory) WriteAt(p []byte, off int64) (int, error) {
	n := copy(m[min(off, int64(len(m))):], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// Truncate has nothing to do: what is there is written over.
func (m memory) Truncate(int64) error { return nil }

// parts is a fetch.Spool in memory for the few bytes that a listing reads.
// Two writes do not overlap; a read may go over several.
type parts struct {
	mu   sync.Mutex
	list []part // by offset
}

type part struct {
	off  int64
	data []byte
}

func (s *parts) WriteAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(len(s.list), func(i int) bool { return s.list[i].off > off })
	s.list = slices.Insert(s.list, i, part{off, bytes.Clone(p)})
	return len(p), nil
}

func (s *parts) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	i := max(sort.Search(len(s.list), func(i int) bool { return s.list[i].off > off })-1, 0)
	for ; i < len(s.list) && n < len(p); i++ {
		at := off + int64(n) - s.list[i].off
		if at < 0 || at >= int64(len(s.list[i].data)) {
			continue
		}
		n += copy(p[n:], s.list[i].data[at:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate has nothing to do: a listing takes no blob in one stream.
func (*parts) Truncate(int64) error { return nil }
