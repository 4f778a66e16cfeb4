//go:build unix

package workspace

import (
	"math"
	"testing"
)

// Object stores that are mounted claim up to 16 EiB, which an int64 cannot
// hold, and a disk that is fuller than its reserve has less than nothing free.
func TestSpaceOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ blocks, size, want int64 }{
		"a disk":             {1000, 4096, 4_096_000},
		"full":               {0, 4096, 0},
		"the largest int64":  {1<<51 - 1, 4096, math.MaxInt64 - 4095},
		"8 EiB":              {1 << 51, 4096, math.MaxInt64},
		"16 EiB less 16 MiB": {math.MaxUint64 >> 24, 16 << 20, math.MaxInt64},
		"more than 64 bits":  {math.MaxInt64, math.MaxInt64, math.MaxInt64},
		"less than nothing":  {-1, 4096, 0},
	} {
		if got := spaceOf(tt.blocks, tt.size); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", name, got, tt.want)
		}
	}
}
