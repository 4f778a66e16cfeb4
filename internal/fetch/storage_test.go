package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const blobSize = 3<<20 + 12345

// firstBlob is the blob that storages serve, and secondBlob the one that may replace it.
var firstBlob, secondBlob = randomBlob(1), randomBlob(2)

func randomBlob(seed byte) []byte {
	b := make([]byte, blobSize)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// storage answers the n-th request with the n-th of its steps, and then
// with whole.
type storage struct {
	t     *testing.T
	steps []step

	mu   sync.Mutex
	blob []byte
	etag string
	log  []string // a line a request: Range, If-Match
}

type step func(s *storage, w http.ResponseWriter, r *http.Request)

// newStorage serves a blob over HTTP/1.1 or HTTP/2, without TLS.
func newStorage(t *testing.T, http2 bool, etag string, steps ...step) (*storage, *httptest.Server) {
	t.Helper()
	s := &storage{t: t, blob: firstBlob, etag: etag, steps: steps}
	srv := httptest.NewUnstartedServer(s)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	srv.Config.Protocols = protocols
	srv.Start()
	srv.Client().Transport = &http.Transport{Protocols: protocols}
	t.Cleanup(srv.Close)
	return s, srv
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range []string{"Authorization", "Cookie", "Referer"} {
		if r.Header.Get(h) != "" {
			s.t.Errorf("the storage was sent %s: %s", h, r.Header.Get(h))
		}
	}
	s.mu.Lock()
	n := len(s.log)
	s.log = append(s.log, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Match")))
	s.mu.Unlock()
	if n < len(s.steps) {
		s.steps[n](s, w, r)
		return
	}
	whole(s, w, r)
}

func (s *storage) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

func (s *storage) stored() ([]byte, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blob, s.etag
}

// whole answers correctly.
func whole(s *storage, w http.ResponseWriter, r *http.Request) {
	blob, etag := s.stored()
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="x.zip"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
}

// cut ends the connection after n bytes of the body.
func cut(n int) step {
	return cutShort(n, whole)
}

// cutShort ends the connection after n bytes of another step's answer.
func cutShort(n int, then step) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		then(s, &cutter{ResponseWriter: w, left: n}, r)
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

func drop(*storage, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func status(code int, body string) step {
	return func(_ *storage, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// azure is an error as Azure and S3 send them.
func azure(code int, name string) step {
	return status(code, `<?xml version="1.0" encoding="utf-8"?><Error><Code>`+name+`</Code><Message>x</Message></Error>`)
}

// noRange ignores Range, as some proxies do.
func noRange(then step) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		r.Header.Del("If-Match")
		then(s, w, r)
	}
}

// retagged answers with another ETag, and ignores If-Match.
func retagged(etag string) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-Match")
		s.mu.Lock()
		s.etag = etag
		s.mu.Unlock()
		whole(s, w, r)
	}
}

// replaced serves another blob from now on.
func replaced(size int) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.blob, s.etag = secondBlob[:size], fmt.Sprintf(`"new-%d"`, len(s.log))
		s.mu.Unlock()
		whole(s, w, r)
	}
}

// short answers with the first bytes only, as if they were all.
func short(size int) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, etag := s.stored()
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(blob[:size])
	}
}

// chunked gives no length. The body ends properly or is cut after some bytes.
func chunked(bytes int) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, etag := s.stored()
		w.Header().Set("ETag", etag)
		_, _ = w.Write(blob[:100])
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(blob[100:bytes])
		if bytes < len(blob) {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

// untilClose gives no length, and ends the body by closing the connection.
func untilClose(s *storage, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Transfer-Encoding", "identity")
	blob, _ := s.stored()
	_, _ = w.Write(blob[:blobSize/2])
}

// claims a version of HTTP, and closes the connection after some bytes.
func claims(version string) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, _ := s.stored()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.t.Error(err)
			return
		}
		_, _ = fmt.Fprintf(conn, "HTTP/%s 200 OK\r\n\r\n%s", version, blob[:1000])
		_ = conn.Close()
	}
}

// breaksOff gives no length, and resets the connection.
func breaksOff(s *storage, w http.ResponseWriter, _ *http.Request) {
	blob, etag := s.stored()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.t.Error(err)
		return
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nETag: %s\r\n\r\n%s", etag, blob[:mib])
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// announces claims a length and sends 10 bytes.
func announces(length int) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, etag := s.stored()
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", strconv.Itoa(length))
		_, _ = w.Write(blob[:10])
	}
}

// answersPart answers 206 with this Content-Range and 10 bytes of the blob.
func answersPart(header string) step { return partOf(header, 10) }

func partOf(header string, bytes int) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, _ := s.stored()
		w.Header().Set("Content-Range", header)
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush() // no Content-Length
		_, _ = w.Write(blob[:bytes])
	}
}

// tagged is another step with an ETag.
func tagged(etag string, then step) step {
	return func(s *storage, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		then(s, w, r)
	}
}

// rest claims to send everything from 1 MiB on and sends 10 bytes of it, with a
// Content-Length of 10 or with none.
func rest(length bool) step {
	return func(s *storage, w http.ResponseWriter, _ *http.Request) {
		blob, _ := s.stored()
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", mib, len(blob)-1, len(blob)))
		if length {
			w.Header().Set("Content-Length", "10")
		}
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(blob[mib : mib+10])
	}
}

func redirect(path string) step {
	return func(_ *storage, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, path, http.StatusFound) }
}

func at(rawURL string) Locate {
	return func(context.Context) (*url.URL, error) { return url.Parse(rawURL) }
}

// stream fetches a blob without ranges.
func stream(ctx context.Context, o Options, locate Locate, to Spool) (Info, error) {
	o.OneStream = true
	b, err := Open(ctx, o, locate, func(int64) (Spool, error) { return to, nil })
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	return b.Wait()
}

// discard is a Spool that keeps nothing, or fails.
type discard struct{ write, truncate error }

func (d discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), d.write }
func (d discard) Truncate(int64) error                   { return d.truncate }
func (d discard) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
