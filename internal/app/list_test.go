package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A dry run says what the real run would do, and writes nothing.
func TestDryRunFiles(t *testing.T) {
	t.Parallel()
	empty := githubsim.Artifact{Name: "empty.txt", Blob: githubsim.Bytes(nil), ContentType: "text/plain"}
	raw := githubsim.Artifact{Name: "raw.txt", Blob: githubsim.Bytes(make([]byte, 1000)), ContentType: "text/plain"}
	zip := githubsim.Artifact{Name: "zip", Blob: files("x.txt", "x", "y.so", "y")}
	large := githubsim.Artifact{Name: "large", Blob: githubsim.Bytes(make([]byte, 16<<20+1)), ContentType: "text/plain"}
	var names []string
	for i := range 205 {
		names = append(names, fmt.Sprintf("f%03d.txt", i), "")
	}
	many := githubsim.Artifact{Name: "many", Blob: files(names...)}
	noRanges := []githubsim.Fault{{Host: githubsim.Storage, Times: -1, IgnoreRange: true}}
	for name, tt := range map[string]struct {
		artifacts []githubsim.Artifact
		in        map[string]string
		faults    []githubsim.Fault
		files     string
		says      []string
		only      string // the dry run fails, with this message, and the real run does not
		fails     string // both fail
	}{
		"an empty file":             {artifacts: []githubsim.Artifact{empty}, files: "1", says: []string{"empty.txt, 0 B"}},
		"an empty file, not wanted": {artifacts: []githubsim.Artifact{empty, zip}, in: in("files", "x.*"), files: "1", says: []string{`artifact "empty.txt": no file matches files`}},
		"without ranges":            {artifacts: []githubsim.Artifact{raw, zip, empty}, faults: noRanges, files: "3", says: []string{"raw.txt, 1000 B", "x.txt, 1 B", "empty.txt, 0 B"}},
		"without ranges, cut":       {artifacts: []githubsim.Artifact{zip}, faults: append([]githubsim.Fault{{Host: githubsim.Storage, Skip: 1, Cut: 30}}, noRanges...), files: "1"},
		"too large without ranges": {artifacts: []githubsim.Artifact{zip, large}, in: in("files", "*"), faults: noRanges, files: "3",
			only: `artifact "large" (2) of octo/app: the storage does not support range requests, so listing its files would take a download of all 16 MiB, and the limit for that is 16 MiB. Leave out dry-run`},
		"max-size, raw": {artifacts: []githubsim.Artifact{raw}, in: in("max-size", "999"), fails: "at least 1000 bytes, and the limit is 999"},
		"max-files":     {artifacts: []githubsim.Artifact{raw, zip}, in: in("max-files", "2"), fails: "at least 3 files, and the limit is 2"},
		"more than are listed": {artifacts: []githubsim.Artifact{many}, files: fmt.Sprint(205),
			says: []string{"f199.txt", "and 5 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, dry := range []bool{true, false} {
				w := runWorld(t, tt.artifacts...)
				for _, f := range tt.faults {
					w.Fault(f)
				}
				env := in("run-id", "1", "files", "*.txt", "dry-run", fmt.Sprint(dry))
				for k, v := range tt.in {
					env[k] = v
				}
				got := w.step(t.Context(), t, env)
				if tt.fails != "" || dry && tt.only != "" {
					if want := tt.fails + tt.only; got.code != 1 || !strings.Contains(got.outputs["error-message"], want) {
						t.Errorf("dry run %v: code %d, want the message %q\n%s", dry, got.code, want, got.log)
					}
					continue
				}
				if got.code != 0 || got.outputs["file-count"] != tt.files {
					t.Errorf("dry run %v: code %d, %s files, want %s\n%s", dry, got.code, got.outputs["file-count"], tt.files, got.log)
				}
				for _, s := range tt.says {
					if dry && !strings.Contains(got.log, s) {
						t.Errorf("the log lacks %q\n%s", s, got.log)
					}
				}
				if dry && (len(got.files) > 0 || strings.Contains(got.log, "f200.txt")) {
					t.Errorf("%d files were written, or too many listed", len(got.files))
				}
			}
		})
	}
}

// A dry run chooses again like the real run when an artifact is gone.
func TestDryRunGone(t *testing.T) {
	t.Parallel()
	for _, dry := range []string{"true", "false"} {
		w := newWorld(t, githubsim.Options{})
		w.Expire(w.artifacts[21], false)
		got := w.step(t.Context(), t, in("name", "dist", "files", "*.txt", "dry-run", dry))
		if got.code != 0 || got.outputs["run-id"] != "1" || got.outputs["file-count"] != "1" || !strings.Contains(got.log, "choosing again without it") {
			t.Errorf("dry run %s: code %d\n%s", dry, got.code, got.log)
		}
		got.check(t)
	}
}

// A dry run starts over like the real run.
func TestDryRunStartsOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults []githubsim.Fault
		code   int
		says   string
	}{
		"replaced":          {[]githubsim.Fault{{Skip: 1, Status: 412}}, 0, "starting over"},
		"replaced for ever": {[]githubsim.Fault{{Skip: 1, Times: -1, Status: 412}}, 1, "the blob changed while it was fetched"},
		"ranges no more":    {[]githubsim.Fault{{Skip: 1, Times: -1, IgnoreRange: true}}, 0, "starting over"},
	} {
		for _, dry := range []string{"true", "false"} {
			t.Run(name+", dry run: "+dry, func(t *testing.T) {
				t.Parallel()
				w := fileWorld(t)
				for _, f := range tt.faults {
					f.Host = githubsim.Storage
					w.Fault(f)
				}
				got := w.step(t.Context(), t, in("name", "big", "files", "**", "dry-run", dry, "max-files", "1000"))
				if got.code != tt.code || !strings.Contains(got.log, tt.says) {
					t.Errorf("code %d, want %d\n%s", got.code, tt.code, got.log)
				}
			})
		}
	}
}
