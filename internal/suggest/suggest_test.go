package suggest

import (
	"fmt"
	"slices"
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
		{"dist", "idst", true},
		{"web", "wbe", true},
		{"ci.yml", "ic.yml", true},
		{"nightly", "nigthyl", true},
		{"build.yaml", "build.yml", true},
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
		{"", "", false},
		{"größe", "grösße", true},
		{"日本語版", "日本語阪", true},
		{"日本", "中国", false},
		{strings.Repeat("a", 63), strings.Repeat("a", 64), true},
		{strings.Repeat("ä", 63), strings.Repeat("ä", 64), true},
		{strings.Repeat("a", 64), strings.Repeat("a", 65), false},
		{strings.Repeat("\u023a", 64), strings.Repeat("\u023a", 63), true}, // takes more bytes in lower case

		// Words more, or fewer.
		{"report", "report.html", true},
		{"report.html", "report", true},
		{"ci", "ci.yml", true},
		{"deploy.yml", "deploy-production.yml", true},
		{"wheels", "wheels-ubuntu-24.04", true},
		{"token", "github-token", true},
		{"dist", "acme/dist", true},
		{"merge", "merge-multiple", true},
		{"linux-dist", "linux-x64-dist", true},
		{"dist", "distribution", false},
		{"a", "a-z", false},
		{"art", "a-part", false},
		{"main", "domain", false},
		{"aa", "aa-aa", true},
	} {
		if got := Nearest(tt.given, []string{tt.name}); (got != "") != tt.near {
			t.Errorf("%q: %q is near: %v", tt.given, tt.name, got != "")
		}
		if got := Nearest(tt.name, []string{tt.given}); (got != "") != tt.near {
			t.Errorf("%q: %q is near: %v", tt.name, tt.given, got != "")
		}
	}
}

func TestNearestOfSeveral(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ given, known, want string }{
		{"dist", "dit dits diss DIST dist-1", "DIST"},
		{"dist", "diss dits", "diss"},           // the first of those as near
		{"dist", "DIST Dist dist_ dis", "Dist"}, // case counts where all else is equal
		{"run_id", "run-id RUN_ID run_id", "run_id"},
		{"report", "report.html reports", "reports"},                  // slips before words
		{"report", "report-of-tests.html report.html", "report.html"}, // the fewest characters
		{"dist", "dist-linux dist-macos", "dist-linux"},
		{"dist", "", ""},
	} {
		if got := Nearest(tt.given, strings.Fields(tt.known)); got != tt.want {
			t.Errorf("%q of %q: got %q, want %q", tt.given, tt.known, got, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"name", "name", 0}, {"nmae", "name", 1}, {"nam", "name", 1}, {"names", "name", 1}, {"game", "name", 1},
		{"kitten", "sitting", 3}, {"ca", "abc", 3}, {"abcdef", "badcfe", 3}, {"é", "e", 1},
	} {
		for most := range 9 {
			a, b := []rune(tt.a), []rune(tt.b)
			got, back := min(distance(a, b, most), most+1), min(distance(b, a, most), most+1)
			if want := min(tt.want, most+1); got != want || back != want {
				t.Errorf("%q %q, at most %d: got %d and %d, want %d", tt.a, tt.b, most, got, back, want)
			}
		}
	}
}

// FuzzNearest holds Nearest to what its comment says of every pair of names.
func FuzzNearest(f *testing.F) {
	f.Add("dist", "dits")
	f.Add("report", "report.html")
	f.Add("\xff", strings.Repeat("é", 70))
	f.Fuzz(func(t *testing.T, a, b string) {
		got, back := Nearest(a, []string{b}), Nearest(b, []string{a})
		if (got == "") != (back == "") || got != "" && got != b {
			t.Errorf("%q and %q: %q and %q", a, b, got, back)
		}
		n := len([]rune(a))
		if same := Nearest(a, []string{b, a}); 0 < n && n <= longest && same != a && !slices.Equal([]rune(a), []rune(b)) {
			t.Errorf("%q is not nearest to itself: %q", a, same)
		}
	})
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
