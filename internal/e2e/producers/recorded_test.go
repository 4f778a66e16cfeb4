package producers

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines returns a tree as testdata has it: a path a line, sorted.
func (t tree) lines() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%s: %v\n", name, t[name])
	}
	return b.String()
}

// Each zip in testdata comes out as the tree that is written down beside it.
func TestRecorded(t *testing.T) {
	t.Parallel()
	zips, err := filepath.Glob("testdata/*.zip")
	if err != nil || len(zips) < 20 {
		t.Fatalf("%d recorded zips: %v", len(zips), err)
	}
	for _, zip := range zips {
		t.Run(filepath.Base(zip), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(strings.TrimSuffix(zip, ".zip") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			dest := filepath.Join(t.TempDir(), "dest")
			if err := extract(t.Context(), zip, dest); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), treeOf(t, dest).lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
