package spool

import "sync"

// blockSize is the number of bytes in a block.
const blockSize = 256 << 10

// keptFree is how many buffers that are not in use a Memory keeps when a spool is closed.
// The rest is for what the program does next, such as expanding a tar.
const keptFree = 8 << 20 / blockSize

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

// trim leaves buffers that are not in use to the garbage collector, all but a few.
func (m *Memory) trim() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if surplus := len(m.free) - keptFree; surplus > 0 {
		clear(m.free[keptFree:])
		m.free = m.free[:keptFree]
		m.made -= surplus
	}
}
