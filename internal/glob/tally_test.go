package glob

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestTally(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ globs, names, idle string }{
		{"a b* c/", "a b1 c/d", ""},
		{"a b* c/", "x", "a b* c/"},
		{"a b* c/", "c c1", "a b* c/"},
		{"d", "d/e/f", ""},
		{"{a,b} {b,c}", "b", ""},
		{"{a,b}* {c,d}*", "d1", "{a,b}*"},
		{"x !y !z", "x", ""},
		{"x !x", "x", ""}, // it matched, and was taken away
		{"!x", "x y", ""},
		{"./a **/lib*/ ./**", "a", "**/lib*/"},
		{"a ./a", "b", "a ./a"},
	} {
		globs, names := strings.Fields(tt.globs), strings.Fields(tt.names)
		tally, set := NewTally(globs), New(globs)
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Go(func() {
				if got, want := tally.Match(name), set.Match(name); got != want {
					t.Errorf("%q matches %q: %v, want %v", globs, name, got, want)
				}
			})
		}
		wg.Wait()
		if got := tally.Idle(); !slices.Equal(got, strings.Fields(tt.idle)) {
			t.Errorf("of %q these match none of %q: %q, want %q", globs, names, got, tt.idle)
		}
	}
}
