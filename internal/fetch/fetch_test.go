package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const blobSize = 3<<20 + 12345

func randomBlob(seed uint64) []byte {
	b := make([]byte, blobSize)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = r.Read(b)
	return b
}

// storage answers the n-th request with the n-th of its steps, and then
// with whole.
type storage struct {
	t     *testing.T
	blob  []byte
	etag  string
	steps []step
	n     atomic.Int32
	// log has a line a request: method, Range, If-Match.
	log []string
}

type step func(s *storage, w http.ResponseWriter, r *http.Request)

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.t.Error("the storage was sent credentials")
	}
	n := int(s.n.Add(1)) - 1
	s.log = append(s.log, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Match")))
	if n < len(s.steps) {
		s.steps[n](s, w, r)
		return
	}
	whole(s, w, r)
}

// whole answers as a storage should.
func whole(s *storage, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", s.etag)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="x.zip"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.blob))
}

// cut ends the connection after n bytes of the body.
func cut(n int) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		whole(s, &cutter{ResponseWriter: w, left: n}, r)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, _ := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func status(code int, body string) step {
	return func(_ *storage, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// stall sends n bytes and then nothing until the client goes away.
func stall(n int) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", s.etag)
		w.Header().Set("Content-Length", strconv.Itoa(len(s.blob)))
		_, _ = w.Write(s.blob[:n])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// noRange ignores Range, as some proxies do.
func noRange(s *storage, w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Range")
	r.Header.Del("If-Match")
	whole(s, w, r)
}

// chunked does not tell the length.
func chunked(s *storage, w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write(s.blob[:100])
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write(s.blob[100:])
}

// replaced serves another blob from now on.
func replaced(size int) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		s.blob, s.etag = randomBlob(9)[:size], fmt.Sprintf(`"new-%d"`, s.n.Load())
		whole(s, w, r)
	}
}

func contentRange(header string) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", header)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(s.blob[:10])
	}
}

func TestToFile(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	tests := map[string]struct {
		steps []step
		etag  string
		want  string   // part of the error; empty for success
		log   []string // the requests, when they matter
	}{
		"whole":                     {nil, `"e"`, "", []string{""}},
		"cut once":                  {[]step{cut(2 * mib)}, `"e"`, "", []string{"", `bytes=2097152- "e"`}},
		"cut, weak etag":            {[]step{cut(2 * mib)}, `W/"e"`, "", []string{"", `bytes=2097152-`}},
		"cut, no etag":              {[]step{cut(2 * mib)}, "", "", []string{"", `bytes=2097152-`}},
		"cut at every MiB":          {[]step{cut(mib), cut(mib), cut(mib)}, `"e"`, "", nil},
		"cut before the last byte":  {[]step{cut(blobSize - 1)}, `"e"`, "", []string{"", fmt.Sprintf(`bytes=%d- "e"`, blobSize-1)}},
		"cut at nothing, for ever":  {[]step{cut(0), cut(0), cut(0), cut(0)}, `"e"`, "after 3 tries at byte 0", nil},
		"cut at little, for ever":   {[]step{cut(9), cut(9), cut(9), cut(9)}, `"e"`, "after 3 tries at byte 27: the connection broke off after 27 of 3158073 bytes", nil},
		"progress renews the tries": {[]step{cut(9), cut(9), cut(mib), cut(9)}, `"e"`, "", nil},
		"stalls":                    {[]step{stall(mib)}, `"e"`, "", []string{"", `bytes=1048576- "e"`}},
		"stalls for ever":           {[]step{stall(0), stall(0), stall(0)}, `"e"`, "no byte arrived for 50ms", nil},
		"expired URL":               {[]step{status(403, "<Error><Code>AuthenticationFailed</Code></Error>")}, `"e"`, "", nil},
		"expired for ever":          {slices.Repeat([]step{status(403, "<Error><Code>AuthenticationFailed</Code></Error>")}, 3), `"e"`, `after 3 tries at byte 0: the storage answered 403 Forbidden ("AuthenticationFailed") to`, nil},
		"expired midway":            {[]step{cut(2 * mib), status(403, "")}, `"e"`, "", []string{"", `bytes=2097152- "e"`, `bytes=2097152- "e"`}},
		"busy":                      {[]step{status(503, "x"), status(429, ""), status(200, "")}, `"e"`, "", nil},
		"a bad request is final":    {[]step{status(400, "<Error><Code>InvalidAuthenticationInfo</Code></Error>")}, `"e"`, `400 Bad Request ("InvalidAuthenticationInfo")`, []string{""}},
		"no ranges":                 {[]step{cut(2 * mib), noRange}, `"e"`, "", nil},
		"chunked":                   {[]step{chunked}, "", "", nil},
		"replaced midway":           {[]step{cut(mib), replaced(mib)}, `"e"`, "", []string{"", `bytes=1048576- "e"`, ""}},
		"replaced, no etag":         {[]step{cut(mib), replaced(2 * mib)}, "", "", []string{"", `bytes=1048576-`, ""}},
		"replaced again and again":  {[]step{cut(mib), replaced(3 * mib), cut(mib), replaced(2 * mib), cut(mib), replaced(3 * mib)}, `"e"`, "the blob changed while it was fetched", nil},
		"another part":              {[]step{cut(mib), contentRange("bytes 0-9/3158073")}, `"e"`, "", nil},
		"no Content-Range":          {[]step{cut(mib), contentRange(""), contentRange("")}, `"e"`, `Content-Range ""`, nil},
		"another total":             {[]step{cut(mib), contentRange("bytes 1048576-1048585/1048586")}, `"e"`, "", nil},
		"a middle part only":        {[]step{cut(mib), contentRange("bytes 1048576-1048585/3158073")}, `"e"`, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &storage{t: t, blob: randomBlob(1), etag: tt.etag, steps: tt.steps}
			if name == "busy" {
				s.steps[2] = whole
			}
			srv := httptest.NewServer(s)
			defer srv.Close()
			f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			var counted int64
			o := Options{
				Client: srv.Client(), IdleTimeout: 50 * time.Millisecond,
				Policy:   httpx.Policy{MaxTries: 3, Sleep: func(context.Context, time.Duration) error { return nil }},
				Progress: func(n int64) { counted += n },
			}
			if !strings.Contains(name, "stall") {
				o.IdleTimeout = time.Minute
			}
			blob, err := ToFile(t.Context(), o, at(srv.URL+"/blob?sig=SECRET"), f)
			if tt.log != nil && !slices.Equal(s.log, tt.log) {
				t.Errorf("requests %q, want %q", s.log, tt.log)
			}
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(f.Name())
			if err != nil || !bytes.Equal(got, s.blob) {
				t.Fatalf("the file differs from the blob: %d and %d bytes, %v", len(got), len(s.blob), err)
			}
			if blob.SHA256 != sha256.Sum256(s.blob) || blob.Size != int64(len(s.blob)) || counted != blob.Size || blob.Requests != len(s.log) {
				t.Errorf("size %d, counted %d, %d requests of %d, or the digest is wrong", blob.Size, counted, blob.Requests, len(s.log))
			}
		})
	}
}

func at(rawURL string) Locate {
	return func(context.Context) (*url.URL, error) { return url.Parse(rawURL) }
}

func TestToFileAsksForAFreshURL(t *testing.T) {
	t.Parallel()
	s := &storage{t: t, blob: randomBlob(1), etag: `"e"`, steps: []step{status(403, "")}}
	srv := httptest.NewServer(s)
	defer srv.Close()
	var waited []time.Duration
	o := Options{Client: srv.Client(), Policy: httpx.Policy{Sleep: func(_ context.Context, d time.Duration) error { waited = append(waited, d); return nil }}}
	asked := 0
	_, err := ToFile(t.Context(), o, func(context.Context) (*url.URL, error) {
		asked++
		return url.Parse(fmt.Sprintf("%s/%d", srv.URL, asked))
	}, discard{})
	if err != nil || asked != 2 {
		t.Errorf("asked %d times, %v; want 2", asked, err)
	}
	if len(waited) != 1 || waited[0] < 7*time.Second {
		t.Errorf("waited %v, want the 7 s of Retry-After", waited)
	}
	gone := errors.New("gone")
	if _, err := ToFile(t.Context(), o, func(context.Context) (*url.URL, error) { return nil, gone }, discard{}); !errors.Is(err, gone) {
		t.Errorf("an error of Locate became %v", err)
	}
}

// discard is a Target that keeps nothing.
type discard struct{ err error }

func (d discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), d.err }
func (d discard) Truncate(int64) error                   { return nil }

func TestToFileDiskFull(t *testing.T) {
	t.Parallel()
	s := &storage{t: t, blob: randomBlob(1)}
	srv := httptest.NewServer(s)
	defer srv.Close()
	_, err := ToFile(t.Context(), Options{Client: srv.Client()}, at(srv.URL), discard{syscall.ENOSPC})
	if !errors.Is(err, syscall.ENOSPC) || s.n.Load() != 1 {
		t.Errorf("%d requests, %v; want the disk's error at once", s.n.Load(), err)
	}
}

func TestToFileCancelled(t *testing.T) {
	t.Parallel()
	s := &storage{t: t, blob: randomBlob(1), steps: []step{stall(100)}}
	srv := httptest.NewServer(s)
	defer srv.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the job was cancelled")
	_, err := ToFile(ctx, Options{Client: srv.Client(), Progress: func(int64) { cancel(cause) }}, at(srv.URL), discard{})
	if !errors.Is(err, cause) || s.n.Load() != 1 {
		t.Errorf("%d requests, %v; want the cause at once", s.n.Load(), err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	req := func(u string) *http.Request {
		return httptest.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
	}
	next := req("https://b/")
	next.Header.Set("Authorization", "x")
	if err := checkRedirect(next, []*http.Request{req("https://a/")}); err != nil || next.Header.Get("Authorization") != "" {
		t.Errorf("https to https: %v, %v", err, next.Header)
	}
	if err := checkRedirect(req("http://b/"), []*http.Request{req("https://a/")}); err == nil {
		t.Error("https to http was followed")
	}
	if err := checkRedirect(req("https://b/"), slices.Repeat([]*http.Request{req("https://a/")}, 6)); err == nil {
		t.Error("six redirects were followed")
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`attachment; filename="a b.txt"`:                              "a b.txt",
		`attachment; filename=plain.bin`:                              "plain.bin",
		`attachment; filename="x"; filename*=UTF-8''na%C3%AFve.txt`:   "naïve.txt",
		`attachment; filename*=utf-8''a.txt; filename="b.txt"`:        "a.txt",
		`attachment; filename="../../etc/passwd"`:                     "passwd",
		`attachment; filename="..\\..\\boot.ini"`:                     "boot.ini",
		`attachment; filename*=UTF-8''..%2F..%2Fx`:                    "x",
		`attachment; filename=".."`:                                   "",
		`attachment; filename="dir/"`:                                 "",
		`attachment; filename*=UTF-8''a%0Ab`:                          "",
		`attachment; filename*=UTF-8''a%00b`:                          "",
		`attachment`:                                                  "",
		``:                                                            "",
		`;;;`:                                                         "",
		`inline; filename=".hidden"`:                                  ".hidden",
		`attachment; filename="dist.zip"; filename*=UTF-8''dist.zip;`: "dist.zip",
	}
	for in, want := range tests {
		if got := FileName(in); got != want {
			t.Errorf("FileName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParseContentRange(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"bytes 0-9/10": "0 9 10", "bytes 5-9/*": "5 9 -1", "bytes 9223372036854775806-9223372036854775806/9223372036854775807": "9223372036854775806 9223372036854775806 9223372036854775807",
		"bytes 0-9/9": "", "bytes 9-0/10": "", "bytes */10": "", "bytes -1-9/10": "", "bytes 0-9": "", "items 0-9/10": "",
		"bytes +0-9/10": "", "bytes 0-99999999999999999999/*": "", "": "", "bytes 0-9/10 ": "",
	}
	for in, want := range tests {
		first, last, total, ok := parseContentRange(in)
		got := fmt.Sprint(first, last, total)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add(`attachment; filename="../a"; filename*=UTF-8''%2e%2e`)
	f.Fuzz(func(t *testing.T, header string) {
		name := FileName(header)
		if strings.ContainsAny(name, "/\\\x00\n\r") || name == "." || name == ".." {
			t.Errorf("%q gave %q", header, name)
		}
	})
}

func BenchmarkToFile(b *testing.B) {
	blob := bytes.Repeat(randomBlob(1), 20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
	}))
	defer srv.Close()
	f, err := os.Create(filepath.Join(b.TempDir(), "spool"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b.SetBytes(int64(len(blob)))
	for b.Loop() {
		if _, err := ToFile(b.Context(), Options{Client: srv.Client()}, at(srv.URL), f); err != nil {
			b.Fatal(err)
		}
	}
}
