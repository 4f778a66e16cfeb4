//go:build container

package container

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxImage is the size that the image may have, unpacked, in bytes.
const maxImage = 15 << 20

// TestImageConfig: the runner decides on user and directory, and nothing but
// the binary can be started.
func TestImageConfig(t *testing.T) {
	t.Parallel()
	var images []struct {
		Config struct {
			User, WorkingDir string
			Entrypoint, Cmd  []string
			Env              []string
		}
	}
	if err := json.Unmarshal(docker(t, "image", "inspect", *image), &images); err != nil {
		t.Fatal(err)
	}
	cfg := images[0].Config
	if cfg.User != "" {
		t.Errorf("USER is %q, want none", cfg.User)
	}
	if diff := cmp.Diff([]string{"/artifetch"}, cfg.Entrypoint); diff != "" {
		t.Errorf("entrypoint (-want +got):\n%s", diff)
	}
	if len(cfg.Cmd) != 0 {
		t.Errorf("CMD is %q, want none", cfg.Cmd)
	}
	for _, v := range cfg.Env {
		if !strings.HasPrefix(v, "PATH=") { // every image has one
			t.Errorf("the image sets %s", v)
		}
	}
}

// TestImageContent: the binary and the certificates, the licenses of a release, no
// shell, no other file.
func TestImageContent(t *testing.T) {
	t.Parallel()
	files := imageFiles(t)
	var names []string
	size := 0
	for name, data := range files {
		names = append(names, name)
		size += len(data)
	}
	slices.Sort(names)
	want := []string{"artifetch", "etc/ssl/certs/ca-certificates.crt"}
	if *released {
		want = append(want, "licenses/LICENSE", "licenses/THIRD-PARTY-NOTICES")
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if size > maxImage {
		t.Errorf("the image has %d bytes, the limit is %d", size, maxImage)
	}
	t.Logf("the image has %.1f MiB", float64(size)/(1<<20))
	if !bytes.Contains(files["etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN CERTIFICATE")) {
		t.Error("ca-certificates.crt has no certificate")
	}
	bin, err := elf.NewFile(bytes.NewReader(files["artifetch"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bin.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Error("the binary is not static")
		}
	}
}

func TestImageVersion(t *testing.T) {
	t.Parallel()
	if out := string(docker(t, append([]string{"run", "--rm"}, start(nil, []string{"--version"})...)...)); !strings.Contains(out, *wantVersion) {
		t.Errorf("--version prints %q, want %s in it", out, *wantVersion)
	}
}

// imageFiles reads what the layers of the image hold: everything except
// directories, by path.
func imageFiles(t *testing.T) map[string][]byte {
	t.Helper()
	saved := filepath.Join(t.TempDir(), "image.tar")
	docker(t, "image", "save", "--output", saved, *image)
	f, err := os.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	archive := tarFiles(t, f)
	var manifest []struct{ Layers []string }
	if err := json.Unmarshal(archive["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range manifest[0].Layers {
		for k, v := range tarFiles(t, bytes.NewReader(archive[name])) {
			files[k] = v
		}
	}
	return files
}

// tarFiles reads a tar, gzipped or not. Entries that are not regular files
// have no content.
func tarFiles(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	br := bufio.NewReader(r)
	r = br
	if magic, _ := br.Peek(2); string(magic) == "\x1f\x8b" {
		gz, err := gzip.NewReader(br)
		if err != nil {
			t.Fatal(err)
		}
		r = gz
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files[path.Clean(h.Name)] = data
	}
}
