package httpx

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// run tries op under p until it succeeds or Attempts gives up.
func run(ctx context.Context, p Policy, op func(try int) error) error {
	attempts := p.Attempts()
	for try := 1; ; try++ {
		err := op(try)
		if err == nil {
			return nil
		}
		if err := attempts.Again(ctx, err); err != nil {
			return err
		}
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	fault := Temporary(errors.New("fault"), 0)
	final := errors.New("final")
	tests := map[string]struct {
		errs  []error // of each try; nil afterwards
		tries int
		want  string
	}{
		"at once":       {nil, 1, ""},
		"third time":    {[]error{fault, io.ErrUnexpectedEOF}, 3, ""},
		"not temporary": {[]error{fault, final}, 2, "final"},
		"tries used up": {[]error{fault, fault, fault, fault}, 3, "after 3 tries: fault"},
		"another first": {[]error{fault, fault, io.EOF}, 3, "after 3 tries: EOF (the first time: fault)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				err := run(t.Context(), Policy{MaxTries: 3}, func(int) error {
					n++
					if n <= len(tt.errs) {
						return tt.errs[n-1]
					}
					return nil
				})
				if n != tt.tries || fmt.Sprint(err) != cmp.Or(tt.want, "<nil>") {
					t.Errorf("%d tries, %v; want %d, %q", n, err, tt.tries, tt.want)
				}
				if len(tt.errs) >= n && !errors.Is(err, tt.errs[n-1]) {
					t.Errorf("%v does not wrap the last error", err)
				}
			})
		})
	}
}

func TestAttemptsRenew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := Policy{Base: time.Second, MaxTries: 3, Notify: func(_ error, d time.Duration) { waits = append(waits, d) }}
		attempts, tries := p.Attempts(), 1
		for ; attempts.Again(t.Context(), io.EOF) == nil; tries++ {
			if tries == 2 {
				attempts.Renew()
			}
		}
		if tries != 5 {
			t.Errorf("%d tries, want the 2 before Renew and 3 more", tries)
		}
		if len(waits) != 4 || waits[2] > 1500*time.Millisecond {
			t.Errorf("pauses %v, want 4 with the third short again", waits)
		}
	})
}

func TestAttemptsPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := Policy{Base: time.Second, Max: 4 * time.Second, MaxTries: 5, Notify: func(_ error, d time.Duration) { waits = append(waits, d) }}
		start := time.Now()
		_ = run(t.Context(), p, func(try int) error {
			if try == 2 {
				return Temporary(io.EOF, time.Minute)
			}
			return io.EOF
		})
		if len(waits) != 4 || waits[1] != time.Minute {
			t.Fatalf("pauses %v, want 4 with the second a minute", waits)
		}
		var sum time.Duration
		for i, base := range []time.Duration{time.Second, 0, 4 * time.Second, 4 * time.Second} {
			sum += waits[i]
			if base != 0 && (waits[i] < base/2 || waits[i] > min(base*3/2, p.Max)) {
				t.Errorf("pause %d is %v, want about %v", i, waits[i], base)
			}
		}
		if took := time.Since(start); took != sum {
			t.Errorf("took %v, announced %v", took, sum)
		}
	})
}

// Jitter makes no pause longer than the policy says.
func TestAttemptsPausesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy      Policy
		first, most time.Duration // the shortest first one, the longest of all
	}{
		"defaults":      {Policy{}, 250 * time.Millisecond, 12 * time.Second},
		"many tries":    {Policy{MaxTries: 20}, 250 * time.Millisecond, 30 * time.Second},
		"a short first": {Policy{First: 100 * time.Millisecond, Base: time.Second}, 50 * time.Millisecond, 30 * time.Second},
		"a short most":  {Policy{Base: time.Second, Max: 2 * time.Second}, 500 * time.Millisecond, 2 * time.Second},
	} {
		for range 50 {
			var waits []time.Duration
			tt.policy.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
			_ = run(t.Context(), tt.policy, func(int) error { return io.EOF })
			if len(waits) != tt.policy.tries()-1 || waits[0] < tt.first || slices.Max(waits) > tt.most ||
				tt.policy.First > 0 && waits[0] > tt.policy.First*3/2 {
				t.Fatalf("%s: pauses %v, want none longer than %v", name, waits, tt.most)
			}
		}
	}
}

func TestAttemptsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the job was cancelled")
		start := time.Now()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		err := run(ctx, Policy{Base: time.Hour, Max: time.Hour}, func(int) error { return io.EOF })
		if !errors.Is(err, cause) || !errors.Is(err, io.EOF) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want both the cause and the last error, in one line", err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("the pause went on for %v", time.Since(start))
		}
		// net/http returns the cause itself.
		if err := (Policy{}).Attempts().Again(ctx, &url.Error{Op: "Get", URL: "http://h", Err: cause}); err.Error() != `Get "http://h": the job was cancelled` {
			t.Errorf("got %q, want the cause once", err)
		}
	})
}

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	yes := []error{
		Temporary(errors.New("x"), 0), fmt.Errorf("a: %w", Temporary(errors.New("x"), 0)), io.ErrUnexpectedEOF,
		&url.Error{Op: "Get", URL: "http://x", Err: io.EOF}, &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		&StallError{time.Second}, fmt.Errorf("%w: %w", context.Canceled, &StallError{time.Second}),
		&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}},
		&url.Error{Op: "Get", Err: os.ErrDeadlineExceeded},
		&net.OpError{Op: "remote error", Err: tls.AlertError(80)},
		// Whatever net/http calls it.
		&TransportError{errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP response")},
		&url.Error{Op: "Get", URL: "http://x", Err: &TransportError{tls.RecordHeaderError{Msg: "first record"}}},
		&TransportError{&RepeatError{Sends: 3}}, &TransportError{&net.DNSError{IsTemporary: true}}, &TransportError{&net.DNSError{Err: "server misbehaving"}},
		&TransportError{Temporary(&ProxyError{Status: 503}, 0)},
	}
	no := []error{
		errors.New("x"), context.Canceled, fmt.Errorf("%w: %w", context.Canceled, io.EOF), &TransportError{context.Canceled},
		&TransportError{&net.DNSError{IsNotFound: true}}, &TransportError{&tls.CertificateVerificationError{Err: io.EOF}},
		&TransportError{&ProxyError{Status: 407}}, &TransportError{http.ErrSchemeMismatch}, &TransportError{url.InvalidHostError("{")},
		&TransportError{&url.Error{Op: "parse", Err: io.EOF}}, &TransportError{&net.ParseError{}}, &TransportError{net.UnknownNetworkError("x")},
		&TransportError{os.NewSyscallError("connect", syscall.EPERM)}, &url.Error{Op: "Get", Err: context.Canceled}, syscall.ENOSPC,
		&os.PathError{Op: "write", Path: "spool", Err: syscall.ENOSPC},
		&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, &tls.CertificateVerificationError{Err: io.EOF},
		&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port"}},
		&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)},
		&net.OpError{Op: "proxyconnect", Err: &tls.CertificateVerificationError{Err: io.EOF}},
	}
	for _, err := range yes {
		if !IsTemporary(err) {
			t.Errorf("%v should be temporary", err)
		}
	}
	for _, err := range no {
		if IsTemporary(err) {
			t.Errorf("%v should not be temporary", err)
		}
	}
}

// pipes is a network in memory. A mute one delivers nothing any more.
type pipes struct {
	conns chan net.Conn
	mute  atomic.Bool
}

func (p *pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return muteConn{client, p}, nil
}
func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p *pipes) Close() error { close(p.conns); return nil }
func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

type muteConn struct {
	net.Conn
	net *pipes
}

func (c muteConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.net.mute.Load() {
			return n, err
		}
	}
}

// HTTP/2 has faults of its own, whose types net/http does not export. This test causes
// the real ones.
func TestIsTemporaryOverHTTP2(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler func(network *pipes, w http.ResponseWriter, r *http.Request)
		text    string
	}{
		"stream reset before the answer": {func(*pipes, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "stream error"},
		"stream reset in the body": {func(_ *pipes, w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "stream error"},
		"connection lost": {func(network *pipes, _ http.ResponseWriter, r *http.Request) {
			network.mute.Store(true)
			<-r.Context().Done()
		}, "client connection lost"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				protocols := new(http.Protocols)
				protocols.SetUnencryptedHTTP2(true)
				network := &pipes{conns: make(chan net.Conn)}
				srv := http.Server{Protocols: protocols, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.handler(network, w, r)
				})}
				go func() { _ = srv.Serve(network) }()
				defer func() { _ = srv.Close() }()
				tr, err := NewTransport(TransportOptions{})
				if err != nil {
					t.Fatal(err)
				}
				defer tr.CloseIdleConnections()
				tr.Protocols, tr.DialContext = protocols, network.Dial
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/", nil)
				start := time.Now()
				res, err := tr.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(res.Body)
					_ = res.Body.Close()
				}
				if !IsTemporary(err) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%T %v; want a temporary %s", err, err, tt.text)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("took %v, want the two time-outs of the ping at most", took)
				}
			})
		})
	}
}

// slowBody returns one byte after each pause.
type slowBody struct {
	ctx    context.Context
	pauses []time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.pauses) == 0 {
		return 0, io.EOF
	}
	d := b.pauses[0]
	b.pauses = b.pauses[1:]
	if err := sleep(b.ctx, d); err != nil {
		return 0, err
	}
	p[0] = 'x'
	return 1, nil
}
func (*slowBody) Close() error { return nil }

func TestWatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pauses []time.Duration
		bytes  int
		stall  bool
	}{
		"steady":               {[]time.Duration{time.Second, 9 * time.Second, 9 * time.Second}, 3, false},
		"stalls at the start":  {[]time.Duration{time.Hour}, 0, true},
		"stalls in the middle": {[]time.Duration{time.Second, 11 * time.Second}, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				body := Watch(&slowBody{ctx, tt.pauses}, 10*time.Second, cancel)
				defer body.Close()
				got, err := io.ReadAll(body)
				stall, stalled := errors.AsType[*StallError](err)
				if len(got) != tt.bytes || stalled != tt.stall {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
				if stalled && stall.Idle != 10*time.Second {
					t.Errorf("stall says %v", stall.Idle)
				}
			})
		})
	}
}

// stubbornBody returns its last byte and the end after a time, even if its request was
// cancelled.
type stubbornBody struct{ time.Duration }

func (b stubbornBody) Read(p []byte) (int, error) {
	time.Sleep(b.Duration)
	p[0] = 'x'
	return 1, io.EOF
}
func (stubbornBody) Close() error { return nil }

func TestWatchKeepsTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		n, err := Watch(stubbornBody{2 * time.Second}, time.Second, cancel).Read(make([]byte, 1))
		if n != 1 || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes, %v; want the last one and EOF", n, err)
		}
		if _, ok := errors.AsType[*StallError](context.Cause(ctx)); !ok {
			t.Errorf("the request was ended by %v", context.Cause(ctx))
		}
	})
}

func TestWatchIgnoresPausesOfTheReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		body := Watch(&slowBody{ctx, make([]time.Duration, 2)}, time.Second, cancel)
		for range 2 {
			if _, err := body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := sleep(ctx, time.Minute); err != nil {
				t.Fatalf("the watchdog bit while there was no reader: %v", err)
			}
		}
	})
}

func TestRedact(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://h/a/b": "https://h/a/b",
		"https://user:pw@h/a?sig=SECRET&se=2026#x":     "https://h/a?se=REDACTED&sig=REDACTED",
		"https://h/a?page=2&per_page=100&name=dist":    "https://h/a?name=dist&page=2&per_page=100",
		"https://h/a?X-Amz-Signature=SECRET&sig=&name": "https://h/a?X-Amz-Signature=REDACTED&name=&sig=REDACTED",
		"https://h/%zz?sig=SECRET":                     "(a URL that cannot be parsed)",
	}
	for in, want := range tests {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRedactError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"url.Error": {&url.Error{Op: "Get", URL: "https://h/a?sig=SECRET", Err: io.EOF}, `Get "https://h/a?sig=REDACTED": EOF`},
		"wrapped":   {fmt.Errorf("x: %w", &url.Error{Op: "Get", URL: "https://u:SECRET@h/a", Err: io.EOF}), `x: Get "https://h/a": EOF`},
		"nested": {
			&url.Error{Op: "Get", URL: "https://h/a?page=1", Err: fmt.Errorf("to https://h/b?sig=SECRET, %w", io.EOF)},
			`Get "https://h/a?page=1": to https://h/b?sig=REDACTED EOF`,
		},
		"relative redirect": {fmt.Errorf(`bad Location "/a\"b?sig=SECRET": %w`, io.EOF), `bad Location "/a%22b?sig=REDACTED": EOF`},
		"broken redirect":   {fmt.Errorf(`bad Location "/%%zz?sig=SECRET": %w`, io.EOF), `bad Location "(a URL that cannot be parsed)": EOF`},
		"no URL":            {fmt.Errorf(`the name "x": %w`, io.EOF), `the name "x": EOF`},
	}
	for name, tt := range tests {
		got := RedactError(tt.err)
		if got.Error() != tt.want || !errors.Is(got, io.EOF) {
			t.Errorf("%s: %v\nwant %s", name, got, tt.want)
		}
	}
	if RedactError(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestExtraCA(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // the refused handshake
	srv.StartTLS()
	defer srv.Close()
	get := func(ca []byte) (string, error) {
		tr, err := NewTransport(TransportOptions{ExtraCA: ca})
		if err != nil {
			return "", err
		}
		defer tr.CloseIdleConnections()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		res, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		b, err := ReadCapped(res.Body, 4)
		return string(b), err
	}
	if _, err := get(nil); err == nil || IsTemporary(err) {
		t.Errorf("an unknown authority gave %v, want an error that is not temporary", err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if got, err := get(ca); got != "hell" || err != nil {
		t.Errorf("with its certificate: %q, %v", got, err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	if got, err := get(slices.Concat(key, ca)); got != "hell" || err != nil {
		t.Errorf("with its certificate after another block: %q, %v", got, err)
	}
	tests := map[string]struct {
		pem  []byte
		want string
	}{
		"lower case":  {bytes.ToLower(ca), "it holds no PEM certificate"},
		"a key":       {key, `it holds no PEM certificate: its block 1 is of type "PRIVATE KEY"`},
		"cut in half": {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw[:99]}), "that can be read: block 1: x509: "},
	}
	for name, tt := range tests {
		if _, err := get(tt.pem); !errors.Is(err, ErrNoCertificate) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s gave %v, want %s", name, err, tt.want)
		}
	}
}

// getBy sends a request through a proxy that takes a password. It returns the proxy's address
// with the password, and the request's error.
func getBy(t *testing.T, proxy, target string) (*url.URL, error) {
	t.Helper()
	at, err := url.Parse(strings.Replace(proxy, "//", "//user:SECRET@", 1))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTransport(TransportOptions{Proxy: http.ProxyURL(at)})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	res, err := tr.RoundTrip(req)
	if err == nil {
		_ = res.Body.Close()
	}
	return at, err
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	for status, temporary := range map[int]bool{407: false, 403: false, 503: true, 501: false, 429: true} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer proxy.Close()
		at, err := getBy(t, proxy.URL, "https://api.example/")
		want := fmt.Sprintf("the proxy %s answered %d %s when asked for a connection to api.example:443", at.Host, status, http.StatusText(status))
		if refused, ok := errors.AsType[*ProxyError](err); !ok || refused.Error() != want || IsTemporary(err) != temporary {
			t.Errorf("%v, temporary %v; want %s, %v", err, IsTemporary(err), want, temporary)
		}
		if strings.Contains(fmt.Sprint(err), "SECRET") {
			t.Errorf("%v shows the proxy's password", err)
		}
	}
}

func TestTransportProtocol(t *testing.T) {
	t.Parallel()
	for want, http1 := range map[string]bool{"2": false, "1": true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, strconv.Itoa(r.ProtoMajor)) }))
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
		transport, err := NewTransport(TransportOptions{ExtraCA: ca, HTTP1: http1})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

// A request without a host, with an unknown scheme or with an ended context is the
// caller's doing, not a fault of the network.
func TestTransportTypesOnlyItsOwnFaults(t *testing.T) {
	t.Parallel()
	tr, err := NewTransport(TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the job was cancelled")
	cancel(why)
	for name, r := range map[string]*http.Request{
		"scheme":    {Method: http.MethodGet, URL: &url.URL{Scheme: "ftp", Host: "h"}, Header: http.Header{}},
		"no host":   {Method: http.MethodGet, URL: &url.URL{Scheme: "https"}, Header: http.Header{}},
		"cancelled": (&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, Header: http.Header{}}).WithContext(ended),
	} {
		res, err := tr.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		if _, typed := errors.AsType[*TransportError](err); err == nil || typed || IsTemporary(err) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
}

// A body that ends as it should ends with io.EOF itself; a broken one with a
// typed error.
func TestTransportTypesBodies(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "9")
		}
		_, _ = io.WriteString(w, "four")
	}))
	defer srv.Close()
	tr, err := NewTransport(TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	for path, want := range map[string]error{"/": io.EOF, "/cut": io.ErrUnexpectedEOF} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		for err == nil {
			var some int
			some, err = res.Body.Read(make([]byte, 9))
			n += some
		}
		_ = res.Body.Close()
		_, typed := errors.AsType[*TransportError](err)
		if n != 4 || !errors.Is(err, want) || typed == (want == io.EOF) { //nolint:errorlint // which of the two it is
			t.Errorf("%s: %d bytes, %T %v", path, n, err, err)
		}
	}
}

// An answer's head is bounded.
func TestTransportBoundsTheHead(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", strings.Repeat(`<http://h/?page=2>; rel="next", `, maxHeader/32+100))
	}))
	defer srv.Close()
	tr, err := NewTransport(TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	res, err := tr.RoundTrip(req)
	if err == nil {
		_ = res.Body.Close()
		t.Error("a head of more than 256 KiB was read")
	}
}

// A proxy answers plain-HTTP requests itself; what it refuses is not the
// server's word.
func TestPlainProxyRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status    int
		media     string
		refused   bool
		temporary bool
	}{
		"407":         {407, "", true, false},
		"403 page":    {403, "text/html; charset=utf-8", true, false},
		"502 page":    {502, "text/html", true, true},
		"403 in JSON": {403, "application/json", false, false},
		"503 in XML":  {503, "application/xml", false, false},
		"404 page":    {404, "text/html", false, false},
	} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.media)
			w.WriteHeader(tt.status)
		}))
		defer proxy.Close()
		at, err := getBy(t, proxy.URL, "http://api.example/")
		e, refused := errors.AsType[*ProxyError](err)
		if refused != tt.refused || IsTemporary(err) != tt.temporary || strings.Contains(fmt.Sprint(err), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
		if refused && (e.Proxy != at.Host || !e.Plain) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A user and a password are never shown, however the URL is spelt, whether or not it can
// be parsed, and even in a text that is no URL.
func TestRedactUserInfo(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://user:s3cret@h/a", "HTTPS://user:s3cret@h/a", "hTTp://user:s3cret@h", "https://s3cret@h/a", "https://user:s3cret@[::1]:80/a",
		"https://user:s3cret@[::1/a", "https://user:s3c/ret@h", "https://user:s3c%2Fret@h", "https://user:s3c@ret@h", "https://user:s3cret@h/%zz", "https://user:%zzs3cret@h",
		"https://user:s3cret@h:port/", "https://user:s3cret word@h/", "//user:s3cret@h/a", "//s3cret@h/a", "user:s3cret@h", "user:s3cret@h:80/a", "https:user:s3cret@h",
		"https:///user:s3cret@h", "https:/user:s3cret@h", "socks5://user:s3cret@h", "ftp://user:s3cret@h/a", "https://h/https://user:s3cret@h2", "https://h/a?to=https://user:s3cret@h2",
		"https://h/a#user:s3cret@h", "user%3As3cret@h", "https%3A%2F%2Fuser:s3cret@h", "http://user:s3cret@h\x00/", "https://user:s3cret@h/\x7f",
	} {
		if got := Redact(raw); leaks(got) {
			t.Errorf("Redact(%q) = %q", raw, got)
		}
		_, parse := url.Parse(raw)
		for _, err := range []error{
			&url.Error{Op: "Get", URL: raw, Err: io.EOF}, fmt.Errorf("failed to parse Location header %q: %w", raw, io.EOF), parse,
			fmt.Errorf("proxy: %w", parse), fmt.Errorf("failed to parse Location header %q: %v", raw, parse), //nolint:errorlint // as net/http does
		} {
			if err == nil || strings.Contains(err.Error(), "%!") {
				continue
			}
			if got := RedactError(err).Error(); leaks(got) {
				t.Errorf("%q shows in %q", raw, got)
			}
		}
	}
	for _, text := range []string{
		"dial tcp: lookup user:s3cret@h: no such host", "to HTTPS://user:s3cret@h/a, which", "Proxy socks5://user:s3cret@h:1", `invalid value "user:s3cret@h:80"`,
		"to //user:s3cret@h/a",
	} {
		if got := RedactError(errors.New(text)).Error(); leaks(got) {
			t.Errorf("%q became %q", text, got)
		}
	}
	// What is no secret stays.
	for _, text := range []string{
		`the name "dist@v1"`, `open "C:\\x": no such file`, "dial tcp [::1]:443: connect: connection refused", `branch "a:b"`, "mail to octo@example.com",
		`read tcp 127.0.0.1:1->127.0.0.1:2: connection reset by peer`,
	} {
		if got := RedactError(errors.New(text)).Error(); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func leaks(text string) bool {
	return strings.Contains(text, "s3c") || strings.Contains(text, "cret") || strings.Contains(text, "ret@")
}
