package glob

import (
	"runtime"
	"strings"
	"testing"
)

// What stands beside braces is not copied for each of their alternatives again
// and again: a glob takes memory in proportion to what it stands for, 4 MiB at
// most.
func TestCost(t *testing.T) {
	for _, glob := range []string{
		"{1..999}" + strings.Repeat("?", 4000), "{1..999}" + strings.Repeat("[a]", 1300), "{1..999}" + strings.Repeat(`\[`, 2000),
		"{1..999}" + strings.Repeat("{x}", 1300), "{1..999}/" + strings.Repeat("a/", 2000), "{1..499}/**a/" + strings.Repeat("a/", 2000),
		"{1..999}" + strings.Repeat("?", 1000), "{1..999}" + strings.Repeat("[a]", 330), "{1..499}/**a/" + strings.Repeat("a/", 500), "{1..999}" + strings.Repeat("{x}", 900),
		strings.Repeat("?", 2000) + "{1..999}" + strings.Repeat("/", 2000), strings.Repeat("{", 10) + "1..999" + strings.Repeat("}", 10) + strings.Repeat("*a", 2000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Check(glob)
		runtime.ReadMemStats(&after)
		if err != nil && !strings.Contains(err.Error(), "stands for more than 1 MiB") {
			t.Errorf("%.30q: %v", glob, err)
		}
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 32 {
			t.Errorf("%.30q allocates %d MiB", glob, n)
		}
	}
}
