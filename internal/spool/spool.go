package spool

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
)

// Dir is the directory of a spool's file. Other spools may share it.
type Dir interface {
	// Create makes an empty file that can be read and written.
	Create(name string) (*os.File, error)
	// Move renames a file within the directory.
	Move(from, to string) error
	// Remove deletes a file.
	Remove(name string) error
}

// ErrDiscarded is the error for reading discarded bytes, and for keeping a blob with such
// bytes.
var ErrDiscarded = errors.New("spool: these bytes were discarded")

// Spool keeps the bytes of one blob. The package comment is its contract.
type Spool struct {
	dir    Dir
	name   string
	memory *Memory
	quota  *Share

	mu      sync.Mutex
	blocks  map[int64]*block // by number; a missing one was not written, or was cut off
	size    int64            // the end of what was written
	file    *os.File         // made when it is needed
	noPunch bool             // the file system cannot free a part of a file
	inFile  int64            // blocks that take disk space in the file
	held    int64            // bytes reserved for the file
	ahead   int64            // the part of held that Reserve reserved
	state   state
}

type state int

const (
	open state = iota
	kept
	closed
)

// New makes a spool whose file, if it needs one, is called name in dir. The file's size is
// reserved from quota.
func New(dir Dir, name string, memory *Memory, quota *Share) *Spool {
	return &Spool{dir: dir, name: name, memory: memory, quota: quota, blocks: map[int64]*block{}}
}

// Reserve reserves disk space for a file of size bytes.
func (s *Spool) Reserve(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return os.ErrClosed
	}
	if err := s.hold(size); err != nil {
		return err
	}
	s.ahead = max(s.ahead, size)
	return nil
}

// hold reserves disk space until the file has size bytes of it. s.mu is held.
func (s *Spool) hold(size int64) error {
	if size <= s.held {
		return nil
	}
	if err := s.quota.Reserve(size - s.held); err != nil {
		return err
	}
	s.held = size
	return nil
}

// release gives back what is reserved beyond size. s.mu is held.
func (s *Spool) release(size int64) {
	if s.held > size {
		s.quota.Release(s.held - size)
		s.held = size
	}
}

// openFile makes the file, once. s.mu is held.
func (s *Spool) openFile() (err error) {
	if s.file == nil {
		s.file, err = s.dir.Create(s.name)
	}
	return err
}

// eachBlock calls do for the part of p in each block; from is where that part begins in the
// block.
func eachBlock(p []byte, off int64, do func(part []byte, number, from int64) (int, error)) (int, error) {
	n := 0
	for n < len(p) {
		number, from := off/blockSize, off%blockSize
		size := min(int64(len(p)-n), blockSize-from)
		m, err := do(p[n:n+int(size)], number, from)
		n += m
		if err != nil {
			return n, err
		}
		off += size
	}
	return n, nil
}

// check fails for a range that no blob can have.
func check(off, n int64) error {
	if off < 0 || n < 0 || off > math.MaxInt64-blockSize-n {
		return fmt.Errorf("spool: %d bytes at offset %d", n, off)
	}
	return nil
}

// WriteAt keeps the bytes of p.
func (s *Spool) WriteAt(p []byte, off int64) (int, error) {
	if err := check(off, int64(len(p))); err != nil {
		return 0, err
	}
	return eachBlock(p, off, s.write)
}

func (s *Spool) write(part []byte, number, from int64) (int, error) {
	buf, err := s.toWrite(number, from, from+int64(len(part)))
	switch {
	case err != nil:
		return 0, err
	case buf != nil:
		return copy(buf[from:], part), nil
	}
	return s.file.WriteAt(part, number*blockSize+from)
}

// toWrite returns the buffer that the bytes between from and to of a block are
// to be written to, or nil if they go to the file.
func (s *Spool) toWrite(number, from, to int64) (*buffer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return nil, os.ErrClosed
	}
	b := s.blocks[number]
	if b == nil || b.discarded {
		buf := s.memory.get()
		if buf == nil {
			if err := s.toFile(b); err != nil {
				return nil, err
			}
		}
		onDisk := buf == nil || b != nil && b.onDisk
		b = &block{buf: buf, onDisk: onDisk, start: from, end: from}
		s.blocks[number] = b
	}
	s.size = max(s.size, number*blockSize+to)
	if b.buf != nil {
		b.extend(from, to)
	}
	return b.buf, nil
}

// toFile makes the file, if there is none, and reserves disk space for one more block. b is
// that block if it was discarded, else nil. s.mu is held.
func (s *Spool) toFile(b *block) error {
	if err := s.openFile(); err != nil {
		return err
	}
	if b != nil && b.onDisk {
		return nil
	}
	if err := s.hold((s.inFile + 1) * blockSize); err != nil {
		return err
	}
	s.inFile++
	return nil
}

// ReadAt reads what was written.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	if err := check(off, int64(len(p))); err != nil {
		return 0, err
	}
	s.mu.Lock()
	n, isClosed := min(int64(len(p)), max(s.size-off, 0)), s.state == closed
	s.mu.Unlock()
	if isClosed {
		return 0, os.ErrClosed
	}
	got, err := eachBlock(p[:n], off, s.read)
	if err == nil && got < len(p) {
		err = io.EOF
	}
	return got, err
}

func (s *Spool) read(part []byte, number, from int64) (int, error) {
	s.mu.Lock()
	var b block
	kept, file := s.blocks[number], s.file
	if kept != nil {
		b = *kept
	}
	closed := s.state == closed
	s.mu.Unlock()
	switch {
	case closed:
		return 0, os.ErrClosed
	case b.discarded:
		return 0, ErrDiscarded
	case b.buf != nil:
		return b.read(part, from), nil
	case kept == nil:
		clear(part)
		return len(part), nil
	}
	n, err := file.ReadAt(part, number*blockSize+from)
	if errors.Is(err, io.EOF) { // the written bytes end within the block, but the blob does not
		clear(part[n:])
		n, err = len(part), nil
	}
	return n, err
}

// Truncate forgets the bytes from size on, discarded or not.
func (s *Spool) Truncate(size int64) error {
	if err := check(size, 0); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return os.ErrClosed
	}
	if size >= s.size {
		return nil
	}
	s.size = size
	for number, b := range s.blocks {
		left := size - number*blockSize
		if left <= 0 {
			s.forget(b)
			delete(s.blocks, number)
			continue
		}
		b.end = min(b.end, left)
		b.start = min(b.start, b.end)
	}
	if s.file == nil {
		return nil
	}
	s.release(max(s.inFile*blockSize, s.ahead))
	if info, err := s.file.Stat(); err != nil || info.Size() <= size {
		return err
	}
	return s.file.Truncate(size)
}

// forget frees what a block takes. s.mu is held.
func (s *Spool) forget(b *block) {
	if b.buf != nil {
		s.memory.put(b.buf)
	}
	if b.onDisk {
		s.inFile--
	}
}

// Discard forgets the blocks that lie wholly within the n bytes from off on.
func (s *Spool) Discard(off, n int64) {
	if check(off, n) != nil {
		return // no blob has such a range
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return
	}
	first := (off + blockSize - 1) / blockSize
	end := min(off+n, s.size+blockSize) / blockSize
	var inFile []*block
	for number := first; number < end; number++ {
		b := s.blocks[number]
		if b == nil || b.discarded {
			continue
		}
		if b.buf != nil {
			s.memory.put(b.buf)
			b.buf = nil
		}
		if b.onDisk {
			inFile = append(inFile, b)
		}
		b.discarded = true
	}
	if len(inFile) == 0 || s.noPunch {
		return
	}
	// Other blocks stay, even if the range touches them.
	if s.noPunch = punchHole(s.file, first*blockSize, (end-first)*blockSize) != nil; s.noPunch {
		return
	}
	for _, b := range inFile {
		b.onDisk = false
		s.inFile--
	}
	s.release(max(s.inFile*blockSize, s.ahead))
}

// Keep makes a file called name of the first size bytes, all of which must be there. The
// file, and the disk space reserved for it, are the caller's from then on.
func (s *Spool) Keep(name string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != open:
		return os.ErrClosed
	case size < 0 || size > s.size:
		return fmt.Errorf("spool: %d bytes cannot be kept of %d", size, s.size)
	}
	if err := s.hold(size); err != nil {
		return err
	}
	if err := s.openFile(); err != nil {
		return err
	}
	for number, b := range s.blocks {
		if err := s.flush(b, number*blockSize, size); err != nil {
			return err
		}
	}
	if err := s.file.Truncate(size); err != nil {
		return err
	}
	if err := s.dir.Move(s.name, name); err != nil {
		return err
	}
	s.release(size)
	s.held, s.state = 0, kept
	return nil
}

// flush writes a block in memory, which begins at off, to the file: its bytes among the
// first size bytes of the blob. s.mu is held.
func (s *Spool) flush(b *block, off, size int64) error {
	end := min(b.end, size-off)
	switch {
	case off >= size:
		return nil
	case b.discarded:
		return ErrDiscarded
	case b.buf == nil || b.start >= end:
		return nil
	}
	_, err := s.file.WriteAt(b.buf[b.start:end], off+b.start)
	return err
}

// Close gives back all memory and disk space, except for a file that was kept.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return nil
	}
	for _, b := range s.blocks {
		if b.buf != nil {
			s.memory.put(b.buf)
		}
	}
	s.blocks = nil
	s.memory.trim()
	s.release(0)
	remove := s.file != nil && s.state != kept
	s.state = closed
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if remove {
		err = errors.Join(err, s.dir.Remove(s.name))
	}
	return err
}
