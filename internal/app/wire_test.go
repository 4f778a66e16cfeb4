package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// What the verbs that only read cost for artifacts of 1 GiB and more: requests to API and
// storage together, and bytes.
func TestVerbsOverTheWire(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		count, size, differ int
	}{
		"few files":  {260, 8 * mib, 0},
		"many files": {4000, mib / 2, 4000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := githubsim.New(githubsim.Options{})
			t.Cleanup(w.Close)
			repo := w.AddRepo("octo/app")
			w.AddToken("ghs_owner", "octo/app", githubsim.Read)
			ci := repo.AddWorkflow("CI", ".github/workflows/ci.yml")
			var size int64
			blob := githubsim.BigZip(tt.count, tt.size, 0)
			for i := range 2 {
				if i > 0 && tt.differ > 0 {
					blob = githubsim.BigZip(tt.count, tt.size, 1)
				}
				size = blob.Size()
				repo.AddRun(githubsim.Run{ID: int64(i + 1), Workflow: ci}).AddArtifact(githubsim.Artifact{ID: int64(11 + i), Name: "dist", Blob: blob, NoDigest: true})
			}
			if size < 1<<30 {
				t.Fatalf("%d bytes", size)
			}
			packed := size / int64(tt.count)
			directory := int64(tt.count * 64)
			for _, verb := range []struct {
				args     string
				requests int
				bytes    int64
				lines    int
			}{
				{"ls 1", 4, directory + mostTail, tt.count},
				{"cat d7/f7.bin 1 -n dist", 10, packed + directory + 64<<10, -1},
				{"cat dist/d7/f7.bin 1", 10, packed + directory + 64<<10, -1},
				{"diff 1 2", 8, mib, tt.differ},
			} {
				w.ResetLog()
				var stdout, stderr bytes.Buffer
				code := Main(t.Context(), commandEnv(w, t.TempDir(), &stdout, &stderr, append(strings.Fields(verb.args), "-R", "octo/app")...))
				requests, sent := fetched(w)
				requests += w.Count(githubsim.API)
				var list []string
				for _, r := range w.Log() {
					list = append(list, fmt.Sprint(r.Method, " ", r.Path, " ", r.Header.Get("Range"), " ", r.Bytes))
				}
				if requests > verb.requests || sent > verb.bytes {
					t.Errorf("%s: %d requests, %d bytes, want at most %d and %d\n%s", verb.args, requests, sent, verb.requests, verb.bytes, strings.Join(list, "\n"))
				}
				switch lines := strings.Count(stdout.String(), "\n"); {
				case code != 0:
					t.Errorf("%s: exit code %d: %s", verb.args, code, &stderr)
				case verb.lines < 0 && stdout.Len() != tt.size:
					t.Errorf("%s: %d bytes, want %d", verb.args, stdout.Len(), tt.size)
				case verb.lines >= 0 && lines != verb.lines:
					t.Errorf("%s: %d lines, want %d", verb.args, lines, verb.lines)
				}
			}
		})
	}
}

// commandEnv is the surroundings of a command that uses a simulator.
func commandEnv(w *githubsim.Sim, dir string, stdout, stderr io.Writer, args ...string) Env {
	env := map[string]string{"GITHUB_TOKEN": "ghs_owner", "GITHUB_API_URL": w.APIURL}
	return Env{
		Args: args, Stdout: stdout, Stderr: stderr, TempDir: dir,
		Lookup:  func(k string) (string, bool) { v, ok := env[k]; return v, ok },
		Environ: func() []string { return nil }, Getwd: func() (string, error) { return dir, nil },
		Policy: httpx.Policy{MaxTries: 3, Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }},
	}
}

// mostTail is how many bytes at the end of a large artifact are fetched first.
const mostTail = 256 << 10
