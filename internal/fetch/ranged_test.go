package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const largeSize = 13<<20 + 321

var largeBlob = sync.OnceValue(func() []byte {
	b := make([]byte, largeSize)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b) // never fails
	return b
})

// sumOf returns the SHA-256 of a blob that no test changes, which it computes once.
func sumOf(blob []byte) [sha256.Size]byte {
	if len(blob) == 0 {
		return sha256.Sum256(nil)
	}
	type prefix struct {
		first *byte
		n     int
	}
	sum, _ := digests.LoadOrStore(prefix{&blob[0], len(blob)}, sync.OnceValue(func() [sha256.Size]byte { return sha256.Sum256(blob) }))
	return sum.(func() [sha256.Size]byte)()
}

var digests sync.Map // of prefix to the function that returns its digest

// hook answers the n-th request instead of serve.
type hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter))

// script says what a storage serves, and how.
type script struct {
	blob []byte
	etag string
	hook hook // nil: serve
}

// ranged is a storage that supports ranges. Its hook may change the answer to each
// request; requests are numbered in the order of their arrival.
type ranged struct {
	script
	mu   sync.Mutex
	log  []string // Range headers
	sent atomic.Int64
	urls atomic.Int64
}

func (s *ranged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.log)
	s.log = append(s.log, strings.TrimPrefix(r.Header.Get("Range"), "bytes="))
	s.mu.Unlock()
	serve := func(w http.ResponseWriter) {
		w.Header().Set("ETag", s.etag)
		w.Header().Set("Content-Type", "application/zip")
		http.ServeContent(&counted{w, &s.sent}, r, "", time.Time{}, bytes.NewReader(s.blob))
	}
	if s.hook != nil {
		s.hook(n, w, r, serve)
		return
	}
	serve(w)
}

// counted counts bytes before it writes them, so that none is missing when the client has
// everything.
type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n - len(p)))
	return n, err
}

func (s *ranged) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// start starts the storage in a bubble, and returns options and a Locate for it. No request
// is late there, however slow the machine is.
func (s *ranged) start(t *testing.T) (Options, Locate) {
	t.Helper()
	if s.blob == nil {
		s.blob = largeBlob()
	}
	if s.etag == "" {
		s.etag = `"e"`
	}
	o := inBubble(t, s)
	o.Tail = 100 << 10
	o.Policy = httpx.Policy{MaxTries: 3, Sleep: func(context.Context, time.Duration) error { return nil }}
	return o, func(context.Context) (*url.URL, error) {
		return url.Parse(fmt.Sprintf("http://h/?sig=SECRET-%d", s.urls.Add(1)))
	}
}

// kept is a Spool in memory.
type kept struct {
	mu   sync.Mutex
	data []byte
	fail error
}

func (k *kept) create(size int64) (Spool, error) {
	k.data = make([]byte, max(size, 0))
	return k, nil
}

func (k *kept) WriteAt(p []byte, off int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return 0, k.fail
	}
	if need := int(off) + len(p) - len(k.data); need > 0 {
		k.data = append(k.data, make([]byte, need)...)
	}
	return copy(k.data[off:], p), nil
}

func (k *kept) ReadAt(p []byte, off int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := copy(p, k.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (k *kept) Truncate(n int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = k.data[:min(int(n), len(k.data))]
	return nil
}

func cutAfter(n int) hook {
	return func(_ int, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
		serve(&cutter{ResponseWriter: w, left: n})
	}
}

// once applies a hook to the request with this number only.
func once(number int, hook hook) hook {
	return func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if n == number {
			hook(n, w, r, serve)
			return
		}
		serve(w)
	}
}

// after applies a hook to the requests from this number on.
func after(number int, hook hook) hook {
	return func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if n >= number {
			hook(n, w, r, serve)
			return
		}
		serve(w)
	}
}

func says(status int) hook {
	return func(_ int, w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.WriteHeader(status)
	}
}

func abort(int, http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	panic(http.ErrAbortHandler)
}

// asIf answers as if the request had these headers.
func asIf(change func(http.Header)) hook {
	return func(_ int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		change(r.Header)
		serve(w)
	}
}

// rewrites changes the head of the answer.
type rewrites struct {
	http.ResponseWriter
	change func(http.Header)
}

func (w *rewrites) WriteHeader(status int) {
	w.change(w.Header())
	w.ResponseWriter.WriteHeader(status)
}

func answering(change func(http.Header)) hook {
	return func(_ int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		r.Header.Del("If-Match")
		serve(&rewrites{w, change})
	}
}

func hasRequests(want ...string) func(*testing.T, *ranged, Info) {
	return func(t *testing.T, s *ranged, _ Info) {
		t.Helper()
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
	}
}

func sentOnce(t *testing.T, s *ranged, _ Info) {
	t.Helper()
	if n := s.sent.Load(); n > largeSize+1<<20 {
		t.Errorf("%d bytes of %d were sent", n, largeSize)
	}
}

// expires refuses the first URL after two requests.
func expires() hook {
	return after(2, func(_ int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if r.URL.Query().Get("sig") == "SECRET-1" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		serve(w)
	})
}

// shorter answers with a range without its last byte.
func shorter(_ int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	var first, last int64
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last)
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, last-1))
	serve(w)
}
