package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artifetch/artifetch/internal/httpx"
)

const largeSize = 21<<20 + 321

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

func TestBlob(t *testing.T) {
	t.Parallel()
	noRange := func(h http.Header) { h.Del("Range"); h.Del("If-Match") }
	cutWhole := func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
		if n == 0 {
			r.Header.Del("Range")
			w = &cutter{ResponseWriter: w, left: 5 << 20}
		}
		serve(w)
	}
	tests := map[string]struct {
		script
		want  string // part of the error; empty for success
		urls  int64
		check func(*testing.T, *ranged, Info)
	}{
		"whole": {urls: 1, check: func(t *testing.T, s *ranged, i Info) {
			t.Helper()
			if log := s.requests(); log[0] != "0-4194303" || !slices.Contains(log, fmt.Sprintf("%d-%d", largeSize-100<<10, largeSize-1)) || len(log) > 22 {
				t.Errorf("requests %q", log)
			}
			if s.sent.Load() != largeSize || i.ContentType != "application/zip" {
				t.Errorf("%d bytes of %d were sent; %+v", s.sent.Load(), largeSize, i)
			}
		}},
		"small":      {script: script{blob: firstBlob}, urls: 1, check: hasRequests("0-4194303")},
		"one byte":   {script: script{blob: []byte("x")}, check: hasRequests("0-4194303")},
		"empty":      {script: script{blob: []byte{}}, check: hasRequests("0-4194303")},
		"as long":    {script: script{blob: largeBlob()[:firstPart]}, check: hasRequests("0-4194303")},
		"one longer": {script: script{blob: largeBlob()[:firstPart+1]}, check: hasRequests("0-4194303", "4194304-4194304")},
		"weak etag":  {script: script{etag: `W/"e"`}},

		"every connection is cut": {script: script{hook: cutAfter(1500 << 10)}, check: sentOnce},
		"the first is cut":        {script: script{hook: once(0, cutAfter(100))}, check: sentOnce},
		"cut at nothing":          {script: script{hook: after(1, cutAfter(0))}, want: "after 3 tries: the connection broke off after"},
		"one is dropped":          {script: script{hook: once(3, abort)}},
		"expired once":            {script: script{hook: once(2, says(403))}, urls: 2},
		"all expire": {script: script{hook: expires()}, check: func(t *testing.T, s *ranged, _ Info) {
			t.Helper()
			if n := s.urls.Load(); n != 2 {
				t.Errorf("%d URLs were asked for, want 2", n)
			}
		}},
		"first expired":       {script: script{hook: once(0, says(404))}, urls: 2},
		"forbidden for ever":  {script: script{hook: after(1, says(403))}, want: "after 3 tries: the storage answered 403"},
		"busy":                {script: script{hook: once(2, says(503))}},
		"busy for ever":       {script: script{hook: after(2, says(503))}, want: "after 3 tries: the storage answered 503"},
		"a bad request":       {script: script{hook: after(1, says(400))}, want: "the storage answered 400"},
		"no ranges":           {script: script{hook: after(0, asIf(noRange))}, urls: 1, check: hasRequests("0-4194303")},
		"no ranges, cut":      {script: script{hook: cutWhole}, urls: 1, check: hasRequests("0-4194303", "5242880-")},
		"ranges fail once":    {script: script{hook: once(2, asIf(noRange))}},
		"ranges fail later":   {script: script{hook: after(2, asIf(noRange))}, want: `and sent an answer without Content-Range`},
		"another range":       {script: script{hook: once(2, asIf(func(h http.Header) { h.Set("Range", "bytes=0-99") }))}},
		"another range, ever": {script: script{hook: after(2, asIf(func(h http.Header) { h.Set("Range", "bytes=0-99") }))}, want: `sent Content-Range "bytes 0-99/22020417"`},
		"a shorter range":     {script: script{hook: after(2, shorter)}, want: "sent Content-Range"},
		"no Content-Range":    {script: script{hook: after(0, answering(func(h http.Header) { h.Del("Content-Range") }))}, check: hasRequests("0-4194303", "")},
		"two lengths":         {script: script{blob: largeBlob()[:1000], hook: once(0, answers(206, 10, "Content-Range", "bytes 0-999/1000", "Content-Length", "10"))}, check: hasRequests("0-4194303", "")},
		"another size once":   {script: script{hook: once(2, answering(func(h http.Header) { h.Set("Content-Range", "bytes 0-1/2") }))}},
		"another size":        {script: script{hook: after(2, answering(func(h http.Header) { h.Set("Content-Range", "bytes 0-1/2") }))}, want: "its size was 22020417 and is now 2"},
		"another etag":        {script: script{hook: once(2, answering(func(h http.Header) { h.Set("ETag", `"f"`) }))}, want: `its ETag was "\"e\"" and is now`},
		"the etag turns weak": {script: script{hook: after(2, answering(func(h http.Header) { h.Set("ETag", `W/"e"`) }))}},
		"replaced":            {script: script{hook: after(2, says(412))}, want: "the blob changed while it was fetched: the storage answered 412"},
		"unsatisfiable":       {script: script{hook: after(2, says(416))}, want: "the blob changed while it was fetched: the storage answered 416"},
	}
	for name := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt := tests[name]
				s := &ranged{script: tt.script}
				o, locate := s.start(t)
				var counted int64
				o.Progress = func(n int64) { counted += n }
				info, err := readAll(t, o, locate)
				if tt.want != "" {
					if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") {
						t.Fatalf("got %v, want %s", err, tt.want)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if info.SHA256 != sumOf(s.blob) || !info.Whole || info.Size != int64(len(s.blob)) || counted != info.Size {
					t.Errorf("%d bytes counted, or the digest is wrong: %+v", counted, info)
				}
				if tt.urls != 0 && s.urls.Load() != tt.urls {
					t.Errorf("%d URLs were asked for, want %d", s.urls.Load(), tt.urls)
				}
				if tt.check != nil {
					tt.check(t, s, info)
				}
			})
		})
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

// A single odd answer does not end the download; two in a row do.
func TestBlobForgivesOddAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{}
		s.hook = func(n int, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
			if n%2 == 1 {
				r.Header.Del("Range")
			}
			serve(w)
		}
		o, locate := s.start(t)
		o.Connections = NewConnections(1) // so that answers come one by one
		if info, err := readAll(t, o, locate); err != nil || info.SHA256 != sumOf(s.blob) {
			t.Errorf("%+v, %v", info, err)
		}
	})
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

// readAll reads a blob at several offsets while it arrives, and compares the result with
// the bytes in the spool.
func readAll(t *testing.T, o Options, locate Locate) (Info, error) {
	t.Helper()
	k := &kept{}
	b, err := Open(t.Context(), o, locate, k.create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	var readers sync.WaitGroup
	got := make([]byte, b.Size())
	for i := range 3 {
		readers.Go(func() {
			const step = 300_000
			for off := int64(i) * step; off < b.Size(); off += 3 * step {
				n, err := b.ReadAt(got[off:min(off+step, b.Size())], off)
				if err != nil {
					if _, failed := b.Info(); !errors.Is(err, failed) {
						t.Errorf("read at %d: %d, %v", off, n, err)
					}
					return
				}
			}
		})
	}
	info, err := b.Wait()
	readers.Wait()
	if err == nil && !bytes.Equal(got, k.data) {
		t.Error("what was read while it arrived is not what is kept")
	}
	return info, err
}

func TestBlobReadAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{script: script{blob: []byte("0123456789")}}
		o, locate := s.start(t)
		b, err := Open(t.Context(), o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for _, tt := range []struct {
			off  int64
			n    int
			want string
			err  error
		}{{0, 10, "0123456789", nil}, {3, 2, "34", nil}, {8, 5, "89", io.EOF}, {10, 1, "", io.EOF}, {99, 1, "", io.EOF}, {10, 0, "", nil}} {
			p := make([]byte, tt.n)
			n, err := b.ReadAt(p, tt.off)
			if string(p[:n]) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%d bytes at %d: %q, %v", tt.n, tt.off, p[:n], err)
			}
		}
		if _, err := b.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error("a negative offset is no error")
		}
	})
}

func TestBlobOnDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{}
		o, locate := s.start(t)
		o.OnDemand = true
		b, err := Open(t.Context(), o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		p := make([]byte, 1000)
		for _, off := range []int64{largeSize - 1000, 10, firstOnDemand - 1000, 5 << 20, 5<<20 + 500} { // each part to its end
			if n, err := b.ReadAt(p, off); err != nil || !bytes.Equal(p[:n], s.blob[off:off+1000]) {
				t.Errorf("at %d: %d, %v", off, n, err)
			}
		}
		b.Want(10<<20, 3000)
		if _, err := b.ReadAt(p, 10<<20+2000); err != nil {
			t.Error(err)
		}
		want := []string{"0-65535", "22019417-22020416", "5242880-5243879", "5243880-5244379", "10485760-10488759"}
		if got := s.requests(); !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
		if info, err := b.Wait(); err != nil || info.Whole || info.Fetched != 65536+1000+1000+500+3000 {
			t.Errorf("%+v, %v", info, err)
		}

		// The first request brings all of a small blob.
		s = &ranged{script: script{blob: []byte("small")}}
		o, locate = s.start(t)
		o.OnDemand = true
		if info, err := readAll(t, o, locate); err != nil || !info.Whole || info.SHA256 != sumOf(s.blob) {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

// Bytes that are wanted are fetched before others.
func TestBlobWant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := &ranged{}
		s.hook = func(n int, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
			if n > 0 {
				<-hold
			}
			serve(w)
		}
		o, locate := s.start(t)
		o.Connections = NewConnections(1)
		o.Tail = 0
		b, err := Open(t.Context(), o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		b.Want(15<<20, 1<<20)
		close(hold)
		if _, err := b.Wait(); err != nil {
			t.Fatal(err)
		}
		if log := s.requests(); !slices.Contains(log[1:3], "15728640-16777215") {
			t.Errorf("requests %q", log)
		}
	})
}

// The arguments of Want come from archives, and may be any numbers.
func TestBlobWantsNothingOdd(t *testing.T) {
	t.Parallel()
	b := &Blob{ctx: t.Context(), o: Options{OnDemand: true}}
	b.moved.L = &b.mu
	b.pace.most, b.running = 1, 1 // none is opened
	b.info.Size = 100
	odd := []int64{math.MinInt64, -1, 0, 1, 99, 100, 101, math.MaxInt64 - 1, math.MaxInt64}
	for _, off := range odd {
		for _, n := range odd {
			b.Want(off, n)
			b.Release(off)
			for _, s := range b.queue.spans {
				if s.start < 0 || s.end <= s.start || s.end > 100 {
					t.Errorf("Want(%d, %d) asks for %v", off, n, s)
				}
			}
			if b.released < 0 || b.released > 100 {
				t.Errorf("Release(%d) released %d bytes", off, b.released)
			}
			b.queue = queue{}
		}
	}
	b.Want(60, math.MaxInt64)
	if len(b.queue.spans) != 1 || b.queue.spans[0] != (span{60, 100}) {
		t.Errorf("all from byte 60 on is %v", b.queue.spans)
	}
}

func TestBlobCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{script: script{hook: after(1, func(_ int, _ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) { <-r.Context().Done() })}}
		o, locate := s.start(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		b, err := Open(ctx, o, locate, new(kept).create)
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("the job was cancelled")
		read := make(chan error)
		go func() {
			_, err := b.ReadAt(make([]byte, 10), largeSize-10)
			read <- err
		}()
		cancel(cause)
		if err := <-read; !errors.Is(err, cause) {
			t.Errorf("ReadAt: %v", err)
		}
		if _, err := b.Wait(); !errors.Is(err, cause) {
			t.Errorf("Wait: %v", err)
		}
		b.Close()
	})
}

func TestBlobFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{}
		o, locate := s.start(t)
		k := &kept{fail: syscall.ENOSPC}
		b, err := Open(t.Context(), o, locate, k.create)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		_, err = b.Wait()
		if write, ok := errors.AsType[*WriteError](err); !ok || !errors.Is(write, syscall.ENOSPC) {
			t.Errorf("a full disk: %v", err)
		}

		s = &ranged{script: script{hook: after(1, says(403))}}
		o, locate = s.start(t)
		testNoFreshURL(t, o, locate)
		s = new(ranged)
		o, locate = s.start(t)
		if _, err := Open(t.Context(), o, locate, func(int64) (Spool, error) { return nil, syscall.EROFS }); !errors.Is(err, syscall.EROFS) {
			t.Errorf("no spool: %v", err)
		}
	})
}

// testNoFreshURL fetches a blob whose first URL is refused, and for which there is no other.
// It returns how many times a URL was asked for.
func testNoFreshURL(t *testing.T, o Options, locate Locate) int64 {
	t.Helper()
	gone := errors.New("the artifact has expired")
	var asked atomic.Int64
	b, err := Open(t.Context(), o, func(ctx context.Context) (*url.URL, error) {
		if asked.Add(1) > 1 {
			return nil, gone
		}
		return locate(ctx)
	}, new(kept).create)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err = b.Wait(); !errors.Is(err, gone) || !strings.Contains(err.Error(), "403") {
		t.Errorf("no fresh URL: %v", err)
	}
	return asked.Load()
}

// If a URL that was refused on one connection is replaced for another connection, the
// error of the new URL says why the old one was replaced.
func TestWhyThereIsNoURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &ranged{script: script{hook: once(1, says(403))}}
		o, locate := s.start(t)
		o.Policy.Sleep = func(ctx context.Context, _ time.Duration) error { // the connection that was refused never comes back
			<-ctx.Done()
			return context.Cause(ctx)
		}
		if n := testNoFreshURL(t, o, locate); n != 2 {
			t.Errorf("a URL was asked for %d times, want 2: the first failure ends the download", n)
		}
	})
}

func TestPace(t *testing.T) {
	t.Parallel()
	// speed returns the rate of n connections, in bytes per second.
	for name, tt := range map[string]struct {
		speed func(n int) float64
		most  int
		want  int
	}{
		"each has its own limit":  {func(n int) float64 { return 60e6 * float64(n) }, 16, 16},
		"all share one":           {func(int) float64 { return 60e6 }, 16, 8},
		"up to eight":             {func(n int) float64 { return 60e6 * min(float64(n), 8) }, 16, 16},
		"slow":                    {func(n int) float64 { return 1e5 * float64(n) }, 16, 16},
		"no more than allowed":    {func(n int) float64 { return 60e6 * float64(n) }, 3, 3},
		"one":                     {func(n int) float64 { return 60e6 * float64(n) }, 1, 1},
		"more make it much worse": {func(n int) float64 { return 60e6 / float64(n) }, 16, 4},
	} {
		p := pace{most: tt.most}
		now := time.Unix(1, 0)
		for range 10_000 {
			const step = 10 * time.Millisecond
			p.count(int64(tt.speed(p.limit())*step.Seconds()), now)
			now = now.Add(step)
		}
		if p.limit() != tt.want {
			t.Errorf("%s: %d connections, want %d", name, p.limit(), tt.want)
		}
	}
}

// A storage that is busy gets half the connections, and then one more at a time.
func TestPaceRecovers(t *testing.T) {
	t.Parallel()
	const most = 16
	at := func(d time.Duration) time.Time { return time.Unix(100, 0).Add(d) }
	for name, tt := range map[string]struct {
		busy       []time.Duration // when the storage says so
		settled    bool
		low, after int // the fewest connections, and those after a minute
	}{
		"once":                    {[]time.Duration{0}, true, 4, 8},
		"once, before it settled": {[]time.Duration{0}, false, 4, 16},
		"many at once":            {[]time.Duration{0, 10 * time.Millisecond, 900 * time.Millisecond}, true, 4, 8},
		"again before it is over": {[]time.Duration{0, 1100 * time.Millisecond, 2200 * time.Millisecond}, true, 4, 8},
	} {
		p := pace{most: most, now: 8, settled: tt.settled}
		low := most
		for d := time.Duration(0); d < time.Minute; d += 10 * time.Millisecond {
			if slices.Contains(tt.busy, d) {
				p.slow(at(d))
			}
			before := p.limit()
			if p.count(int64(before)<<20, at(d)); p.limit() > before+1 && p.limit() <= 8 {
				t.Errorf("%s: from %d connections to %d at once", name, before, p.limit())
			}
			low = min(low, p.limit())
		}
		if low != tt.low || p.limit() != tt.after {
			t.Errorf("%s: as few as %d, in the end %d connections; want %d, %d", name, low, p.limit(), tt.low, tt.after)
		}
	}
}
