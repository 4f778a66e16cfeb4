package glob

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// difference is what a glob matches that it does not match in minimatch, and the
// other way round.
type difference struct{ More, Less []string }

func TestMinimatch(t *testing.T) {
	t.Parallel()
	var recorded struct {
		Names []string
		Globs map[string]struct{ Matches, Undotted []string }
	}
	readJSON(t, "recorded.json", &recorded)
	var reasons map[string]map[string]difference
	readJSON(t, "differences.json", &reasons)
	declared := map[string]difference{}
	for why, globs := range reasons {
		for glob, d := range globs {
			if _, twice := declared[glob]; twice || recorded.Globs[glob].Matches == nil && why != "refused" {
				t.Errorf("%q is declared twice, or not recorded", glob)
			}
			declared[glob] = d
		}
	}
	for glob, minimatch := range recorded.Globs {
		_, refused := reasons["refused"][glob]
		if err := Check(glob); refused || err != nil {
			if !refused || err == nil {
				t.Errorf("%q: %v; declared as refused: %v", glob, err, refused)
			}
			continue
		}
		set := New([]string{glob})
		var got difference
		for _, name := range recorded.Names {
			ours, theirs := set.Match(name), slices.Contains(minimatch.Matches, name)
			switch {
			case ours && !theirs:
				got.More = append(got.More, name)
			case theirs && !ours:
				got.Less = append(got.Less, name)
			}
			// By default, minimatch only differs in names that begin with a dot.
			if minimatch.Undotted != nil && theirs != slices.Contains(minimatch.Undotted, name) && !strings.Contains("/"+name, "/.") {
				t.Errorf("%q, %q: the option dot of minimatch makes a difference", glob, name)
			}
		}
		if want := declared[glob]; !slices.Equal(got.More, want.More) || !slices.Equal(got.Less, want.Less) {
			t.Errorf("%q: besides what minimatch matches %q, but not %q; declared are %q and %q", glob, got.More, got.Less, want.More, want.Less)
		}
	}
}

func TestBashBraces(t *testing.T) {
	t.Parallel()
	var recorded struct{ Braces map[string][]string }
	readJSON(t, "recorded.json", &recorded)
	for glob, want := range recorded.Braces {
		got, err := expand(glob)
		slices.Sort(got) // a range down is counted up here
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; bash says %q", glob, got, err, want)
		}
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
