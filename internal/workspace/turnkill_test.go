//go:build unix

package workspace

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/testdir"
)

// If a process is killed while another one waits for its turn, the waiting one undoes what
// the killed one did: files that are about to be undone must not count as existing.
func TestKilledBesideAnother(t *testing.T) {
	t.Parallel()
	for _, ie := range []IfExists{Skip, Overwrite, Fail} {
		t.Run(string(ie), func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				ws := testdir.InMemory(t)
				write(t, ws, "out/old=0")
				other, trees, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"new/f=theirs", "g=theirs"}})
				if err != nil {
					t.Fatal(err)
				}
				killed, theirs, err := stage(t, ws, "out", StageOptions{}, staged{"", []string{"new/f=theirs", "g=theirs"}})
				if err != nil {
					t.Fatal(err)
				}
				died, err := publishUntil(t.Context(), t, killed, theirs, Overwrite, n)
				if err != nil {
					t.Fatal(err)
				}
				if !died {
					return
				}
				report, err := other.Publish(t.Context(), trees, ie)
				if err != nil || report.Skipped != 0 || len(report.Recovered) > 1 {
					t.Errorf("killed before change %d: %+v, %v", n, report, err)
				}
				if err := other.Close(); err != nil {
					t.Error(err)
				}
				if all := recoverIn(t, ws, "out"); len(all) > 0 {
					t.Errorf("killed before change %d: left to the next process: %+v", n, all)
				}
				if diff := cmp.Diff([]string{"out/g=theirs", "out/new/f=theirs", "out/old=0"}, snapshot(t, ws)); diff != "" {
					t.Errorf("killed before change %d: %s", n, diff)
				}
			}
		})
	}
}
