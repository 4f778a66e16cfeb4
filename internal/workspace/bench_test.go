//go:build unix

package workspace

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
)

// BenchmarkFiles measures publishing of files that move one by one, into an existing
// directory or in the place of other files, and undoing that, in the same process or, after
// a kill, in the next one.
func BenchmarkFiles(b *testing.B) {
	const files = 40_000
	lines := make([]string, files)
	for i := range lines {
		lines[i] = fmt.Sprintf("d/file%05d=x", i)
	}
	for name, tt := range map[string]struct {
		before []string
		end    func() error // at the last change
	}{
		"new":              {[]string{"d/"}, func() error { return nil }},
		"replaced":         {lines, func() error { return nil }},
		"new, undone":      {[]string{"d/"}, func() error { return errFault }},
		"replaced, undone": {lines, func() error { return errFault }},
		"replaced, killed": {lines, func() error { runtime.Goexit(); return nil }},
	} {
		b.Run(name, func(b *testing.B) {
			var forth, back time.Duration
			for range b.N {
				ws := b.TempDir()
				write(b, ws, tt.before...)
				s, trees, err := stage(b, ws, ".", StageOptions{}, staged{"", lines})
				if err != nil {
					b.Fatal(err)
				}
				trees[0].NoLinks = true // as of most artifacts
				changes := 0
				start := time.Now()
				s.before = func() error {
					if changes++; changes != files {
						return nil
					}
					forth += time.Since(start)
					start = time.Now()
					return tt.end()
				}
				died, err := publishUntil(b.Context(), b, s, trees, Overwrite, -1)
				if err != nil && !errors.Is(err, errFault) {
					b.Fatal(err)
				}
				if died {
					start = time.Now()
				}
				if len(recoverIn(b, ws, ".")) != 1 {
					b.Error("the stage was not found")
				}
				back += time.Since(start)
			}
			b.ReportMetric(forth.Seconds()/float64(b.N), "s/publish")
			b.ReportMetric(back.Seconds()/float64(b.N), "s/after")
		})
	}
}
