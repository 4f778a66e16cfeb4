package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// noise is bytes that look like nothing.
func noise(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// A storage without ranges begins again with each answer, which may be shorter
// than what had arrived of the one before. Which of the two is right its ETag
// or a digest says; where there is neither, nothing does.
func TestShorterSecondAnswer(t *testing.T) {
	t.Parallel()
	first := noise(3 << 20)
	for name, tt := range map[string]struct {
		etag   string
		digest bool
		says   string // "" is success
	}{
		"the same blob":             {says: "the blob changed while it was fetched: its size was 3145728 and is now"},
		"another blob":              {etag: `"another"`},
		"the same, and a digest":    {digest: true, says: "its SHA-256 is"},
		"another one, and a digest": {etag: `"another"`, digest: true, says: "its SHA-256 is"},
	} {
		for _, cut := range []int64{1, 256 << 10, 256<<10 + 1, 2 << 20} {
			for _, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 700 << 10} {
				t.Run(fmt.Sprintf("%s, %d then %d", name, cut, size), func(t *testing.T) {
					t.Parallel()
					a := githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(first), ContentType: "text/plain", ContentDisposition: `attachment; filename="a.txt"`, NoDigest: !tt.digest}
					w := runWorld(t, a)
					second := first[len(first)-size:]
					header := http.Header{}
					if tt.etag != "" {
						header.Set("ETag", tt.etag)
					}
					w.Fault(githubsim.Fault{Host: githubsim.Storage, IgnoreRange: true, Cut: cut})
					w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true, Blob: githubsim.Bytes(second), Header: header})
					got := w.step(t.Context(), t, in("run-id", "1"))
					if tt.says != "" {
						if got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.says) {
							t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.says, got.log)
						}
						return
					}
					if whole := got.files["a/a.txt"] == string(second); got.code != 0 || !whole {
						t.Errorf("code %d, the second answer is there: %v\n%s", got.code, whole, got.log)
					}
				})
			}
		}
	}
}
