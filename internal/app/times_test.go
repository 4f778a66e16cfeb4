package app

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// The modification times of a tar's members are those in the destination, whether their
// directory is new to it or not.
func TestUnpackKeepsTimes(t *testing.T) {
	t.Parallel()
	then := time.Unix(1_000_000_000, 0)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "d/e/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "d/e/f", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "d/f", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "f"},
	} {
		h.ModTime = then
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	world := runWorld(t, githubsim.Artifact{ID: 9, Name: "timed", Blob: files("x.tar", b.String())})
	for name, before := range map[string][]string{"new": nil, "merged": {"d/old=1"}, "replaced": {"d/f=1", "d/e/f=1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := world.step(t.Context(), t, in("name", "timed", "unpack", "true"), before...)
			if got.code != 0 {
				t.Fatal(got.log)
			}
			made := map[string]bool{"d/e/f": true, "d/f": true, "d/l": runtime.GOOS != "windows", "d": before == nil, "d/e": name != "replaced"}
			for name, made := range made {
				info, err := os.Lstat(filepath.Join(got.outputs["download-path"], name))
				if err != nil || info.ModTime().Equal(then) != made {
					t.Errorf("%s: %v, %v", name, info.ModTime(), err)
				}
			}
		})
	}
}
