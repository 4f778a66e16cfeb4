// Package lazy makes values when they are first used.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp returns a function that compiles expr on its first call, and returns the same
// expression on every call. A run uses few of the program's expressions, and those that
// count repetitions take long to compile. The function may be called concurrently. It
// panics if expr is not valid.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
