//go:build container

package container

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// TestStart measures how long it takes from the start of the program, in its
// container, to its first request. It is a figure for the log rather than a
// limit, because machines differ.
func TestStart(t *testing.T) {
	stamp := filepath.Join(t.TempDir(), "stamp")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "container", "-o", stamp, "./stamp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	asked := make(chan time.Time, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case asked <- time.Now():
		default:
		}
		http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
	}))
	defer api.Close()
	w := newWorld(t, githubsim.Options{}, dist())
	var took []time.Duration
	for range 20 {
		s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist"})
		s.env["GITHUB_API_URL"] = api.URL
		s.docker = []string{"-v", stamp + ":/stamp", "--entrypoint", "/stamp"}
		s.args = []string{"/artifetch"}
		r := s.run(nil, nil)
		first, _, _ := strings.Cut(r.log, "\n")
		started, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-asked:
			took = append(took, at.Sub(time.Unix(0, started)))
		default:
			t.Fatal("there was no request")
		}
	}
	slices.Sort(took)
	t.Logf("from start to first request: median %v of %d, %v to %v", took[len(took)/2], len(took), took[0], took[len(took)-1])
}

// TestHardened: with nothing that is not needed, as the workspace's owner.
func TestHardened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{}, dist())
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out/dist"})
	s.docker = []string{"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", fmt.Sprintf("%d:%d", s.uid, s.gid)}
	if r := s.run(nil, nil); r.code != 0 {
		t.Fatalf("exit code %d, want 0", r.code)
	}
	checkPublished(t, s)
}

// TestTerminated: SIGTERM ends it within 2 s. Docker would kill it after 10.
func TestTerminated(t *testing.T) {
	t.Parallel()
	blob := &watchedBlob{Blob: githubsim.BigZip(64, 1<<20, 1), started: make(chan struct{})}
	w := newWorld(t, githubsim.Options{}, githubsim.Artifact{Name: "dist", Blob: blob, NoDigest: true})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Stall: 100 << 10})
	s := newStep(t, w.Sim, map[string]string{"run-id": fmt.Sprint(w.run.ID), "name": "dist", "path": "out"})
	before := s.tree(s.workspace)
	stopped := make(chan time.Duration, 1)
	go func() {
		<-blob.started
		start := time.Now()
		// docker stop sends SIGTERM, and SIGKILL after that many seconds.
		_ = exec.CommandContext(t.Context(), *client, "stop", "--time", "2", s.name).Run()
		stopped <- time.Since(start)
	}()
	r := s.run(nil, nil)
	if r.code != 1 {
		t.Errorf("exit code %d, want 1: it was killed, or ended otherwise", r.code)
	}
	t.Logf("it took %v to stop", <-stopped)
	checkUnchanged(t, s, before)
}
