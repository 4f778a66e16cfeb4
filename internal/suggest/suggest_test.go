package suggest

import (
	"fmt"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		given, name string
		near        bool
	}{
		{"dist", "dits", true},
		{"dist", "Dist", true},
		{"dist", "dst", true},
		{"coverage-report", "coverage-reports-1", true},
		{"merge_multiple", "merge-multiple", true},
		{"ui", "db", false},
		{"x", "b", false},
		{"log", "lib", false},
		{"log", "logs", true},
		{"ui", "UI", true},
		{"windows-x64", "dist", false},
		{"", "a", false},
		{"a", "", false},
		{strings.Repeat("a", 63), strings.Repeat("a", 64), true},
		{strings.Repeat("a", 64), strings.Repeat("a", 65), false},
		{strings.Repeat("\u023a", 32), strings.Repeat("\u023a", 31), false}, // grows when it becomes lower case
	} {
		if got := Nearest(tt.given, []string{tt.name}); (got != "") != tt.near {
			t.Errorf("%q: %q is near: %v", tt.given, tt.name, got != "")
		}
	}
	if got := Nearest("dist", []string{"dit", "dits", "diss", "DIST", "dist-1"}); got != "DIST" {
		t.Errorf("got %q, want the nearest", got)
	}
	if got := Nearest("dist", []string{"diss", "dits"}); got != "diss" {
		t.Errorf("got %q, want the first of those as near", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"name", "name", 0}, {"nmae", "name", 1}, {"nam", "name", 1}, {"names", "name", 1}, {"game", "name", 1},
		{"kitten", "sitting", 3}, {"ca", "abc", 3}, {"abcdef", "badcfe", 3},
	} {
		for most := range 9 {
			got, back := min(distance(tt.a, tt.b, most), most+1), min(distance(tt.b, tt.a, most), most+1)
			if want := min(tt.want, most+1); got != want || back != want {
				t.Errorf("%q %q, at most %d: got %d and %d, want %d", tt.a, tt.b, most, got, back, want)
			}
		}
	}
}

// BenchmarkNearest shows that names of any length and number take little time.
func BenchmarkNearest(b *testing.B) {
	for _, length := range []int{20, 60, 10_000} {
		names := make([]string, 10_000)
		for i := range names {
			names[i] = strings.Repeat("x", length-5) + fmt.Sprintf("%05d", i)
		}
		given := strings.Repeat("x", length-5) + "abcde"
		b.Run(fmt.Sprintf("%d names of %d", len(names), length), func(b *testing.B) {
			for b.Loop() {
				Nearest(given, names)
			}
		})
	}
}
