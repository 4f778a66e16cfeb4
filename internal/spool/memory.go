package spool

import "sync"

// blockSize is the number of bytes in a block.
const blockSize = 256 << 10

// buffer is memory for one block.
type buffer [blockSize]byte

// Memory is the memory that spools share. It is safe for concurrent use.
type Memory struct {
	most int // buffers

	mu   sync.Mutex
	free []*buffer
	made int
}

// NewMemory makes a Memory of at most size bytes.
func NewMemory(size int64) *Memory { return &Memory{most: int(size / blockSize)} }

// get returns a buffer, or nil when all are in use. Its content is arbitrary.
func (m *Memory) get() *buffer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free); n > 0 {
		b := m.free[n-1]
		m.free = m.free[:n-1]
		return b
	}
	if m.made >= m.most {
		return nil
	}
	m.made++
	return new(buffer)
}

// put gives a buffer back.
func (m *Memory) put(b *buffer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, b)
}
