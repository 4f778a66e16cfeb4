package app

import (
	"bytes"
	"compress/gzip"
	"crypto/md5" //nolint:gosec // the storage has no other digest
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

// noise returns bytes that are neither text nor the beginning of an archive.
func noise(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// A storage without ranges begins again with each answer, which may be shorter than what
// had arrived of the one before. An ETag or a digest says which of the two is right;
// without both, nothing does.
func TestShorterSecondAnswer(t *testing.T) {
	t.Parallel()
	first := noise(3 << 20)
	for name, tt := range map[string]struct {
		etag   string
		digest bool
		says   string // "" is success
	}{
		"the same blob":             {says: "the blob changed while it was fetched: its size was 3145728 and is now"},
		"another blob":              {etag: `"another"`},
		"the same, and a digest":    {digest: true, says: "its SHA-256 is"},
		"another one, and a digest": {etag: `"another"`, digest: true, says: "its SHA-256 is"},
	} {
		for _, cut := range []int64{1, 256 << 10, 256<<10 + 1, 2 << 20} {
			for _, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 700 << 10} {
				t.Run(fmt.Sprintf("%s, %d then %d", name, cut, size), func(t *testing.T) {
					t.Parallel()
					a := githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(first), ContentType: "text/plain", ContentDisposition: `attachment; filename="a.txt"`, NoDigest: !tt.digest}
					w := runWorld(t, a)
					second := first[len(first)-size:]
					header := http.Header{}
					if tt.etag != "" {
						header.Set("ETag", tt.etag)
					}
					w.Fault(githubsim.Fault{Host: githubsim.Storage, IgnoreRange: true, Cut: cut})
					w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, IgnoreRange: true, Blob: githubsim.Bytes(second), Header: header})
					got := w.step(t.Context(), t, in("run-id", "1"))
					if tt.says != "" {
						if got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.says) {
							t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.says, got.log)
						}
						return
					}
					if whole := got.files["a/a.txt"] == string(second); got.code != 0 || !whole {
						t.Errorf("code %d, the second answer is there: %v\n%s", got.code, whole, got.log)
					}
				})
			}
		}
	}
}

// Proxies and groups of servers change ETags. What arrives in one answer needs none.
func TestETagsThatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	other := http.Header{"Etag": {`"other"`}}
	for name, fault := range map[string]githubsim.Fault{
		"its own is refused":      {Times: -1, Header: other},
		"every second is another": {Times: -1, Every: 2, Header: other},
		"every third is another":  {Times: -1, Every: 3, Skip: 1, Header: other},
	} {
		for how, in := range map[string]map[string]string{"all": in("run-id", "1"), "some files": in("run-id", "1", "files", "**/f1*"), "kept": in("run-id", "1", "skip-decompress", "true")} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				w := runWorld(t, githubsim.Artifact{Name: "a", Blob: bigZip()})
				f := fault // the other ways of fetching, which run beside this one, have it too
				f.Host = githubsim.Storage
				w.Fault(f)
				if got := w.step(t.Context(), t, in); got.code != 0 || len(got.files) == 0 {
					t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
				}
			})
		}
	}
}

// A listing that would take all of a large artifact to do without ETags says that they differ.
func TestListingDespiteETags(t *testing.T) {
	t.Parallel()
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: githubsim.BigZip(24<<10, 1<<10, 1)})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Every: 2, Header: http.Header{"Etag": {`"other"`}}})
	if code, stdout, stderr := w.command(t, nil, "ls", "-R", "octo/app", "1"); code != 1 || stdout != "" || !strings.Contains(stderr, "error: artifact \"a\" (1) of octo/app: the blob changed while it was fetched") {
		t.Errorf("ls: code %d, %d bytes\n%s", code, len(stdout), stderr)
	}
}

// A failed download is never blamed on the archive or its maker.
func TestBlameTheDownload(t *testing.T) {
	t.Parallel()
	head := "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-%d/%d\r\nContent-Type: application/zip\r\nETag: \"0x1EEF\"\r\n"
	big, small := bigZip(), files("a.txt", strings.Repeat("a", 5000), "b.txt", "b")
	of := func(b githubsim.Blob, n int64, rest string) string {
		body := make([]byte, n)
		_, _ = b.ReadAt(body, 0)
		return fmt.Sprintf(head, min(4<<20, b.Size())-1, b.Size()) + rest + string(body)
	}
	for name, tt := range map[string]githubsim.Fault{
		"dropped":                       {Drop: true},
		"cut at nothing":                {Cut: 1},
		"cut in a header":               {Cut: 20},
		"cut in the data":               {Cut: 45},
		"the rest is dropped":           {Skip: 1, Drop: true},
		"the rest is cut":               {Skip: 1, Cut: 10},
		"busy":                          {Status: 503},
		"the rest is busy":              {Skip: 1, Status: 503},
		"the rest is refused":           {Skip: 1, Status: 403},
		"a bad request":                 {Skip: 1, Status: 400},
		"a length, and a clean end":     {Raw: of(small, 50, "Content-Length: 186\r\n\r\n")},
		"chunks that end early":         {Raw: of(small, 0, "Transfer-Encoding: chunked\r\n\r\n2\r\nPK\r\n0\r\n\r\n")},
		"chunks that break off":         {Raw: of(small, 0, "Transfer-Encoding: chunked\r\n\r\n2\r\nP")},
		"a chunk's length is no number": {Raw: of(small, 0, "Transfer-Encoding: chunked\r\n\r\n2\r\nPK\r\nxyz\r\n")},
		"no answer in the rest":         {Skip: 1, Raw: "HTTP/1.1 206 Partial Content\r\nContent-Le"},
		"a broken 1xx":                  {Skip: 1, Raw: "HTTP/1.1 103 Early Hints\r\nLink"},
	} {
		for which, blob := range map[string]githubsim.Blob{"big": big, "small": small} {
			if which == "small" && tt.Skip > 0 {
				continue // it comes with the first answer
			}
			for _, dry := range []string{"false", "true"} {
				t.Run(name+", "+which+", dry run: "+dry, func(t *testing.T) {
					t.Parallel()
					w := runWorld(t, githubsim.Artifact{Name: "a", Blob: blob})
					f := tt
					f.Host, f.Times = githubsim.Storage, -1
					w.Fault(f)
					env := in("run-id", "1", "dry-run", dry)
					if dry == "true" {
						env["INPUT_FILES"] = "**"
					}
					got := w.step(t.Context(), t, env)
					says := got.outputs["error-message"]
					if got.code != 1 || len(got.files) > 0 || says == "" {
						t.Errorf("code %d, %d files\n%.2000s", got.code, len(got.files), got.log)
					}
					for _, wrong := range []string{"refused: ", "sound", "who made it", "ends too early", "goroutine"} {
						if strings.Contains(says, wrong) {
							t.Errorf("the message is %q", says)
						}
					}
				})
			}
		}
	}
}

// A body that ends with its connection counts as whole if that can be shown.
func TestBodyEndsByClosing(t *testing.T) {
	t.Parallel()
	zip, text := string(contentOf(files("a.txt", strings.Repeat("a", 5000)))), string(noise(5000))
	sum := func(s string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))) }
	const unsure = "the storage does not say how long the blob is"
	for name, tt := range map[string]struct {
		body, digest string
		headers      string
		in           map[string]string
		says         string // "" is success
	}{
		"an archive":                     {body: zip},
		"an archive, and its digest":     {body: zip, digest: sum(zip)},
		"an archive, kept":               {body: zip, in: in("skip-decompress", "true"), says: unsure},
		"kept, and its digest":           {body: zip, digest: sum(zip), in: in("skip-decompress", "true")},
		"kept, and as expected":          {body: zip, in: in("skip-decompress", "true", "expect-digest", sum(zip))},
		"a file, and as expected":        {body: text, headers: "Content-Disposition: attachment; filename=x.txt\r\n", in: in("expect-digest", sum(text))},
		"a file without a name, too":     {body: text, in: in("expect-digest", sum(text))},
		"a file, not as expected":        {body: text[1:], headers: "Content-Disposition: attachment; filename=x.txt\r\n", in: in("expect-digest", sum(text)), says: unsure},
		"an archive, not as expected":    {body: zip, in: in("expect-digest", sum(text)), says: "not the SHA-256 expected"},
		"an archive with another digest": {body: zip, digest: sum(text), says: "its SHA-256 is"},
		"a part of it, as expected":      {body: zip, in: in("files", "*", "expect-digest", sum(zip))},
		"an archive that was cut":        {body: zip[:len(zip)-3], says: unsure},
		"cut, and its digest":            {body: zip[:len(zip)-3], digest: sum(zip), says: unsure},
		"cut, kept, and its digest":      {body: zip[:len(zip)-3], digest: sum(zip), in: in("skip-decompress", "true"), says: unsure},
		"cut, kept, and it may differ":   {body: zip[:len(zip)-3], digest: sum(zip), in: in("skip-decompress", "true", "digest-mismatch", "ignore"), says: unsure},
		"a file":                         {body: text, headers: "Content-Disposition: attachment; filename=x.txt\r\n", says: unsure},
		"a file, and its digest":         {body: text, headers: "Content-Disposition: attachment; filename=x.txt\r\n", digest: sum(text)},
		"a file, and its MD5":            {body: text, headers: "Content-Disposition: attachment; filename=x.txt\r\nContent-MD5: " + md5Of(text) + "\r\n"},
		"a file, and the digest differs": {body: text[1:], headers: "Content-Disposition: attachment; filename=x.txt\r\n", digest: sum(text), says: unsure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, githubsim.Artifact{Name: "a", Blob: githubsim.Bytes([]byte(tt.body)), Digest: tt.digest, NoDigest: tt.digest == ""})
			mediaType := "application/zip"
			if tt.body[:2] != "PK" {
				mediaType = "text/plain"
			}
			w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Raw: "HTTP/1.0 200 OK\r\nContent-Type: " + mediaType + "\r\n" + tt.headers + "\r\n" + tt.body})
			env := in("run-id", "1")
			maps.Copy(env, tt.in)
			if tt.says == "" || tt.says == unsure { // the others need a digest that a dry run does not compute
				dry := maps.Clone(env)
				dry["INPUT_DRY-RUN"] = "true"
				if tt.in["INPUT_SKIP-DECOMPRESS"] == "" {
					dry["INPUT_FILES"] = "**"
				}
				if got := w.step(t.Context(), t, dry); (got.code == 0) != (tt.says == "") || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.says) {
					t.Errorf("dry run: code %d, want the message %q\n%s", got.code, tt.says, got.log)
				}
			}
			got := w.step(t.Context(), t, env)
			if tt.says == "" && (got.code != 0 || len(got.files) != 1) || tt.says != "" && (got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.says)) {
				t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.says, got.log)
			}
		})
	}
}

// Where GitHub gives no digest, the storage's MD5 is compared.
func TestStoragesMD5(t *testing.T) {
	t.Parallel()
	zip := contentOf(files("a.txt", "a"))
	for name, tt := range map[string]struct {
		md5     string
		digest  bool
		corrupt int64
		code    int
	}{
		"right":                 {md5: md5Of(string(zip))},
		"wrong":                 {md5: md5Of("x"), code: 1},
		"damaged":               {md5: md5Of(string(zip)), corrupt: 35, code: 1},
		"no archive any more":   {md5: md5Of(string(zip)), corrupt: int64(len(zip) - 20), code: 1},
		"there is a better one": {md5: md5Of("x"), digest: true},
	} {
		for _, keep := range []string{"false", "true"} {
			t.Run(name+", skip-decompress: "+keep, func(t *testing.T) {
				t.Parallel()
				w := runWorld(t, githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(zip), NoDigest: !tt.digest})
				w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Header: http.Header{"X-Ms-Blob-Content-Md5": {tt.md5}}, Corrupt: tt.corrupt})
				got := w.step(t.Context(), t, in("run-id", "1", "skip-decompress", keep))
				if got.code != tt.code || tt.code != 0 && (len(got.files) > 0 || !strings.Contains(got.log, "the storage says that the blob's MD5 is") || tt.code != 0 && !strings.Contains(got.log, "not those that were stored")) {
					t.Errorf("code %d, %d files\n%s", got.code, len(got.files), got.log)
				}
			})
		}
	}
}

func contentOf(b githubsim.Blob) []byte {
	p := make([]byte, b.Size())
	_, _ = b.ReadAt(p, 0) // those in memory do not fail
	return p
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A proxy may encode what it passes on, or say that it does. Bytes that are not as they were
// stored are no artifact.
func TestEncodedAnswers(t *testing.T) {
	t.Parallel()
	packed := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
		return out.Bytes()
	}
	text, zip := noise(5<<20), contentOf(files("a.txt", "a"))
	const says = `sent it encoded as "gzip", which was not asked for`
	for name, tt := range map[string]struct {
		stored, sent []byte
		says         string // "" is success
	}{
		"a file":                        {text, packed(text), says},
		"a file, encoded as it was put": {packed(text), packed(text), ""},
		"an archive":                    {zip, packed(zip), says},
		"an archive that is not":        {zip, zip, ""},
	} {
		for _, digest := range []bool{true, false} {
			for how, in := range map[string]map[string]string{
				"extracted":        in("run-id", "1"),
				"kept":             in("run-id", "1", "skip-decompress", "true"),
				"listed":           in("run-id", "1", "files", "*", "dry-run", "true"),
				"listed, and kept": in("run-id", "1", "skip-decompress", "true", "dry-run", "true"),
			} {
				t.Run(fmt.Sprintf("%s, digest %v, %s", name, digest, how), func(t *testing.T) {
					t.Parallel()
					says := tt.says
					a := githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(tt.stored), NoDigest: !digest}
					if strings.HasPrefix(name, "a file") {
						a.ContentType, a.ContentDisposition = "text/plain", `attachment; filename="a.txt"`
					}
					if !digest && (a.ContentType != "" || strings.HasSuffix(how, "kept")) {
						says = `sent it encoded as "gzip"` // nothing proves the bytes
					}
					w := runWorld(t, a)
					w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Blob: githubsim.Bytes(tt.sent), Header: http.Header{"Content-Encoding": {"gzip"}}})
					got := w.step(t.Context(), t, in)
					if (got.code == 0) != (says == "") || len(got.files) == 1 != (says == "" && !strings.HasPrefix(how, "listed")) || !strings.Contains(got.outputs["error-message"], says) {
						t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), says, got.log)
					}
					for _, r := range w.Log() {
						if r.Host == githubsim.Storage && r.Header.Get("Accept-Encoding") != "identity" {
							t.Errorf("the storage was asked for the encoding %q", r.Header.Get("Accept-Encoding"))
						}
					}
				})
			}
		}
	}
	w := runWorld(t, githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(text), NoDigest: true, ContentType: "text/plain", ContentDisposition: `attachment; filename="a.txt"`})
	w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: -1, Blob: githubsim.Bytes(packed(text)), Header: http.Header{"Content-Encoding": {"gzip"}}})
	if code, stdout, stderr := w.command(t, nil, "cat", "a.txt", "-R", "octo/app", "1"); code != 1 || stdout != "" || !strings.Contains(stderr, says) {
		t.Errorf("cat: code %d, %d bytes\n%s", code, len(stdout), stderr)
	}
}

// A surplus may be a slip of the storage; the same again is an error.
func TestSurplus(t *testing.T) {
	t.Parallel()
	zip := contentOf(files("a.txt", "a"))
	surplus := fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nContent-Type: application/zip\r\nContent-Range: bytes 0-%d/%d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%sx\r\n0\r\n\r\n",
		len(zip)-1, len(zip), len(zip)+1, zip)
	for times, says := range map[int]string{1: "", 2: "", -1: "the storage sent more than the"} {
		w := runWorld(t, githubsim.Artifact{Name: "a", Blob: githubsim.Bytes(zip)})
		w.Fault(githubsim.Fault{Host: githubsim.Storage, Times: times, Raw: surplus})
		got := w.step(t.Context(), t, in("run-id", "1"))
		if ok := got.code == 0 && len(got.files) == 1; ok != (says == "") || !strings.Contains(got.log, "starting over") || !strings.Contains(got.outputs["error-message"], says) {
			t.Errorf("%d times: code %d, %d files\n%s", times, got.code, len(got.files), got.log)
		}
	}
}

// immense is a blob of the largest size there is.
type immense struct{}

func (immense) Size() int64                           { return math.MaxInt64 }
func (immense) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

// Sizes from the API or the storage are added up before any byte arrives.
func TestImmenseSizes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   map[string]string
		says string
	}{
		"extracted":    {in("run-id", "1"), "needs 8.0 EiB or more"},
		"kept":         {in("run-id", "1", "skip-decompress", "true"), "needs 8.0 EiB or more"},
		"a part":       {in("run-id", "1", "files", "*"), "more than any blob can have"},
		"in a dry run": {in("run-id", "1", "files", "*", "dry-run", "true"), "would take a download of all 8.0 EiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWorld(t, githubsim.Artifact{Name: "a", Blob: immense{}, NoDigest: true}, githubsim.Artifact{Name: "b", Blob: immense{}, NoDigest: true})
			got := w.step(t.Context(), t, tt.in)
			if got.code != 1 || len(got.files) > 0 || !strings.Contains(got.outputs["error-message"], tt.says) {
				t.Errorf("code %d, %d files, want the message %q\n%s", got.code, len(got.files), tt.says, got.log)
			}
		})
	}
}
