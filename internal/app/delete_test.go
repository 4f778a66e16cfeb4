package app

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// Only an artifact that is in the destination, whole and as it was uploaded, is
// deleted. Another one stays, which a warning says, and is no failure.
func TestDeleteOnlyWhatIsSafeHere(t *testing.T) {
	t.Parallel()
	otherDigest := func(w *world) { w.artifacts[11].Digest = "sha256:" + strings.Repeat("0", 64) }
	tests := map[string]struct {
		in     map[string]string
		before []string
		change func(w *world)
		opt    githubsim.Options
		gone   []int64  // of 11 (dist), 12 (logs) and 21 (dist of run 2)
		log    []string // a warning for each that stays
		fails  bool
	}{
		"all there":            {in: in("run-id", "1"), gone: []int64{11, 12}},
		"files":                {in: in("run-id", "1", "files", "a.txt"), fails: true, log: []string{"::error::delete and files exclude each other"}},
		"all files":            {in: in("run-id", "1", "files", "**"), fails: true},
		"replacing":            {in: in("run-id", "1", "name", "dist"), before: []string{"a.txt=0"}, gone: []int64{11}},
		"skipped":              {in: in("run-id", "1", "if-exists", "skip"), before: []string{"dist/a.txt=0"}, gone: []int64{12}, log: []string{`::warning::artifact "dist" (11) of octo/app is not deleted: 1 file of it did not get to the destination, because if-exists is skip and the place was taken ("dist/a.txt")`}},
		"skipped, equal":       {in: in("run-id", "1", "if-exists", "skip", "name", "dist"), before: []string{"a.txt=a1", "d/b.txt=b1"}, log: []string{"2 files of it did not get to the destination"}},
		"skip, nothing there":  {in: in("run-id", "1", "if-exists", "skip"), gone: []int64{11, 12}},
		"merged":               {in: in("run-id", "1", "merge-multiple", "true"), gone: []int64{12}, log: []string{`artifact "dist" (11) of octo/app is not deleted: 1 file of it did not get to the destination, because another artifact has a file of the same name ("a.txt" was taken from "logs")`}},
		"merged, skip":         {in: in("run-id", "1", "merge-multiple", "true", "if-exists", "skip"), before: []string{"a.txt=0"}, log: []string{`"dist" (11) of octo/app is not deleted`, `"logs" (12) of octo/app is not deleted`}},
		"of two runs":          {in: in("run-id", "1\n2", "name", "dist", "merge-multiple", "true"), gone: []int64{21}, log: []string{`artifact "dist" (11) of octo/app is not deleted`}},
		"of two runs, apart":   {in: in("run-id", "1\n2", "name", "dist"), gone: []int64{11, 21}},
		"superseded":           {in: in("run-id", "1", "name", "dist"), change: func(w *world) { w.Attempt(1, githubsim.Artifact{Name: "dist", Blob: files("a.txt", "new")}) }},
		"digest differs, warn": {in: in("run-id", "1", "name", "dist", "digest-mismatch", "warn"), change: otherDigest, log: []string{`is not deleted: its SHA-256 is not the one that the server has on record`}},
		"digest differs, mute": {in: in("run-id", "1", "name", "dist", "digest-mismatch", "ignore", "skip-decompress", "true"), change: otherDigest, log: []string{`is not deleted: its SHA-256 is not the one that the server has on record`}},
		"unknown digest":       {in: in("run-id", "1", "name", "dist"), change: func(w *world) { w.artifacts[11].Digest = "sha512:00" }, log: []string{`is not deleted: its digest is of an unknown algorithm`}},
		"unknown, ignored":     {in: in("run-id", "1", "name", "dist", "digest-mismatch", "ignore"), change: func(w *world) { w.artifacts[11].Digest = "sha512:00" }, log: []string{`is not deleted: its digest is of an unknown algorithm`}},
		"no digest":            {in: in("run-id", "1"), opt: githubsim.Options{Enterprise: true}, gone: []int64{11, 12}},
		"dry run":              {in: in("run-id", "1", "dry-run", "true")},
		"fail":                 {in: in("run-id", "1", "if-exists", "fail"), before: []string{"dist/a.txt=0"}, fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.opt)
			if tt.change != nil {
				tt.change(w)
			}
			tt.in["INPUT_DELETE"] = "true"
			got := w.step(t.Context(), t, tt.in, tt.before...)
			if (got.code != 0) != tt.fails {
				t.Errorf("exit code %d", got.code)
			}
			left := w.app.Artifacts()
			var gone []int64
			for _, id := range []int64{11, 12, 21} {
				if !slices.Contains(left, id) {
					gone = append(gone, id)
				}
			}
			if !slices.Equal(gone, tt.gone) {
				t.Errorf("deleted: %v, want %v", gone, tt.gone)
			}
			for _, want := range tt.log {
				if !strings.Contains(got.log, want) {
					t.Errorf("the log lacks %q", want)
				}
			}
			if t.Failed() {
				t.Log(got.log)
			}
		})
	}
}

// If all deletions would fail for one reason, one of them is tried, and the others are
// counted. An error that concerns one artifact only does not stop the other deletions.
func TestDeleteFailsOnce(t *testing.T) {
	t.Parallel()
	const all = 50
	for name, tt := range map[string]struct {
		fault   githubsim.Fault
		deleted int
		tried   int
		want    string
	}{
		"a bad token":   {githubsim.Fault{Host: githubsim.API, Method: http.MethodDelete, Status: 401, Times: -1}, 0, 1, "for the same reason 49 more artifacts were not tried"},
		"no permission": {githubsim.Fault{Host: githubsim.API, Method: http.MethodDelete, Status: 403, Times: -1}, 0, 1, "for the same reason 49 more artifacts were not tried"},
		"one is gone":   {githubsim.Fault{Host: githubsim.API, Method: http.MethodDelete, Status: 404, Times: 1}, all - 1, all, "could not be deleted on GitHub: artifact "},
		"all are gone":  {githubsim.Fault{Host: githubsim.API, Method: http.MethodDelete, Status: 404, Times: -1}, 0, all, "; and 30 more artifacts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			for i := range all {
				w.Attempt(3, githubsim.Artifact{Name: fmt.Sprintf("part-%02d", i), Blob: files("f", "x")})
			}
			w.Fault(tt.fault)
			before := len(w.app.Artifacts())
			got := w.step(t.Context(), t, in("run-id", "3", "pattern", "part-*", "delete", "true"))
			if n := before - len(w.app.Artifacts()); got.code != 1 || n != tt.deleted || strings.Count(got.log, "::error::") != 1 || !strings.Contains(got.log, tt.want) {
				t.Errorf("exit code %d, %d deleted\n%s", got.code, n, got.log)
			}
			tried := 0
			for _, r := range w.Log() {
				if r.Method == http.MethodDelete {
					tried++
				}
			}
			if tried != tt.tried {
				t.Errorf("%d deletions were tried", tried)
			}
		})
	}
}

// An artifact does not write into the .git of a checkout, and a privileged job
// hears of what was written into its .github.
func TestProtectedPlaces(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     map[string]string
		tree   []string // of artifact "x" in run 1
		name   string
		before []string
		want   string
		log    []string
		lacks  string
		fails  bool
	}{
		".git":               {in: in("name", "x"), tree: []string{".git/hooks/post-checkout", "evil", "a", "1"}, before: []string{".git/config=c"}, want: ".git/config=c", fails: true, log: []string{`artifact "x": entry ".git/hooks/post-checkout" would be written into ".git", which is Git's own`, "Nothing was written. Git runs commands", "files: '!**/.git/**'"}},
		".git, left out":     {in: in("name", "x", "files", "!**/.git/**"), tree: []string{".git/hooks/post-checkout", "evil", "a", "1"}, before: []string{".git/config=c"}, want: ".git/config=c a=1"},
		".git, new":          {in: in("name", "x", "path", "out"), tree: []string{".git/config", "1"}, before: []string{".git/config=c"}, want: ".git/config=c out/.git/config=1"},
		"named .git":         {in: in("pattern", ".git"), name: ".git", tree: []string{"config", "evil"}, before: []string{".git/config=c"}, want: ".git/config=c", fails: true, log: []string{`artifact ".git": entry ".git" would be written`}},
		"the runner's files": {in: in("name", "x", "path", "{temp}"), tree: []string{"_runner_file_commands/set_env_1", "evil"}, fails: true, log: []string{"which is the runner's own", "Nothing was written. Files there set variables"}},
		"path to them":       {in: in("name", "x", "path", "{temp}/_runner_file_commands"), tree: []string{"set_env_1", "evil"}, fails: true, log: []string{"which is the runner's own"}},
		".github":            {in: in("name", "x", "GITHUB_EVENT_NAME", "pull_request_target"), tree: []string{".github/actions/a.yml", "1"}, before: []string{".github/b=0"}, want: ".github/actions/a.yml=1 .github/b=0", log: []string{`::warning::artifacts wrote into a .github directory that existed before (".github/actions" of "x")`, "(pull_request_target)"}},
		".github, push":      {in: in("name", "x"), tree: []string{".github/a", "1"}, before: []string{".github/b=0"}, want: ".github/a=1 .github/b=0", lacks: ".github directory"},
		".github, new":       {in: in("name", "x", "GITHUB_EVENT_NAME", "pull_request_target"), tree: []string{".github/a", "1"}, want: ".github/a=1", lacks: ".github directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			w.Attempt(1, githubsim.Artifact{Name: cmp.Or(tt.name, "x"), Blob: files(tt.tree...)})
			temp := t.TempDir()
			tt.in["RUNNER_TEMP"], tt.in["INPUT_RUN-ID"] = temp, "1"
			tt.in["INPUT_PATH"] = strings.ReplaceAll(tt.in["INPUT_PATH"], "{temp}", temp)
			got := w.step(t.Context(), t, tt.in, tt.before...)
			if (got.code != 0) != tt.fails || got.list() != tt.want {
				t.Errorf("exit code %d, files %s", got.code, got.list())
			}
			for _, want := range tt.log {
				if !strings.Contains(got.log, want) {
					t.Errorf("the log lacks %q", want)
				}
			}
			if tt.name != "" && w.Count(githubsim.Storage) > 0 {
				t.Error("it was fetched although its place is known to be protected")
			}
			if tt.lacks != "" && strings.Contains(got.log, tt.lacks) {
				t.Errorf("the log has %q", tt.lacks)
			}
			if t.Failed() {
				t.Log(got.log)
			}
		})
	}
}

func TestDeleteDeletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubsim.Options{})
	w.step(t.Context(), t, in("run-id", "1", "delete", "true"))
	if left := w.app.Artifacts(); slices.Contains(left, 11) || slices.Contains(left, 12) || !slices.Contains(left, 21) {
		t.Errorf("left: %v", left)
	}
	w.step(t.Context(), t, in("run-id", "2", "name", "dist\nevil", "delete", "true"))
	w.step(t.Context(), t, in("run-id", "2", "name", "dist", "delete", "true", "dry-run", "true"))
	if left := w.app.Artifacts(); !slices.Contains(left, 21) {
		t.Error("deleted without having it, or in a dry run")
	}
}
