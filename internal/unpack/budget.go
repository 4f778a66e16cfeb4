package unpack

import (
	"fmt"
	"math"
	"sync"
)

// LimitError says that a Budget is used up.
type LimitError struct {
	What        string // "files" or "bytes"
	Limit, Want int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("it would take at least %d %s, and the limit is %d", e.Want, e.What, e.Limit)
}

// Budget bounds what all archives of one run may hold together. It is safe
// for concurrent use.
type Budget struct {
	whole              *Budget // nil, or what this is a part of
	maxFiles, maxBytes int64

	mu           sync.Mutex
	files, bytes int64
}

// NewBudget makes a budget of entries and of extracted bytes; 0 means no
// limit.
func NewBudget(maxFiles int, maxBytes int64) *Budget {
	return &Budget{maxFiles: int64(maxFiles), maxBytes: maxBytes}
}

// Take uses up some of the budget, or fails with *LimitError. A failed Take
// is not undone: the run ends with it. Less than nothing cannot be taken: it
// would be a sum that overflowed.
func (b *Budget) Take(files int, bytes int64) error {
	if files < 0 || bytes < 0 {
		return fmt.Errorf("%d files and %d bytes cannot be taken from a budget", files, bytes)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files = add(b.files, int64(files))
	b.bytes = add(b.bytes, bytes)
	if b.maxFiles > 0 && b.files > b.maxFiles {
		return &LimitError{What: "files", Limit: b.maxFiles, Want: b.files}
	}
	if b.maxBytes > 0 && b.bytes > b.maxBytes {
		return &LimitError{What: "bytes", Limit: b.maxBytes, Want: b.bytes}
	}
	if b.whole != nil {
		return b.whole.Take(files, bytes)
	}
	return nil
}

// add adds what is not negative, and stays at the largest number.
func add(x, y int64) int64 {
	if x > math.MaxInt64-y {
		return math.MaxInt64
	}
	return x + y
}

// Part is a budget whose takes are takes from b, and can be undone.
func (b *Budget) Part() *Budget { return &Budget{whole: b} }

// Undo gives back to the whole what was taken from a part.
func (b *Budget) Undo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole.mu.Lock()
	defer b.whole.mu.Unlock()
	b.whole.files -= b.files
	b.whole.bytes -= b.bytes
	b.files, b.bytes = 0, 0
}
