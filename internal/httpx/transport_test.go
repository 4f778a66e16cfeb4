package httpx

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
