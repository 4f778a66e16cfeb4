package githubsim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/artifetch/artifetch/internal/sleep"
)

// Fault makes requests fail. The fields up to Times select the requests. Of the fields
// from Status to SecondaryLimit at most one is set: it replaces the answer. The fields
// from Blob on change the host's own answer, and may be combined.
type Fault struct {
	Host   Host
	Method string // "" is any
	// Path is a pattern of path.Match on the URL's path; "" is any.
	Path string
	// Skip is how many matching requests pass first.
	Skip int
	// Every makes only each n-th of the matching requests fail, beginning with the first
	// one after Skip; 0 means each.
	Every int
	// Times is how many matching requests fail: 0 means one, negative all.
	Times int
	// Beyond makes only requests fail that arrive while the host serves so many others; 0
	// means any.
	Beyond int

	// Status is the status of an answer with Header and Body, or with the API's error
	// object for Message: 404 "Not Found" where something vanished, for example.
	Status  int
	Body    string
	Message string
	// Drop closes the connection without an answer.
	Drop bool
	// Mute sends no byte of an answer until the client closes the connection.
	Mute bool
	// Raw is sent as the whole answer, head included; then the connection is
	// closed.
	Raw string
	// Expire answers as if the signed URL had expired.
	Expire bool
	// PrimaryLimit answers that the primary rate limit is used up, and resets after
	// this time.
	PrimaryLimit time.Duration
	// SecondaryLimit answers with a secondary rate limit and this
	// Retry-After; negative: without Retry-After.
	SecondaryLimit time.Duration

	// Blob is served instead of the stored one.
	Blob Blob
	// IgnoreRange answers a Range request with the whole blob.
	IgnoreRange bool
	// Header replaces headers of the answer; one without values is left out.
	Header http.Header
	// Cut closes the connection after this many bytes of the body.
	Cut int64
	// Stall sends this many bytes of the body, and then nothing until the client
	// closes the connection or, unless Resume is 0, that time has passed.
	Stall  int64
	Resume time.Duration
	// Corrupt flips a bit of one byte of the body: its number, counted from 1.
	Corrupt int64
	// BytesPerSecond limits the rate of the body. FirstByte delays the first byte of the
	// body or, for the API, the whole answer: redirects have no body.
	BytesPerSecond int64
	FirstByte      time.Duration
}

type fault struct {
	Fault
	seen, hit int
}

// Fault declares a fault. A request meets at most one fault: the first one declared
// that selects it.
func (s *Sim) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{Fault: f})
}

// begin returns the fault that a request meets, or nil. Unless the fault replaces the answer,
// the host serves the request until end is called.
func (s *Sim) begin(h Host, r *http.Request) (f *Fault, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.takeFault(h, r); f != nil && f.replaces() {
		return f, func() {}
	}
	s.serving[h]++
	return f, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.serving[h]--
	}
}

// replaces reports whether the fault replaces the answer.
func (f *Fault) replaces() bool {
	return f.Status != 0 || f.Drop || f.Mute || f.Raw != "" || f.Expire || f.PrimaryLimit != 0 || f.SecondaryLimit != 0
}

// takeFault returns the fault that a request meets, or nil. s.mu is held.
func (s *Sim) takeFault(h Host, r *http.Request) *Fault {
	for _, f := range s.faults {
		if s.serving[h] < f.Beyond {
			continue
		}
		if f.Host != "" && f.Host != h || f.Method != "" && f.Method != r.Method {
			continue
		}
		if ok, err := path.Match(f.Path, r.URL.Path); f.Path != "" && (err != nil || !ok) {
			continue
		}
		f.seen++
		if f.seen <= f.Skip || f.Times >= 0 && f.hit >= max(f.Times, 1) || (f.seen-f.Skip-1)%max(f.Every, 1) != 0 {
			continue
		}
		f.hit++
		return &f.Fault
	}
	return nil
}

func (s *Sim) serveFault(f *Fault, w *recorder, r *http.Request, next http.Handler) {
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Mute:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case f.Raw != "":
		w.note(0, len(f.Raw))
		raw(w, f.Raw)
	case f.Status != 0:
		for k, v := range f.Header {
			w.Header()[k] = v
		}
		if f.Message != "" {
			apiError(w, f.Status, f.Message)
			return
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
	case f.PrimaryLimit != 0:
		w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(s.opt.RateLimit))
		w.Header().Set("X-Ratelimit-Remaining", "0")
		w.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(s.opt.Now().Add(f.PrimaryLimit).Unix(), 10))
		w.Header().Set("X-Ratelimit-Resource", "core")
		apiError(w, http.StatusForbidden, "API rate limit exceeded for installation ID 1.")
	case f.SecondaryLimit != 0:
		if f.SecondaryLimit > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.SecondaryLimit.Seconds())))
		}
		apiError(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	case f.Expire:
		storageError(w, http.StatusForbidden, "AuthenticationFailed", "Signature not valid in the specified time frame")
	default:
		if f.IgnoreRange {
			r.Header.Del("Range")
			r.Header.Del("If-Match")
		}
		if f.Blob != nil {
			r = r.WithContext(context.WithValue(r.Context(), servedKey{}, f.Blob))
		}
		answer := &faulty{ResponseWriter: w, f: f, r: r}
		if w.entry.Host == API { // before the handler takes its lock, so that others need not wait
			_ = sleep.For(r.Context(), f.FirstByte) // a client that is gone notices nothing
			later := *f
			later.FirstByte = 0
			answer.f = &later
		}
		next.ServeHTTP(answer, r)
	}
}

// servedKey is the context's key for a Fault's Blob.
type servedKey struct{}

// raw takes over the connection, sends text and closes it.
func raw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // of HTTP/2, which the simulator does not speak
	}
	_, _ = io.WriteString(conn, text) // the client may have closed it
	_ = conn.Close()
}

// faulty applies a Fault to a body while it is written.
type faulty struct {
	http.ResponseWriter
	f    *Fault
	r    *http.Request
	sent int64
}

func (w *faulty) WriteHeader(status int) {
	for k, v := range w.f.Header {
		if w.Header()[k] = v; len(v) == 0 {
			w.Header().Del(k)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *faulty) Write(p []byte) (int, error) {
	f := w.f
	if w.sent == 0 && f.FirstByte > 0 {
		w.wait(f.FirstByte)
	}
	switch {
	case f.Corrupt > 0 && f.Corrupt-1 >= w.sent && f.Corrupt-1 < w.sent+int64(len(p)):
		spoilt := append([]byte(nil), p...)
		spoilt[f.Corrupt-1-w.sent] ^= 1
		p = spoilt
	case f.Cut > 0 && w.sent+int64(len(p)) >= f.Cut:
		_, _ = w.ResponseWriter.Write(p[:f.Cut-w.sent])
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	// A body that ends at that byte is complete: it does not stall.
	case f.Stall > 0 && w.sent < f.Stall && w.sent+int64(len(p)) > f.Stall:
		n, _ := w.ResponseWriter.Write(p[:f.Stall-w.sent])
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		if f.Resume > 0 {
			w.wait(f.Resume)
		} else {
			<-w.r.Context().Done()
		}
		if w.r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		w.sent += int64(n)
		m, err := w.Write(p[n:])
		return n + m, err
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	if f.BytesPerSecond > 0 {
		w.wait(time.Duration(float64(n) / float64(f.BytesPerSecond) * float64(time.Second)))
	}
	return n, err
}

func (w *faulty) wait(d time.Duration) {
	_ = sleep.For(w.r.Context(), d) // a client that is gone notices nothing
}

func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Ms-Error-Code", code)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}
