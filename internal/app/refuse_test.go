package app

import (
	"archive/zip"
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// refusedZip is stored noise of a size, and an entry that is refused.
func refusedZip(t *testing.T, size int) githubsim.Blob {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "big", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	if _, err := f.Write(noise); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create("../evil"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return githubsim.Bytes(b.Bytes())
}

// An entry that is refused ends the step as soon as the first answer or the directory shows
// it: here, the rest of the download would never end.
func TestRefusedEarly(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	raw := githubsim.Artifact{Name: "a", ContentType: "text/plain", Blob: githubsim.Bytes(make([]byte, size))}
	refused := refusedZip(t, size)
	for name, tt := range map[string]struct {
		artifact githubsim.Artifact
		in       map[string]string
		says     string
	}{
		"max-size, raw":   {raw, in("max-size", "1MiB"), "it would take at least 20971520 bytes, and the limit is 1048576"},
		"max-size, files": {raw, in("max-size", "1MiB", "files", "*"), "it would take at least 20971520 bytes, and the limit is 1048576"},
		"max-size, kept":  {githubsim.Artifact{Name: "a", Blob: refused}, in("max-size", "1MiB", "skip-decompress", "true"), "and the limit is 1048576"},
		"its name":        {githubsim.Artifact{Name: "a", ContentType: "text/plain", ContentDisposition: `attachment; filename="C:D:x"`, Blob: raw.Blob}, in(), "its file name"},
		"its directory":   {githubsim.Artifact{Name: "a", Blob: refused}, in(), `refused: entry "../evil"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, tt.artifact)
			w.Fault(githubsim.Fault{Host: githubsim.Storage, Skip: 2, Times: -1, Stall: 1})
			tt.in["INPUT_RUN-ID"], tt.in["INPUT_CONCURRENCY"] = "1", "1" // so the end of the archive is second
			got := w.step(t.Context(), t, tt.in)
			var fetched int64
			for _, r := range w.Log() {
				if r.Host == githubsim.Storage {
					fetched += r.Bytes
				}
			}
			if got.code != 1 || !strings.Contains(got.outputs["error-message"], tt.says) || fetched > size/2 {
				t.Errorf("code %d, %d bytes were fetched\n%s", got.code, fetched, got.log)
			}
		})
	}
}

// If few bytes of an archive are missing when it is refused, the digest decides between refused
// and damaged. The archive has less than the bytes that are worth fetching for that, so it does
// not matter how many of them have arrived.
func TestRefusedOrDamaged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault githubsim.Fault
		says  string
	}{
		"hostile": {githubsim.Fault{}, `refused: entry "../evil"`},
		"damaged": {githubsim.Fault{Host: githubsim.Storage, Corrupt: 100}, "its SHA-256 is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, githubsim.Artifact{Name: "a", Blob: refusedZip(t, 9<<20)})
			if tt.fault.Host != "" {
				w.Fault(tt.fault)
			}
			got := w.step(t.Context(), t, in("run-id", "1"))
			if got.code != 1 || !strings.Contains(got.outputs["error-message"], tt.says) {
				t.Errorf("code %d, want the message %q\n%s", got.code, tt.says, got.log)
			}
		})
	}
}
