package unpack

import (
	"cmp"
	"fmt"
	"math"
	"sync"
)

// Unit is what a Budget counts, as messages call it.
type Unit string

// The units of a Budget.
const (
	Files Unit = "files"
	Bytes Unit = "bytes"
)

// LimitError says that more was to be taken from a Budget than it allows.
type LimitError struct {
	What        Unit
	Limit, Want int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("it would take at least %d %s, and the limit is %d", e.Want, e.What, e.Limit)
}

// Budget bounds what all archives of one run may hold together. It is safe
// for concurrent use.
type Budget struct {
	whole              *Budget // this is a part of it, without limits of its own; nil: of none
	maxFiles, maxBytes int64

	mu           sync.Mutex
	files, bytes int64
}

// NewBudget returns a budget of maxFiles entries and maxBytes extracted bytes; 0 is no
// limit.
func NewBudget(maxFiles int, maxBytes int64) *Budget {
	return &Budget{maxFiles: int64(maxFiles), maxBytes: maxBytes}
}

// Take uses up some of the budget, and fails with a *LimitError if that exceeds it. A Take
// that fails counts as well, unless all bytes together are more than an int64 holds. Negative
// numbers are an error: they come from sums that overflowed.
func (b *Budget) Take(files int, bytes int64) error {
	if files < 0 || bytes < 0 {
		return fmt.Errorf("%d files and %d bytes cannot be taken from a budget", files, bytes)
	}
	_, err := b.take(int64(files), bytes)
	return err
}

// take is Take. counted is false if the sum of bytes would overflow: then nothing is taken,
// because Undo could not give it back.
func (b *Budget) take(files, bytes int64) (counted bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole != nil {
		if counted, err = b.whole.take(files, bytes); counted {
			b.files += files
			b.bytes += bytes
		}
		return counted, err
	}
	if bytes > math.MaxInt64-b.bytes {
		return false, &LimitError{What: Bytes, Limit: cmp.Or(b.maxBytes, math.MaxInt64), Want: math.MaxInt64}
	}
	b.files += files
	b.bytes += bytes
	switch {
	case b.maxFiles > 0 && b.files > b.maxFiles:
		err = &LimitError{What: Files, Limit: b.maxFiles, Want: b.files}
	case b.maxBytes > 0 && b.bytes > b.maxBytes:
		err = &LimitError{What: Bytes, Limit: b.maxBytes, Want: b.bytes}
	}
	return true, err
}

// add returns the sum of two numbers that are not negative, or the largest number
// if the sum overflows.
func add(x, y int64) int64 {
	if x > math.MaxInt64-y {
		return math.MaxInt64
	}
	return x + y
}

// Part returns a budget whose takes count in b, too, until Undo.
func (b *Budget) Part() *Budget { return &Budget{whole: b} }

// Undo gives all that was taken from a part back to its whole.
func (b *Budget) Undo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole.mu.Lock()
	defer b.whole.mu.Unlock()
	b.whole.files -= b.files
	b.whole.bytes -= b.bytes
	b.files, b.bytes = 0, 0
}
