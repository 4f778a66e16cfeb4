package httpx

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestDo(t *testing.T) {
	t.Parallel()
	fault := Temporary(errors.New("fault"), 0)
	final := errors.New("final")
	tests := map[string]struct {
		errs  []error // of each try; nil afterwards
		tries int
		want  string
	}{
		"at once":        {nil, 1, ""},
		"third time":     {[]error{fault, io.ErrUnexpectedEOF}, 3, ""},
		"not temporary":  {[]error{fault, final}, 2, "final"},
		"tries used up":  {[]error{fault, fault, fault, fault}, 3, "after 3 tries: fault"},
		"last error won": {[]error{fault, fault, syscall.ECONNRESET}, 3, "after 3 tries: connection reset by peer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				err := Policy{MaxTries: 3}.Do(t.Context(), func(_ context.Context, try int) error {
					n++
					if try != n {
						t.Errorf("try %d is called %d", n, try)
					}
					if n <= len(tt.errs) {
						return tt.errs[n-1]
					}
					return nil
				})
				if n != tt.tries || fmt.Sprint(err) != orDefault(tt.want, "<nil>") {
					t.Errorf("%d tries, %v; want %d, %q", n, err, tt.tries, tt.want)
				}
			})
		})
	}
}

func TestDoPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := Policy{Base: time.Second, Max: 4 * time.Second, MaxTries: 5, Notify: func(_ error, d time.Duration) { waits = append(waits, d) }}
		start := time.Now()
		_ = p.Do(t.Context(), func(_ context.Context, try int) error {
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
			if base != 0 && (waits[i] < base/2 || waits[i] > base*3/2) {
				t.Errorf("pause %d is %v, want about %v", i, waits[i], base)
			}
		}
		if took := time.Since(start); took != sum {
			t.Errorf("took %v, announced %v", took, sum)
		}
	})
}

func TestDoCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the job was cancelled")
		start := time.Now()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		err := Policy{Base: time.Hour, Max: time.Hour}.Do(ctx, func(context.Context, int) error { return io.EOF })
		if !errors.Is(err, cause) || !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want both the cause and the last error", err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("the pause went on for %v", time.Since(start))
		}
	})
}

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	yes := []error{
		Temporary(errors.New("x"), 0), fmt.Errorf("a: %w", Temporary(errors.New("x"), 0)), io.ErrUnexpectedEOF,
		&url.Error{Op: "Get", URL: "http://x", Err: io.EOF}, &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		&StallError{time.Second}, &net.DNSError{IsTimeout: true}, syscall.ECONNREFUSED,
	}
	no := []error{
		errors.New("x"), context.Canceled, &url.Error{Op: "Get", Err: context.Canceled}, syscall.ENOSPC,
		&net.DNSError{IsNotFound: true}, &tls.CertificateVerificationError{Err: io.EOF},
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

// slowBody brings one byte after each pause.
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
				t.Fatalf("the watchdog bit while nobody was reading: %v", err)
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
	err := RedactError(&url.Error{Op: "Get", URL: "https://h/a?sig=SECRET", Err: io.EOF})
	if strings.Contains(err.Error(), "SECRET") || !errors.Is(err, io.EOF) {
		t.Errorf("RedactError: %v", err)
	}
}

func TestProxyFrom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		url  string
		want string
	}{
		"none":       {nil, "https://api.github.com/", ""},
		"upper case": {map[string]string{"HTTPS_PROXY": "http://p:1"}, "https://api.github.com/", "http://p:1"},
		"lower case": {map[string]string{"https_proxy": "p:1"}, "https://api.github.com/", "http://p:1"},
		"excepted":   {map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": ".github.com"}, "https://api.github.com/", ""},
		"http":       {map[string]string{"HTTP_PROXY": "http://p:1"}, "http://ghes/", "http://p:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := ProxyFrom(func(k string) (string, bool) { v, ok := tt.env[k]; return v, ok })
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
			u, err := proxy(req)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(u); got != orDefault(tt.want, "<nil>") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestExtraCA(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	srv.Config.ErrorLog = nil
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
	if _, err := get(bytes.ToLower(ca)); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("broken PEM gave %v", err)
	}
}
