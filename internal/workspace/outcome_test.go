//go:build unix

package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// Each file that several trees have is named once, with the trees that have it.
func TestConflicts(t *testing.T) {
	t.Parallel()
	many := make([]staged, 15)
	for i := range many {
		many[i] = staged{"", []string{"new/a=1", "old/b=1", fmt.Sprintf("only%d=1", i)}}
	}
	tests := map[string]struct {
		trees []staged
		want  []string
		lost  []Lost
	}{
		"none": {[]staged{{"", []string{"a=1"}}, {"", []string{"b=1"}}}, nil, []Lost{{}, {}}},
		"two": {
			[]staged{{"", []string{"a=1", "b=1"}}, {"", []string{"b=2", "c=2"}}},
			[]string{`"b" is in "art0" and in "art1"`}, []Lost{{}, {1, "b", "art0"}},
		},
		"three": {
			[]staged{{"", []string{"a=1"}}, {"", []string{"a=2", "b=2"}}, {"", []string{"a=3", "b=3"}}},
			[]string{`"a" is in "art0" and in "art1" and in "art2"`, `"b" is in "art1" and in "art2"`},
			[]Lost{{}, {1, "a", "art0"}, {2, "a", "art0"}},
		},
		"many": {many, []string{
			`"new/a" is in "art0" and in "art1" and in "art2" and in "art3" and in "art4" and in "art5" and in "art6" and in "art7" and in "art8" and in "art9" and in "art10" and 4 more`,
			`"old/b" is in "art0" and in "art1" and in "art2" and in "art3" and in "art4" and in "art5" and in "art6" and in "art7" and in "art8" and in "art9" and in "art10" and 4 more`,
		}, append([]Lost{{}}, slices.Repeat([]Lost{{2, "new/a", "art0"}}, 14)...)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, "out/old/")
			report, err := publish(t.Context(), t, ws, "out", tt.trees, Overwrite, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range report.Conflicts {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || report.Conflicting != len(got) {
				t.Errorf("%d: %s", report.Conflicting, diff)
			}
			if diff := cmp.Diff(tt.lost, report.Lost); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Names that differ in case only are reported where different trees have them, in
// directories that exist and in new ones.
func TestVariants(t *testing.T) {
	t.Parallel()
	pair := func(a, b string, of int) Variants {
		return Variants{{a, Holder{0, "art0"}}, {b, Holder{of, fmt.Sprint("art", of)}}}
	}
	var many, shout []string
	for i := range maxListed + 2 {
		many, shout = append(many, fmt.Sprintf("f%02d=1", i)), append(shout, fmt.Sprintf("F%02d=1", i))
	}
	tests := map[string]struct {
		trees []staged
		want  []Variants
		more  int
	}{
		"none":     {[]staged{{"", []string{"a=1", "b=1"}}, {"", []string{"a=2", "B2=2"}}}, nil, 0},
		"files":    {[]staged{{"", []string{"README.md=1"}}, {"", []string{"readme.md=2"}}}, []Variants{pair("README.md", "readme.md", 1)}, 0},
		"letters":  {[]staged{{"", []string{"Ä=1"}}, {"", []string{"ä=2"}}}, []Variants{pair("Ä", "ä", 1)}, 0},
		"in one":   {[]staged{{"", []string{"a=1", "A=1"}}, {"", []string{"b=2"}}}, nil, 0},
		"existing": {[]staged{{"", []string{"old/a=1"}}, {"", []string{"old/A=2"}}}, []Variants{pair("old/a", "old/A", 1)}, 0},
		"new":      {[]staged{{"", []string{"new/d/a=1"}}, {"", []string{"new/d/A=2"}}}, []Variants{pair("new/d/a", "new/d/A", 1)}, 0},
		"directories": {
			[]staged{{"", []string{"d/a=1"}}, {"", []string{"D/a=2"}}}, []Variants{pair("d", "D", 1)}, 0,
		},
		"a file and a directory": {[]staged{{"", []string{"d=1"}}, {"", []string{"D/a=2"}}}, []Variants{pair("d", "D", 1)}, 0},
		"places":                 {[]staged{{"dist", []string{"a=1"}}, {"Dist", []string{"a=2"}}}, []Variants{pair("dist", "Dist", 1)}, 0},
		"of three": {
			[]staged{{"", []string{"a=1"}}, {"", []string{"a=2"}}, {"", []string{"A=3"}}}, []Variants{pair("a", "A", 2)}, 0,
		},
		"many": {[]staged{{"", many}, {"", shout}}, func() (want []Variants) {
			for i := range maxListed {
				want = append(want, pair(fmt.Sprintf("f%02d", i), fmt.Sprintf("F%02d", i), 1))
			}
			return want
		}(), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := testdir.InMemory(t)
			write(t, ws, "out/old/")
			if _, err := os.Lstat(filepath.Join(ws, "OUT")); err == nil {
				t.Skip("this file system ignores case")
			}
			report, err := publish(t.Context(), t, ws, "out", tt.trees, Overwrite, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, report.Variants); diff != "" || report.Varying != len(tt.want)+tt.more {
				t.Errorf("%d: %s", report.Varying, diff)
			}
		})
	}
}

// Only the first items of a list are kept, sorted, in whatever order they are added.
func TestAddFirst(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"", "abcdefg", "gfedcba", "bdfaceg", "aabbaa"} {
		var list []string
		for _, r := range order {
			list = addFirst(list, string(r), 4, func(s string) string { return s })
		}
		want := strings.Split(order, "")
		slices.Sort(want)
		if want = want[:min(len(want), 4)]; !slices.Equal(list, want) {
			t.Errorf("%q: %q", order, list)
		}
	}
}
