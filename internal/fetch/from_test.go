package fetch

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/testdir"
)

// A blob on demand may begin with its end, whether or not its size was known, and whether
// or not the storage supports ranges.
func TestFrom(t *testing.T) {
	t.Parallel()
	const size, first = int64(blobSize), int64(1000)
	for name, tt := range map[string]struct {
		from     int64
		faults   []githubsim.Fault
		requests int
		bytes    int64
	}{
		"the end":           {size - first, nil, 2, first + 10},
		"too far":           {size + 5, nil, 4, first + first + 10},
		"before the end":    {size - first - 1, nil, 3, first + first + 10},
		"the beginning":     {0, nil, 2, first + first},
		"all of it":         {0, []githubsim.Fault{{IgnoreRange: true}}, 1, size},
		"without ranges":    {size - first, []githubsim.Fault{{IgnoreRange: true, Times: -1}}, 1, size},
		"a cut in the end":  {size - first, []githubsim.Fault{{Cut: 300}}, 3, first + 10},
		"an error at first": {size - first, []githubsim.Fault{{Status: 503}}, 3, first + 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulated(t, tt.faults...)
			url := s.signed(t)
			synctest.Test(t, func(t *testing.T) { // where no request is late
				o := inBubble(t, s.StorageHandler())
				o.OnDemand, o.First, o.From = true, first, tt.from
				blob, err := Open(t.Context(), o, url, func(int64) (Spool, error) { return os.Create(filepath.Join(testdir.InMemory(t), "spool")) })
				if err != nil {
					t.Fatal(err)
				}
				defer blob.Close()
				for _, span := range [][2]int64{{size - first, first}, {5, 10}} {
					got := make([]byte, span[1])
					if _, err := blob.ReadAt(got, span[0]); err != nil || !bytes.Equal(got, firstBlob[span[0]:span[0]+span[1]]) {
						t.Errorf("%d bytes at %d: %v", span[1], span[0], err)
					}
				}
				info, err := blob.Info()
				if err != nil || info.Fetched > tt.bytes || s.Count(githubsim.Storage) > tt.requests {
					t.Errorf("%d requests, %d bytes, %v, want at most %d and %d", s.Count(githubsim.Storage), info.Fetched, err, tt.requests, tt.bytes)
				}
			})
		})
	}
}
