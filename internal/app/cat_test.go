package app

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Whatever the storage does, cat writes the whole file or nothing, and leaves no file
// behind.
func TestCatWholeOrNothing(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("a long line of a log\n", 50_000)
	blob := files("a.txt", "a", "log.txt", body, "z.txt", "z")
	for name, tt := range map[string]struct {
		faults []githubsim.Fault
		code   int
		says   string
	}{
		"as usual":         {},
		"cut":              {faults: []githubsim.Fault{{Cut: 100, Times: 2}}},
		"without ranges":   {faults: []githubsim.Fault{{IgnoreRange: true, Times: -1}}},
		"an expired URL":   {faults: []githubsim.Fault{{Expire: true}}},
		"a wrong byte":     {faults: []githubsim.Fault{{Corrupt: 500, Times: -1}}, code: 1, says: "refused: entry"},
		"broken for ever":  {faults: []githubsim.Fault{{Drop: true, Times: -1}}, code: 1, says: "tries"},
		"a page":           {faults: []githubsim.Fault{{Status: 200, Body: "<html>", Times: -1}}, code: 1, says: "error: artifact"},
		"expired meantime": {faults: []githubsim.Fault{{Host: githubsim.API, Path: "/repos/octo/app/actions/artifacts/11/zip", Status: 410}}, code: 3, says: "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := githubsim.New(githubsim.Options{})
			t.Cleanup(w.Close)
			repo := w.AddRepo("octo/app")
			w.AddToken("ghs_owner", "octo/app", githubsim.Read)
			run := repo.AddRun(githubsim.Run{ID: 1, Workflow: repo.AddWorkflow("CI", ".github/workflows/ci.yml")})
			run.AddArtifact(githubsim.Artifact{ID: 11, Name: "dist", Blob: blob})
			for _, f := range tt.faults {
				if f.Host == "" {
					f.Host = githubsim.Storage
				}
				w.Fault(f)
			}
			temp := t.TempDir()
			var stdout, stderr bytes.Buffer
			code := Main(t.Context(), commandEnv(w, temp, &stdout, &stderr, "cat", "log.txt", "-R", "octo/app", "-n", "dist"))
			want := body
			if tt.code != 0 {
				want = ""
			}
			if code != tt.code || stdout.String() != want || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("exit code %d, %d bytes of stdout\n%s", code, stdout.Len(), &stderr)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}
