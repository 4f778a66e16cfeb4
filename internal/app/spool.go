package app

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/artifetch/artifetch/internal/workspace"
)

const (
	blockSize = 256 << 10
	// spoolMemory bounds what all spools keep in memory, in bytes.
	spoolMemory = 24 << 20
	// spoolAhead is how far a download may run ahead of extraction, in bytes:
	// so little that all of it stays in memory.
	spoolAhead = 8 << 20
)

// block is a part of a blob.
type block [blockSize]byte

// blocks are the memory that spools share. It is safe for concurrent use.
type blocks struct {
	mu   sync.Mutex
	free []*block
	made int
}

// take gives a block, or nil when all are in use.
func (p *blocks) take() *block {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	if p.made == spoolMemory/blockSize {
		return nil
	}
	p.made++
	return new(block)
}

func (p *blocks) put(b *block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, b)
}

// spool keeps the bytes of one artifact: in memory as long as there is some,
// else in a file of the stage. What is not read any more gives its room back.
type spool struct {
	stage  *workspace.Stage
	name   string
	memory *blocks
	room   *roomShare

	mu     sync.Mutex
	kept   map[int64]*block // by number; nil stands for the file
	file   *os.File         // made when it is needed
	solid  bool             // the file system cannot give back a part of a file
	inFile int64            // bytes
	held   int64            // bytes of room that it was promised for the file
}

// reserve promises the file room for so many bytes.
func (s *spool) reserve(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hold(size)
}

// hold is reserve with s.mu held.
func (s *spool) hold(size int64) error {
	if size <= s.held {
		return nil
	}
	if err := s.room.take(size - s.held); err != nil {
		return err
	}
	s.held = size
	return nil
}

// at finds where the block with a number is kept, or is to be.
func (s *spool) at(number int64, write bool) (*block, *os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, there := s.kept[number]
	if !there && write {
		if b = s.memory.take(); b == nil {
			if err := s.hold(s.inFile + blockSize); err != nil {
				return nil, nil, err
			}
			s.inFile += blockSize
		}
		s.kept[number] = b
	}
	if b == nil && s.file == nil && write {
		var err error
		if s.file, err = s.stage.Create(s.name); err != nil {
			return nil, nil, err
		}
	}
	return b, s.file, nil
}

// eachBlock calls do for the part of p in each block, which is at off of the blob.
func eachBlock(p []byte, off int64, do func(part []byte, number, from, off int64) (int, error)) (int, error) {
	n := 0
	for n < len(p) {
		number, from := off/blockSize, off%blockSize
		size := min(int64(len(p)-n), blockSize-from)
		m, err := do(p[n:n+int(size)], number, from, off)
		n += m
		if err != nil {
			return n, err
		}
		off += size
	}
	return n, nil
}

func (s *spool) WriteAt(p []byte, off int64) (int, error) {
	return eachBlock(p, off, func(part []byte, number, from, off int64) (int, error) {
		b, file, err := s.at(number, true)
		switch {
		case err != nil:
			return 0, err
		case b != nil:
			return copy(b[from:], part), nil
		}
		return file.WriteAt(part, off)
	})
}

func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	return eachBlock(p, off, func(part []byte, number, from, off int64) (int, error) {
		b, file, err := s.at(number, false)
		switch {
		case err != nil:
			return 0, err
		case b != nil:
			return copy(part, b[from:]), nil
		case file == nil:
			return 0, io.EOF
		}
		return file.ReadAt(part, off)
	})
}

// Truncate to 0 has nothing to do in memory: what is there is written over.
func (s *spool) Truncate(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.Truncate(size)
}

// Discard forgets the blocks within a range.
func (s *spool) Discard(off, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var inFile int64
	for number := (off + blockSize - 1) / blockSize; (number+1)*blockSize <= off+n; number++ {
		b, there := s.kept[number]
		switch {
		case b != nil:
			s.memory.put(b)
			s.kept[number] = nil
		case there:
			inFile += blockSize
		}
	}
	if inFile == 0 || s.solid {
		return
	}
	if s.solid = punchHole(s.file, off, n) != nil; !s.solid {
		s.inFile -= inFile
		s.room.give(s.held - s.inFile)
		s.held = s.inFile
	}
}

// keep makes a file of the stage of it, of size bytes, none of which was
// discarded.
func (s *spool) keep(name string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.hold(size); err != nil {
		return err
	}
	if s.file == nil {
		var err error
		if s.file, err = s.stage.Create(s.name); err != nil {
			return err
		}
	}
	for number, b := range s.kept {
		if b == nil {
			continue
		}
		off := number * blockSize
		if _, err := s.file.WriteAt(b[:min(blockSize, size-off)], off); err != nil {
			return err
		}
	}
	if err := s.stage.Move(s.name, name); err != nil {
		return err
	}
	s.held = 0 // the room is the kept file's now
	return nil
}

// close forgets what was not kept: with many artifacts the disk needs the
// room.
func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.kept {
		if b != nil {
			s.memory.put(b)
		}
	}
	s.kept = nil
	s.room.give(s.held)
	s.held = 0
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if removeErr := s.stage.Remove(s.name); !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}
