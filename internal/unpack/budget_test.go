package unpack

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	data := of(file("a"), file("b"), dir("d/")).bytes() // 24 bytes of content
	tests := map[string]struct {
		files int
		bytes int64
		times int
		want  string
	}{
		"fits":            {3, 24, 1, ""},
		"files":           {2, 0, 1, "it would take at least 3 files, and the limit is 2"},
		"bytes":           {0, 23, 1, "it would take at least 24 bytes, and the limit is 23"},
		"shared by two":   {5, 0, 2, "it would take at least 6 files, and the limit is 5"},
		"two, both fit":   {6, 48, 2, ""},
		"two, one byte":   {0, 47, 2, "it would take at least 48 bytes, and the limit is 47"},
		"no limit at all": {0, 0, 9, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := NewBudget(tt.files, tt.bytes)
			var err error
			for range tt.times {
				if _, err = Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Budget: b}); err != nil {
					break
				}
			}
			if got := fmt.Sprint(err); got != or(tt.want, "<nil>") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if err := NewBudget(0, 1<<62).Take(1, 1<<62); err != nil {
		t.Error(err)
	}
	if err := NewBudget(0, 0).Take(1, -1); err == nil {
		t.Error("a negative number of bytes passed")
	}
	if err := NewBudget(0, 0).Part().Take(-1, 0); err == nil {
		t.Error("a negative number of files passed")
	}
	b := NewBudget(0, 1<<62)
	if err := errors.Join(b.Take(1, 1<<62), b.Take(1, 1<<62)); err == nil {
		t.Error("a sum that overflows passed")
	}
}

// What one part took and gave back does not change what the others have taken, also if it was
// more than there are numbers for.
func TestPartsOfABudget(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 1, 6, math.MaxInt64 - 5, math.MaxInt64} {
		b := NewBudget(3, 10)
		kept, undone := b.Part(), b.Part()
		if err := kept.Take(1, 5); err != nil {
			t.Fatal(err)
		}
		err := undone.Take(1, size)
		if limit, ok := errors.AsType[*LimitError](err); ok != (size > 5) || ok && limit.Want < size {
			t.Errorf("%d bytes more: %v", size, err)
		}
		undone.Undo()
		undone.Undo() // nothing is left to give back
		if err := b.Part().Take(2, 5); err != nil {
			t.Errorf("after %d bytes: %v", size, err)
		}
		if err := b.Part().Take(0, 1); err == nil {
			t.Errorf("after %d bytes the limit is gone", size)
		}
	}
}

// Whatever the sizes are, their sum is not less than the largest of them.
func TestSizesAddUp(t *testing.T) {
	t.Parallel()
	var z liar
	for i := range 1<<13 + 1 {
		z.entries = append(z.entries, huge(fmt.Sprint(i), maxSize))
	}
	data := z.bytes()
	for budget, want := range map[int64]bool{0: false, 1 << 20: true, math.MaxInt64 - 1: true} {
		_, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Budget: NewBudget(0, budget)})
		limit, refused := errors.AsType[*LimitError](err)
		if refused != want || refused && limit.Want != math.MaxInt64 {
			t.Errorf("%d bytes allowed: %v", budget, err)
		}
	}
}

// A directory that claims a million entries must not cost memory for them.
// Not parallel: what others allocate would count.
func TestBudgetComesBeforeMemory(t *testing.T) {
	many := make([]lie, 50_000)
	for i := range many {
		many[i] = dir(fmt.Sprintf("d%d/", i))
	}
	data := liar{entries: many}.bytes()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Zip.Open(bytes.NewReader(data), int64(len(data)), Options{Budget: NewBudget(10, 0)})
	runtime.ReadMemStats(&after)
	if _, ok := errors.AsType[*LimitError](err); !ok {
		t.Fatalf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("it took %d bytes to refuse", took)
	}
}
