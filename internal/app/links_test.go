package app

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// linkZip is a zip of names and contents; "-> x" makes a symlink.
func linkZip(t *testing.T, pairs ...string) githubsim.Blob {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		h := &zip.FileHeader{Name: pairs[i]}
		h.SetMode(0o644)
		body, isLink := strings.CutPrefix(pairs[i+1], "-> ")
		if isLink {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return githubsim.Bytes(b.Bytes())
}

// linkTar is a zip that holds such a tar.
func linkTar(t *testing.T, name, target string) githubsim.Blob {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return files("links.tar", b.String())
}

// runWorld has these artifacts in run 1, with ids from 1 on.
func runWorld(t *testing.T, artifacts ...githubsim.Artifact) *world {
	t.Helper()
	w := &world{Sim: githubsim.New(githubsim.Options{})}
	t.Cleanup(w.Close)
	w.app = w.AddRepo("octo/app")
	w.AddToken("ghs_owner", "octo/app", githubsim.Write)
	run := w.app.AddRun(githubsim.Run{ID: 1, Workflow: w.app.AddWorkflow("CI", ".github/workflows/ci.yml")})
	for i, a := range artifacts {
		a.ID = int64(i + 1)
		run.AddArtifact(a)
	}
	return w
}

// Two artifacts whose symlinks are sound on their own do not lead out of the
// destination together, whichever way they come.
func TestMergedLinks(t *testing.T) {
	t.Parallel()
	up := linkZip(t, "p/q/s", "-> ../..", "a", "a")
	for name, tt := range map[string]struct {
		first, second githubsim.Blob
		in            map[string]string
		entry         string // that is refused; "" is none
	}{
		"merged":      {up, linkZip(t, "link", "-> p/q/s/../../secret", "p/q/t", "x"), in("merge-multiple", "true"), `artifact "second": entry "link"`},
		"from a tar":  {up, linkTar(t, "link", "p/q/s/../../secret"), in("merge-multiple", "true", "unpack", "true"), `artifact "second": entry "link"`},
		"a tar first": {linkTar(t, "p/q/s", "../.."), linkZip(t, "link", "-> p/q/s/../../secret", "p/q/t", "x"), in("merge-multiple", "true", "unpack", "true"), `artifact "second": entry "link"`},
		"apart":       {up, linkZip(t, "link", "-> a", "a", "x"), in(), ""},
		"sound":       {up, linkZip(t, "link", "-> p/q/s/a", "p/q/t", "x"), in("merge-multiple", "true"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, githubsim.Artifact{Name: "first", Blob: tt.first}, githubsim.Artifact{Name: "second", Blob: tt.second})
			dir := t.TempDir()
			ws := filepath.Join(dir, "ws")
			if err := os.Mkdir(ws, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("not yours"), 0o600); err != nil {
				t.Fatal(err)
			}
			tt.in["GITHUB_WORKSPACE"], tt.in["INPUT_RUN-ID"], tt.in["INPUT_PATH"] = ws, "1", "out"
			got := w.step(t.Context(), t, tt.in)
			if tt.entry == "" {
				if got.code != 0 {
					t.Error(got.log)
				}
				return
			}
			if left, _ := os.ReadDir(ws); got.code != 1 || len(left) > 0 || !strings.Contains(got.log, tt.entry) {
				t.Errorf("code %d, %v\n%s", got.code, left, got.log)
			}
		})
	}
}
