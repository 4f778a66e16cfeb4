package config_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/words"
)

// numbered is a list of n items, one a line.
func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i+1)
	}
	return b.String()
}

// Long lists are read, and wrong ones refused, in time that grows with their
// length: what is allocated shows it.
func TestLongLists(t *testing.T) {
	for name, tt := range map[string]struct {
		input, item string
		wrong       bool
	}{
		"names":              {"name", "a-%d", false},
		"patterns":           {"pattern", "a-%d-*", false},
		"files":              {"files", "d/%d", false},
		"ids":                {"artifact-ids", "%d", false},
		"run ids":            {"run-id", "%d", false},
		"repositories":       {"repository", "octo/app-%d", false},
		"branches":           {"branch", "b-%d", false},
		"wrong repositories": {"repository", "octo-app-%d", true},
		"wrong addresses":    {"repository", "https://github.com/octo/app-%d", true},
		"wrong conclusions":  {"conclusion", "success-%d", true},
		"wrong events":       {"event", "Push%d!", true},
		"wrong ids":          {"artifact-ids", "x%d", true},
		"wrong globs":        {"files", "[z-a]%d", true},
		"wrong branches":     {"branch", "a..%d", true},
	} {
		t.Run(name, func(t *testing.T) {
			var small, large uint64
			for n, into := range map[int]*uint64{500: &small, 8000: &large} {
				e := with(inputs{tt.input: numbered(tt.item, n)})
				var err error
				*into = bytesOf(func() { _, err = config.FromEnv(e.lookup) })
				all, _ := errors.AsType[*config.Errors](err)
				switch {
				case !tt.wrong && err != nil:
					t.Errorf("%d items: %.200v", n, err)
				case tt.wrong && (all == nil || len(all.Problems) != 11):
					t.Errorf("%d items: %.200v", n, err)
				case tt.wrong && !strings.Contains(all.Problems[10].Error(), fmt.Sprintf("%s has %s more wrong items", tt.input, words.Number(n-10))):
					t.Errorf("the last problem is %q", all.Problems[10])
				}
			}
			if large > 24*small { // 16 times as many items
				t.Errorf("500 items allocate %d bytes, 8,000 items %d", small, large)
			}
		})
	}
}

// bytesOf is how many bytes a call allocates. No other test may run meanwhile.
func bytesOf(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
