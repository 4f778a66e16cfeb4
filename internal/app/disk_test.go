package app

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// The disk's free space is shared by all artifacts, whatever they are, and reserved before
// it is used.
func TestDiskIsEnough(t *testing.T) {
	t.Parallel()
	raw := func(name string, size int) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: githubsim.Bytes(make([]byte, size)), ContentType: "text/plain"}
	}
	zip := func(name string, size int) githubsim.Artifact {
		return githubsim.Artifact{Name: name, Blob: files("f", strings.Repeat("x", size))}
	}
	var text bytes.Buffer
	tw := tar.NewWriter(&text)
	if err := errors.Join(tw.WriteHeader(&tar.Header{Name: "f", Mode: 0o644, Size: 10_000, Typeflag: tar.TypeReg}), write(tw, 10_000), tw.Close()); err != nil {
		t.Fatal(err)
	}
	tarred := githubsim.Artifact{Name: "a", Blob: files("x.tar", text.String())}
	noRanges := githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true}
	const mem, blockSize = 24 << 20, 256 << 10 // what all spools keep in memory, and in what steps they take the disk
	for name, tt := range map[string]struct {
		artifacts []githubsim.Artifact
		in        map[string]string
		fault     githubsim.Fault
		free      int64
		fails     bool
	}{
		"enough":                   {[]githubsim.Artifact{zip("a", 10_000), zip("b", 10_000)}, in(), githubsim.Fault{}, 20_000, false},
		"not for both":             {[]githubsim.Artifact{zip("a", 10_000), zip("b", 10_000)}, in(), githubsim.Fault{}, 19_999, true},
		"not for what is wanted":   {[]githubsim.Artifact{zip("a", 10_000)}, in("files", "f"), githubsim.Fault{}, 9_999, true},
		"raw":                      {[]githubsim.Artifact{raw("a", 10_000), raw("b", 10_000)}, in(), githubsim.Fault{}, 20_000, false},
		"not for both, raw":        {[]githubsim.Artifact{raw("a", 10_000), raw("b", 10_000)}, in("files", "*"), githubsim.Fault{}, 19_999, true},
		"raw, and an archive":      {[]githubsim.Artifact{raw("a", 10_000), zip("b", 10_000)}, in("files", "*"), githubsim.Fault{}, 19_999, true},
		"a tar, and what it holds": {[]githubsim.Artifact{tarred}, in("unpack", "true"), githubsim.Fault{}, int64(text.Len()) + 10_000, false},
		"not for what it holds":    {[]githubsim.Artifact{tarred}, in("unpack", "true"), githubsim.Fault{}, int64(text.Len()) + 9_999, true},
		"of unknown size":          {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, mem + 3*blockSize, false},
		"of unknown size, not for": {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, mem + 3*blockSize - 1, true},
		"of unknown size, growing": {[]githubsim.Artifact{raw("a", mem+3*blockSize)}, in("files", "*"), noRanges, 2 * blockSize, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, tt.artifacts...)
			if tt.fault.Host != "" {
				w.Fault(tt.fault)
			}
			w.free = func() (int64, error) { return tt.free, nil }
			tt.in["INPUT_RUN-ID"] = "1"
			got := w.step(t.Context(), t, tt.in)
			if fails := got.code != 0; fails != tt.fails || fails && (!strings.Contains(got.log, "but its disk has only") || !strings.Contains(got.log, "Free disk space on the runner") || len(got.files) > 0) {
				t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
			}
		})
	}
}

func write(w io.Writer, n int) error {
	_, err := w.Write(make([]byte, n))
	return err
}

// The disk is asked once, before anything is written.
func TestDiskIsAskedOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: files("f", "x")}, githubsim.Artifact{Name: "b", Blob: files("f", "x")})
	w.free = func() (int64, error) { asked.Add(1); return 1 << 20, nil }
	if got := w.step(t.Context(), t, in("run-id", "1")); got.code != 0 || asked.Load() != 1 {
		t.Errorf("code %d, asked %d times\n%s", got.code, asked.Load(), got.log)
	}
}

// A full disk is reported once, however many artifacts it has no room for.
func TestFullDiskIsSaidOnce(t *testing.T) {
	t.Parallel()
	var artifacts []githubsim.Artifact
	for i := range 100 {
		artifacts = append(artifacts, githubsim.Artifact{Name: fmt.Sprint("a", i), Blob: files("f", strings.Repeat("x", 10_000))})
	}
	w := runWorld(t, artifacts...)
	w.free = func() (int64, error) { return 15_000, nil }
	got := w.step(t.Context(), t, in("run-id", "1"))
	if n := strings.Count(got.log, "but its disk has only"); got.code != 1 || n != 1 || strings.Count(got.log, "::error::") != 1 {
		t.Errorf("code %d, said %d times\n%s", got.code, n, got.log)
	}
}
