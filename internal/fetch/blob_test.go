package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
)

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
			if log := s.requests(); log[0] != "0-4194303" || !slices.Contains(log, fmt.Sprintf("%d-%d", largeSize-100<<10, largeSize-1)) || len(log) > 14 {
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
		"another range, ever": {script: script{hook: after(2, asIf(func(h http.Header) { h.Set("Range", "bytes=0-99") }))}, want: `sent Content-Range "bytes 0-99/13631809"`},
		"a shorter range":     {script: script{hook: after(2, shorter)}, want: "sent Content-Range"},
		"no Content-Range":    {script: script{hook: after(0, answering(func(h http.Header) { h.Del("Content-Range") }))}, check: hasRequests("0-4194303", "")},
		"two lengths":         {script: script{blob: largeBlob()[:1000], hook: once(0, answers(206, 10, "Content-Range", "bytes 0-999/1000", "Content-Length", "10"))}, check: hasRequests("0-4194303", "")},
		"another size once":   {script: script{hook: once(2, answering(func(h http.Header) { h.Set("Content-Range", "bytes 0-1/2") }))}},
		"another size":        {script: script{hook: after(2, answering(func(h http.Header) { h.Set("Content-Range", "bytes 0-1/2") }))}, want: "its size was 13631809 and is now 2"},
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
				info, err := readAll(t, o, locate, s.blob)
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
		if info, err := readAll(t, o, locate, s.blob); err != nil || info.SHA256 != sumOf(s.blob) {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

// readAll reads a blob at several offsets while it arrives, and compares what is read and what
// is written to the spool.
func readAll(t *testing.T, o Options, locate Locate, blob []byte) (Info, error) {
	t.Helper()
	b, err := Open(t.Context(), o, locate, (&compared{blob: blob}).create)
	if err != nil {
		return Info{}, err
	}
	defer b.Close()
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			const step = 300_000
			p := make([]byte, step)
			for off := int64(i) * step; off < b.Size(); off += 3 * step {
				n, err := b.ReadAt(p[:min(step, b.Size()-off)], off)
				if err != nil {
					if _, failed := b.Info(); !errors.Is(err, failed) {
						t.Errorf("read at %d: %d, %v", off, n, err)
					}
					return
				}
				if !bytes.Equal(p[:n], blob[off:min(off+step, b.Size())]) {
					t.Errorf("read at %d: %d bytes, and not the blob's", off, n)
				}
			}
		})
	}
	info, err := b.Wait()
	readers.Wait()
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
