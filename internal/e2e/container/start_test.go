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

// TestStart measures the time from the start of the program, in its container, to its
// first request. Other programs may disturb most starts, but hardly all of them: the
// fastest of many has to be within the limit.
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
	if limit := 50 * time.Millisecond; took[0] > limit {
		t.Errorf("the fastest start took %v, more than %v", took[0], limit)
	}
}
