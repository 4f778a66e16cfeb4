package app

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// bigZip has 200 files of 60,000 bytes: more than the first request of a download asks for.
var (
	bigZip    = sync.OnceValue(func() githubsim.Blob { return githubsim.BigZip(200, 60_000, 1) })
	bigDigest = sync.OnceValue(func() string { return "sha256:" + hexOf(bigZip()) })
	// damagedZip is bigZip with one wrong bit in "d7/f107.bin".
	damagedZip = sync.OnceValue(func() githubsim.Blob {
		b, err := io.ReadAll(io.NewSectionReader(bigZip(), 0, bigZip().Size()))
		if err != nil {
			panic(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			panic(err)
		}
		for _, f := range r.File {
			if f.Name != "d7/f107.bin" {
				continue
			}
			at, err := f.DataOffset()
			if err != nil {
				panic(err)
			}
			b[at+5000] ^= 1
		}
		return githubsim.Bytes(b)
	})
)

// fileWorld has, in run 1, artifacts that are large or hold tars.
func fileWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Sim: githubsim.New(githubsim.Options{})}
	t.Cleanup(w.Close)
	w.app = w.AddRepo("octo/app")
	w.AddToken("ghs_owner", "octo/app", githubsim.Read)
	run := w.app.AddRun(githubsim.Run{ID: 1, Workflow: w.app.AddWorkflow("CI", ".github/workflows/ci.yml")})
	run.AddArtifact(githubsim.Artifact{ID: 1, Name: "big", Blob: bigZip(), Digest: bigDigest()})
	run.AddArtifact(githubsim.Artifact{ID: 2, Name: "small", Blob: files("a.txt", "a", "d/b.so", "b", "d/c.txt", "c")})
	run.AddArtifact(githubsim.Artifact{ID: 3, Name: "tars", Blob: files("x.tar", tarball(t, "bin/run", "doc"), "d/y.tar", "kept", "z", "z")})
	run.AddArtifact(githubsim.Artifact{ID: 4, Name: "bad", Blob: files("x.tar", tarball(t, "../evil"))})
	run.AddArtifact(githubsim.Artifact{ID: 5, Name: "raw.tar", Blob: githubsim.Bytes([]byte(tarball(t, "in"))), ContentType: "application/x-tar"})
	run.AddArtifact(githubsim.Artifact{ID: 6, Name: "raw", Blob: githubsim.Bytes(bytes.Repeat([]byte("0123456789"), 100_000)), ContentType: "text/plain"})
	run.AddArtifact(githubsim.Artifact{ID: 7, Name: "signed", Blob: files("x.TAR.GZ", tarball(t, "in"), "x.tar.gz.sha256", "0123  x.tar.gz\n", "data.json.gz", "\x1f\x8b\x08")})
	run.AddArtifact(githubsim.Artifact{ID: 8, Name: "raw.tar.lz4", Blob: githubsim.Bytes([]byte("\x04\x22\x4d\x18")), ContentType: "application/octet-stream", ContentDisposition: `attachment; filename="raw.tar.lz4"`})
	run.AddArtifact(githubsim.Artifact{ID: 10, Name: "damaged", Blob: damagedZip(), Digest: bigDigest()})
	run.AddArtifact(githubsim.Artifact{ID: 9, Name: "routes", Blob: files("app/[id]/page.js", "x")})
	return w
}

func tarball(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, n := range names {
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o755, Size: int64(len(n)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fetched returns how many ranges the storage was asked for, and the bytes of its answers. A
// busy machine makes answers late, and what is missing of such a range, up to its end, is
// requested again; that does not count.
func fetched(w *githubsim.Sim) (ranges int, bytes int64) {
	answers := map[string]int64{}
	for _, r := range w.Log() {
		if r.Host == githubsim.Storage {
			_, end, _ := strings.Cut(r.Header.Get("Range"), "-")
			what := r.Path + " " + end
			answers[what] = max(answers[what], r.Bytes)
		}
	}
	for _, n := range answers {
		bytes += n
	}
	return len(answers), bytes
}

func TestFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in    map[string]string
		fault githubsim.Fault
		want  string // files, or the message when it begins with "no "
		log   []string
		out   map[string]string
		bytes int64 // at most, from the storage
		calls int   // to the storage, exactly; 0: any
	}{
		"one of many": {in: in("name", "big", "files", "d7/f107.bin"), want: "d7/f107.bin", bytes: 64<<10 + 128<<10 + 50_000, calls: 3,
			out: map[string]string{"file-count": "1", "bytes": "60000"}, log: []string{"digest"}},
		"neighbours in one go":    {in: in("name", "big", "files", "d{1,2,3}/f10?.bin"), want: "d1/f101.bin d2/f102.bin d3/f103.bin", calls: 3},
		"far apart":               {in: in("name", "big", "files", "**/f{5,150}.bin"), want: "d5/f5.bin d50/f150.bin", calls: 4},
		"small ones come whole":   {in: in("name", "small", "files", "**/*.so"), want: "d/b.so", calls: 1},
		"exclusions":              {in: in("name", "small", "files", "!**/*.so"), want: "a.txt d/c.txt", calls: 1},
		"a directory by wildcard": {in: in("name", "small", "files", "?"), want: `no file of the artifact matches files: "?"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). Did you mean "?/"?`},
		"a name with brackets": {in: in("name", "routes", "files", "app/[id]/page.js"),
			want: `no file of the artifact matches files: "app/[id]/page.js"; artifact "routes" (9) holds 1 file: "app/" (1 file). Did you mean 'app/\[id\]/page.js'?`},
		"of several artifacts":   {in: in("name", "small\ntars", "files", "*"), want: "small/a.txt tars/x.tar tars/z", calls: 2},
		"nothing":                {in: in("name", "small", "files", "*.exe"), want: `no file of the artifact matches files: "*.exe"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). Globs are on whole paths`},
		"nothing, another place": {in: in("name", "small", "files", "*.so\nb.so\ndist/a.txt"), want: `no file of the artifact matches files: "*.so", "b.so", "dist/a.txt"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). Did you mean "**/*.so", "d/b.so", "a.txt"?`},
		"nothing, near":          {in: in("name", "small", "files", "d/b.sp\nD/**\na.TXT\nx"), want: `no file of the artifact matches files: "d/b.sp", "D/**", "a.TXT", "x"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). Did you mean "d/b.so", "d/**", "a.txt"?`},
		"nothing in several": {in: in("name", "small\ntars\nraw", "files", "x.tra"),
			want: `no file of the 3 artifacts matches files: "x.tra"; artifact "raw" (6) holds 1 file: "raw"; artifact "tars" (3) holds 3 files: "d/" (1 file), "x.tar", "z"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). Did you mean "x.tar"?`},
		"nothing is left":         {in: in("name", "small", "files", "*.txt\n!**"), want: `no file of the artifact matches files: "*.txt", "!**"; artifact "small" (2) holds 3 files: "a.txt", "d/" (2 files). The globs that begin with ! exclude all`},
		"nothing of many":         {in: in("name", "big", "files", "x"), want: `no file of the artifact matches files: "x"; artifact "big" (1) holds 200 files: "d0/" (2 files), "d1/" (2 files), "d10/" (2 files), `},
		"one of two globs":        {in: in("name", "small", "files", "*.txt\n*.exe\n!*.gz"), want: "a.txt", log: []string{`::warning::files: no file matches "*.exe"`}},
		"nothing, ignored":        {in: in("name", "small", "files", "*.exe", "if-no-artifact-found", "ignore"), want: "", out: map[string]string{"found": "false"}},
		"all the same":            {in: in("name", "small", "files", "**"), want: "a.txt d/b.so d/c.txt", calls: 1},
		"dry run":                 {in: in("name", "big", "files", "d7/*", "dry-run", "true"), want: "", calls: 2, bytes: 200 << 10, log: []string{"2 files, 117 KiB", "d7/f107.bin, 59 KiB"}, out: map[string]string{"found": "true", "file-count": "2"}},
		"dry run, nothing":        {in: in("name", "big", "files", "nope", "dry-run", "true"), want: "", log: []string{"no file matches files", `artifact "big" (1) holds 200 files: "d0/" (2 files)`, "(2 files), …. Globs"}, out: map[string]string{"found": "false"}},
		"a damaged part":          {in: in("name", "damaged", "files", "d7/f107.bin"), want: "no artifact \"damaged\" (10) of octo/app: refused: entry \"d7/f107.bin\""},
		"a storage without range": {in: in("name", "big", "files", "d7/f107.bin"), fault: githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true}, want: "d7/f107.bin", calls: 1},

		"a raw file":             {in: in("name", "raw.tar", "files", "*.tar"), want: "raw.tar"},
		"a large raw file":       {in: in("name", "raw", "files", "raw"), want: "raw", out: map[string]string{"bytes": "1000000"}},
		"a raw file, not wanted": {in: in("name", "raw\nsmall", "files", "*.txt"), want: "small/a.txt", bytes: 100 << 10},
		"a raw file, dry run":    {in: in("name", "raw", "files", "raw", "dry-run", "true"), want: "", log: []string{"raw, 977 KiB"}, calls: 1},

		"unpack":            {in: in("name", "tars", "unpack", "true"), want: "bin/run d/y.tar doc z", out: map[string]string{"file-count": "4"}},
		"unpack, but not":   {in: in("name", "tars"), want: "d/y.tar x.tar z"},
		"unpack a raw file": {in: in("name", "raw.tar", "unpack", "true"), want: "in"},
		"unpack, refused":   {in: in("name", "bad", "unpack", "true"), want: `no artifact "bad" (4) of octo/app: unpack "x.tar": refused: entry "../evil"`},
		"unpack what is one": {in: in("name", "signed", "unpack", "true"), want: "data.json.gz in x.tar.gz.sha256",
			log: []string{`::warning::artifact "signed": named as a tar, but not a tar, and left as it is: "x.tar.gz.sha256" (text)`}},
		"unpack an unknown compression": {in: in("name", "raw.tar.lz4", "unpack", "true"), want: "raw.tar.lz4",
			log: []string{`"raw.tar.lz4" (LZ4 data, which cannot be decompressed here)`}},
		"unpack some": {in: in("name", "tars", "unpack", "true", "files", "*.tar"), want: "bin/run doc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fileWorld(t)
			if tt.fault.Host != "" {
				w.Fault(tt.fault)
			}
			got := w.step(t.Context(), t, tt.in)
			if want, fails := strings.CutPrefix(tt.want, "no "); fails {
				if got.code != 1 || !strings.Contains(got.log, want) || len(got.files) > 0 {
					t.Errorf("code %d, %d files; want the message %q\n%s", got.code, len(got.files), want, got.log)
				}
				return
			}
			if files := strings.Join(slices.Sorted(maps.Keys(got.files)), " "); got.code != 0 || files != tt.want {
				t.Errorf("code %d, files %q, want %q\n%s", got.code, files, tt.want, got.log)
			}
			for _, s := range tt.log {
				if s == "digest" {
					if !strings.Contains(got.summary, "not checked, as only a part was fetched") || !strings.Contains(got.outputs["artifacts"], `"digest_verified":false`) {
						t.Errorf("the digest was not checked, and nothing says so:\n%s\n%s", got.summary, got.outputs["artifacts"])
					}
				} else if !strings.Contains(got.log, s) {
					t.Errorf("the log lacks %q\n%s", s, got.log)
				}
			}
			if raw, ok := got.files["raw"]; ok && raw != strings.Repeat("0123456789", 100_000) {
				t.Error("the raw file is not what was uploaded")
			}
			for k, v := range tt.out {
				if got.outputs[k] != v {
					t.Errorf("%s is %q, want %q", k, got.outputs[k], v)
				}
			}
			calls, bytes := fetched(w.Sim)
			if tt.bytes > 0 && bytes > tt.bytes || tt.calls > 0 && calls != tt.calls {
				t.Errorf("%d bytes in %d requests, want %d in %d", bytes, calls, tt.bytes, tt.calls)
			}
		})
	}
}

// A storage that changes its mind about ranges, or about the blob, midway
// makes a download start over, and nothing is counted twice.
func TestStartOver(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault githubsim.Fault
		says  string
		fails bool
	}{
		"no ranges any more": {githubsim.Fault{Host: githubsim.Storage, Skip: 2, Times: -1, IgnoreRange: true}, `starting over`, false},
		"changed once":       {githubsim.Fault{Host: githubsim.Storage, Skip: 2, Status: 412}, "the blob changed while it was fetched: the storage answered 412 Precondition Failed; starting over", false},
		"changed for ever":   {githubsim.Fault{Host: githubsim.Storage, Skip: 1, Times: -1, Status: 412}, "the blob changed while it was fetched", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fileWorld(t)
			w.Fault(tt.fault)
			got := w.step(t.Context(), t, in("name", "big", "max-files", "200", "max-size", "12000000"))
			if fails := got.code != 0; fails != tt.fails || !strings.Contains(got.log, tt.says) {
				t.Errorf("code %d, want the log to say %q\n%s", got.code, tt.says, got.log)
			}
			if want := map[bool]int{true: 0, false: 200}[tt.fails]; len(got.files) != want {
				t.Errorf("%d files, want %d", len(got.files), want)
			}
		})
	}
}

// Many artifacts, with each kind of trouble among them.
func TestManyArtifacts(t *testing.T) {
	t.Parallel()
	w := &world{Sim: githubsim.New(githubsim.Options{})}
	t.Cleanup(w.Close)
	w.app = w.AddRepo("octo/app")
	w.AddToken("ghs_owner", "octo/app", githubsim.Read)
	run := w.app.AddRun(githubsim.Run{ID: 1, Workflow: w.app.AddWorkflow("CI", ".github/workflows/ci.yml")})
	for i := range 150 {
		a := run.AddArtifact(githubsim.Artifact{Name: fmt.Sprintf("a%d", i), Blob: files("f", fmt.Sprint(i))})
		fault := githubsim.Fault{Host: githubsim.Storage, Path: fmt.Sprintf("/artifacts/%d/*", a.ID)}
		switch i % 10 {
		case 3:
			fault.Cut = 20
		case 5:
			fault.Expire = true
		case 7:
			fault.Drop = true
		default:
			continue
		}
		w.Fault(fault)
	}
	w.pause = func(context.Context, time.Duration) error { return nil }
	got := w.step(t.Context(), t, in("run-id", "1"))
	if got.code != 0 || len(got.files) != 150 || got.files["a77/f"] != "77" {
		t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
	}
	if n := w.Count(githubsim.Storage); n < 150+3*15 || n > 150+3*15+15 {
		t.Errorf("%d requests to the storage, want one for each artifact and each fault, and few for answers that a busy machine makes late", n)
	}
}
