package app

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// A page that comes in an artifact's place with status 200 is refused, whatever is to be
// done with the artifact. If its digest matches, it is the artifact.
func TestPages(t *testing.T) {
	t.Parallel()
	damaged := func(blob githubsim.Blob) githubsim.Blob {
		data, _ := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		data[46] ^= 1
		return githubsim.Bytes(data)
	}
	type row struct {
		a     githubsim.Artifact
		says  string // "" is success
		files string // of the success
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	if _, err := z.Create("X.class"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	text := func(s string) githubsim.Blob { return githubsim.Bytes([]byte(s)) }
	for name, tt := range map[string]row{
		"HTML":            {githubsim.Artifact{ContentType: "text/html", Blob: text("<!DOCTYPE html><title>Login</title>")}, `the storage's answer is no archive and has no file name, and the server has no digest to compare it with: 35 B of text/html that begins with "<!DOCTYPE html><title>Login</title>"`, "a=<!DOCTYPE html><title>Login</title>"},
		"JSON":            {githubsim.Artifact{ContentType: "application/json", Blob: text(`{"message":"no"}`)}, "16 B of application/json", `a={"message":"no"}`},
		"empty text":      {githubsim.Artifact{ContentType: "text/plain", Blob: text("")}, "0 B of text/plain", "a="},
		"an octet-stream": {githubsim.Artifact{ContentType: "application/octet-stream", Blob: text("\xff\xfe\x00")}, "3 B of application/octet-stream", "a=\xff\xfe\x00"},
		"named":           {githubsim.Artifact{ContentType: "text/html", ContentDisposition: `attachment; filename="r.html"`, Blob: text("<p>")}, "", "r.html=<p>"},
		"a jar":           {githubsim.Artifact{ContentType: "application/octet-stream", ContentDisposition: `attachment; filename="app.jar"`, Blob: githubsim.Bytes(jar.Bytes())}, "", "app.jar=PK"},
	} {
		for _, digest := range []bool{false, true} {
			for mode, inputs := range map[string]map[string]string{"extract": in(), "keep": in("skip-decompress", "true"), "files": in("files", "**"), "dry run": in("dry-run", "true", "files", "**"), "unpack": in("unpack", "true")} {
				t.Run(fmt.Sprintf("%s, digest %v, %s", name, digest, mode), func(t *testing.T) {
					t.Parallel()
					a := tt.a
					a.Name, a.NoDigest = "a", !digest
					inputs["INPUT_RUN-ID"], inputs["INPUT_NAME"] = "1", "a"
					got := runWorld(t, a).step(t.Context(), t, inputs)
					files := tt.files
					if tt.says != "" && !digest || mode == "dry run" {
						files = ""
					}
					if fails := tt.says != "" && !digest; (got.code != 0) != fails || got.list() != files || fails &&
						(!strings.Contains(got.log, tt.says) || !strings.Contains(got.log, "A proxy, a login page")) {
						t.Errorf("code %d, files %q\n%s", got.code, got.list(), got.log)
					}
				})
			}
		}
	}
	for name, tt := range map[string]struct {
		a    githubsim.Artifact
		in   map[string]string
		want string // files, or the error
	}{
		"a page with another's digest": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), Digest: "sha256:" + strings.Repeat("0", 64)}, in("digest-mismatch", "ignore"),
			"the storage's answer is no archive and has no file name, and its digest differs: 3 B of text/html",
		},
		"the same, not relaxed": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), Digest: "sha256:" + strings.Repeat("0", 64)}, in("skip-decompress", "true"),
			"and its digest differs",
		},
		"the same, in a dry run": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), Digest: "sha256:" + strings.Repeat("0", 64)}, in("dry-run", "true", "files", "**"),
			"and its digest differs",
		},
		"the same, kept in a dry run": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), NoDigest: true}, in("dry-run", "true", "skip-decompress", "true"),
			"the server has no digest to compare it with",
		},
		"a page, expected": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), NoDigest: true}, in("expect-digest", hexOf(text("<p>"))), "a=<p>",
		},
		"a page, not expected": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), NoDigest: true}, in("expect-digest", hexOf(text("<b>"))),
			"the storage's answer is no archive and has no file name, and its digest differs: 3 B",
		},
		"a page, not wanted, not expected": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), NoDigest: true}, in("expect-digest", hexOf(text("<b>")), "files", "x"),
			"the storage's answer is no archive and has no file name",
		},
		"a digest of another kind": {
			githubsim.Artifact{ContentType: "text/html", Blob: text("<p>"), Digest: "md5:0"}, in(), "and its digest is of an unknown algorithm",
		},
		"kept, sound":   {githubsim.Artifact{Blob: files("x", "y"), NoDigest: true}, in("skip-decompress", "true"), "a.zip=PK"},
		"kept, damaged": {githubsim.Artifact{Blob: damaged(files("a.txt", "a1", "d/b.txt", "b1")), NoDigest: true}, in("skip-decompress", "true"), `refused: entry "a.txt"`},
		"kept, no zip":  {githubsim.Artifact{Blob: text("<html>"), NoDigest: true}, in("skip-decompress", "true"), "No digest proves that the archive was uploaded like this"},
		"kept, proved":  {githubsim.Artifact{Blob: damaged(files("a.txt", "a1", "d/b.txt", "b1"))}, in("skip-decompress", "true"), "a.zip=PK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.a.Name, tt.in["INPUT_RUN-ID"], tt.in["INPUT_NAME"] = "a", "1", "a"
			got := runWorld(t, tt.a).step(t.Context(), t, tt.in)
			if got.list() != tt.want && (got.code == 0 || !strings.Contains(got.log, tt.want) || got.list() != "") {
				t.Errorf("code %d, files %q\n%s", got.code, got.list(), got.log)
			}
		})
	}
}
